/** Logs as the server has them, and lines as they are shown. */
import { encode, get } from "../lib/api";
import { clock, duration } from "../lib/format";
import type { LogEvent, LogPage } from "../lib/types";

/** A log: of a job (all its hosts), or of a group's streams (none named: of the whole group). */
export type LogOf = { job: string; streams: string[] } | { group: string; streams: string[] };

export const KINDS = ["words", "regex", "pattern"] as const;
export type Kind = (typeof KINDS)[number] | "level";

/** What is looked for. */
export interface Search {
  search: string;
  kind: Kind;
}
export const NOTHING: Search = { search: "", kind: "words" };

export interface LogLine extends LogEvent {
  /** Shown for what is beside it, not because it was looked for. */
  context?: boolean;
}

/** How many events there are over time; times in Unix seconds. */
export interface Density {
  start: number | null;
  end: number | null;
  width: number | null;
  events: number[];
  hits: number[] | null;
  /** Hits are counted back to here; null: all are. */
  counted_from: number | null;
}

/** What a line says of a metric. */
export interface LinePoint {
  metric: string;
  host: string;
  step: number | null;
  epoch: number | null;
  time: number;
  value: number | string;
}

export const TIMES = ["clock", "relative", "off"] as const;
export type Times = (typeof TIMES)[number];

/** The time of a line as it stands before it; relative ones count from `origin`. */
export const told = (time: number, times: Times, origin: number) =>
  times === "clock" ? clock(time) : times === "relative" ? `${time < origin ? "−" : "+"}${duration(Math.abs(time - origin))}` : "";

const base = (of: LogOf) => ("job" in of ? `jobs/${encodeURIComponent(of.job)}/logs` : "logs");
const named = (of: LogOf) => ("job" in of ? { stream: of.streams } : { group: of.group, stream: of.streams });
const looked = ({ search, kind }: Search) => (search ? { search, kind } : {});

export const page = (of: LogOf, query: object, search: Search, signal?: AbortSignal) =>
  get<LogPage>("job" in of ? base(of) : "logs/events", { ...named(of), ...looked(search), ...query }, signal);
export const density = (of: LogOf, search: Search, signal?: AbortSignal) =>
  get<Density>(`${base(of)}/density`, { ...named(of), ...looked(search), buckets: 200 }, signal);
export const textUrl = (of: LogOf, search: Search, details = false) =>
  `/_/api/${base(of)}/text${encode({ ...named(of), ...looked(search), details: details ? 1 : null })}`;
export const linePoints = (job: string, token: string) =>
  get<{ points: LinePoint[] }>(`jobs/${encodeURIComponent(job)}/logs/points`, { token });
export const pointLine = (job: string, point: { metric: string; host: string; axis: string; x: number; value: number; within: number }) =>
  get<{ token: string; exact: boolean }>(`jobs/${encodeURIComponent(job)}/logs/place`, point);

function parts(token: string): [bigint, bigint, string] {
  const [time, seq, ...stream] = token.split(".");
  return [BigInt(time || 0), BigInt(seq || 0), stream.join(".")];
}

/** How two lines stand to each other: below zero where the first comes first. */
export function order(one: string, other: string): number {
  const [a, b] = [parts(one), parts(other)];
  for (let at = 0; at < 3; at++) if (a[at]! !== b[at]!) return a[at]! < b[at]! ? -1 : 1;
  return 0;
}

/** The lines of both in their order, each once: as the first has it. */
export function merged(first: LogLine[], second: LogLine[]): LogLine[] {
  const known = new Set(first.map((line) => line.token));
  const fresh = second.filter((line) => !known.has(line.token));
  if (!fresh.length) return first;
  if (!first.length || order(first.at(-1)!.token, fresh[0]!.token) < 0) return [...first, ...fresh];
  return [...first, ...fresh].sort((a, b) => order(a.token, b.token));
}

/** Where in a line's text what is looked for stands. Of patterns on properties nothing is: the whole line is the hit. */
export function finder({ search, kind }: Search): (text: string) => [number, number][] {
  const words = kind === "words" ? (search.trim() ? [search] : []) : kind === "pattern" ? terms(search) : [];
  const regex = kind === "regex" ? compiled(search) : null;
  if (!words.length && !regex) return () => [];
  return (text) => (regex ? [...text.matchAll(regex)].map((match) => [match.index, match.index + match[0].length]) : words.flatMap((word) => places(text, word, kind === "words")));
}

function places(text: string, word: string, anyCase: boolean): [number, number][] {
  const [within, wanted] = anyCase ? [text.toLowerCase(), word.toLowerCase()] : [text, word];
  const found: [number, number][] = [];
  for (let at = within.indexOf(wanted); at >= 0; at = within.indexOf(wanted, at + wanted.length)) found.push([at, at + wanted.length]);
  return found;
}

/** RE2's expression as one of ours; null where it cannot be written so. */
function compiled(search: string): RegExp | null {
  const flags = /^\(\?([ims]+)\)/.exec(search);
  try {
    return new RegExp(search.slice(flags?.[0].length ?? 0).replaceAll("(?P<", "(?<"), `g${flags?.[1] ?? ""}`);
  } catch {
    return null;
  }
}

/** The words of a filter pattern that stand in every line, or may. */
function terms(pattern: string): string[] {
  if (/^\s*[{[]/.test(pattern)) return [];
  const found = pattern.matchAll(/([-?]?)(?:"((?:[^"\\]|\\.)*)"|%(?:[^%\\]|\\.)*%|(\S+))/g);
  return [...found].filter((match) => match[1] !== "-").map((match) => match[2]?.replace(/\\(.)/g, "$1") ?? match[3] ?? "").filter(Boolean);
}

/** Spells a JSON line out; null for any other. */
export function pretty(text: string): string | null {
  const begun = text.trimStart();
  if (!begun.startsWith("{") && !begun.startsWith("[")) return null;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
}

/** The time that somebody wrote: `14:05` (of the day that is shown), `2026-11-22 14:05:10`, `-10m` from what is shown, `50%`
 * of the whole log, or Unix seconds. NaN for anything else. `wall` and `timeOf` are those of the time zone.
 */
export function momentOf(text: string, shown: number, [start, end]: [number, number], wall: (time: number) => string, timeOf: (text: string) => number): number {
  const words = text.trim();
  const relative = /^([+-])\s*(\d+(?:\.\d+)?)\s*([smhd])$/.exec(words);
  if (relative) return shown + Number(`${relative[1]}${relative[2]}`) * { s: 1, m: 60, h: 3600, d: 86400 }[relative[3] as "s" | "m" | "h" | "d"];
  const share = /^(\d+(?:\.\d+)?)\s*%$/.exec(words);
  if (share) return start + ((end - start) * Math.min(Number(share[1]), 100)) / 100;
  if (/^\d{9,11}(\.\d+)?$/.test(words)) return Number(words);
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(words);
  if (clock) return timeOf(`${wall(shown).slice(0, 10)}T${clock[1]!.padStart(2, "0")}:${clock[2]}:${clock[3] ?? "00"}`);
  if (/^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?$/.test(words)) return timeOf(words.includes(":") ? words.replace(" ", "T") : `${words}T00:00`);
  return Date.parse(words) / 1000;
}
