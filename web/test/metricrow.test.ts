import { describe, expect, it } from "vitest";
import { alarmOn, changedRow, following, metricOf, optionsOf, readRows, rowOf, same, withExpression, withIds, withOptions, type Row } from "../src/lib/metricrow";

const loss = { namespace: "Lab", name: "loss", dimensions: [["Job", "a"]] as [string, string][] };
const row: Row = ["Lab", "loss", "Job", "a"];

describe("rows of a metric widget", () => {
  it("are made of metrics and tell them", () => {
    expect(rowOf(loss)).toEqual(row);
    expect(metricOf([...row, { stat: "p99" }])).toEqual(loss);
    expect(metricOf([{ expression: "m1 * 2" }])).toBeNull();
  });

  it("get options, and lose those that are emptied", () => {
    const changed = withOptions(row, { stat: "p99", label: "worst" });
    expect(optionsOf(changed)).toEqual({ stat: "p99", label: "worst" });
    expect(withOptions(changed, { stat: undefined, label: "" })).toEqual(row);
    expect(same(changed, row)).toBe(true);
  });

  it("are read from an address without what is none", () => {
    expect(readRows([JSON.stringify(row), "{", '"text"', "[]"])).toEqual([row]);
  });

  it("get ids that nobody has", () => {
    const rows = withIds([row, [...row, { id: "m1" }], [{ expression: "m1" }]]);
    expect(rows.map((one) => optionsOf(one).id)).toEqual(["m2", "m1", "e1"]);
  });

  it("are changed one at a time, and calculated with", () => {
    expect(changedRow([row, row], 1, { stat: "p99" })).toEqual([row, [...row, { stat: "p99" }]]);
    const rows = withExpression([row], "m1 * 2", "");
    expect(rows.map((one) => optionsOf(one).id)).toEqual(["m1", "e1"]);
  });

  it("are followed by what names them, and by nothing else", () => {
    expect(following("m1 / (m10 + m1)", "m1", "loss")).toBe("loss / (m10 + loss)");
    expect(following("m1 * 2", "", "loss")).toBe("m1 * 2");
    expect(following("m1 * 2", "m1", "")).toBe("m1 * 2");
  });

  it("become the metric of an alarm", () => {
    expect(alarmOn(row, "Average", 60)).toMatchObject({ MetricName: "loss", Statistic: "Average", Period: 60 });
    expect(alarmOn([...row, { stat: "p90" }], "Average", 60)).toMatchObject({ ExtendedStatistic: "p90" });
    expect(alarmOn([{ expression: "m1" }], "Average", 60)).toBeNull();
  });
});
