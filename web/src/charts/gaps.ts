/** Where lines break. In the columns of a plot `null` breaks a line; `undefined` is a row of another line, and is gone over. */

import { count, number } from "../lib/format";

export type Column = (number | null | undefined)[];

export interface Mark {
  x: number;
  /** What stands there instead of a number. */
  value: string;
}

/** The times one period after each point behind which a period is missing; none where the period is not known (0). */
export function missing(times: number[], period: number): number[] {
  if (!period) return [];
  return times.slice(0, -1).flatMap((time, at) => (times[at + 1]! - time > period ? [time + period] : []));
}

/** A table (x, then columns) with one more row at each of `places` where it has none. Of each column `fills` has what stands there. */
export function withRows(x: number[], columns: Column[], places: number[], fills: (null | undefined)[]): [number[], ...Column[]] {
  const known = new Set(x);
  const added = [...new Set(places)].filter((place) => !known.has(place)).sort((a, b) => a - b);
  if (!added.length) return [x, ...columns];
  // Rows of the new table: one of the old, or -1.
  const rows: number[] = [];
  const xs: number[] = [];
  let next = 0;
  const addBefore = (place: number) => {
    for (; next < added.length && added[next]! < place; next++) {
      rows.push(-1);
      xs.push(added[next]!);
    }
  };
  x.forEach((place, row) => {
    addBefore(place);
    rows.push(row);
    xs.push(place);
  });
  addBefore(Infinity);
  return [xs, ...columns.map((column, at) => rows.map((row) => (row < 0 ? fills[at] : column[row])))];
}

/** Rows to and from which no line is drawn: they are seen as dots only. */
export function isolated(column: ArrayLike<number | null | undefined>): number[] {
  const found: number[] = [];
  let [alone, broken] = [-1, true];
  for (let row = 0; row < column.length; row++) {
    const value = column[row];
    if (value === undefined) continue;
    if (value === null && alone >= 0) found.push(alone);
    alone = value !== null && broken ? row : -1;
    broken = value === null;
  }
  if (alone >= 0) found.push(alone);
  return found;
}

/** What is no number, as flags at least `apart` pixels from each other: where the first of a flag's marks stands, and how many it has. */
export function flags(marks: Mark[], pixel: (x: number) => number, apart: number): { at: number; value: string; count: number }[] {
  const found: { at: number; value: string; count: number }[] = [];
  const last = new Map<string, (typeof found)[number]>();
  for (const { x, value } of marks) {
    const at = pixel(x);
    const flag = last.get(value);
    if (flag && Math.abs(at - flag.at) < apart) flag.count += 1;
    else last.set(value, found[found.push({ at, value, count: 1 }) - 1]!);
  }
  return found;
}

const LISTED = 10;

/** Of values that are no numbers how many there are and where the first is, and a list of more of them. */
export function told(marks: Mark[], total: number, place: (x: number) => string): { short: string; long: string } {
  const sorted = [...marks].sort((a, b) => a.x - b.x);
  const listed = sorted.slice(0, LISTED).map(({ x, value }) => `${number(value)} at ${place(x)}`);
  const rest = total - listed.length;
  return {
    short: `${count(total)} not finite${sorted.length ? `, first at ${place(sorted[0]!.x)}` : ""}`,
    long: [...listed, ...(rest ? [`${count(rest)} more`] : [])].join(", "),
  };
}
