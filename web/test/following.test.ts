import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { follow } from "../src/alarms/following";

const live = vi.hoisted(() => ({
  connection: { state: "live" },
  heard: new Set<() => void>(),
}));
vi.mock("../src/lib/live.svelte", () => ({
  connection: live.connection,
  alarmNews: { listen: (act: () => void) => (live.heard.add(act), () => live.heard.delete(act)) },
}));

const tell = () => live.heard.forEach((act) => act());
const pass = (seconds: number) => vi.advanceTimersByTime(seconds * 1000);
let asked: number;
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("document", { hidden: false });
  live.connection.state = "live";
  asked = 0;
  stop = follow(() => (asked += 1));
});
afterEach(() => {
  stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("asks when something happened, and a minute after it asked", () => {
  pass(30);
  expect(asked).toBe(0);
  tell();
  expect(asked).toBe(1);
  pass(59);
  expect(asked).toBe(1);
  pass(1);
  expect(asked).toBe(2);
});

it("asks each five seconds where something happens all the time, and once more for what happened last", () => {
  for (let second = 0; second < 20; second++) {
    tell();
    pass(1);
  }
  expect(asked).toBe(4);
  tell();
  pass(5);
  expect(asked).toBe(5);
});

it("asks each five seconds while no stream tells anything", () => {
  live.connection.state = "lost";
  pass(20);
  expect(asked).toBe(4);
});

it("asks nothing while nobody looks", () => {
  vi.stubGlobal("document", { hidden: true });
  tell();
  pass(300);
  expect(asked).toBe(0);
});

it("asks nothing any more when it is stopped", () => {
  stop();
  tell();
  pass(300);
  expect(asked).toBe(0);
});
