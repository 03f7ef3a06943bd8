import { beforeEach, expect, it, vi } from "vitest";

let frames: (() => void)[] = [];
let now = 0;
let watched: (seen: boolean) => void = () => undefined;
vi.stubGlobal("requestAnimationFrame", (act: () => void) => frames.push(act));
vi.stubGlobal("reportError", (error: Error) => done.push(error.message));
vi.stubGlobal(
  "IntersectionObserver",
  class {
    constructor(tell: (entries: { isIntersecting: boolean }[]) => void) {
      watched = (isIntersecting) => tell([{ isIntersecting }]);
    }
    observe() {}
    disconnect() {}
  },
);
vi.spyOn(performance, "now").mockImplementation(() => now);
const { askInTurn, InSight, inTurn, leave } = await import("../src/charts/turns");

const done: string[] = [];
const work = (name: string, takes = 1) => () => {
  done.push(name);
  now += takes;
};
/** Lets one frame pass, with all that is done in it. */
async function frame() {
  const due = frames;
  frames = [];
  for (const act of due) act();
  await new Promise((resolve) => setTimeout(resolve));
}
const one = {};
const other = {};
const third = {};

beforeEach(async () => {
  while (frames.length) await frame();
  done.length = 0;
});

it("what is short is done in one frame, in order", async () => {
  inTurn(one, work("one"));
  inTurn(other, work("other"));
  expect(done).toEqual([]);
  await frame();
  expect([done, frames.length]).toEqual([["one", "other"], 0]);
});

it("what takes long is spread over frames", async () => {
  for (const [whom, name] of [[one, "one"], [other, "other"], [third, "third"]] as const) inTurn(whom, work(name, 5));
  await frame();
  expect(done).toEqual(["one", "other"]);
  await frame();
  expect([done, frames.length]).toEqual([["one", "other", "third"], 0]);
});

it("only the newest work of somebody is done, and none of who left", async () => {
  inTurn(one, work("old"));
  inTurn(other, work("other"));
  inTurn(one, work("new"));
  leave(other);
  await frame();
  expect(done).toEqual(["new"]);
});

it("what a piece of work sets off counts for its frame", async () => {
  inTurn(one, () => queueMicrotask(work("drawn", 9)));
  inTurn(other, work("other"));
  await frame();
  expect(done).toEqual(["drawn"]);
  await frame();
  expect(done).toEqual(["drawn", "other"]);
});

it("a failure is reported and stops nobody else", async () => {
  inTurn(one, () => {
    throw new Error("no canvas");
  });
  inTurn(other, work("other"));
  await frame();
  expect(done).toEqual(["no canvas", "other"]);
});

it("what is out of sight is drawn when it comes into sight, once", async () => {
  const sight = new InSight({} as Element, work("drawn"));
  watched(false);
  sight.changed();
  sight.changed();
  await frame();
  expect(done).toEqual([]);
  watched(true);
  await frame();
  watched(false);
  watched(true);
  await frame();
  expect(done).toEqual(["drawn"]);
  sight.changed();
  sight.stop();
  await frame();
  expect(done).toEqual(["drawn"]);
});

it("three questions are open at once, the next when one is answered or has failed", async () => {
  const ends: ((failed: boolean) => void)[] = [];
  const ask = (name: string) => () => {
    done.push(name);
    return new Promise<void>((resolve, reject) => ends.push((failed) => (failed ? reject(new Error(name)) : resolve()))).catch(() => undefined);
  };
  const who = ["a", "b", "c", "d", "e", "f"].map((name) => ({ name }));
  for (const one of who) askInTurn(one, ask(one.name));
  leave(who[4]!);
  askInTurn(who[5]!, ask("newer"));
  await frame();
  expect(done).toEqual(["a", "b", "c"]);
  ends[1]!(true);
  await frame();
  await frame();
  expect(done).toEqual(["a", "b", "c", "d"]);
  ends[0]!(false);
  await frame();
  await frame();
  expect(done).toEqual(["a", "b", "c", "d", "newer"]);
  ends.forEach((end) => end(false));
});
