import { describe, expect, it } from "vitest";
import { highlight, plain, spans } from "../src/logs/ansi";
import { finder } from "../src/logs/log";

describe("terminal colours", () => {
  it("become classes", () => {
    expect(spans("a \x1b[1;31mred\x1b[0m b")).toEqual([
      { text: "a ", classes: [] },
      { text: "red", classes: ["bold", "fg-1"] },
      { text: " b", classes: [] },
    ]);
  });
  it("end one by one", () => {
    expect(spans("\x1b[1;4;92mx\x1b[22;39my").map((part) => part.classes)).toEqual([
      ["bold", "underline", "fg-10"],
      ["underline"],
    ]);
  });
  it("of 256 and of 16 million find the nearest of sixteen", () => {
    expect(spans("\x1b[38;5;196mx")[0]!.classes).toEqual(["fg-9"]);
    expect(spans("\x1b[38;2;0;150;0mx\x1b[48;5;232my").map((part) => part.classes)).toEqual([["fg-2"], ["fg-2", "bg-0"]]);
  });
  it("never turn text into markup", () => {
    expect(spans("<img src=x onerror=alert(1)>")).toEqual([{ text: "<img src=x onerror=alert(1)>", classes: [] }]);
  });
});

describe("other escapes", () => {
  it.each([
    ["\x1b[2K\x1b[1Gdone", "done"],
    ["\x1b]0;title\x07text", "text"],
    ["\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"],
    ["\x1b[?25lx\x1b[?25h", "x"],
    ["\x1b(Bx\x08\x00y", "xy"],
    ["tab\tstays", "tab\tstays"],
    ["cut \x1b[3", "cut "],
  ])("%j leaves %j", (line, text) => expect(plain(line)).toBe(text));
});

describe("search hits", () => {
  it("are marked in any case and across colours", () => {
    const parts = highlight(spans("Epoch \x1b[31mlo\x1b[0mss lOSS"), finder({ search: "loss", kind: "words" })("Epoch loss lOSS"));
    expect(parts.filter((part) => part.classes.includes("hit")).map((part) => part.text)).toEqual(["lo", "ss", "lOSS"]);
    expect(parts.map((part) => part.text).join("")).toBe("Epoch loss lOSS");
  });
});
