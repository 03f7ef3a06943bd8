import { expect, it, describe } from "vitest";
import { append, at, extent, floored, positive, position } from "../src/charts/series";
import type { Curve, LivePoint } from "../src/lib/types";

const curve = (): Curve => ({
  metric: "loss",
  host: "algo-1",
  x: [1, 2],
  min: [5, 4],
  max: [5, 4],
  mean: [5, 4],
  smooth: [5, 4.5],
  total: 2,
  non_finite: [],
  non_finite_total: 0,
  last_time: 102,
  axis_known: true,
  ema: { mean: 3.25, weight: 0.75 },
});
const point = (step: number | null, time: number, value: number | string): LivePoint => ["loss", "algo-1", step, null, time, value];

describe("live points", () => {
  it("go on where the curve ends, smoothing included", () => {
    const one = curve();
    expect(append(one, [point(3, 103, 2)], "step", 100, 0.5)).toBe(true);
    expect(one.x).toEqual([1, 2, 3]);
    expect(one.mean.at(-1)).toBe(2);
    expect(one.smooth.at(-1)).toBeCloseTo((0.5 * 3.25 + 0.5 * 2) / 0.875);
    expect(one.total).toBe(3);
  });
  it("that the answer of the server already held are not added again", () => {
    const one = curve();
    expect(append(one, [point(2, 102, 4)], "step", 100, 0)).toBe(true);
    expect(one.total).toBe(2);
  });
  it("that lie before the end, or nowhere on the axis, need the server", () => {
    expect(append(curve(), [point(1, 103, 2)], "step", 100, 0)).toBe(false);
    expect(append(curve(), [point(3, 103, 2)], "epoch", 100, 0)).toBe(false);
  });
  it("that are no numbers become marks", () => {
    const one = curve();
    append(one, [point(3, 103, "NaN")], "step", 100, 0);
    expect(one.non_finite).toEqual([{ x: 3, value: "NaN" }]);
    expect(one.x).toEqual([1, 2]);
  });
  it("of one step widen its band", () => {
    const one = curve();
    append(one, [point(2, 103, 9)], "step", 100, 0);
    expect([one.min.at(-1), one.max.at(-1), one.x.length]).toEqual([4, 9, 2]);
  });
  it("have a place on each axis", () => {
    const one: LivePoint = ["m", "h", 7, 1.5, 110, 0];
    expect((["step", "epoch", "time", "relative"] as const).map((axis) => position(one, axis, 100))).toEqual([7, 1.5, 110, 10]);
  });
});

it("a cursor between the points of a curve reads the one before", () => {
  expect(at([null, 3, undefined, undefined], 3)).toBe(3);
  expect(at([undefined, undefined, 8], 0)).toBe(8);
  expect(at([], 0)).toBe(null);
});

it("a logarithmic axis leaves out what it cannot show", () => {
  expect(positive([1, 0, -2, null, 3])).toEqual([1, null, null, null, 3]);
});

it("the low edge of a band stays on a logarithmic axis", () => {
  expect(floored([1, -1, 0, null], [2, 0.5, 3, null])).toEqual([1, 0.5, 0.5, null]);
  expect(floored([-1], [0])).toEqual([null]);
});

it.each([
  [[{ min: [0, null], max: [10, null] }], false, [-0.6, 10.6]],
  [[{ min: [2], max: [3] }, { min: [-1], max: [9, undefined] }], false, [-1.6, 9.6]],
  [[{ min: [-1], max: [9] }], true, [9, 9]],
  [[{ min: [0], max: [0] }], true, undefined],
  [[], false, undefined],
])("an axis for %j (logarithmic: %j) ends at %j", (lines, log, ends) => {
  const found = extent(lines, log);
  if (!ends) return expect(found).toBeUndefined();
  ends.forEach((end, at) => expect(found![at]).toBeCloseTo(end));
});
