import { describe, expect, it } from "vitest";
import { begun } from "../src/shell/languages";

describe("the part of a word that a completion takes the place of", () => {
  it.each([
    ["m1 / av", "av"],
    ["AVG(", ""],
    ["SEARCH('{/aws/sage", "/aws/sage"],
    ["SEARCH('{Lab,Ro", "Ro"],
    ["SEARCH('{Lab,Room} loss', 'Av", "Av"],
    ["SEARCH('{Lab,Room} loss', 'Average') / m", "m"],
    ["best ${LA", "${LA"],
    ["${PROP('Dim.", "Dim."],
  ])("of the expression %s", (before, word) => expect(begun(before, "expression")).toBe(word));
  it.each([
    ["fields @mess", "@mess"],
    ["stats avg(a.b", "a.b"],
    ["filter a=", ""],
  ])("of the query %s", (before, word) => expect(begun(before, "insights")).toBe(word));
  it("of a filter of JSON", () => expect(begun("{ $.los", "filter")).toBe("$.los"));
});
