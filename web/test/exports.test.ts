import { expect, it, vi } from "vitest";

vi.mock("../src/lib/theme.svelte", () => ({ colour: () => "" }));
const { csv } = await import("../src/lib/exports");

it.each([
  [[["a", 1.5, null]], "a,1.5,\r\n"],
  [[['two, "quoted"', true, undefined]], '"two, ""quoted""",true,\r\n'],
  [[["two\nlines", -1, 0]], '"two\nlines",-1,0\r\n'],
  [[["=1+1", "-x", "@y"]], "'=1+1,'-x,'@y\r\n"],
])("rows %j", (rows, text) => expect(csv({ columns: ["x", "y", "z"], rows })).toBe(`x,y,z\r\n${text}`));
