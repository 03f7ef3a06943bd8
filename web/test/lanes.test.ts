import { describe, expect, it } from "vitest";
import { inLane, lanes } from "../src/logs/lanes";
import type { LogLine } from "../src/logs/log";

/** `a1.25` is a line of stream `a` at second 1.25. */
const line = (text: string): LogLine => ({ time: Number(text.slice(1)), message: text, stream: text[0]!, level: "", token: text });
const read = (text: string) => text.split(" ").filter(Boolean).map(line);
const told = (text: string) => lanes(read(text)).map((row) => row.map((one) => one.token).join(" "));

describe("lanes", () => {
  it.each([
    ["", []],
    ["a1.0 b1.1 c1.2", ["a1.0 b1.1 c1.2"]],
    ["b1.0 a1.1", ["b1.0 a1.1"]],
    ["a1.0 a1.1 a1.2 b1.3", ["a1.0", "a1.1", "a1.2 b1.3"]],
    ["a1.0 b1.1 b1.2 a1.3", ["a1.0 b1.1", "b1.2 a1.3"]],
    ["a1.9 b2.0 a2.1", ["a1.9", "b2.0 a2.1"]],
  ])("of %j are %j", (text, rows) => expect(told(text)).toEqual(rows));

  it("are the same wherever the lines in memory begin, from the next second on", () => {
    const all = "a1.0 b1.1 a1.2 b1.3 c1.4 a2.0 b2.1 b2.2 c2.3 a3.1 c3.2";
    for (let at = 1; at < 5; at++) expect(told(all.split(" ").slice(at).join(" ")).slice(-3)).toEqual(told(all).slice(-3));
  });

  it("keep every line, and none stands below one that came later", () => {
    const lines = Array.from({ length: 500 }, (_, at) => line(`${"abcd"[(at * at) % 4]}${(at * 0.037).toFixed(3)}`));
    const rows = lanes(lines);
    expect(rows.flat()).toEqual(lines);
    for (const row of rows) expect(new Set(row.map((one) => one.stream)).size).toBe(row.length);
  });

  it.each([
    [1, "b", "b2.1"],
    [1, "c", "c1.2"],
    [0, "d", "d3.0"],
    [1, "x", undefined],
  ])("beside row %i in %s stands %s", (at, stream, found) => expect(inLane(lanes(read("a1.0 b1.1 c1.2 a2.0 b2.1 d3.0")), at, stream)?.token).toBe(found));
});
