import { describe, expect, it } from "vitest";
import { finder, merged, momentOf, order, pretty, type LogLine } from "../src/logs/log";

const line = (token: string, more: Partial<LogLine> = {}): LogLine => ({ time: Number(token.split(".")[0]) / 1000, message: token, stream: "s", level: "", token, ...more });

describe("lines", () => {
  it.each([
    ["1.2.a", "1.2.b", -1],
    ["1.10.a", "1.9.z", 1],
    ["9.1.a", "10.0.a", -1],
    ["5.18446744073709551615.a", "5.18446744073709551614.a", 1],
    ["5.1.a.b", "5.1.a.b", 0],
  ])("%s stands to %s as %i", (one, other, sign) => expect(order(one, other)).toBe(sign));
  it("of two readings stand in order, each once, as the first has it", () => {
    const all = merged([line("1.1.s"), line("3.1.s", { hit: true })], [line("2.1.s"), line("3.1.s"), line("4.1.s")]);
    expect(all.map((one) => one.token)).toEqual(["1.1.s", "2.1.s", "3.1.s", "4.1.s"]);
    expect(all[2]!.hit).toBe(true);
  });
  it("stay the same where nothing is new", () => {
    const lines = [line("1.1.s")];
    expect(merged(lines, [line("1.1.s")])).toBe(lines);
  });
});

describe("what is looked for", () => {
  const found = (search: string, kind: "words" | "regex" | "pattern" | "level", text: string) => finder({ search, kind })(text).map(([from, to]) => text.slice(from, to));
  it.each([
    ["loss", "words", "Loss LOSS", ["Loss", "LOSS"]],
    ["  ", "words", "a  b", []],
    ["l.ss=\\d", "regex", "loss=1 lass=2", ["loss=1", "lass=2"]],
    ["(?i)LOSS", "regex", "loss", ["loss"]],
    ["(?P<a>x)", "regex", "x", ["x"]],
    ["(", "regex", "(", []],
    ['ERROR "timed out" -ignored', "pattern", "ERROR timed out ignored", ["ERROR", "timed out"]],
    ["?a ?b", "pattern", "b a", ["a", "b"]],
    ["{ $.a = 1 }", "pattern", '{"a": 1}', []],
    ["error", "level", "error", []],
  ] as const)("%j as %s in %j", (search, kind, text, hits) => expect(found(search, kind, text)).toEqual(hits));
});

describe("a time that somebody wrote", () => {
  const wall = (time: number) => new Date(time * 1000).toISOString().slice(0, 19);
  const timeOf = (text: string) => Date.parse(`${text}Z`) / 1000;
  const shown = Date.parse("2026-11-22T10:00:00Z") / 1000;
  it.each([
    ["14:05", "2026-11-22T14:05:00Z"],
    ["9:05:07", "2026-11-22T09:05:07Z"],
    ["2026-11-20 08:00", "2026-11-20T08:00:00Z"],
    ["2026-11-20", "2026-11-20T00:00:00Z"],
    ["-10m", "2026-11-22T09:50:00Z"],
    ["+ 1.5h", "2026-11-22T11:30:00Z"],
    ["50%", "2026-11-22T10:00:50Z"],
    ["400 %", "2026-11-22T10:01:40Z"],
    [String(shown), "2026-11-22T10:00:00Z"],
    ["2026-11-20T08:00:00+01:00", "2026-11-20T07:00:00Z"],
  ])("%j", (text, time) => expect(momentOf(text, shown, [shown, shown + 100], wall, timeOf)).toBe(Date.parse(time) / 1000));
  it("may be none", () => expect(momentOf("soon", shown, [0, 1], wall, timeOf)).toBeNaN());
});

describe("a JSON line", () => {
  it("is spelled out", () => expect(pretty(' {"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}'));
  it.each(["text", "{cut", "3", ""])("is not %j", (text) => expect(pretty(text)).toBeNull());
});
