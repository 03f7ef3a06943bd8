import { describe, expect, it, vi } from "vitest";
import { commands, completions, histogram, picture, pointed, results, SAMPLES, shape, sorted, stacked, type Field } from "../src/logs/query";

vi.mock("../src/lib/theme.svelte", () => ({ colour: (name: string) => name }));

const rows = (...all: Record<string, string>[]): Field[][] => all.map((row) => Object.entries(row).map(([field, value]) => ({ field, value })));

describe("a query", () => {
  it.each([
    ["fields a | limit 1", ["fields a", "limit 1"]],
    ['filter m like "a|b" | limit 1', ['filter m like "a|b"', "limit 1"]],
    ["filter @message like /a|b/ | stats count(*)", ["filter @message like /a|b/", "stats count(*)"]],
    ["parse @message /x|(?<y>z)/ # why | not\n| sort y", ["parse @message /x|(?<y>z)/", "sort y"]],
    ["stats a / b | limit 2", ["stats a / b", "limit 2"]],
  ])("%j has the commands %j", (query, parts) => expect(commands(query)).toEqual(parts));
  it.each([
    ["fields a | filter b > 1 | stats count(*) by c | sort d", 600, "fields a | filter b > 1 | stats count(*) as matches by bin(5s)"],
    ["limit 3", 3600, "stats count(*) as matches by bin(30s)"],
    ["filter a = 1 | pattern b | filter c = 2", 86400, "filter a = 1 | stats count(*) as matches by bin(10m)"],
    ["filter a = 1 | display a", 86400, "filter a = 1 | stats count(*) as matches by bin(10m)"],
  ])("%j is counted over %i seconds", (query, seconds, counted) => expect(histogram(query, seconds)).toBe(counted));
  it("is helped with commands first, and then with fields and functions", () => {
    expect(completions("fields a | sta", []).map((one) => one.label)).toContain("stats");
    const next = completions("stats av", [{ name: "my-loss", percent: 40 }]);
    expect(next[0]).toEqual({ label: "my-loss", detail: "40 %", apply: "`my-loss`" });
    expect(next.find((one) => one.label === "avg")?.apply).toBe("avg(");
  });
  it("of each sample is whole", () => expect(SAMPLES.every(([name, query]) => name && commands(query).length > 0)).toBe(true));
});

describe("results", () => {
  const overTime = results(rows({ "bin(1m)": "2026-11-22 10:01:00.000", host: "b", n: "3" }, { "bin(1m)": "2026-11-22 10:00:00.000", host: "b", n: "1" }, { "bin(1m)": "2026-11-22 10:00:00.000", host: "a", n: "10", "@ptr": "x" }));
  it("have columns in the order in which they come, without pointers", () => expect(overTime.columns).toEqual(["bin(1m)", "host", "n"]));
  it("over time become curves in order, the largest first", () => {
    const form = shape(overTime, "stats count(*) as n by bin(1m), host")!;
    expect(form).toEqual({ time: "bin(1m)", labels: ["host"], values: ["n"] });
    const { curves, view } = picture(overTime, form, "timeSeries", [0, 1]);
    expect(view).toBe("timeSeries");
    expect(curves.map((curve) => [curve.label, curve.values])).toEqual([["a", [10]], ["b", [1, 3]]]);
  });
  it("by a field become bars", () => {
    const found = results(rows({ code: "200", n: "7" }, { code: "500", n: "9" }));
    const form = shape(found, "stats count(*) as n by code")!;
    expect(form).toEqual({ time: null, labels: ["code"], values: ["n"] });
    expect(picture(found, form, "bar", [0, 1]).curves.map((curve) => [curve.label, curve.number])).toEqual([["500", 9], ["200", 7]]);
  });
  it("of lines are no picture", () => expect(shape(results(rows({ "@message": "stats", n: "1" })), "fields @message, n")).toBeNull());
  it("stand upon each other where they are stacked", () => {
    const form = shape(overTime, "stats count(*) as n by bin(1m), host")!;
    const [a, b] = stacked(picture(overTime, form, "timeSeries", [0, 1]).curves);
    expect([a!.low, a!.values, b!.low, b!.values]).toEqual([[0, 0], [10, 0], [10, 0], [11, 3]]);
  });
  it("are sorted as numbers where all are, what is missing last", () => {
    const found: Record<string, string>[] = [{ n: "10" }, { m: "x" }, { n: "9" }, { n: "-1.5" }];
    expect(sorted(found, "n", false).map((row) => row.n)).toEqual(["-1.5", "9", "10", undefined]);
    expect(sorted(found, "n", true).map((row) => row.n)).toEqual(["10", "9", "-1.5", undefined]);
  });
  it("point at their lines", () => {
    expect(pointed({ "@ptr": btoa("g\0s.t\x005\x007") })).toEqual({ group: "g", stream: "s.t", token: "5.7.s.t" });
    expect(pointed({ "@ptr": "?" })).toBeNull();
    expect(pointed({})).toBeNull();
  });
});
