/** Two logs beside each other: what the server answers, and how its rows are shown. */
import { get } from "../lib/api";

export type Span = [number, number];

export interface LogRow {
  kind: "equal" | "changed" | "removed" | "added" | "folded";
  /** Numbers of the lines, from 0. */
  a?: number;
  b?: number;
  a_text?: string;
  b_text?: string;
  /** Parts that always differ between runs and count for nothing. */
  a_masks?: Span[];
  b_masks?: Span[];
  /** Of a fold: how many lines, and the word that opens it. */
  count?: number;
  open?: number;
}

export interface LogSide {
  job: string;
  host: string;
  hosts: string[];
  lines: number;
  cut: boolean;
}

export interface LogDifference {
  a: LogSide;
  b: LogSide;
  counts: Record<"equal" | "changed" | "removed" | "added", number>;
  coarse: boolean;
  rows: LogRow[];
  more: boolean;
}

export const comparedLogs = (query: Record<string, string | number | string[]>, signal: AbortSignal) =>
  get<LogDifference>("compare/logs", query, signal);

export interface Part {
  text: string;
  kind: "" | "mask" | "mark";
}

/** A line as parts, in order: those that are masked, those that are marked, and the rest. */
export function parts(text: string, masks: Span[], marks: Span[] = []): Part[] {
  const spans = [
    ...masks.map(([from, to]) => ({ from, to, kind: "mask" as const })),
    ...marks.map(([from, to]) => ({ from, to, kind: "mark" as const })),
  ].sort((a, b) => a.from - b.from);
  const found: Part[] = [];
  let at = 0;
  for (const { from, to, kind } of spans) {
    if (from > at) found.push({ text: text.slice(at, from), kind: "" });
    found.push({ text: text.slice(Math.max(at, from), to), kind });
    at = Math.max(at, to);
  }
  if (at < text.length) found.push({ text: text.slice(at), kind: "" });
  return found;
}

interface Word {
  text: string;
  span: Span;
}

/** Words, numbers and signs of a line that are not masked. */
function words(text: string, masks: Span[]): Word[] {
  const found: Word[] = [];
  for (const match of text.matchAll(/[-+]?(?:\d+(?:[.,_]\d+)*|\.\d+)(?:[eE][-+]?\d+)?|[^\W\d]+|[^\w\s]/g)) {
    const span: Span = [match.index, match.index + match[0].length];
    if (!masks.some(([from, to]) => from < span[1] && span[0] < to)) found.push({ text: match[0], span });
  }
  return found;
}

/** What two lines that stand beside each other differ in: what is between their equal beginnings and ends, word for word
 * where these are as many. */
export function marks(a: string, aMasks: Span[], b: string, bMasks: Span[]): [Span[], Span[]] {
  const [left, right] = [words(a, aMasks), words(b, bMasks)];
  if (left.length === right.length) {
    const other = left.flatMap((word, at) => (word.text === right[at]!.text ? [] : [at]));
    return [other.map((at) => left[at]!.span), other.map((at) => right[at]!.span)];
  }
  let head = 0;
  while (head < Math.min(left.length, right.length) && left[head]!.text === right[head]!.text) head++;
  let tail = 0;
  while (tail < Math.min(left.length, right.length) - head && left.at(-1 - tail)!.text === right.at(-1 - tail)!.text) tail++;
  const between = (of: Word[]) => of.slice(head, of.length - tail).map((word) => word.span);
  return [between(left), between(right)];
}

/** Rows for two columns: lines that were removed stand beside those that were added in their place. */
export function beside(rows: LogRow[]): LogRow[] {
  const found: LogRow[] = [];
  for (let at = 0; at < rows.length; ) {
    const removed = take(rows, at, "removed");
    const added = take(rows, at + removed.length, "added");
    if (!removed.length && !added.length) {
      found.push(rows[at++]!);
      continue;
    }
    for (let index = 0; index < Math.max(removed.length, added.length); index++)
      found.push({ ...removed[index], ...added[index], kind: !removed[index] ? "added" : !added[index] ? "removed" : "changed" });
    at += removed.length + added.length;
  }
  return found;
}

/** Rows for one column: a line that changed is removed and added. */
export function below(rows: LogRow[]): LogRow[] {
  return rows.flatMap((row): LogRow[] => {
    if (row.kind !== "changed") return [row];
    const { a, a_text, a_masks, b, b_text, b_masks } = row;
    return [{ kind: "removed", a, a_text, a_masks }, { kind: "added", b, b_text, b_masks }] as LogRow[];
  });
}

/** As `diff -u` writes it, without numbers of lines. */
export function patch(of: LogDifference): string {
  const signs = { equal: " ", removed: "-", added: "+", changed: " ", folded: "" };
  const lines = below(of.rows).map((row) =>
    row.kind === "folded" ? `@@ ${row.count} equal lines @@` : signs[row.kind] + (row.a_text ?? row.b_text ?? ""),
  );
  return [`--- ${of.a.job}/${of.a.host}`, `+++ ${of.b.job}/${of.b.host}`, ...lines, ""].join("\n");
}

function take(rows: LogRow[], from: number, kind: LogRow["kind"]): LogRow[] {
  let to = from;
  while (rows[to]?.kind === kind) to++;
  return rows.slice(from, to);
}
