/** The graph that is being made: a metric widget in the words of an address. */
import { bounds, isRelative } from "../lib/range";
import { metricOf, optionsOf, readRows, type Row } from "../lib/metricrow";

export const DEFAULT_START = "-PT3H";
export const VIEWS: [string, string][] = [["timeSeries", "Lines"], ["singleValue", "Numbers"], ["gauge", "Gauge"], ["bar", "Bars"], ["pie", "Pie"], ["table", "Table"]];
export const PERIODS: [number, string][] = [[1, "1 s"], [5, "5 s"], [10, "10 s"], [30, "30 s"], [60, "1 m"], [300, "5 m"], [900, "15 m"], [3600, "1 h"], [21600, "6 h"], [86400, "1 d"]];
/** Points that a line has about as many of at most. */
const POINTS = 400;
const GAUGE_MOST = 100;

export interface Axis {
  min?: number;
  max?: number;
  label?: string;
  showUnits?: boolean;
}
export interface Horizontal {
  value: number;
  label?: string;
  color?: string;
  fill?: "above" | "below" | "none";
  yAxis?: "left" | "right";
}
export interface Vertical {
  value: string;
  label?: string;
  color?: string;
  fill?: "before" | "after" | "none";
}

/** Whatever else a widget may have; what is not named here is kept as it is. */
export interface Options {
  title?: string;
  yAxis?: { left?: Axis; right?: Axis };
  legend?: { position: "bottom" | "right" | "hidden" };
  annotations?: { horizontal?: (Horizontal | Horizontal[])[]; vertical?: (Vertical | Vertical[])[]; alarms?: string[] };
  timezone?: string;
  [other: string]: unknown;
}

export interface Graph {
  rows: Row[];
  stat: string;
  /** Seconds; 0 for one that suits the time. */
  period: number;
  /** "" for the default. */
  start: string;
  end: string;
  view: string;
  stacked: boolean;
  options: Options;
}

function parsed(text: string): Options {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === "object" && found !== null && !Array.isArray(found) ? (found as Options) : {};
  } catch {
    return {};
  }
}

/** The graph in the words of an address. */
export const readGraph = (word: (name: string) => string, words: (name: string) => string[]): Graph => ({
  rows: readRows(words("m")),
  stat: word("stat") || "Average",
  period: Number(word("period")) || 0,
  start: word("start"),
  end: word("end"),
  view: word("view") || "timeSeries",
  stacked: word("stacked") === "1",
  options: parsed(word("options")),
});

/** The same as words of the address; those of defaults are left out. */
export function written(graph: Partial<Graph>): Record<string, string | number | string[] | null> {
  const words: Record<string, string | number | string[] | null> = {};
  if (graph.rows) words.m = graph.rows.map((row) => JSON.stringify(row));
  if (graph.stat !== undefined) words.stat = graph.stat === "Average" ? null : graph.stat;
  if (graph.period !== undefined) words.period = graph.period || null;
  if (graph.start !== undefined) words.start = graph.start;
  if (graph.end !== undefined) words.end = graph.end;
  if (graph.view !== undefined) words.view = graph.view === "timeSeries" ? null : graph.view;
  if (graph.stacked !== undefined) words.stacked = graph.stacked ? 1 : null;
  if (graph.options) words.options = Object.keys(graph.options).length ? JSON.stringify(graph.options) : null;
  return words;
}

/** Seconds a point, so that a line has some hundreds of them. */
export function suited(start: string, end: string, now: number): number {
  const [low, high] = bounds(start || DEFAULT_START, end, now);
  return [1, 10, 60, 300, 3600].find((one) => (high - low) / one <= POINTS) ?? 86400;
}

/** What the server is asked to draw. */
export function properties(graph: Graph, now: number): Record<string, unknown> {
  const { rows, stat, start, end, view, stacked, options } = graph;
  const gauge = view === "gauge" ? { yAxis: { ...options.yAxis, left: { min: 0, max: GAUGE_MOST, ...options.yAxis?.left } } } : {};
  return {
    ...options,
    metrics: rows,
    stat,
    period: graph.period || suited(start, end, now),
    start: start || DEFAULT_START,
    ...(end ? { end } : {}),
    view,
    stacked,
    ...gauge,
  };
}

/** The graph of a widget's JSON, be it the properties or the widget around them. Throws Error, which says what is wrong. */
export function fromSource(text: string): Graph {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw new Error(`This is no JSON: ${(error as Error).message}`, { cause: error });
  }
  const whole = given as { properties?: unknown } | null;
  const found = (whole && typeof whole === "object" && typeof whole.properties === "object" ? whole.properties : given) as Record<string, unknown>;
  if (typeof found !== "object" || found === null || Array.isArray(found)) throw new Error("A widget is an object: {\"metrics\": [...]}.");
  const { metrics = [], stat, period, start, end, view, stacked, region: _, width: __, height: ___, ...options } = found;
  if (!Array.isArray(metrics) || !metrics.every(Array.isArray)) throw new Error('"metrics" is a list of rows, each a list: [["Namespace", "Name", "Dimension", "Value"]].');
  const text_ = (value: unknown) => (typeof value === "string" ? value : "");
  return {
    rows: spelled(metrics as Row[]),
    stat: text_(stat) || "Average",
    period: typeof period === "number" ? period : 0,
    start: text_(start),
    end: isRelative(text_(start)) && !text_(end) ? "" : text_(end),
    view: text_(view) || "timeSeries",
    stacked: stacked === true,
    options,
  };
}

/** Rows with `"."` and `"..."`, which repeat the row before, written out. */
export function spelled(rows: Row[]): Row[] {
  const done: Row[] = [];
  let before: string[] = [];
  for (const row of rows) {
    const words = row.filter((one) => typeof one === "string");
    const rest = row.filter((one) => typeof one !== "string");
    const lead = words[0] === "..." ? before.slice(0, Math.max(before.length - words.length + 1, 0)) : [];
    const all = words[0] === "..." ? [...lead, ...words.slice(1)] : words;
    const whole = all.map((word, at) => (word === "." ? (before[at] ?? word) : word));
    done.push([...whole, ...rest]);
    if (whole.length) before = whole; // An expression stands between metrics without ending what they repeat.
  }
  return done;
}

/** What a row is called where it has no label. */
export function wordsOf(row: Row): string {
  const metric = metricOf(row);
  const { label, expression } = optionsOf(row);
  return metric ? [metric.name, metric.dimensions.map((pair) => pair[1]).join(" · ")].filter(Boolean).join(" · ") : label || expression || "expression";
}
