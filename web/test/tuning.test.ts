import { expect, test } from "vitest";
import { axesOf, bestBy, sorted, type Definition, type Training } from "../src/tuning/trainings";

const training = (name: string, objective: number | null, more: Partial<Training> = {}): Training => ({
  name,
  definition: "",
  values: { lr: "0.1", kind: "adam" },
  status: "Completed",
  objective_status: "Succeeded",
  objective,
  created: 0,
  started: 10,
  ended: 20,
  failure_reason: "",
  ...more,
});
const definition: Definition = {
  name: "",
  objective: { metric: "loss", maximize: false },
  parameters: [
    { name: "lr", low: 0.001, high: 1, scaling: "Logarithmic", whole: false },
    { name: "depth", low: 1, high: 8, scaling: "Linear", whole: true },
    { name: "kind", choices: ["sgd", "adam"] },
  ],
  importance: {},
  correlation: {},
  least: 10,
};

test("each parameter has an axis of its kind, the objective comes last", () => {
  const axes = axesOf(definition, [training("a", 1), training("b", null, { values: { depth: "3" } })]);
  expect(axes.map((axis) => [axis.name, axis.kind])).toEqual([["lr", "log"], ["depth", "linear"], ["kind", "category"], ["loss", "linear"]]);
  expect(axes.map((axis) => axis.values)).toEqual([["0.1", null], [null, "3"], ["adam", null], [1, null]]);
});

test("the best so far counts what has succeeded only", () => {
  const some = [training("a", null), training("b", 3), training("c", 1, { objective_status: "Pending" }), training("d", 2), training("e", 5)];
  expect(bestBy(some, [1, 2, 3, 4, 5], false)).toEqual([null, 3, 3, 2, 2]);
  expect(bestBy(some, [1, 2, 3, 4, 5], true)).toEqual([null, 3, 3, 3, 5]);
  expect(bestBy(some, [5, 4, 3, 2, 1], false)).toEqual([2, 2, 2, 2, 5]);
});

test("what has no value comes last, whichever way the table is sorted", () => {
  const some = [training("a", null), training("b", 3, { values: { lr: "1e-3" } }), training("c", 10, { ended: null })];
  const names = (by: Parameters<typeof sorted>[1], descending: boolean) => sorted(some, by, descending, 100).map((one) => one.name);
  expect(names("objective", false)).toEqual(["b", "c", "a"]);
  expect(names("objective", true)).toEqual(["c", "b", "a"]);
  expect(names("value:lr", false)[0]).toBe("b");
  expect(names("value:kind", true).at(-1)).toBe("b");
  expect(names("duration", true)[0]).toBe("c");
});
