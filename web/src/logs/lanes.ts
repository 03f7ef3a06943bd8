/** Lines of several streams beside each other, on one clock. */
import type { LogLine } from "./log";

/** The most streams that stand beside each other. */
export const MOST_LANES = 4;

/** What stands at one height: in lanes a line of each stream at most, else one line. */
export type LogRow = LogLine[];

/** Rows for lines that come in the order of time. No line stands below one that came later. What is within a second may
 * share a row, so that a row is the same wherever the lines in memory begin.
 */
export function lanes(lines: LogLine[]): LogRow[] {
  const rows: LogRow[] = [];
  let row: LogRow = [];
  for (const line of lines) {
    const first = row[0];
    if (first && Math.floor(first.time) === Math.floor(line.time) && !row.some((other) => other.stream === line.stream)) row.push(line);
    else rows.push((row = [line]));
  }
  return rows;
}

/** The line of a stream in a row; where it has none there, its last before that, else its first behind it. */
export function inLane(rows: LogRow[], at: number, stream: string): LogLine | undefined {
  const nearest = [...rows.slice(0, at + 1).reverse(), ...rows.slice(at + 1)];
  return nearest.flat().find((line) => line.stream === stream);
}
