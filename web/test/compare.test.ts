import { describe, expect, it } from "vitest";
import {
  axisOf, chosenLooks, commonMetrics, delta, fieldsOf, groupable, look, LOOKS, metricTable, moved, slots, sorted, type Scalar,
} from "../src/compare/compare";

const metric = (name: string, final: number | string | null, direction: "min" | "max" = "min") => ({
  name, final, final_step: 1, best: typeof final === "number" ? final : null, best_step: 1, direction, min: 0, max: 1,
  first_time: 0, last_time: 1, points: 1, non_finite: 0,
});

describe("looks", () => {
  const names = Array.from({ length: 40 }, (_, at) => `job-${at}`);

  it("differ for as many jobs as there are, hues first", () => {
    const found = slots(names.slice(0, LOOKS), new Map());
    expect(new Set(found.values()).size).toBe(LOOKS);
    const hues = [...slots(names.slice(0, 8), new Map()).values()].map((slot) => look(slot));
    expect(new Set(hues.map((one) => one.colour)).size).toBe(8);
    expect(hues.every((one) => one.dash === undefined)).toBe(true);
  });

  it("stay when a job that came later goes", () => {
    const all = slots(names, new Map());
    const fewer = slots(names.slice(0, 12), new Map());
    for (const name of names.slice(0, 12)) expect(fewer.get(name)).toBe(all.get(name));
  });

  it("are as chosen, and nobody else's", () => {
    const found = slots(["a", "b", "c"], chosenLooks(["b:3", "nonsense", "c:999"]));
    expect(found.get("b")).toBe(3);
    expect(new Set(found.values()).size).toBe(3);
  });
});

it("shows metrics of most jobs first, validation and losses before others", () => {
  const jobs = [
    { metrics: [{ name: "lr" }, { name: "train:loss" }] },
    { metrics: [{ name: "lr" }, { name: "validation:loss" }, { name: "train:loss" }] },
  ];
  expect(commonMetrics(jobs)).toEqual([
    { name: "train:loss", jobs: 2 }, { name: "lr", jobs: 2 }, { name: "validation:loss", jobs: 1 },
  ]);
});

describe("fields", () => {
  const jobs: { fields: Record<string, Scalar> }[] = [
    { fields: { "params.lr": 0.1, "params.seed": 1, command: "train", "tags.team": "a" } },
    { fields: { "params.lr": 0.1, "params.seed": 2, command: "train" } },
    { fields: { "params.lr": 0.2, "params.seed": 3, command: "train", "tags.team": null } },
  ];
  const found = fieldsOf(jobs);

  it("are told with what differs, hyperparameters first", () => {
    expect(found.map(({ name, differs }) => [name, differs])).toEqual([
      ["params.lr", true], ["params.seed", true], ["command", false], ["tags.team", true],
    ]);
    expect(found[3]!.values).toEqual(["a", undefined, null]);
  });

  it("put jobs together where some share a value", () => {
    expect(groupable(found)).toEqual(["params.lr"]);
  });
});

describe("the table of metrics", () => {
  const jobs = [
    { name: "a", metrics: [metric("loss", 0.5), metric("acc", 0.9, "max")] },
    { name: "b", metrics: [metric("loss", 0.2), metric("acc", "NaN", "max")] },
    { name: "c", metrics: [metric("acc", 0.7, "max")] },
  ];
  const [loss, acc] = metricTable(jobs, ["loss", "acc"], "final");

  it("knows the best of each column", () => {
    expect([loss!.best, acc!.best]).toEqual([[1], [0]]);
    expect(loss!.values).toEqual([0.5, 0.2, null]);
  });

  it("is sorted with what has no number last", () => {
    expect(sorted(jobs, loss, "loss", false)).toEqual([1, 0, 2]);
    expect(sorted(jobs, acc, "acc", true)).toEqual([0, 2, 1]);
    expect(sorted(jobs, undefined, "", true)).toEqual([2, 1, 0]);
  });

  it("holds values against the baseline", () => {
    expect(delta(3, 2)).toEqual({ difference: 1, share: 0.5 });
    expect(delta(1, -2)).toEqual({ difference: 3, share: 1.5 });
    expect(delta(1, 0)).toEqual({ difference: 1, share: null });
    expect(delta("NaN", 1)).toBeNull();
  });
});

it("moves a name past its neighbour", () => {
  expect(moved(["a", "b", "c"], "c", -1)).toEqual(["a", "c", "b"]);
  expect(moved(["a", "b"], "a", -1)).toEqual(["a", "b"]);
});

it("makes an axis of a field", () => {
  const axis = (...values: (Scalar | undefined)[]) => axisOf({ name: "f", values });
  expect(axis(1, "2", null)).toEqual({ name: "f", kind: "linear", values: [1, 2, null] });
  expect(axis(1e-4, 0.1).kind).toBe("log");
  expect(axis("sgd", 3, undefined)).toEqual({ name: "f", kind: "category", values: ["sgd", 3, null] });
  expect(axis(true, false)).toEqual({ name: "f", kind: "category", values: ["true", "false"] });
});
