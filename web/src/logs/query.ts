/** Queries of Logs Insights: what they answer as a table and as a picture, and what helps to write them. */
import { plainCurve, plainPicture, type Picture, type PictureCurve } from "../charts/picture";
import type { Table } from "../lib/exports";

export interface Statistics {
  recordsMatched: number;
  recordsScanned: number;
  bytesScanned: number;
}
export type Row = Record<string, string>;
/** A result as GetQueryResults has it. */
export type Field = { field: string; value: string };

export interface Results {
  columns: string[];
  /** Rows with what they have; `@ptr` points at the event. */
  rows: Row[];
}

export function results(rows: Field[][]): Results {
  const columns = new Set<string>();
  const found = rows.map((row) => {
    for (const { field } of row) if (field !== "@ptr") columns.add(field);
    return Object.fromEntries(row.map(({ field, value }) => [field, value]));
  });
  return { columns: [...columns], rows: found };
}

export const table = ({ columns, rows }: Results): Table => ({ columns, rows: rows.map((row) => columns.map((name) => row[name] ?? null)) });

const NUMBER = /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const MOMENT = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?$/;

/** Unix seconds of a time as results have it, which is UTC. */
export const timeOfValue = (value: string) => Date.parse(`${value.replace(" ", "T")}Z`) / 1000;

const all = (rows: Row[], name: string, form: RegExp) => rows.some((row) => row[name] !== undefined) && rows.every((row) => row[name] === undefined || form.test(row[name]));

/** What can be drawn: over time by moments, or by the words that rows have. */
export interface Shape {
  time: string | null;
  labels: string[];
  values: string[];
}

/** The roles of a result's columns; null where nothing can be drawn. */
export function shape({ columns, rows }: Results, query: string): Shape | null {
  if (!rows.length || !/(^|\|)\s*stats\b/i.test(query)) return null;
  const time = columns.find((name) => all(rows, name, MOMENT)) ?? null;
  const values = columns.filter((name) => name !== time && all(rows, name, NUMBER));
  const labels = columns.filter((name) => name !== time && !values.includes(name));
  if (!time && !labels.length && values.length > 1) labels.push(...values.splice(grouped(query, values), 1));
  return values.length && (time || labels.length || values.length) ? { time, labels, values } : null;
}

/** Which of the numbers is one that rows are grouped by: the one named behind `by`. */
function grouped(query: string, values: string[]): number {
  const by = /\bby\b([^|]*)$/i.exec(query.split("|").filter((part) => /^\s*stats\b/i.test(part)).at(-1) ?? "")?.[1] ?? "";
  const found = values.findIndex((name) => by.includes(name));
  return found < 0 ? 0 : found;
}

export type Drawing = "timeSeries" | "stacked" | "bar" | "pie";
/** Series that are drawn; the largest. */
const MOST = 20;

export function picture({ rows }: Results, { time, labels, values }: Shape, how: Drawing, [start, end]: [number, number]): Picture {
  const named = new Map<string, PictureCurve>();
  const names = labels.length || !time || how === "timeSeries" || how === "stacked" ? labels : [time];
  for (const row of rows)
    for (const value of values) {
      const group = names.map((name) => row[name] ?? "–").join(" · ");
      const label = group ? (values.length > 1 ? `${group} · ${value}` : group) : value;
      let curve = named.get(label);
      if (!curve) named.set(label, (curve = plainCurve({ label })));
      const worth = row[value] === undefined ? null : Number(row[value]);
      curve.number = (curve.number ?? 0) + (worth ?? 0);
      if (!time || row[time] === undefined) continue;
      curve.timestamps.push(timeOfValue(row[time]));
      curve.values.push(worth);
    }
  const curves = [...named.values()].sort((a, b) => Math.abs(b.number ?? 0) - Math.abs(a.number ?? 0)).slice(0, MOST);
  for (const curve of curves) inOrder(curve);
  if (!time) for (const curve of curves) curve.timestamps = [start];
  const found = plainPicture({ start, end, curves: how === "stacked" ? stacked(curves) : curves });
  if (how !== "stacked") return { ...found, view: how };
  found.axes.left = { ...found.axes.left, min: 0 };
  return { ...found, stacked: true };
}

function inOrder(curve: PictureCurve) {
  const order = curve.timestamps.map((_, index) => index).sort((a, b) => curve.timestamps[a]! - curve.timestamps[b]!);
  curve.values = order.map((index) => curve.values[index]!);
  curve.timestamps = order.map((index) => curve.timestamps[index]!);
}

/** Each curve upon those before it; what one lacks at a time counts nothing. */
export function stacked(curves: PictureCurve[]): PictureCurve[] {
  const times = [...new Set(curves.flatMap((curve) => curve.timestamps))].sort((a, b) => a - b);
  let below: number[] = times.map(() => 0);
  return curves.map((curve) => {
    const own = new Map(curve.timestamps.map((time, index) => [time, curve.values[index] ?? 0]));
    const low = below;
    below = times.map((time, index) => low[index]! + (own.get(time) ?? 0));
    return { ...curve, timestamps: times, values: below, low };
  });
}

/** The commands of a query, as they are written between `|`. */
export function commands(query: string): string[] {
  const found: string[] = [""];
  const tokens = query.matchAll(/#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|(?<=\b(?:like|parse\s+[@\w.]+|parse|~=|=~)\s*)\/(?:\\.|[^/\\])+\/|\||[^|"'`#]/g);
  for (const [token] of tokens) {
    if (token === "|") found.push("");
    else if (!token.startsWith("#")) found[found.length - 1] += token;
  }
  return found.map((part) => part.trim()).filter(Boolean);
}

const STEPS: [number, string][] = [[1, "1s"], [5, "5s"], [10, "10s"], [30, "30s"], [60, "1m"], [300, "5m"], [600, "10m"], [1800, "30m"], [3600, "1h"], [10800, "3h"], [43200, "12h"], [86400, "1d"], [604800, "7d"]];

/** A query for how many events match over time: all that comes before rows are summed up, ordered or left out. */
export function histogram(query: string, seconds: number): string {
  const parts = commands(query);
  const until = parts.findIndex((part) => /^(stats|sort|limit|head|tail|dedup|pattern)\b/i.test(part));
  const kept = (until < 0 ? parts : parts.slice(0, until)).filter((part) => !/^display\b/i.test(part));
  const step = STEPS.find(([length]) => seconds / length <= 200)?.[1] ?? "30d";
  return [...kept, `stats count(*) as matches by bin(${step})`].join(" | ");
}

/** Where the event that a row came from stands: its group, stream and token; null for a row that is no event. */
export function pointed(row: Row): { group: string; stream: string; token: string } | null {
  if (!row["@ptr"]) return null;
  try {
    const bytes = Uint8Array.from(atob(row["@ptr"]), (letter) => letter.charCodeAt(0));
    const [group, stream, time, seq] = new TextDecoder().decode(bytes).split("\0");
    return group && stream && time && seq ? { group, stream, token: `${time}.${seq}.${stream}` } : null;
  } catch {
    return null;
  }
}

/** Rows by a column, numbers as numbers; what is missing comes last. */
export function sorted(rows: Row[], column: string, descending: boolean): Row[] {
  const numbers = all(rows, column, NUMBER);
  const compare = (a: string, b: string) => (numbers ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0);
  return rows.toSorted((one, other) => {
    const [a, b] = [one[column], other[column]];
    if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1;
    return descending ? compare(b, a) : compare(a, b);
  });
}

export const SAMPLES: [string, string][] = [
  ["Newest lines", "fields @timestamp, @logStream, @message\n| sort @timestamp desc\n| limit 100"],
  ["Errors and warnings, by stream", 'filter @message like /(?i)(error|exception|traceback|warn)/\n| stats count(*) as lines by @logStream\n| sort lines desc'],
  ["Forms of lines, the rarest first", "pattern @message\n| sort @sampleCount asc"],
  ["Errors over time", "filter @message like /(?i)(error|exception|traceback)/\n| stats count(*) as errors by bin(1m)"],
  ["Loss over time", 'parse @message /(?i)\\bloss\\W+(?<loss>[0-9.]+(?:e-?[0-9]+)?)/\n| filter ispresent(loss)\n| stats avg(loss) as mean, min(loss) as least, max(loss) as greatest by bin(1m)'],
  ["Slowest steps", "parse @message /(?i)step\\D{0,3}(?<step>\\d+).*?(?<seconds>[0-9.]+) ?s(?:ec|\\/it)/\n| filter ispresent(seconds)\n| sort seconds desc\n| limit 50"],
  ["NaN and infinity", "fields @timestamp, @logStream, @message\n| filter @message like /(?i)\\b(nan|inf|infinity)\\b/\n| sort @timestamp asc\n| limit 100"],
  ["Out of memory", 'fields @timestamp, @logStream, @message\n| filter @message like /(?i)(out of memory|oom|cuda error|nccl)/\n| sort @timestamp desc'],
  ["Lines a host writes", "stats count(*) as lines by @logStream, bin(1m)"],
];

const COMMANDS: [string, string][] = [
  ["fields", "show these fields"],
  ["display", "show these fields only"],
  ["filter", "keep rows of which a condition holds"],
  ["parse", "take fields out of text"],
  ["stats", "sum rows up, by groups"],
  ["sort", "order rows"],
  ["limit", "the first rows only"],
  ["dedup", "the first row of each combination"],
  ["pattern", "in what forms texts come"],
];
const FUNCTIONS = "abs ceil floor greatest least log sqrt bin datefloor dateceil fromMillis toMillis now ispresent coalesce isempty isblank concat ltrim rtrim trim strlen toupper tolower substr replace strcontains isValidIp isValidIpV4 isValidIpV6 isIpInSubnet isIpv4InSubnet isIpv6InSubnet count count_distinct sum avg min max pct stddev earliest latest sortsFirst sortsLast".split(" ");
const WORDS = ["by", "as", "and", "or", "not", "in", "like", "desc", "asc"];

/** What could stand next in a query, after the text before the cursor. */
export function completions(before: string, fields: { name: string; percent: number }[]): { label: string; detail?: string; apply?: string }[] {
  const command = before.slice(before.lastIndexOf("|") + 1).replace(/#[^\n]*/g, "");
  if (/^\s*\w*$/.test(command)) return COMMANDS.map(([label, detail]) => ({ label, detail }));
  return [
    ...fields.map(({ name, percent }) => ({ label: name, detail: `${percent} %`, apply: /^@?[\w.]+$/.test(name) ? name : `\`${name}\`` })),
    ...FUNCTIONS.map((label) => ({ label, detail: "function", apply: `${label}(` })),
    ...WORDS.map((label) => ({ label })),
  ];
}
