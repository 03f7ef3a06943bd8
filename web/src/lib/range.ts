/** Ranges of time as views have them in their addresses: moments of ISO 8601, or durations back from now (`-PT3H`). */
import { moment } from "./format";

const DURATION = /^-?P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;
const UNITS: [string, number][] = [["W", 604800], ["D", 86400], ["H", 3600], ["M", 60], ["S", 1]];
const NAMES = ["year", "month", "week", "day", "hour", "minute", "second"];

export const isRelative = (text: string) => DURATION.test(text);

/** Unix seconds of a moment or a duration; NaN for what is neither. */
export function instant(text: string, now: number): number {
  const match = DURATION.exec(text);
  if (!match) return Date.parse(text) / 1000;
  const [years, months, weeks, days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0)) as number[];
  const at = new Date(now * 1000);
  const day = at.getUTCDate();
  at.setUTCDate(1);
  at.setUTCMonth(at.getUTCMonth() - months! - 12 * years!);
  at.setUTCDate(Math.min(day, new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate()));
  return at.getTime() / 1000 - ((weeks! * 7 + days!) * 86400 + hours! * 3600 + minutes! * 60 + seconds!);
}

/** From and to in Unix seconds; an end that is not said is now. */
export const bounds = (start: string, end: string, now: number): [number, number] => [instant(start, now), end ? instant(end, now) : now];

/** Seconds back from now, in the largest unit of which they are a whole number. */
export function back(seconds: number): string {
  const whole = Math.max(Math.round(seconds), 1);
  const [letter, size] = UNITS.find(([, size]) => whole % size === 0)!;
  return `-P${size < 86400 ? "T" : ""}${whole / size}${letter}`;
}

/** How a moment stands in an address. */
export const iso = (time: number) => new Date(Math.round(time * 1000)).toISOString().replace(".000Z", "Z");

/** The range as it is read: `last 3 hours`, `2026-11-22 04:00:00 – 2026-11-22 05:00:00`. */
export function said(start: string, end: string): string {
  if (!isRelative(start)) return `${moment(Date.parse(start) / 1000)} – ${end ? moment(Date.parse(end) / 1000) : "now"}`;
  const parts = DURATION.exec(start)!.slice(1);
  const words = parts.flatMap((many, index) => (Number(many) ? `${many} ${NAMES[index]}${many === "1" ? "" : "s"}` : []));
  return `last ${words.join(" ")}${end ? ` until ${end}` : ""}`;
}

/** Whether two durations are as long. */
export const alike = (one: string, other: string) => isRelative(one) && isRelative(other) && instant(one, 0) === instant(other, 0);

/** The range moved by its own length: -1 earlier, 1 later. What would end in the future lasts until now, and follows it. */
export function stepped(start: string, end: string, by: -1 | 1, now: number): [string, string] {
  const [from, to] = bounds(start, end, now);
  const length = to - from;
  // Not to the second: time went by since one stepped back.
  if (by > 0 && to + length >= now - length / 50) return [back(length), ""];
  return [from, to].map((time) => iso(Math.round(time + by * length))) as [string, string];
}
