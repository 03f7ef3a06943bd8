import { expect, test } from "vitest";
import { bytes, configuration, flat, lasted, rulesOf, ruleTone } from "../src/job/described";

test("structures become rows", () => {
  expect(flat({ a: { b: 1, c: [true, { d: "x" }] }, e: null })).toEqual([["a.b", "1"], ["a.c.1", "true"], ["a.c.2.d", "x"]]);
  expect(flat({})).toEqual([]);
});

test("a run's own configuration is told, a created job's is asked for", () => {
  const described = { TrainingJobName: "a", HyperParameters: { lr: "0.1" }, Environment: { A: "b" }, ResourceConfig: { InstanceCount: 2 }, AlgorithmSpecification: { MetricDefinitions: [{ Name: "loss" }] } };
  expect(configuration(described, { config: {}, summary: {} })).toEqual([
    ["Hyperparameters", [["lr", "0.1"]]],
    ["Environment", [["A", "b"]]],
    ["Resources and limits", [["ResourceConfig.InstanceCount", "2"]]],
  ]);
  expect(configuration(null, { config: { layers: [8, 4] }, summary: { best: 1 } })).toEqual([
    ["Hyperparameters", [["layers.1", "8"], ["layers.2", "4"]]],
    ["Summary", [["best", "1"]]],
  ]);
});

test("sizes are read by people", () => {
  expect([0, 999, 1000, 7_000, 1_234_567, 5e12, 4e15].map(bytes)).toEqual(["0 B", "999 B", "1 kB", "7 kB", "1.23 MB", "5 TB", "4000 TB"]);
});

test("a stage that goes on lasts until now", () => {
  expect(lasted([{ start: 1, end: 4 }, { start: 4, end: null }], 10).map((one) => one.seconds)).toEqual([3, 6]);
});

test("rules of both kinds, and how grave they are", () => {
  const rules = rulesOf({ TrainingJobName: "a", DebugRuleEvaluationStatuses: [{ RuleConfigurationName: "x" }], ProfilerRuleEvaluationStatuses: [{ RuleConfigurationName: "x" }] });
  expect(rules.map((one) => one.kind)).toEqual(["debugger", "profiler"]);
  expect(rulesOf(null)).toEqual([]);
  expect(["IssuesFound", "NoIssuesFound", "InProgress", undefined].map(ruleTone)).toEqual(["bad", "good", "", ""]);
});
