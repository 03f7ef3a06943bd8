import { describe, expect, it } from "vitest";
import type { Alarm } from "../src/alarms/alarm";
import { entryOf, lines, matching, sorted, type Filters } from "../src/alarms/listing";
import { draftOfRule, expressionOf, length, muteNow, ruleOf, said } from "../src/alarms/mute";
import { decided } from "../src/alarms/reason";
import { suggestions } from "../src/alarms/sweep";
import { timeline } from "../src/alarms/timeline";

const entry = (AlarmName: string, StateValue: Alarm["StateValue"], since: number, tags: Record<string, string> = {}, more: Partial<Alarm> = {}) =>
  entryOf({
    AlarmName, AlarmArn: AlarmName, StateValue, StateUpdatedTimestamp: since, ActionsEnabled: true, MetricName: "loss", Threshold: 2,
    ComparisonOperator: "GreaterThanThreshold", EvaluationPeriods: 1, ...more, tags, created: 0,
  });
const ALL = [
  entry("b", "OK", 5, { TrainingJobName: "r7" }),
  entry("a", "ALARM", 1, { team: "x=y" }, { ActionsEnabled: false }),
  entry("c", "ALARM", 9, { TrainingJobName: "r7" }, { AlarmActions: ["arn"] }),
  entry("d", "INSUFFICIENT_DATA", 7, {}, { AlarmRule: "ALARM(a)" }),
];
const NONE: Filters = { search: "", state: "", kind: "", job: "", tag: "", actions: "" };
const names = (entries: typeof ALL) => entries.map((one) => one.alarm.AlarmName).join("");

describe("the list of alarms", () => {
  it.each<[Partial<Filters>, string]>([
    [{}, "bacd"], [{ search: "LOSS > 2" }, "bac"], [{ search: "r7 c" }, "c"], [{ kind: "composite" }, "d"], [{ job: "r7" }, "bc"],
    [{ tag: "team=x=y" }, "a"], [{ tag: "team=x" }, ""], [{ actions: "off" }, "a"], [{ actions: "none" }, "bad"], [{ actions: "muted" }, "b"],
  ])("%o chooses %s", (filters, found) => expect(names(matching(ALL, { ...NONE, ...filters }, { b: "rule" }))).toBe(found));

  it("comes with what is on first, the newest of them first, or as wished", () => {
    expect(names(sorted(ALL, "state", false))).toBe("cadb");
    expect(names(sorted(ALL, "name", true))).toBe("dcba");
    expect(names(sorted(ALL, "since", false))).toBe("cdba");
  });

  it("has headings with how many are under them", () => {
    const shown = lines(sorted(ALL, "name", false), "job");
    expect(shown.flatMap((line) => ("heading" in line ? [`${line.heading} ${line.many}`] : []))).toEqual(["No training job 2", "r7 2"]);
    expect(lines(ALL, "")).toHaveLength(4);
  });
});

describe("a mute rule", () => {
  it("mutes from this minute on", () => {
    expect(muteNow(["a"], 3600, 1_800_000_059)).toEqual({
      Name: "muted-20270115080059",
      Rule: { Schedule: { Expression: "at(2027-01-15T08:00)", Duration: "PT1H", Timezone: "UTC" } },
      MuteTargets: { AlarmNames: ["a"] },
    });
    expect([900, 5400, 86400, 604800].map(length)).toEqual(["PT15M", "PT90M", "P1D", "P7D"]);
  });

  it.each([
    ["cron(0 2 * * *)", "daily at 02:00 UTC"], ["cron(5 14 * * MON,FRI)", "MON, FRI at 14:05 UTC"], ["cron(0 2 * * 0)", "SUN at 02:00 UTC"],
    ["cron(*/5 2 1 * *)", "cron(*/5 2 1 * *) UTC"], ["at(2026-11-22T02:00)", "on 2026-11-22 02:00 UTC"],
  ])("%s is said as %s", (Expression, words) => expect(said({ Expression, Duration: "PT1H" })).toBe(words));

  it.each(["cron(5 14 * * MON,FRI)", "cron(0 2 * * *)", "cron(0,30 2 1-5 * *)", "at(2026-11-22T02:00)"])("%s is written again as it was", (Expression) => {
    const rule = {
      Name: "r", AlarmMuteRuleArn: "arn", Status: "ACTIVE" as const, MuteType: "RECURRING" as const,
      Rule: { Schedule: { Expression, Duration: "P1DT2H30M", Timezone: "Europe/Berlin" } }, MuteTargets: { AlarmNames: ["a", "b c"] },
    };
    const draft = draftOfRule(rule, String);
    expect(expressionOf(draft)).toBe(Expression);
    expect(ruleOf(draft)).toEqual({ Name: "r", Rule: { Schedule: { Expression, Duration: "PT1590M", Timezone: "Europe/Berlin" } }, MuteTargets: rule.MuteTargets });
  });
});

describe("why an alarm is in its state", () => {
  const stamp = (minute: string) => `2026-02-26T10:${minute}:00.000+0000`;

  it("is the datapoints that were looked at, each with its band", () => {
    const StateReasonData = JSON.stringify({
      recentDatapoints: [1, 9], recentLowerThresholds: [0, 2], recentUpperThresholds: [4, 5],
      evaluatedDatapoints: [{ timestamp: stamp("12"), value: 9, sampleCount: 2 }, { timestamp: stamp("11") }, { timestamp: stamp("10"), value: 1 }],
    });
    const found = decided({ StateReasonData, ComparisonOperator: "GreaterThanUpperThreshold" });
    expect(found.banded).toBe(true);
    expect(found.points.map((one) => [one.value, one.low, one.high, one.breaches])).toEqual([[9, 2, 5, true], [null, null, null, false], [1, 0, 4, false]]);
    expect(found.points[0]!.time).toBe(Date.UTC(2026, 1, 26, 10, 12) / 1000);
  });

  it("is held against the threshold, or is other alarms, or nothing that can be read", () => {
    const point = (value: number) => JSON.stringify({ threshold: 5, evaluatedDatapoints: [{ timestamp: stamp("10"), value }] });
    const breaches = (value: number, ComparisonOperator: string) => decided({ StateReasonData: point(value), ComparisonOperator }).points[0]!.breaches;
    expect([breaches(5, "GreaterThanThreshold"), breaches(5, "GreaterThanOrEqualToThreshold"), breaches(4, "LessThanThreshold")]).toEqual([false, true, true]);
    const triggers = JSON.stringify({ triggeringAlarms: [{ arn: "arn:aws:cloudwatch:us-east-1:1:alarm:a:b", state: { value: "ALARM" } }] });
    expect(decided({ StateReasonData: triggers }).triggers).toEqual([{ name: "a:b", state: "ALARM" }]);
    expect(decided({ StateReasonData: "by hand" }).points).toEqual([]);
  });
});

describe("suggestions", () => {
  it("are the strictest settings that go off no more than that", () => {
    const tried: [number, number][] = [[1, 1], [2, 6], [3, 3], [4, 3], [5, 1], [6, 0], [7, 0]];
    expect(suggestions(tried, true)).toEqual([[6, 0], [5, 1], [3, 3]]);
    expect(suggestions(tried.map(([value, times]): [number, number] => [-value, times]).reverse(), false)).toEqual([[-6, 0], [-5, 1], [-3, 3]]);
    expect(suggestions([], true)).toEqual([]);
  });
});

describe("a time line", () => {
  const alarm = { StateValue: "OK" as const, StateUpdatedTimestamp: 50, StateTransitionedTimestamp: 40 };
  it("is that of the history, or of the state since it is in it", () => {
    expect(timeline(alarm, [[10, "ALARM"], [40, "OK"]], 10)).toEqual([{ time: 10, state: "ALARM" }, { time: 40, state: "OK" }]);
    expect(timeline(alarm, [], 10)).toEqual([{ time: 40, state: "OK" }]);
    expect(timeline(alarm, [], 45)).toEqual([{ time: 45, state: "OK" }]);
  });
});
