import { expect, it } from "vitest";
import { ago, duration, number, plural, shell } from "../src/lib/format";

it.each([
  [0, "0"],
  [0.123456789, "0.12346"],
  [-1.5, "−1.5"],
  [1234567, "1,234,567"],
  [12345678.9, "1.235e7"],
  [0.00001234, "1.234e-5"],
  [0.00001, "1e-5"],
  [1.5e9, "1.5e9"],
  [null, "–"],
  ["NaN", "NaN"],
  ["-Infinity", "−∞"],
  [Infinity, "∞"],
])("number %s reads %s", (value, text) => expect(number(value)).toBe(text));

it.each([
  [0.25, "0.3 s"],
  [42.4, "42 s"],
  [185, "3 m 05 s"],
  [7800, "2 h 10 m"],
  [273600, "3 d 4 h"],
  [null, "–"],
])("duration %s reads %s", (value, text) => expect(duration(value)).toBe(text));

it.each([
  [100, 102, "now"],
  [100, 140, "40 s ago"],
  [0, 7300, "2 h ago"],
])("%s is, at %s, %s", (time, now, text) => expect(ago(time, now)).toBe(text));

it("counts in the singular and plural", () => expect([plural(1, "line"), plural(2000, "line")]).toEqual(["1 line", "2,000 lines"]));

it("quotes a command for a shell", () => expect(shell(["python", "a b.py", "it's"])).toBe(`python 'a b.py' 'it'\\''s'`));
