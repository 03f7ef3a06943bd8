import { describe, expect, it } from "vitest";
import { condition, inputOf, stretches, type Alarm } from "../src/alarms/alarm";

const alarm: Alarm = {
  AlarmName: "hot", AlarmArn: "arn", StateValue: "OK", StateReason: "why", StateUpdatedTimestamp: 5, ActionsEnabled: true,
  MetricName: "loss", Namespace: "Lab", Threshold: 2, ComparisonOperator: "GreaterThanThreshold", EvaluationPeriods: 3, Period: 60,
};

describe("an alarm", () => {
  it("is told in short", () => {
    expect(condition(alarm)).toBe("loss > 2 in 3 of 3 periods");
    expect(condition({ ...alarm, DatapointsToAlarm: 2 })).toBe("loss > 2 in 2 of 3 periods");
    expect(condition({ ...alarm, AlarmRule: "ALARM(a)" })).toBe("ALARM(a)");
  });

  it("is put again by what it was put with", () => {
    expect(inputOf(alarm)).toEqual({
      AlarmName: "hot", ActionsEnabled: true, MetricName: "loss", Namespace: "Lab", Threshold: 2,
      ComparisonOperator: "GreaterThanThreshold", EvaluationPeriods: 3, Period: 60,
    });
  });
});

describe("a state's time line", () => {
  it("is cut to what is shown", () => {
    const turns = [{ time: 10, state: "ALARM" }, { time: 20, state: "OK" }];
    expect(stretches(turns, 15, 30)).toEqual([{ state: "ALARM", from: 15, to: 20 }, { state: "OK", from: 20, to: 30 }]);
    expect(stretches(turns, 25, 30)).toEqual([{ state: "OK", from: 25, to: 30 }]);
  });
});
