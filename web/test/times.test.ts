import { afterEach, describe, expect, it } from "vitest";
import { TIME_STEPS, timeMarks, timeWords } from "../src/charts/times";
import { LOCAL, setZone, wall } from "../src/lib/zone.svelte";

const HOUR = 3600;
const DAY = 24 * HOUR;
const at = (text: string) => Date.parse(`${text}Z`) / 1000;
const marks = (from: string, to: string, step: number) => timeMarks(at(from), at(to), step).map((time) => wall(time).slice(5, 16).replace("T", " "));

afterEach(() => setZone(LOCAL));

describe("marks stand at round times", () => {
  it("of UTC", () => {
    setZone("UTC");
    expect(marks("2026-11-21T22:30:07", "2026-11-22T13:00", 6 * HOUR)).toEqual(["11-22 00:00", "11-22 06:00", "11-22 12:00"]);
    expect(timeMarks(10.25, 13.5, 1)).toEqual([11, 12, 13]);
  });
  it("of a zone that is half an hour apart", () => {
    setZone("Asia/Kolkata");
    expect(marks("2026-11-22T00:10", "2026-11-22T03:00", HOUR)).toEqual(["11-22 06:00", "11-22 07:00", "11-22 08:00"]);
    expect(marks("2026-11-22T00:00", "2026-11-24T00:00", DAY)).toEqual(["11-23 00:00", "11-24 00:00"]);
  });
  it("over a day of 25 hours: the hour that comes twice has two marks, and no other is moved", () => {
    setZone("America/New_York");
    expect(marks("2026-11-01T04:00", "2026-11-01T08:00", HOUR)).toEqual(["11-01 00:00", "11-01 01:00", "11-01 01:00", "11-01 02:00", "11-01 03:00"]);
    expect(marks("2026-10-31T22:00", "2026-11-02T07:00", 6 * HOUR)).toEqual(
      ["10-31 18:00", "11-01 00:00", "11-01 06:00", "11-01 12:00", "11-01 18:00", "11-02 00:00"]);
    expect(marks("2026-10-31T00:00", "2026-11-04T00:00", DAY)).toEqual(["10-31 00:00", "11-01 00:00", "11-02 00:00", "11-03 00:00"]);
  });
  it("over a day of 23 hours", () => {
    setZone("America/New_York");
    expect(marks("2026-03-08T05:00", "2026-03-08T09:00", HOUR)).toEqual(["03-08 00:00", "03-08 01:00", "03-08 03:00", "03-08 04:00", "03-08 05:00"]);
    expect(marks("2026-03-08T05:00", "2026-03-08T17:00", 2 * HOUR)).toEqual(["03-08 00:00", "03-08 04:00", "03-08 06:00", "03-08 08:00", "03-08 10:00", "03-08 12:00"]);
    expect(marks("2026-03-07T00:00", "2026-03-10T12:00", DAY)).toEqual(["03-07 00:00", "03-08 00:00", "03-09 00:00", "03-10 00:00"]);
  });
  it("where a day begins at one o'clock", () => {
    setZone("America/Santiago");
    expect(marks("2026-09-05T00:00", "2026-09-08T12:00", DAY)).toEqual(["09-05 00:00", "09-06 01:00", "09-07 00:00", "09-08 00:00"]);
  });
  it("of weeks on Mondays, of months and years on their first day", () => {
    setZone("Europe/Berlin");
    expect(marks("2026-10-01T00:00", "2026-11-12T00:00", 14 * DAY)).toEqual(["10-12 00:00", "10-26 00:00", "11-09 00:00"]);
    expect(marks("2026-09-15T00:00", "2027-02-02T00:00", 30 * DAY)).toEqual(["10-01 00:00", "11-01 00:00", "12-01 00:00", "01-01 00:00", "02-01 00:00"]);
    expect(marks("2026-02-15T00:00", "2027-02-02T00:00", 90 * DAY)).toEqual(["04-01 00:00", "07-01 00:00", "10-01 00:00", "01-01 00:00"]);
    expect(timeMarks(at("2024-06-01T00:00"), at("2027-01-01T00:00"), 360 * DAY).map((time) => wall(time).slice(0, 10))).toEqual(["2025-01-01", "2026-01-01", "2027-01-01"]);
  });
});

it.each(["UTC", "America/New_York", "America/Santiago", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"])("in %s marks ascend, and none is left out", (zone) => {
  setZone(zone);
  for (const step of TIME_STEPS.filter((one) => one >= 900))
    for (let from = at("2026-01-01T00:00:07"); from < at("2027-01-01T00:00"); from += 11 * DAY + 12345) {
      const found = timeMarks(from, from + 12 * step, step);
      expect(found.length).toBeGreaterThan(8);
      for (let next = 1; next < found.length; next++) {
        expect(found[next]! - found[next - 1]!).toBeGreaterThan(0);
        expect(found[next]! - found[next - 1]!).toBeLessThanOrEqual(1.05 * step + 2 * HOUR);
      }
    }
});

describe("what stands at marks", () => {
  it.each([
    [["2026-11-22T10:00", "2026-11-22T10:15"], ["10:00", "10:15"]],
    [["2026-11-22T10:00:00", "2026-11-22T10:00:30"], ["10:00:00", "10:00:30"]],
    [["2026-11-21T18:00", "2026-11-22T00:00", "2026-11-22T06:00"], ["18:00", "11-22", "06:00"]],
    [["2026-11-01T00:00", "2026-12-01T00:00"], ["2026-11", "2026-12"]],
    [["2026-11-01T00:00"], ["11-01"]],
    [[], []],
  ])("of %j is %j", (texts, words) => {
    setZone("UTC");
    expect(timeWords(texts.map(at))).toEqual(words);
  });
});
