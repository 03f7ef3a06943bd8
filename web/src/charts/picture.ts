import uPlot from "uplot";
import { post } from "../lib/api";
import { lastUpTo } from "../lib/sorted";
import { colour } from "../lib/theme.svelte";
import { missing, withRows, type Column } from "./gaps";
import { spanned } from "./series";

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
  /** What it stands upon, where curves are stacked. */
  low: number[] | null;
  /** Which of the widget's rows it comes from. */
  row: number;
  /** Seconds from one point to the next; 0 where that is not known. */
  period: number;
  /** Of the metric that it was read from. */
  dimensions: [string, string][];
}

export interface PictureAxis {
  min: number | null;
  max: number | null;
  label: string;
  showUnits: boolean;
}

export type Side = "left" | "right";

/** What a metric widget shows. */
export interface Picture {
  title: string;
  view: "timeSeries" | "singleValue" | "gauge" | "bar" | "pie" | "table";
  start: number;
  end: number;
  axes: Record<Side, PictureAxis>;
  curves: PictureCurve[];
  levels: { value: number; label: string; color: string | null; axis: Side; fill: "above" | "below" | "none" }[];
  bands: { low: number; high: number; color: string | null; axis: Side }[];
  /** Moments; one that begins a span lasts until that which ends it. */
  marks: { time: number; until: number | null; label: string; color: string | null; fill: "before" | "after" | "none" }[];
  legend: "bottom" | "right" | "hidden";
  stacked: boolean;
  /** Whether a number has its curve behind it, and all of its digits. */
  sparkline: boolean;
  precise: boolean;
  table: { layout: "horizontal" | "vertical"; stickySummary: boolean; showTimeSeriesData: boolean; summaryColumns: string[] };
}

/** What a metric widget shows now, by its properties. */
export const readPicture = (properties: object, signal?: AbortSignal) => post<Picture>("widget", { widget: properties }, signal);

/** A curve with nothing special about it but what is `given`. */
export const plainCurve = (given: Partial<PictureCurve> & { label: string }): PictureCurve => ({
  color: null,
  axis: "left",
  unit: null,
  number: null,
  incomplete: false,
  timestamps: [],
  values: [],
  high: null,
  low: null,
  row: 0,
  period: 0,
  dimensions: [],
  ...given,
});

const plainAxes = (): Record<Side, PictureAxis> => {
  const axis = { min: null, max: null, label: "", showUnits: true };
  return { left: axis, right: { ...axis } };
};

/** A picture with nothing special about it but what is `given`. */
export const plainPicture = (given: Partial<Picture> & Pick<Picture, "start" | "end" | "curves">): Picture => ({
  title: "",
  view: "timeSeries",
  axes: plainAxes(),
  levels: [],
  bands: [],
  marks: [],
  legend: "bottom",
  stacked: false,
  sparkline: false,
  precise: false,
  table: { layout: "horizontal", stickySummary: false, showTimeSeriesData: false, summaryColumns: [] },
  ...given,
});

/** The colour of a curve: its own, or the next of ours. */
export const shade = (curve: { color: string | null }, index: number) =>
  curve.color ?? colour(`--series-${(index % 8) + 1}`);

/** The values of a curve itself, also where it stands upon others. */
export const own = (curve: PictureCurve): (number | null)[] =>
  curve.low ? curve.values.map((value, at) => (value === null ? null : value - curve.low![at]!)) : curve.values;

export interface Summary {
  last: number | null;
  min: number | null;
  max: number | null;
  mean: number | null;
}

export function summary(curve: PictureCurve): Summary {
  let [min, max, sum, count, last] = [Infinity, -Infinity, 0, 0, null as number | null];
  for (const value of own(curve)) {
    if (value === null) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    count += 1;
    last = value;
  }
  return count ? { last, min, max, mean: sum / count } : { last: null, min: null, max: null, mean: null };
}

/** Where the columns of a curve are among the plot's: its values, the last of them alone while its period is not over, and
 * the upper edge of a band.
 */
export interface Place {
  curve: number;
  values: number;
  open: number;
  high: number | null;
}

/** Columns of those curves that are to be seen, on one x axis. */
export function columns(picture: Picture, hidden: ReadonlySet<string>, now: number): { data: uPlot.AlignedData; places: Place[] } {
  const floors = new Map<Side, Column>();
  const tables: [number[], ...Column[]][] = [];
  // A stack stands upon all its curves: it goes on between their points.
  const gaps = (curve: PictureCurve) => (curve.low ? [] : missing(curve.timestamps, curve.period));
  const places: Place[] = [];
  let next = 1;
  picture.curves.forEach((curve, index) => {
    if (hidden.has(curve.label)) return;
    const values = curve.low ? piled(floors, curve) : curve.values;
    const parts = [...parted(curve, values, now), ...(curve.high ? [curve.high] : [])];
    tables.push(withRows(curve.timestamps, parts, gaps(curve), [null, null, null]));
    places.push({ curve: index, values: next, open: next + 1, high: curve.high ? next + 2 : null });
    next += curve.high ? 3 : 2;
  });
  return { data: tables.length ? uPlot.join(tables as uPlot.AlignedData[]) : [[]], places };
}

/** The levels and the edges of the bands of a side. */
export const annotated = ({ levels, bands }: Picture, side: Side): number[] => [
  ...levels.filter((one) => one.axis === side).map((one) => one.value),
  ...bands.filter((one) => one.axis === side).flatMap((one) => [one.low, one.high]),
];

/** Axes with the ends that show all of several pictures, where they have none of their own. */
export function sameAxes(pictures: Picture[], hidden: ReadonlySet<string>, log: boolean): Picture["axes"] {
  const [first] = pictures as [Picture];
  const tables = pictures.map((picture) => ({ picture, ...columns(picture, hidden, Infinity) }));
  const axis = (side: Side): PictureAxis => {
    const found = tables.flatMap(({ picture, data, places }) =>
      places
        .filter(({ curve }) => picture.curves[curve]!.axis === side)
        .flatMap(({ values, high }) => [data[values]!, ...(high === null ? [] : [data[high]!])]),
    );
    const ground = first.stacked && found.length ? [[0]] : [];
    const [min, max] = spanned([...found, annotated(first, side), ...ground], log) ?? [null, null];
    const given = first.axes[side];
    return { ...given, min: given.min ?? (ground.length && !log ? Math.max(min!, 0) : min), max: given.max ?? max };
  };
  return { left: axis("left"), right: axis("right") };
}

/** The values upon those of the curves before that are to be seen. */
function piled(floors: Map<Side, Column>, curve: PictureCurve): Column {
  const floor = floors.get(curve.axis);
  const values = own(curve).map((value, at) => (value ?? 0) + (floor?.[at] ?? 0));
  floors.set(curve.axis, values);
  return values;
}

/** The points whose period is over, and the line from the last of them to the one whose period is not. */
function parted(curve: PictureCurve, values: Column, now: number): [Column, Column] {
  const end = values.length - 1;
  const open: Column = values.map(() => undefined);
  if (end < 1 || !curve.period || curve.timestamps[end]! + curve.period <= now) return [values, open];
  open[end] = values[end]!;
  if (curve.low || curve.timestamps[end]! - curve.timestamps[end - 1]! <= curve.period) open[end - 1] = values[end - 1]!;
  return [[...values.slice(0, end), undefined], open];
}

/** The value of a curve at a row of the plot's data; null in a gap. */
export function valueAt(data: uPlot.AlignedData, picture: Picture, place: Place, row: number): number | null {
  const curve = picture.curves[place.curve]!;
  const time = data[0][row];
  const at = time === undefined ? -1 : lastUpTo(curve.timestamps, time);
  const over = curve.period && !curve.low && time! >= curve.timestamps[at]! + curve.period;
  return at < 0 || over ? null : (own(curve)[at] ?? null);
}
