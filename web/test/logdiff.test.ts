import { describe, expect, it } from "vitest";
import { below, beside, marks, parts, patch, type LogRow } from "../src/compare/logdiff";

const row = (kind: LogRow["kind"], a?: string, b?: string): LogRow => ({
  kind, ...(a !== undefined && { a: 0, a_text: a, a_masks: [] }), ...(b !== undefined && { b: 0, b_text: b, b_masks: [] }),
});

it("shows a line as parts in order", () => {
  expect(parts("12s lr 0.1 end", [[0, 3]], [[7, 10]])).toEqual([
    { text: "12s", kind: "mask" }, { text: " lr ", kind: "" }, { text: "0.1", kind: "mark" }, { text: " end", kind: "" },
  ]);
  expect(parts("", [])).toEqual([]);
});

describe("two lines beside each other", () => {
  const marked = (a: string, b: string, masks: [number, number][] = []) => {
    const [left, right] = marks(a, masks, b, masks);
    return [left.map(([from, to]) => a.slice(from, to)), right.map(([from, to]) => b.slice(from, to))];
  };

  it("are marked word by word", () => {
    expect(marked("lr 0.1, loss=2e-5", "lr 0.3, loss=-2e-5")).toEqual([["0.1", "2e-5"], ["0.3", "-2e-5"]]);
    expect(marked("10s lr 1", "20s lr 1", [[0, 3]])).toEqual([[], []]);
  });

  it("are marked between what they share where one has more words", () => {
    expect(marked("saved to disk", "saved twice to disk")).toEqual([[], ["twice"]]);
  });
});

it("puts added lines beside those that were removed", () => {
  const rows = beside([row("equal", "x", "x"), row("removed", "a"), row("removed", "b"), row("added", undefined, "c")]);
  expect(rows.map(({ kind, a_text, b_text }) => [kind, a_text, b_text])).toEqual([
    ["equal", "x", "x"], ["changed", "a", "c"], ["removed", "b", undefined],
  ]);
});

it("takes changed lines apart for one column, and as a patch", () => {
  const rows = [row("changed", "a", "b"), { kind: "folded", count: 7, open: 0 } as LogRow];
  expect(below(rows).map(({ kind }) => kind)).toEqual(["removed", "added", "folded"]);
  const side = { job: "j", host: "h", hosts: [], lines: 1, cut: false };
  const counts = { equal: 7, changed: 1, removed: 0, added: 0 };
  expect(patch({ a: side, b: side, counts, coarse: false, rows, more: false })).toBe(
    "--- j/h\n+++ j/h\n-a\n+b\n@@ 7 equal lines @@\n",
  );
});
