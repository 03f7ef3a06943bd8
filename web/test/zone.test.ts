import { afterEach, expect, it } from "vitest";
import { clock, moment } from "../src/lib/format";
import { known, LOCAL, offset, offsetName, setZone, timeOf, wall, zone, zoneName } from "../src/lib/zone.svelte";

const NOW = 1_790_000_000; // 2026-09-21T14:13:20Z

afterEach(() => setZone(LOCAL));

it.each([
  ["UTC", "2026-09-21 14:13:20", "UTC"],
  ["Europe/Berlin", "2026-09-21 16:13:20", "UTC+2"],
  ["America/St_Johns", "2026-09-21 11:43:20", "UTC−2:30"],
  ["Asia/Kathmandu", "2026-09-21 19:58:20", "UTC+5:45"],
  ["Pacific/Kiritimati", "2026-09-22 04:13:20", "UTC+14"],
])("in %s it is %s", (name, text, behind) => {
  setZone(name);
  expect([moment(NOW), clock(NOW), offsetName(NOW), zoneName()]).toEqual([text, text.slice(-8), behind, name]);
});

it("shows the browser's own time unless another zone is chosen", () => {
  expect(zone.choice).toBe(LOCAL);
  const date = new Date(NOW * 1000);
  expect(Number(clock(NOW).slice(0, 2))).toBe(date.getHours());
  expect(Number(moment(NOW).slice(8, 10))).toBe(date.getDate());
});

it.each(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", LOCAL])("what a wall in %s shows is a time again", (name) => {
  setZone(name);
  for (let time = 1_767_225_600; time < 1_767_225_600 + 366 * 86400; time += 7 * 3600 + 11) {
    const again = timeOf(wall(time));
    expect(again === time || (again < time && wall(again) === wall(time))).toBe(true);
  }
});

it("takes the earlier of two where the clock is set back, and goes on after a gap", () => {
  setZone("Europe/Berlin");
  const back = Date.parse("2026-10-25T00:30:00Z") / 1000;
  expect([wall(back), wall(back + 3600)]).toEqual(["2026-10-25T02:30:00", "2026-10-25T02:30:00"]);
  expect(timeOf("2026-10-25T02:30")).toBe(back);
  expect(wall(timeOf("2026-03-29T02:30"))).toBe("2026-03-29T03:30:00");
});

it("keeps fractions of a second out of the offset", () => {
  setZone("Europe/Berlin");
  expect(offset(NOW + 0.75)).toBe(7200);
  expect(clock(NOW + 0.75)).toBe("16:13:20");
});

it("knows which zones there are", () => expect(["UTC", "Asia/Tokyo", LOCAL, "Mars/Olympus", ""].map(known)).toEqual([true, true, true, false, false]));

it("has no time for what is none", () => expect([moment(NaN), timeOf("yesterday")]).toEqual(["–", NaN]));
