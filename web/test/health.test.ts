import { describe, expect, it } from "vitest";
import { attention, isIdle, problems, tone } from "../src/job/health";
import type { DefinitionHealth } from "../src/lib/types";

const healthy: DefinitionHealth = {
  name: "loss",
  regex: "loss=(.+)",
  origin: "flag",
  matched: 3,
  non_numeric: 0,
  non_finite: 0,
  example: "loss=1",
  engine: "re2",
  warning: "",
  shadowed: 0,
  shadowed_example: "",
  ambiguous: [],
  problems: [],
};
const never = { ...healthy, matched: 0, example: "", problems: ["never matched: loss=(.+)"] };

describe("a definition's problems", () => {
  it("are parted from the lines that show them", () => {
    const one = {
      ...healthy,
      example: "loss: auto",
      shadowed_example: "loss: 2 loss=1",
      problems: [
        "captured 2 texts that are no numbers, for example in: loss: auto",
        "gave no value of its own, for example: loss: 2 loss=1",
        "is run no more: too slow",
      ],
    };
    expect(problems(one)).toEqual([
      { text: "captured 2 texts that are no numbers, for example in", example: "loss: auto" },
      { text: "gave no value of its own, for example", example: "loss: 2 loss=1" },
      { text: "is run no more: too slow", example: "" },
    ]);
  });
  it("do not say the expression again", () => {
    expect(problems(never)).toEqual([{ text: "never matched", example: "" }]);
  });
});

it.each([
  [healthy, "good"],
  [never, "bad"],
  [{ ...healthy, engine: "disabled: too slow", problems: ["is run no more: too slow"] }, "bad"],
  [{ ...healthy, problems: ["has no group"] }, "warn"],
  [{ ...healthy, regex: "", origin: "log", matched: 0 }, "good"],
])("%o is %s", (one, expected) => expect(tone(one)).toBe(expected));

it("is no fault of a preset to find nothing in some log", () => {
  const preset = { ...never, origin: "preset:keras" };
  expect(isIdle(preset)).toBe(true);
  expect(attention([healthy, never, preset])).toBe(1);
});
