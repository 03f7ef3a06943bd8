import { describe, expect, it } from "vitest";
import { curves, faults, remarks } from "../src/job/diagnosis";
import type { Cause } from "../src/lib/types";

const cause = (more: Partial<Cause>): Cause => ({
  rule: "LossSpike",
  kind: "problem",
  step: 1203,
  began: 1200,
  evidence: "",
  cause: "",
  remedy: "",
  confidence: 1,
  tensors: [],
  series: {},
  times: 1,
  consequences: [],
  ...more,
});

describe("a finding", () => {
  it("says since when it is, and how often it came", () => {
    expect(remarks(cause({}))).toBe("since step 1,200, known at step 1,203");
    expect(remarks(cause({ kind: "information", times: 3 }))).toBe(
      "a remark, since step 1,200, known at step 1,203, 3 times",
    );
  });

  it("has a line for each of its curves, with marks where a value is not finite", () => {
    const series: Cause["series"] = { loss: [[1, 0.5], [2, null]], empty: [] };
    const [line, ...others] = curves(cause({ series }));
    expect(others).toEqual([]);
    expect(line).toMatchObject({ label: "loss", x: [1, 2], mean: [0.5, null], marks: [{ x: 2, value: "not finite" }] });
  });

  it("counts as a fault unless it is a remark", () => {
    const findings = [cause({}), cause({ kind: "information" })];
    expect(faults({ steps: 1, last_step: 0, findings, ended: false, failure: "" })).toBe(1);
    expect(faults(null)).toBe(0);
  });
});
