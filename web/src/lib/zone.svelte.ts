/** The time zone in which the console shows times: the browser's, UTC, or any other that the browser knows. */
import { keep, kept } from "./kept";

export const LOCAL = "local";
const KEY = "time-zone";

const formatters = new Map<string, Intl.DateTimeFormat>();

/** What writes times of a zone as `2026-11-22 04:51:16`. Throws RangeError for a zone that is not known. */
function formatter(name: string): Intl.DateTimeFormat {
  let found = formatters.get(name);
  if (!found) {
    // Swedish is how the calendar writes itself: year, month and day, and hours from 00 to 23.
    found = new Intl.DateTimeFormat("sv-SE", { timeZone: name, dateStyle: "short", timeStyle: "medium" });
    formatters.set(name, found);
  }
  return found;
}

export function known(name: string): boolean {
  try {
    return Boolean(name === LOCAL || formatter(name));
  } catch {
    return false;
  }
}

const wanted = kept(KEY);
export const zone = $state<{ choice: string }>({ choice: wanted && known(wanted) ? wanted : LOCAL });

export function setZone(choice: string) {
  zone.choice = choice;
  keep(KEY, choice);
}

/** By its IANA name. */
export const zoneName = () => (zone.choice === LOCAL ? Intl.DateTimeFormat().resolvedOptions().timeZone : zone.choice);

/** Every zone there is, UTC first. */
export const zones = (): string[] => ["UTC", ...Intl.supportedValuesOf("timeZone").filter((name) => name !== "UTC")];

/** How many seconds the clock on the wall is ahead of UTC at a time. */
export function offset(time: number): number {
  if (zone.choice === "UTC") return 0;
  if (zone.choice === LOCAL) return -60 * new Date(time * 1000).getTimezoneOffset();
  const second = Math.floor(time);
  return Date.parse(`${formatter(zone.choice).format(second * 1000).replace(" ", "T")}Z`) / 1000 - second;
}

/** What the clock on the wall shows at a time: `2026-11-22T04:51:16`. */
export function wall(time: number): string {
  const date = new Date((time + offset(time)) * 1000);
  return date.toISOString().slice(0, 19);
}

/** The time at which the clock on the wall shows `2026-11-22T04:51` (with or without seconds): the earlier of two where it
 * is set back, the one after the gap where it is set forward; NaN for what is no time.
 */
export function timeOf(text: string): number {
  const shown = Date.parse(`${text}Z`) / 1000;
  if (Number.isNaN(shown)) return NaN;
  // The hours around a change have the offset of the day before it or that of the day after it.
  const [before, after] = [shown - offset(shown - 86400), shown - offset(shown + 86400)];
  const right = [before, after].filter((time) => time + offset(time) === shown);
  return right.length ? Math.min(...right) : before;
}

/** How far the zone is from UTC at a time, as it stands behind a time: `UTC`, `UTC+1`, `UTC−3:30`. */
export function offsetName(time: number): string {
  const minutes = Math.round(offset(time) / 60);
  if (minutes === 0) return "UTC";
  const rest = Math.abs(minutes) % 60;
  return `UTC${minutes < 0 ? "−" : "+"}${Math.floor(Math.abs(minutes) / 60)}${rest ? `:${String(rest).padStart(2, "0")}` : ""}`;
}
