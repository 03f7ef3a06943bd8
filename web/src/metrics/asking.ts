/** Draws what can be drawn of a graph, and tells what is wrong with the rows that cannot. */
import { ApiError } from "../lib/api";
import { type Picture, readPicture } from "../charts/picture";
import { optionsOf, type Row } from "../lib/metricrow";

export interface Fault {
  message: string;
  /** The character of the expression from which on it is wrong, from 0; null where that is not known. */
  at: number | null;
}

const MOST_FAULTS = 20;
const IN_EXPRESSION = /Error in expression '([^']+)': (.*)$/s;
const IN_MEMBER = /metrics\.member\.(\d+)\b/;
const IN_ROW = /(?:^|[ ;])\/?metrics\/(\d+)/;
const PLACE = /(?:line (\d+), )?column (\d+)/;

/** Which row a refusal is about, and what it says; null where it is about none. */
export function faultOf(message: string, rows: Row[]): { row: number; fault: Fault } | null {
  const expression = IN_EXPRESSION.exec(message);
  const member = IN_MEMBER.exec(message);
  const path = IN_ROW.exec(message);
  const unnamed = expression && /^z__(\d+)$/.exec(expression[1]!);
  const row = unnamed
    ? Number(unnamed[1])
    : expression
      ? rows.findIndex((one) => optionsOf(one).id === expression[1])
      : member
        ? Number(member[1]) - 1
        : path
          ? Number(path[1])
          : -1;
  if (row < 0 || row >= rows.length) return null;
  const told = expression ? expression[2]! : message;
  return { row, fault: { message: told, at: expression ? placeOf(told, optionsOf(rows[row]!).expression ?? "") : null } };
}

/** Lines and columns count from 1. */
function placeOf(told: string, text: string): number | null {
  const match = PLACE.exec(told);
  if (!match) return null;
  const before = text.split("\n").slice(0, Number(match[1] ?? 1) - 1);
  return before.reduce((sum, line) => sum + line.length + 1, 0) + Number(match[2]) - 1;
}

/** The picture of the rows that are right (null without any), and the faults of the others by their place. What is wrong
 * beyond rows is thrown, as ApiError.
 */
export async function drawn(properties: Record<string, unknown>, signal: AbortSignal): Promise<{ picture: Picture | null; faults: Map<number, Fault> }> {
  const rows = properties.metrics as Row[];
  const faults = new Map<number, Fault>();
  let places = rows.map((_, index) => index);
  for (;;) {
    const asked = places.map((index) => rows[index]!);
    if (!asked.some((row) => optionsOf(row).visible !== false)) return { picture: null, faults };
    try {
      const picture = await readPicture({ ...properties, metrics: asked }, signal);
      for (const curve of picture.curves) curve.row = places[curve.row] ?? curve.row;
      return { picture, faults };
    } catch (error) {
      const found = error instanceof ApiError && error.status === 400 ? faultOf(error.message, asked) : null;
      if (!found || faults.size >= MOST_FAULTS) throw error;
      faults.set(places[found.row]!, found.fault);
      places = places.filter((_, index) => index !== found.row);
    }
  }
}
