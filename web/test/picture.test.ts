import { describe, expect, it, vi } from "vitest";
import type { Picture, PictureCurve } from "../src/charts/picture";

vi.mock("../src/lib/theme.svelte", () => ({ colour: (name: string) => name }));
const { columns, own, plainCurve, plainPicture, sameAxes, summary, valueAt } = await import("../src/charts/picture");
const { scaled } = await import("../src/charts/gestures");
const { doubled, movedRow, optionsOf } = await import("../src/lib/metricrow");

const curve = (label: string, timestamps: number[], values: number[], more: Partial<PictureCurve> = {}): PictureCurve => plainCurve({ label, timestamps, values, period: 60, ...more });
const picture = (...curves: PictureCurve[]): Picture => plainPicture({ start: 0, end: 240, curves, stacked: curves.some((one) => one.low !== null) });
const NOBODY = new Set<string>();

describe("the columns of a picture", () => {
  it("join curves on all their times", () => {
    const { data, places } = columns(picture(curve("a", [0, 60], [1, 2]), curve("b", [60, 120], [3, 4], { high: [5, 6] })), NOBODY, 1000);
    expect(data[0]).toEqual([0, 60, 120]);
    expect(places.map((one) => [one.values, one.open, one.high])).toEqual([
      [1, 2, null],
      [3, 4, 5],
    ]);
    expect(data[5]).toEqual([undefined, 5, 6]);
  });
  it("keep the point apart whose period is not over", () => {
    const { data } = columns(picture(curve("a", [0, 60, 120], [1, 2, 3])), NOBODY, 150);
    expect([data[1], data[2]]).toEqual([
      [1, 2, undefined],
      [undefined, 2, 3],
    ]);
    expect(columns(picture(curve("a", [0, 60, 120], [1, 2, 3])), NOBODY, 180).data[1]).toEqual([1, 2, 3]);
  });
  it("break where periods are missing, and tell nothing there", () => {
    const one = picture(curve("a", [0, 60, 240, 300], [1, 2, 3, 4]), curve("b", [0, 120], [5, 6], { period: 120 }));
    const { data, places } = columns(one, NOBODY, 1000);
    expect(data[0]).toEqual([0, 60, 120, 240, 300]);
    expect(data[1]).toEqual([1, 2, null, 3, 4]);
    expect(data[3]).toEqual([5, undefined, 6, undefined, undefined]);
    expect([0, 1, 2, 3].map((row) => valueAt(data, one, places[0]!, row))).toEqual([1, 2, null, 3]);
    expect([1, 2, 3].map((row) => valueAt(data, one, places[1]!, row))).toEqual([5, 6, null]);
  });
  it("go on where the period is not known, and in stacks", () => {
    expect(columns(picture(curve("a", [0, 600], [1, 2], { period: 0 })), NOBODY, 1000).data[1]).toEqual([1, 2]);
    expect(columns(picture(curve("a", [0, 600], [1, 2], { low: [0, 0] })), NOBODY, 1000).data[1]).toEqual([1, 2]);
  });
  it("draw no dashes over a gap to the point whose period is not over", () => {
    const { data } = columns(picture(curve("a", [0, 60, 240], [1, 2, 3])), NOBODY, 250);
    expect([data[1], data[2]]).toEqual([
      [1, 2, null, undefined],
      [undefined, undefined, null, 3],
    ]);
  });
  it("pile up those that are to be seen", () => {
    const stack = picture(curve("a", [0], [1], { low: [0] }), curve("b", [0], [3], { low: [1] }), curve("c", [0], [6], { low: [3] }));
    expect(columns(stack, NOBODY, 1000).data[5]).toEqual([6]);
    const { data, places } = columns(stack, new Set(["b"]), 1000);
    expect(data[3]).toEqual([4]);
    expect(valueAt(data, stack, places[1]!, 0)).toBe(3);
  });
});

describe("the same axes of several pictures", () => {
  const parts = (...more: Partial<PictureCurve>[]) => [[1, 2], [0, 101]].map((values, at) => picture(curve(`c${at}`, [0, 60], values, more[at])));
  const ends = (pictures: Picture[], hidden: string[] = [], log = false) => {
    const { left, right } = sameAxes(pictures, new Set(hidden), log);
    return [left.min, left.max, right.min, right.max].map((end) => (end === null ? null : Math.round(end)));
  };
  it("show all of them, with a little room", () => expect(ends(parts())).toEqual([-6, 107, null, null]));
  it("show what is not hidden", () => expect(ends(parts(), ["c0"])).toEqual([-6, 107, null, null]));
  it("are of a side each", () => expect(ends(parts({ axis: "right" }))).toEqual([-6, 107, 1, 2]));
  it("begin above zero where they are logarithmic", () => expect(ends(parts(), [], true)).toEqual([1, 101, null, null]));
  it("stand on zero where curves are stacked, each picture by itself", () => expect(ends(parts({ low: [0, 0] }, { low: [1, 2] }))).toEqual([0, 105, null, null]));
  it("show levels, and keep ends that are given", () => {
    const [one, other] = parts() as [Picture, Picture];
    const level = { value: 201, label: "", color: null, axis: "left" as const, fill: "none" as const };
    const axes = { ...one.axes, left: { ...one.axes.left, min: -1 } };
    expect(ends([{ ...one, levels: [level], axes }, other])).toEqual([-1, 213, null, null]);
  });
});

describe("a curve", () => {
  it("is told by its own values, also upon others", () => {
    const upon = curve("b", [0, 60], [3, 8], { low: [1, 2] });
    expect(own(upon)).toEqual([2, 6]);
    expect(summary(upon)).toEqual({ last: 6, min: 2, max: 6, mean: 4 });
  });
  it("without points has nothing to tell", () => expect(summary(curve("a", [], [])).mean).toBeNull());
});

it.each([
  [0.5, 25, [12.5, 62.5]],
  [2, 0, [0, 200]],
  [0.001, 50, [49, 51]],
])("a range scaled by %d around %d", (by, around, range) => expect(scaled([0, 100], around, by)).toEqual(range));

describe("rows", () => {
  const rows = [["Lab", "a", { id: "m1" }], ["Lab", "b"], ["Lab", "c"]];
  it("are moved to another place", () => {
    expect(movedRow(rows, 0, 2).map((row) => row[1])).toEqual(["b", "c", "a"]);
    expect(movedRow(rows, 2, 0).map((row) => row[1])).toEqual(["c", "a", "b"]);
  });
  it("are doubled with an id of their own", () => expect(doubled(rows, 0).map((row) => optionsOf(row).id)).toEqual(["m1", "m2", "m3", "m4"]));
});
