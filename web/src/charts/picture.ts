import uPlot from "uplot";
import { clock, moment, number } from "../lib/format";
import { plainAxis, underCursor, zoomToSelection } from "./plot";
import { colour } from "../lib/theme.svelte";

export interface PictureCurve {
  label: string;
  color: string | null;
  axis: "left" | "right";
  unit: string | null;
  /** Where one value is shown. */
  number: number | null;
  incomplete: boolean;
  timestamps: number[];
  values: (number | null)[];
  /** The upper edge of a band. */
  high: (number | null)[] | null;
}

export interface PictureAxis {
  min: number | null;
  max: number | null;
  label: string;
  showUnits: boolean;
}

/** What a metric widget shows. */
export interface Picture {
  title: string;
  view: "timeSeries" | "singleValue" | "gauge" | "bar" | "pie" | "table";
  start: number;
  end: number;
  axes: { left: PictureAxis; right: PictureAxis };
  curves: PictureCurve[];
  levels: { value: number; label: string; color: string | null; axis: "left" | "right" }[];
}

/** The colour of a curve: its own, or the next of ours. */
export const shade = (curve: { color: string | null }, index: number) =>
  curve.color ?? colour(`--series-${(index % 8) + 1}`);

type Table = [number[], ...(number | null)[][]];

/** Columns on one x axis: values and, of a band, its upper edge. */
export function columns(curves: PictureCurve[]): uPlot.AlignedData {
  if (!curves.length) return [[]];
  const tables = curves.map((curve): Table =>
    curve.high ? [curve.timestamps, curve.values, curve.high] : [curve.timestamps, curve.values],
  );
  return uPlot.join(tables as uPlot.AlignedData[]);
}

function series(picture: Picture): uPlot.Series[] {
  const all: uPlot.Series[] = [{}];
  picture.curves.forEach((curve, index) => {
    const stroke = shade(curve, index);
    const one: uPlot.Series = {
      label: curve.label,
      scale: curve.axis,
      stroke,
      width: 1.75,
      spanGaps: true,
      points: { show: curve.timestamps.length <= 40, size: 5, fill: stroke },
    };
    all.push(one);
    if (curve.high) all.push({ ...one, label: `${curve.label} (high)`, points: { show: false } });
  });
  return all;
}

function bands(picture: Picture): uPlot.Band[] {
  const found: uPlot.Band[] = [];
  let at = 1;
  picture.curves.forEach((curve, index) => {
    if (curve.high) {
      const fill = `color-mix(in srgb, ${shade(curve, index)} 20%, transparent)`;
      found.push({ series: [at + 1, at], fill });
    }
    at += curve.high ? 2 : 1;
  });
  return found;
}

function range(picture: Picture, side: "left" | "right"): uPlot.Scale.Range {
  const { min, max } = picture.axes[side];
  const levels = picture.levels.filter((one) => one.axis === side).map((one) => one.value);
  return (_, low, high) => {
    const lowest = Math.min(low ?? Infinity, ...levels);
    const highest = Math.max(high ?? -Infinity, ...levels);
    if (!Number.isFinite(lowest)) return [min ?? 0, max ?? 1];
    const room = lowest === highest ? Math.abs(lowest) * 0.1 || 1 : (highest - lowest) * 0.06;
    return [min ?? lowest - room, max ?? highest + room];
  };
}

function axes(picture: Picture): uPlot.Axis[] {
  const base = plainAxis();
  const long = picture.end - picture.start > 86400;
  const x: uPlot.Axis = {
    ...base,
    size: 26,
    gap: 4,
    space: 80,
    values: (_, splits) => splits.map((value) => (long ? moment(value).slice(5, 16) : clock(value).slice(0, 5))),
  };
  const sides = (["left", "right"] as const).filter(
    (side) => side === "left" || picture.curves.some((curve) => curve.axis === side),
  );
  const values = sides.map((side): uPlot.Axis => {
    const { label, showUnits } = picture.axes[side];
    const units = new Set(picture.curves.filter((curve) => curve.axis === side).map((curve) => curve.unit));
    const unit = showUnits && units.size === 1 ? [...units][0] : null;
    const title = label || (unit && unit !== "None" ? unit : "");
    return {
      ...base,
      scale: side,
      side: side === "left" ? 3 : 1,
      size: 54,
      gap: 6,
      space: 32,
      grid: { ...base.grid, show: side === "left" },
      ...(title ? { label: title, labelSize: 18, labelFont: base.font } : {}),
      values: (_, splits) => splits.map((value) => (value === null ? "" : number(value))),
    };
  });
  return [x, ...values];
}

function drawLevels(plot: uPlot, levels: Picture["levels"]) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px ${colour("--sans")}`;
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  for (const level of levels) {
    if (!plot.scales[level.axis]) continue;
    const y = plot.valToPos(level.value, level.axis, true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.strokeStyle = ctx.fillStyle = level.color ?? colour("--bad");
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.fillText(level.label, bbox.left + 6 * devicePixelRatio, y - 4 * devicePixelRatio);
  }
  ctx.restore();
}

export interface PictureEvents {
  zoom: (from: number, to: number) => void;
  /** Row of the aligned data under the crosshair, null when it left. */
  cursor: (index: number | null) => void;
}

/** The curves of a picture in `root`; the crosshair is shared by all of one `group`. `threshold` is drawn as a line,
 * as it is whenever the plot is drawn anew. */
export function drawPicture(
  root: HTMLElement,
  group: string,
  picture: Picture,
  events: PictureEvents,
  threshold: () => number | null,
): uPlot {
  const levels = (): Picture["levels"] => {
    const value = threshold();
    const own = value === null ? [] : [{ value, label: "threshold", color: null, axis: "left" as const }];
    return [...picture.levels, ...own];
  };
  const scales: uPlot.Scales = {
    x: { time: false, range: () => [picture.start, picture.end] },
    left: { range: range(picture, "left") },
  };
  if (picture.curves.some((curve) => curve.axis === "right")) scales.right = { range: range(picture, "right") };
  return new uPlot(
    {
      width: Math.max(root.clientWidth, 80),
      height: Math.max(root.clientHeight, 60),
      padding: [10, 12, 0, 0],
      legend: { show: false },
      scales,
      series: series(picture),
      bands: bands(picture),
      axes: axes(picture),
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false, dist: 4 },
        points: { size: 6 },
        sync: { key: group, setSeries: false, filters: { pub: (type) => type.startsWith("mouse") } },
      },
      hooks: {
        setCursor: [(plot) => events.cursor(underCursor(plot))],
        setSelect: [(plot) => zoomToSelection(plot, events.zoom)],
        draw: [(plot) => drawLevels(plot, levels())],
      },
    },
    columns(picture.curves),
    root,
  );
}
