import { describe, expect, it, vi } from "vitest";
import { faultOf } from "../src/metrics/asking";
import { awsCli, boto3, query, queries } from "../src/metrics/code";
import { inExpression, type Reference } from "../src/metrics/completion";
import { fromSource, properties, readGraph, spelled, suited, written, type Graph } from "../src/metrics/graph";

vi.mock("../src/lib/theme.svelte", () => ({ colour: (name: string) => name }));

const NOW = Date.parse("2026-03-31T12:00:00Z") / 1000;
const GRAPH: Graph = {
  rows: [["Lab", "loss", "Run", "a b", { id: "m1", visible: false }], [{ id: "e1", expression: "m1 * 2", label: "twice" }], [{ id: "e2", expression: "e1 + SUM(SEARCH('{Lab} e1', 'Sum'))" }]],
  stat: "p99",
  period: 0,
  start: "",
  end: "",
  view: "timeSeries",
  stacked: true,
  options: { title: "Loss", yAxis: { left: { min: 0 } } },
};

describe("a graph", () => {
  it("is the same after it was an address", () => {
    const words = new URLSearchParams();
    for (const [name, value] of Object.entries(written(GRAPH)))
      for (const one of Array.isArray(value) ? value : value === null || value === "" ? [] : [value]) words.append(name, String(one));
    expect(readGraph((name) => words.get(name) ?? "", (name) => words.getAll(name))).toEqual(GRAPH);
  });
  it("is the same after it was a source", () => expect(fromSource(JSON.stringify({ type: "metric", properties: { ...properties(GRAPH, NOW), period: 0, start: "" } }))).toEqual(GRAPH));
  it.each(["{", "[]", '{"metrics": 1}', '{"metrics": [1]}', "null"])("is not made of %s", (text) => expect(() => fromSource(text)).toThrow(/JSON|object|list/));
  it.each([
    ["-PT15M", 10],
    ["", 60],
    ["-P1D", 300],
    ["-P30D", 86400],
  ])("over %s has a point every %d s", (start, seconds) => expect(suited(start, "", NOW)).toBe(seconds));
  it("has its short rows spelled out", () =>
    expect(spelled([["Lab", "loss", "Run", "a"], [".", "accuracy", ".", "."], ["...", "b", { stat: "Sum" }]])).toEqual([
      ["Lab", "loss", "Run", "a"],
      ["Lab", "accuracy", "Run", "a"],
      ["Lab", "accuracy", "Run", "b", { stat: "Sum" }],
    ]));
});

describe("its code", () => {
  const place = { region: "us-east-1", endpoint: "http://127.0.0.1:4600" };
  it("asks GetMetricData", () => {
    expect(queries(GRAPH, NOW)[0]).toEqual({ Id: "m1", MetricStat: { Metric: { Namespace: "Lab", MetricName: "loss", Dimensions: [{ Name: "Run", Value: "a b" }] }, Period: 60, Stat: "p99" }, ReturnData: false });
    expect(boto3(GRAPH, place, NOW)).toContain('"ReturnData": False');
    expect(boto3(GRAPH, place, NOW)).toContain("timedelta(seconds=10800)");
    expect(awsCli({ ...GRAPH, start: "2026-03-31T10:00:00Z", end: "2026-03-31T11:00:00Z" }, place, NOW)).toContain("--start-time 2026-03-31T10:00:00Z --end-time 2026-03-31T11:00:00Z");
  });
  it("asks by our own command, whose answers have their own names", () =>
    expect(query(GRAPH, NOW)).toBe(`epochwatch query 'm1 * 2' 'q1 + SUM(SEARCH('\\''{Lab} e1'\\'', '\\''Sum'\\''))' \\\n  -m 'm1=Lab loss{Run="a b"} p99' \\\n  --start -10800s --period 60 --plot\n`));
});

describe("a refusal", () => {
  it.each([
    ["Error in expression 'e1': column 4: '+' stands there", 1, 3],
    ["Error in expression 'z__2': line 1, column 8: no", 2, 7],
    ["The value x for parameter metrics.member.1.MetricStat.Stat is not supported.", 0, null],
    ["The widget is invalid: /metrics/0: Invalid metric field type.", 0, null],
  ])("%s is about a row", (message, row, at) => expect(faultOf(message, GRAPH.rows)).toMatchObject({ row, fault: { at } }));
  it("of the whole is about none", () => expect(faultOf("The parameter start must be less than the parameter end.", GRAPH.rows)).toBeNull());
});

describe("an expression is completed", () => {
  const entry = (name: string) => ({ name, usage: name, meaning: "" });
  const reference: Reference = { functions: [entry("AVG")], statistics: [entry("p99")], labels: [], sql: [entry("GROUP BY")] };
  const names = { namespaces: ["Lab", "My Lab"], dimensions: () => ["Host,Run"], metrics: (of: string) => (of === "Lab" ? ["loss"] : []) };
  it.each([
    ["AV", ["m1", "AVG"]],
    ["SEARCH('{", ["Lab", "My Lab"]],
    ["SEARCH('{Lab,", ["Host", "Run"]],
    ["SEARCH('{Lab,Host,", ["Run"]],
    ["SEARCH('{Lab,Host} ", ["loss", "AND", "OR", "NOT", "MetricName="]],
    ["SEARCH('{Lab,Host} loss', '", ["p99"]],
    ["SELECT AVG(x) FROM ", ["Lab", "My Lab"]],
    ["SELECT AVG(x) FROM Lab GROUP BY ", ["Host", "Run"]],
  ])("after %s", (before, wanted) => expect(inExpression(before, [["m1", "loss"]], reference, names).map((one) => one.label)).toEqual(wanted));
  it("with names in quotes where they need them", () => expect(inExpression("SEARCH('{", [], reference, names)[1]!.apply).toBe('"My Lab"'));
});
