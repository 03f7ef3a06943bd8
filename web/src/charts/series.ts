import type { Curve, LivePoint, XAxis } from "../lib/types";
import type { Column } from "./gaps";

/** The place of a live point on the x axis, or null where it has none there. */
export function position(point: LivePoint, axis: XAxis, started: number): number | null {
  const [, , step, epoch, time] = point;
  if (axis === "time") return time;
  if (axis === "relative") return time - started;
  return axis === "step" ? step : epoch;
}

/**
 * Adds live points of one metric and host to a curve, in place. Returns false where only the server can tell how
 * the curve looks now: a point without a place, or one that lies before the end.
 */
export function append(curve: Curve, points: LivePoint[], axis: XAxis, started: number, smoothing: number): boolean {
  for (const point of points) {
    const time = point[4];
    if (curve.last_time !== null && time <= curve.last_time) continue;
    const x = position(point, axis, started);
    const last = curve.x.at(-1);
    if (x === null || (last !== undefined && x < last)) return false;
    curve.last_time = time;
    curve.total += 1;
    const value = point[5];
    if (typeof value === "string") {
      curve.non_finite.push({ x, value });
      curve.non_finite_total += 1;
      continue;
    }
    curve.ema.mean = smoothing * curve.ema.mean + (1 - smoothing) * value;
    curve.ema.weight = smoothing * curve.ema.weight + (1 - smoothing);
    const smooth = curve.ema.mean / curve.ema.weight;
    if (x === last) {
      const at = curve.x.length - 1;
      curve.min[at] = Math.min(curve.min[at] ?? value, value);
      curve.max[at] = Math.max(curve.max[at] ?? value, value);
      curve.mean[at] = value;
      curve.smooth[at] = smooth;
    } else {
      curve.x.push(x);
      curve.min.push(value);
      curve.max.push(value);
      curve.mean.push(value);
      curve.smooth.push(smooth);
    }
  }
  return true;
}

/** A column on the index a cursor points at, else the nearest before it, else after: curves rarely share every x. */
export function at(column: ArrayLike<number | null | undefined>, index: number): number | null {
  for (let back = index; back >= 0; back--) if (typeof column[back] === "number") return column[back]!;
  for (let on = index; on < column.length; on++) if (typeof column[on] === "number") return column[on]!;
  return null;
}

/** The low edge of a band on a logarithmic axis: what lies at or below zero stands at the smallest value above it. */
export function floored(low: (number | null)[], mean: (number | null)[]): (number | null)[] {
  let floor = Infinity;
  for (const column of [low, mean]) for (const value of column) if (value !== null && value > 0) floor = Math.min(floor, value);
  if (floor === Infinity) return low.map(() => null);
  return low.map((value) => (value === null ? null : Math.max(value, floor)));
}

/** Values as a logarithmic axis can show them: nothing at or below zero. */
export function positive(column: (number | null)[]): (number | null)[] {
  return column.map((value) => (value !== null && value > 0 ? value : null));
}

/** Ends of an axis for all these values, with a little room; undefined where there are none that it can show. */
export function spanned(columns: Iterable<ArrayLike<number | null | undefined>>, log: boolean): [number, number] | undefined {
  let [low, high] = [Infinity, -Infinity];
  for (const column of columns)
    for (let row = 0; row < column.length; row++) {
      const value = column[row];
      if (value === null || value === undefined || (log && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  if (low > high) return undefined;
  const room = log ? 0 : (high - low) * 0.06;
  return [low - room, high + room];
}

/** The same of all that lines have, bands and all. */
export const extent = (lines: { min: Column; max: Column }[], log: boolean) => spanned(lines.flatMap((line) => [line.min, line.max]), log);
