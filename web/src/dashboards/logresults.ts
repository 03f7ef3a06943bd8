/** What a log widget asks for, and its rows as pictures. */
import type { Picture, PictureCurve } from "../charts/picture";

export interface Cell {
  field: string;
  value: string;
}
export type ResultRow = Cell[];

const SOURCE = /SOURCE\s+(?:'([^']*)'|"([^"]*)")\s*\|?\s*/gi;
const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?$/;

/** The log groups and the query itself of a log widget's `SOURCE 'group' | SOURCE 'other' | fields ...`. */
export function parted(query: string): { groups: string[]; query: string } {
  const groups = [...query.matchAll(SOURCE)].map((match) => match[1] ?? match[2] ?? "");
  return { groups, query: query.replace(SOURCE, "").trim() || "fields @timestamp, @message" };
}

export const joined = (groups: string[], query: string) =>
  [...groups.map((group) => `SOURCE '${group}'`), query].filter(Boolean).join(" | ");

export const valueOf = (row: ResultRow, field: string) => row.find((cell) => cell.field === field)?.value ?? "";

export const fieldsOf = (rows: ResultRow[]) =>
  [...new Set(rows.flatMap((row) => row.map((cell) => cell.field)))].filter((field) => field !== "@ptr");

const isNumber = (text: string) => text.trim() !== "" && Number.isFinite(Number(text));
const seconds = (text: string) => Date.parse(`${text.replace(" ", "T")}Z`) / 1000;

interface Kinds {
  time: string | undefined;
  numbers: string[];
  names: string[];
}

/** Which field is the time, which are numbers, and which tell the curves apart. */
function kinds(rows: ResultRow[]): Kinds {
  const fields = fieldsOf(rows);
  const every = (field: string, holds: (text: string) => boolean) => {
    const values = rows.map((row) => valueOf(row, field)).filter((text) => text !== "");
    return values.length > 0 && values.every(holds);
  };
  const time = fields.find((field) => every(field, (text) => TIME.test(text)));
  const numbers = fields.filter((field) => field !== time && every(field, isNumber));
  return { time, numbers, names: fields.filter((field) => field !== time && !numbers.includes(field)) };
}

const curve = (label: string, change: Partial<PictureCurve>): PictureCurve => ({
  label,
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
  ...change,
});

function overTime(rows: ResultRow[], { time, numbers, names }: Kinds & { time: string }): PictureCurve[] {
  const found = new Map<string, PictureCurve>();
  const ordered = rows.toSorted((a, b) => seconds(valueOf(a, time)) - seconds(valueOf(b, time)));
  for (const row of ordered)
    for (const field of numbers) {
      const group = names.map((name) => valueOf(row, name)).join(" · ");
      const label = [group, numbers.length > 1 || !group ? field : ""].filter(Boolean).join(" · ");
      const one = found.get(label) ?? curve(label, {});
      one.timestamps.push(seconds(valueOf(row, time)));
      one.values.push(isNumber(valueOf(row, field)) ? Number(valueOf(row, field)) : null);
      found.set(label, one);
    }
  return [...found.values()];
}

function shares(rows: ResultRow[], { time, numbers, names }: Kinds): PictureCurve[] {
  const labels = [...names, ...(time ? [time] : [])];
  return rows.flatMap((row, index) =>
    numbers.map((field) => {
      const group = labels.map((name) => valueOf(row, name)).join(" · ") || String(index + 1);
      const number = isNumber(valueOf(row, field)) ? Number(valueOf(row, field)) : null;
      return curve(numbers.length > 1 ? `${group} · ${field}` : group, { number, timestamps: [0], values: [number] });
    }),
  );
}

/** Each curve upon those before it, at the times that any has. */
export function piled(curves: PictureCurve[]): PictureCurve[] {
  const times = [...new Set(curves.flatMap((one) => one.timestamps))].sort((a, b) => a - b);
  const below = new Map(times.map((time) => [time, 0]));
  return curves.map((one) => {
    const own = new Map(one.timestamps.map((time, index) => [time, one.values[index] ?? 0]));
    const values = times.map((time) => below.get(time)! + (own.get(time) ?? 0));
    const low = times.map((time) => below.get(time)!);
    times.forEach((time, index) => below.set(time, values[index]!));
    return { ...one, timestamps: times, values, low };
  });
}

/** The rows as a chart; null where they have no numbers, or lines no time, to be drawn. */
export function logPicture(
  rows: ResultRow[],
  { view, stacked, title, from, to }: { view: "timeSeries" | "bar" | "pie"; stacked: boolean; title: string; from: number; to: number },
): Picture | null {
  const found = kinds(rows);
  if (!found.numbers.length) return null;
  let curves: PictureCurve[];
  if (view === "timeSeries") {
    if (found.time === undefined) return null;
    curves = overTime(rows, { ...found, time: found.time });
    if (stacked) curves = piled(curves);
  } else curves = shares(rows, found);
  const axis = { min: null, max: null, label: "", showUnits: true };
  return {
    title,
    view,
    start: from,
    end: to,
    axes: { left: axis, right: axis },
    curves,
    levels: [],
    bands: [],
    marks: [],
    legend: "bottom",
    stacked: stacked && view === "timeSeries",
    sparkline: false,
    precise: false,
    table: { layout: "horizontal", stickySummary: false, showTimeSeriesData: false, summaryColumns: [] },
  };
}
