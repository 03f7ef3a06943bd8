import { describe, expect, it } from "vitest";
import { advanced } from "../src/job/summary";
import type { LivePoint, MetricSummary } from "../src/lib/types";

const LOSS: MetricSummary = {
  name: "loss", final: 2, final_step: 4, best: 1, best_step: 2, direction: "min", min: 1, max: 3, first_time: 0, last_time: 100, points: 5, non_finite: 0,
};
const point = (step: number, time: number, value: number | string, metric = "loss"): LivePoint => [metric, "algo-1", step, null, time, value];

describe("a metric's summary", () => {
  it("follows newer points", () =>
    expect(advanced([LOSS], [point(5, 101, 0.5), point(6, 102, 4)])[0]).toEqual({
      ...LOSS, final: 4, final_step: 6, best: 0.5, best_step: 5, min: 0.5, max: 4, last_time: 102, points: 7,
    }));
  it("knows that greater is better where it is", () =>
    expect(advanced([{ ...LOSS, direction: "max", best: 3, best_step: 0 }], [point(5, 101, 9)])[0]).toMatchObject({ best: 9, best_step: 5 }));
  it("counts what is no number and keeps its best", () =>
    expect(advanced([LOSS], [point(5, 101, "NaN")])[0]).toEqual({ ...LOSS, final: "NaN", final_step: 5, last_time: 101, points: 6, non_finite: 1 }));
  it("has points that it sums up already only once", () => expect(advanced([LOSS], [point(4, 100, 2)])[0]).toBe(LOSS));
  it("begins with the first number there is", () =>
    expect(advanced([{ ...LOSS, best: null, best_step: null, min: null, max: null }], [point(5, 101, 7)])[0]).toMatchObject({ best: 7, min: 7, max: 7 }));
  it("does not change the one it was made of, nor others", () => {
    const others = { ...LOSS, name: "accuracy" };
    const before = JSON.stringify(LOSS);
    expect(advanced([LOSS, others], [point(5, 101, 0)])[1]).toBe(others);
    expect(JSON.stringify(LOSS)).toBe(before);
  });
});
