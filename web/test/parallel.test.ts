import { describe, expect, test } from "vitest";
import { asWords, fromWords, inOrder, movedTo, narrowed, nearest, NONE, scaled, within } from "../src/charts/parallel";

const lr = scaled({ name: "lr", kind: "log", values: [0.001, 0.1, 0.01, null, -1] });
const depth = scaled({ name: "depth", kind: "linear", values: [1, 5, 3, 2, 4] });
const kind = scaled({ name: "kind", kind: "category", values: ["b10", "b9", "b10", "a", null] });

describe("axes", () => {
  test("numbers run from the least to the greatest, logarithms evenly", () => {
    expect([...depth.places]).toEqual([0, 1, 0.5, 0.25, 0.75]);
    expect(lr.places[2]).toBeCloseTo(0.5);
    expect([...lr.places].slice(3)).toEqual([NONE, NONE]);
    expect([lr.missing, depth.missing]).toEqual([true, false]);
  });
  test("choices stand in their natural order, amid their room", () => {
    expect(kind.ticks.map((tick) => tick.text)).toEqual(["a", "b9", "b10"]);
    expect(kind.places[3]).toBeCloseTo(1 / 6);
    expect(kind.places[0]).toBeCloseTo(5 / 6);
  });
  test("ticks are round", () => {
    expect(depth.ticks.map((tick) => tick.text)).toEqual(["1", "2", "3", "4", "5"]);
    expect(lr.ticks.map((tick) => tick.text)).toEqual(["0.001", "0.01", "0.1"]);
    expect(scaled({ name: "x", kind: "log", values: [2, 5] }).ticks.map((tick) => tick.text)).toEqual(["2", "5"]);
  });
  test("one value, and none, have a place", () => {
    expect([...scaled({ name: "x", kind: "linear", values: [7, 7] }).places]).toEqual([0.5, 0.5]);
    expect([...scaled({ name: "x", kind: "log", values: [null] }).places]).toEqual([NONE]);
  });
  test("units and places are each other's reverse", () => {
    for (const axis of [lr, depth, kind]) expect(axis.place(axis.unit(0.3))).toBeCloseTo(0.3);
  });
});

test("brushes leave the lines that lie within all of them, ends included", () => {
  expect(within([lr, depth], {}, 5)).toEqual([0, 1, 2, 3, 4]);
  expect(within([lr, depth], { depth: [2, 4] }, 5)).toEqual([2, 3, 4]);
  expect(within([lr, depth], { depth: [2, 4], lr: [0.001, 0.01] }, 5)).toEqual([2]);
  expect(within([kind], { kind: [0.5, 1.5] }, 5)).toEqual([1]);
});

test("the nearest line is found between its axes", () => {
  expect(nearest([lr, depth], [0, 1, 2], 0.5, 0.5, 0.1)).toBe(2);
  expect(nearest([lr, depth], [0, 1], 0.5, 0.5, 0.1)).toBeNull();
  expect(nearest([lr, depth], [0, 1], 1, 0.95, 0.1)).toBe(1);
  expect(nearest([], [0], 0, 0, 1)).toBeNull();
});

test("axes are moved, and those nobody has moved stay behind", () => {
  expect(inOrder([{ name: "a" }, { name: "b" }, { name: "c" }], ["c", "gone", "a"]).map((one) => one.name)).toEqual(["c", "a", "b"]);
  expect(movedTo(["a", "b", "c"], "a", 1)).toEqual(["b", "a", "c"]);
  expect(movedTo(["a", "b", "c"], "a", 9)).toEqual(["b", "c", "a"]);
});

test("keys narrow a range by twentieths, but never to nothing", () => {
  let range = narrowed(depth, undefined, "low");
  expect(range).toEqual([1.2, 5]);
  for (let at = 0; at < 40; at++) range = narrowed(depth, range, "high");
  expect(range[1]).toBeGreaterThan(range[0]);
});

test("ranges go into an address and come back", () => {
  const ranges = { "a:b": [0.1, 2], lr: [1e-5, 0.123456] } as Record<string, [number, number]>;
  expect(asWords(ranges)).toEqual(["a:b:0.1:2", "lr:0.00001:0.12346"]);
  // No line at an end is lost by it.
  expect(asWords({ lr: [0.1234567, 0.8219712], d: [-1.234567, -0] })).toEqual(["lr:0.12345:0.82198", "d:-1.2346:0"]);
  expect(fromWords(asWords(ranges))["a:b"]).toEqual([0.1, 2]);
  expect(fromWords(["x", "x:1:a", "x:2:1", ""])).toEqual({});
});
