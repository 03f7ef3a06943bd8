/** Marks of time axes: at round times of the console's zone, which has days of 23 and of 25 hours, too. */
import { offset, timeOf, wall } from "../lib/zone.svelte";

const DAY = 86400;
const WEEK = 7 * DAY;
const MONTH = 30 * DAY;
/** 1970 began on a Thursday. */
const FIRST_MONDAY = 4 * DAY;

const SHORT = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, DAY, 2 * DAY, WEEK, 2 * WEEK];
/** Seconds between two marks; from a month on it is the calendar that counts. */
export const TIME_STEPS = [...SHORT, MONTH, 3 * MONTH, 12 * MONTH, 60 * MONTH];
/** The same of a time that something takes. */
export const DURATION_STEPS = [0.1, 0.2, 0.5, ...SHORT, 30 * DAY, 100 * DAY];

/** By how much the clock on the wall is past the last round time. */
function past(time: number, step: number): number {
  const shown = time + offset(time) - (step % WEEK ? 0 : FIRST_MONDAY);
  return ((shown % step) + step) % step;
}

/** The round time nearest to another; that itself where the clock leaves out the round one. */
function rounded(time: number, step: number): number {
  const late = past(time, step);
  const moved = 2 * late < step ? time - late : time + step - late;
  return past(moved, step) ? time : moved;
}

/** Round times from `low` to `high` (Unix seconds), `step` (of TIME_STEPS) from each other by the clock on the wall. */
export function timeMarks(low: number, high: number, step: number): number[] {
  if (step >= MONTH) return monthMarks(low, high, step / MONTH);
  const found: number[] = [];
  const begin = Math.floor(low);
  for (let at = rounded(begin - past(begin, step), step); at <= high; at = rounded(at + step, step)) if (at >= low) found.push(at);
  return found;
}

function monthMarks(low: number, high: number, every: number): number[] {
  const found: number[] = [];
  const [year, month] = wall(low).split("-").map(Number) as [number, number];
  for (let at = Math.floor((12 * year + month - 1) / every) * every; ; at += every) {
    const time = timeOf(`${Math.floor(at / 12)}-${String((at % 12) + 1).padStart(2, "0")}-01T00:00`);
    if (time > high) return found;
    if (time >= low) found.push(time);
  }
}

/** What stands at marks: the time of day, where a day begins its date, and months where all are months. */
export function timeWords(marks: number[]): string[] {
  const walls = marks.map(wall);
  const months = walls.length > 1 && walls.every((text) => text.endsWith("-01T00:00:00"));
  const seconds = walls.some((text) => !text.endsWith(":00"));
  return walls.map((text) => {
    if (months) return text.slice(0, 7);
    if (text.endsWith("T00:00:00")) return text.slice(5, 10);
    return text.slice(11, seconds ? 19 : 16);
  });
}
