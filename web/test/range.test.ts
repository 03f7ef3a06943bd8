import { describe, expect, it } from "vitest";
import { alike, back, bounds, instant, iso, said, stepped } from "../src/lib/range";

const NOW = Date.parse("2026-03-31T12:00:00Z") / 1000;
const at = (text: string) => iso(instant(text, NOW));

describe("a time", () => {
  it.each([
    ["-PT15M", "2026-03-31T11:45:00Z"],
    ["-P1DT2H", "2026-03-30T10:00:00Z"],
    ["-P2W", "2026-03-17T12:00:00Z"],
    ["-P1M", "2026-02-28T12:00:00Z"],
    ["-P1Y1M", "2025-02-28T12:00:00Z"],
    ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"],
  ])("%s is %s", (text, time) => expect(at(text)).toBe(time));
  it("that is none is no number", () => expect(instant("tomorrow", NOW)).toBeNaN());
  it("without an end lasts until now", () => expect(bounds("-PT1H", "", NOW)).toEqual([NOW - 3600, NOW]));
});

it.each([
  [900, "-PT15M"],
  [5400, "-PT90M"],
  [10800, "-PT3H"],
  [86400 * 30, "-P30D"],
  [86400 * 14, "-P2W"],
  [61, "-PT61S"],
])("%d seconds back are %s", (seconds, text) => expect(back(seconds)).toBe(text));

describe("a range moved by its own length", () => {
  it("becomes a fixed one when it goes back", () =>
    expect(stepped("-PT1H", "", -1, NOW)).toEqual(["2026-03-31T10:00:00Z", "2026-03-31T11:00:00Z"]));
  it("follows now again when it comes back", () =>
    expect(stepped("2026-03-31T10:00:00Z", "2026-03-31T11:00:00Z", 1, NOW)).toEqual(["-PT1H", ""]));
});

it.each([
  ["-PT3H", "last 3 hours"],
  ["-P1DT30M", "last 1 day 30 minutes"],
  ["-P1M", "last 1 month"],
])("%s is read as %s", (start, words) => expect(said(start, "")).toBe(words));

it("a week is as long as seven days", () => {
  expect(alike("-P1W", "-P7D")).toBe(true);
  expect(alike("-P7D", "")).toBe(false);
});
