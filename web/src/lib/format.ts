/** Numbers and times as people read them. */
import { wall } from "./zone.svelte";

/** Of so many digits behind the point, at most. To make one takes longer than to write a thousand numbers. */
const writers = Array.from({ length: 9 }, (_, digits) => new Intl.NumberFormat("en-US", { maximumFractionDigits: digits }));

/** Up to five significant digits; very large and small as powers; null as a dash. */
export function number(value: number | string | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return value === "Infinity" ? "∞" : value === "-Infinity" ? "−∞" : value;
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-4)) return minus(value.toExponential(3).replace(/\.?0*e\+?/, "e"));
  if (Number.isInteger(value)) return minus(writers[0]!.format(value));
  const digits = Math.max(0, 4 - Math.floor(Math.log10(size)));
  return minus(writers[Math.min(digits, 8)]!.format(value));
}

const minus = (text: string) => text.replace(/^-/, "−");

export function count(value: number): string {
  return writers[3]!.format(value);
}

/** `1 point`, `2,000 points`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Seconds as `4.2 s`, `3 m 05 s`, `2 h 10 m`, `3 d 4 h`. */
export function duration(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  const value = Math.max(0, seconds);
  if (value < 10) return `${value.toFixed(1)} s`;
  if (value < 60) return `${Math.round(value)} s`;
  const whole = Math.round(value);
  const two = (part: number) => String(part).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} m`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** How long ago, roughly: `now`, `40 s ago`, `5 m ago`, `3 h ago`, `2 d ago`. */
export function ago(time: number, now: number): string {
  const seconds = now - time;
  if (seconds < 5) return "now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

/** Date and time to the second, in the console's time zone. */
export function moment(time: number): string {
  return Number.isFinite(time) ? wall(time).replace("T", " ") : "–";
}

/** Time of day to the second, in the console's time zone. */
export function clock(time: number): string {
  return moment(time).slice(-8);
}

/** Words of a command as they would be typed into a shell. */
export function shell(words: string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(" ");
}
