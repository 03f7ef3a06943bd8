import { describe, expect, it } from "vitest";
import { condition, jobOf, kindOf, type Definition } from "../src/alarms/alarm";
import { boto3, cli } from "../src/alarms/code";
import { draftOf, freeId, inputFor, isWhole } from "../src/alarms/draft";
import { fieldOf } from "../src/alarms/refusals";

const judged = { ComparisonOperator: "GreaterThanThreshold", EvaluationPeriods: 3, DatapointsToAlarm: 2, TreatMissingData: "breaching" };
const stat = { Metric: { Namespace: "Lab", MetricName: "loss", Dimensions: [{ Name: "run", Value: "r7" }] }, Period: 60, Stat: "p99" };
const common = { AlarmName: "hot", AlarmDescription: "look", ActionsEnabled: false, OKActions: ["arn:a"], Tags: [{ Key: "team", Value: "vision" }] };

const DEFINITIONS: Record<string, Definition> = {
  metric: {
    ...common, ...judged, Namespace: "Lab", MetricName: "loss", Dimensions: [{ Name: "run", Value: "r7" }], ExtendedStatistic: "p99", Period: 60,
    Unit: "Seconds", Threshold: 0, EvaluateLowSampleCountPercentile: "ignore", EvaluationWindow: { WallClockWindow: { Timezone: "Europe/Berlin" } },
    WarmUpConfiguration: { WarmUpPeriodDurationInMinutes: 5, OnlyStartEvaluatingAfterWarmUpPeriodEnds: true },
    ActionConfiguration: { AlarmTagsPropagation: { Enabled: true, ExcludedTagKeys: ["a", "b"] } },
  },
  expression: {
    ...common, ...judged, Threshold: 5,
    Metrics: [{ Id: "m1", MetricStat: stat, ReturnData: false }, { Id: "e1", Expression: "m1 * 2", Label: "twice", Period: 300, ReturnData: true }],
  },
  anomaly: {
    ...common, ...judged, ComparisonOperator: "GreaterThanUpperThreshold", ThresholdMetricId: "ad1",
    Metrics: [{ Id: "m1", MetricStat: stat, ReturnData: true }, { Id: "ad1", Expression: "ANOMALY_DETECTION_BAND(m1, 2.5)", ReturnData: true }],
  },
  insights: {
    ...common, ...judged, Threshold: -1.5,
    Metrics: [{ Id: "q1", Expression: 'SELECT MAX(loss) FROM "Lab" GROUP BY run', Period: 60, ReturnData: true }],
  },
  promql: {
    ...common, EvaluationCriteria: { PromQLCriteria: { Query: "loss > 5", PendingPeriod: 60, RecoveryPeriod: 30 } }, EvaluationInterval: 20,
  },
  composite: {
    ...common, AlarmRule: "ALARM(a) AND NOT OK(b)", ActionsSuppressor: "calm", ActionsSuppressorWaitPeriod: 10, ActionsSuppressorExtensionPeriod: 20,
  },
};

describe("a draft", () => {
  it.each(Object.entries(DEFINITIONS))("of an alarm of the kind %s makes it again", (kind, definition) => {
    expect(kindOf(definition)).toBe(kind);
    expect(isWhole(draftOf(definition))).toBe(true);
    expect(inputFor(draftOf(definition))).toEqual(definition);
  });

  it("of a band around an expression keeps the band", () => {
    const banded: Definition = {
      ...common, ...judged, ComparisonOperator: "LessThanLowerThreshold", ThresholdMetricId: "band",
      Metrics: [
        { Id: "m1", MetricStat: stat, ReturnData: false },
        { Id: "e1", Expression: "RATE(m1)", ReturnData: true },
        { Id: "band", Expression: "ANOMALY_DETECTION_BAND(e1, 3)", ReturnData: true },
      ],
    };
    expect(kindOf(banded)).toBe("expression");
    expect(inputFor(draftOf(banded))).toEqual(banded);
  });

  it("becomes another kind without losing its metric", () => {
    const draft = draftOf(DEFINITIONS.metric!, "anomaly");
    expect(inputFor(draft).Metrics?.[0]?.MetricStat).toEqual({ ...stat, Unit: "Seconds" });
    expect(inputFor(draft).ComparisonOperator).toBe("GreaterThanThreshold");
  });

  it("is not whole without what it watches, or its threshold", () => {
    for (const kind of ["metric", "expression", "anomaly", "insights", "promql", "composite"] as const) expect(isWhole(draftOf({}, kind))).toBe(false);
    const without = draftOf({ Namespace: "Lab", MetricName: "loss" }, "metric");
    expect([isWhole(without), isWhole(without, false)]).toEqual([false, true]);
    expect(freeId(draftOf(DEFINITIONS.expression!).rows, "m")).toBe("m2");
  });
});

describe("an alarm", () => {
  it("is told in short, of each kind", () => {
    expect(Object.values(DEFINITIONS).map(condition)).toEqual([
      "loss > 0 in 2 of 3 periods", "twice > 5 in 2 of 3 periods", "loss above the band in 2 of 3 periods",
      'SELECT MAX(loss) FROM "Lab" GROUP BY run > -1.5 in 2 of 3 periods', "loss > 5", "ALARM(a) AND NOT OK(b)",
    ]);
  });

  it("is of a job by its tag, its dimensions or its host", () => {
    const of = (Name: string, Value: string) => jobOf({ Dimensions: [{ Name, Value }] });
    expect([of("TrainingJobName", "r7"), of("Host", "team/r7/algo-1"), of("Host", "box"), of("run", "r7")]).toEqual(["r7", "team/r7", "", ""]);
    expect(jobOf({}, { TrainingJobName: "r8" })).toBe("r8");
  });

  it("is written as code", () => {
    const server = { region: "us-east-1", endpoint: "http://here:4600" };
    const made = boto3({ AlarmName: 'a "b"', ActionsEnabled: false, Dimensions: [{ Name: "run", Value: "ü" }], OKActions: [] }, server);
    expect(made).toContain('    AlarmName="a \\"b\\"",\n    ActionsEnabled=False,\n    Dimensions=[\n        {\n            "Name": "run",\n');
    expect(made).toContain("put_metric_alarm(");
    expect(cli({ AlarmName: "it's", AlarmRule: "TRUE" }, server)).toContain(`put-composite-alarm --endpoint-url http://here:4600 --region us-east-1 \\\n  --cli-input-json '{"AlarmName":"it'\\''s","AlarmRule":"TRUE"}'`);
  });
});

describe("a refusal", () => {
  it.each([
    ["Period must be 10, 20, 30 or a multiple of 60", "period"],
    ["DatapointsToAlarm must be less than or equal to EvaluationPeriods", "needed"],
    ["Must specify exactly one of Threshold and ThresholdMetricId", "queries"],
    ["The value soon for parameter ExtendedStatistic is not supported.", "statistic"],
    ["Invalid metrics list: Error in expression 'e1': there is no query with the Id 'm9'", "queries"],
    ["Invalid arn syntax: pager", "actions"],
    ["Error in AlarmRule [syntax error near 'AND']", "rule"],
    ["Could not save the composite alarm as alarms [x] in the alarm rule do not exist", "rule"],
    ["1 validation error detected: Value '' at 'alarmName' failed to satisfy constraint: Member must have length 1", "name"],
    ["The value for parameter Timezone is invalid: Mars is no name of the tz database.", "clock"],
    ["Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400)", "periods"],
    ["Tag keys starting with 'aws:' are reserved: aws:x", "tags"],
    ["Invalid PromQL query: unexpected end of input", "query"],
    ["The server answered 500.", ""],
  ])("%s is about the field %s", (message, field) => expect(fieldOf(message)).toBe(field));
});
