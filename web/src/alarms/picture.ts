/** What an alarm sees, as a picture. */
import { plainCurve, plainPicture, type Picture, type PictureCurve } from "../charts/picture";
import { colour } from "../lib/theme.svelte";
import type { Stretch } from "./alarm";
import type { BackTest, Series } from "./calls";

const axis = () => ({ min: null, max: null, label: "", showUnits: false });

function curve(label: string, times: number[], values: (number | null)[], high: (number | null)[] | null, shade: string | null, period: number): PictureCurve {
  const known = times.flatMap((_, at) => (values[at] === null ? [] : [at]));
  return plainCurve({
    label,
    color: shade,
    period,
    timestamps: known.map((at) => times[at]!),
    values: known.map((at) => values[at]!),
    high: high && known.map((at) => high[at] ?? null),
  });
}

function band(series: Series, times: number[], period: number): PictureCurve[] {
  return series.low && series.high ? [curve("Expected", times, series.low, series.high, colour("--muted"), period)] : [];
}

/** The colours of states, thin enough to lie behind curves. */
const SHADES: Record<string, string> = { ALARM: "--bad", INSUFFICIENT_DATA: "--warn" };

export function pictureOf(seen: BackTest, title: string, stretches: Stretch[], level: number | null): Picture {
  return plainPicture({
    title,
    start: seen.from,
    end: seen.to,
    axes: { left: axis(), right: axis() },
    curves: seen.series.flatMap((one) => [...band(one, seen.times, seen.period), curve(one.label, seen.times, one.values, null, null, seen.period)]),
    levels: level === null ? [] : [{ value: level, label: "threshold", color: null, axis: "left", fill: "none" }],
    marks: stretches.flatMap((one) => (SHADES[one.state] ? [{ time: one.from, until: one.to, label: "", color: colour(SHADES[one.state]!), fill: "none" as const }] : [])),
  });
}
