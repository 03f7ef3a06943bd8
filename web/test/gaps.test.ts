import { describe, expect, it, vi } from "vitest";
import { flags, isolated, missing, told, withRows } from "../src/charts/gaps";

vi.mock("../src/lib/theme.svelte", () => ({ colour: (name: string) => name }));
const { aligned } = await import("../src/charts/plot");

it.each([
  [[0, 60, 120], 60, []],
  [[0, 60, 240, 300], 60, [120]],
  [[0, 300], 60, [60]],
  [[0, 300], 0, []],
  [[], 60, []],
])("of the times %j each %d seconds those behind which one is missing", (times, period, found) =>
  expect(missing(times, period)).toEqual(found));

describe("a table", () => {
  it("has one more row at each place that it has none for", () => {
    expect(withRows([1, 3], [[10, 30], [5, 6]], [4, 0, 2, 2, 3], [null, undefined])).toEqual([
      [0, 1, 2, 3, 4],
      [null, 10, null, 30, null],
      [undefined, 5, undefined, 6, undefined],
    ]);
  });
  it("is as it was without such a place", () => {
    const [x, y] = [[1, 2], [3, 4]];
    const same = withRows(x, [y], [2], [null]);
    expect([same[0] === x, same[1] === y]).toEqual([true, true]);
  });
});

it.each([
  [[1, 2, null, 3], [3]],
  [[1, null, 2, null, 3, 4], [0, 2]],
  [[undefined, 1, undefined, null, undefined, 2, undefined, 3], [1]],
  [[1, undefined, 2], []],
  [[7], [0]],
  [[null, undefined, null], []],
  [[], []],
])("of %j the rows %j are dots", (column, rows) => expect(isolated(column)).toEqual(rows));

const line = (marks: { x: number; value: string }[], bucketed = false) => ({
  label: "loss", colour: "--series-1", x: [1, 2, 3], min: [1, 2, 3], max: [1, 2, 3], mean: [1, 2, 3], smooth: null, bucketed, marks,
});

describe("curves", () => {
  it("break at what is no number, and their bands go on", () => {
    const [x, min, max, mean, drawn] = aligned([line([{ x: 2.5, value: "NaN" }], true)], false);
    expect([x, min, max]).toEqual([[1, 2, 2.5, 3], [1, 2, undefined, 3], [1, 2, undefined, 3]]);
    expect([mean, drawn]).toEqual([[1, 2, null, 3], [1, 2, null, 3]]);
  });
  it("go on over the steps that only others have, and over others' gaps", () => {
    const data = aligned([line([{ x: 1.5, value: "NaN" }]), line([])], false);
    expect(data[0]).toEqual([1, 1.5, 2, 3]);
    expect(data[8]).toEqual([1, undefined, 2, 3]);
  });
  it("are as long as what is not finite reaches", () => expect(aligned([line([{ x: 9, value: "Infinity" }])], false)[0]).toEqual([1, 2, 3, 9]));
});

it("flags are no nearer than they can be told apart, and count what they stand for", () => {
  const marks = [0, 1, 2, 30, 31].map((x) => ({ x, value: "NaN" }));
  expect(flags([...marks, { x: 31, value: "Infinity" }], (x) => 2 * x, 10)).toEqual([
    { at: 0, value: "NaN", count: 3 },
    { at: 60, value: "NaN", count: 2 },
    { at: 62, value: "Infinity", count: 1 },
  ]);
});

describe("what is told of values that are no numbers", () => {
  const marks = [{ x: 9, value: "Infinity" }, { x: 7, value: "NaN" }];
  it("is how many, and where", () => expect(told(marks, 2, (x) => `step ${x}`)).toEqual({ short: "2 not finite, first at step 7", long: "NaN at step 7, ∞ at step 9" }));
  it("also of those that are not listed", () => {
    expect(told(marks, 1002, String).long).toBe("NaN at 7, ∞ at 9, 1,000 more");
    expect(told([], 3, String)).toEqual({ short: "3 not finite", long: "3 more" });
  });
});
