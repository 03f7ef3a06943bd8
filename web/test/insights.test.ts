import { describe, expect, test, vi } from "vitest";

vi.hoisted(() => {
  globalThis.location ??= { pathname: "/_/", search: "" } as Location;
  globalThis.window ??= { addEventListener() {} } as unknown as Window & typeof globalThis;
});

const { eachStep, linesOf, members, moved, quantity, rowAt, tallest } = await import("../src/insights/insights");
import type { Lane, Series } from "../src/insights/insights";

const columns = { min: [1], mean: [2], max: [3] };
const series = (names: string[]): Series => ({
  nodes: ["algo-1"],
  node: "algo-1",
  cores: [0, 1],
  from: 0,
  to: 1,
  x: [0.5],
  units: {},
  series: Object.fromEntries(names.map((name) => [name, columns])),
});

describe("a job's insights", () => {
  test("draw the mean first, then cores in the order of their numbers", () => {
    const found = series(["core.10.busy", "core.2.busy", "cpu", "core.2.iowait"]);
    expect(members(found, "cpu").map((one) => one.label)).toEqual(["mean", "core 2", "core 10"]);
    expect(linesOf(found, "cpu")[0]).toMatchObject({ label: "mean", bucketed: true });
  });

  test("draw one GPU as itself, several beside their mean", () => {
    expect(members(series(["gpu", "gpu.0.busy"]), "gpu").map((one) => one.label)).toEqual(["GPU"]);
    expect(members(series(["gpu", "gpu.0.busy", "gpu.1.busy"]), "gpu").map((one) => one.label)).toEqual(["mean", "GPU 0", "GPU 1"]);
  });

  test.each([
    [42.123, "Percent", "42.1 %"],
    [1_250_000, "Bytes/Second", "1.25 MB/s"],
    [12, "Bytes/Second", "12.0 B/s"],
    [null, "Percent", "–"],
    [301.4, "Watts", "301 W"],
  ])("say %s in %s", (value, unit, text) => expect(quantity(value, unit)).toBe(text));

  test("move a window no further than there is something", () => {
    expect(moved([10, 20], [0, 100], 0.5)).toEqual([15, 25]);
    expect(moved([10, 20], [0, 100], -5)).toEqual([0, 10]);
    expect(moved([90, 100], [0, 100], 1)).toEqual([90, 100]);
    expect(moved([40, 60], [0, 100], 0, 0.5)).toEqual([45, 55]);
    expect(moved([40, 60], [0, 100], 0, 20)).toEqual([0, 100]);
  });

  const lane: Lane = {
    node: "algo-1", rank: 0, process: 1, step: null, mode: null,
    steps: [2, 1], start: [10, 20], seconds: [5, 5], longest: [3, 4], parts: [[2, 2], [1, 3]],
  };
  test("find the row at a time", () => {
    expect([9, 10, 14.9, 16, 22, 26].map((time) => rowAt(lane, time))).toEqual([-1, 0, 0, -1, 1, -1]);
  });
  test("divide a span's sums by its steps", () => {
    expect(eachStep(lane, 0)).toEqual([1, 1]);
    expect(tallest(lane)).toBe(4);
  });
});
