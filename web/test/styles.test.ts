import { expect, it } from "vitest";

/** Rooms whose sheets are for all pages; each other room is a page's. */
const SHARED = ["styles", "shell", "charts"];
/** Classes that no source names: those of the editor and the charts' library, of the terminal's colours, and what becomes of
 * the words of a job's or an alarm's state. */
const GIVEN = /^(pce-|u-|fg-|bg-|active-(line|bracket)$|(downloading|uploading|interrupted|restarting|max\w+exceeded|insufficient_data)$)/;

const files = Object.entries(
  import.meta.glob<string>("../src/**/*.{css,svelte,ts}", { query: "?raw", import: "default", eager: true }),
);
const ending = (end: string) => files.filter(([file]) => file.endsWith(end));
const sheets = ending(".css");

const roomOf = (file: string) => file.split("/")[2]!;
const words = (text: string) => text.match(/[A-Za-z_][\w-]*/g) ?? [];
const strings = (code: string) => (code.match(/"[^"]*"|`[^`]*`/g) ?? []).flatMap(words);
const classes = (selector: string) => [...selector.matchAll(/\.([A-Za-z_][\w-]*)/g)].map(([, name]) => name!);

/** The selectors of a sheet, e.g. `.chip b` and `.tabs :is(a, button)`. */
function selectors(sheet: string): string[] {
  const preludes = sheet.replace(/\/\*.*?\*\//gs, "").match(/[^{};]+(?=\{)/g) ?? [];
  return preludes.flatMap((one) => one.trim().split(/,\s*(?![^(]*\))/)).filter((one) => !/^(@|\d+%|from|to$)/.test(one));
}

/** What the attributes and directives of a component's elements name as classes: `class="a {b ? "c" : ""}"`, `class:d={e}`,
 * `class={["f", { g: h }]}`. */
const named = (component: string) =>
  [...component.matchAll(/\bclass(?::([\w-]+)|="((?:[^"{]|\{[^}]*\})*)"|=\{((?:[^{}]|\{[^{}]*\})*)\})/g)].flatMap(
    ([, directive, text = "", code = ""]) => [
      ...words(directive ?? text.replace(/\{[^}]*\}/g, "")),
      ...strings(text + code),
      ...(code.match(/\{[^}]*\}/g) ?? []).flatMap(words),
    ],
  );

const uses = ending(".svelte").map(([file, text]) => ({ file, names: new Set(named(text)) }));

it("what a page's sheet styles has a class that no other page has", () => {
  const wrong = sheets
    .filter(([file]) => !SHARED.includes(roomOf(file)))
    .flatMap(([file, text]) => {
      const others = new Set(uses.filter((one) => roomOf(one.file) !== roomOf(file)).flatMap((one) => [...one.names]));
      return selectors(text).filter((one) => classes(one).every((name) => others.has(name))).map((one) => `${file}: ${one}`);
    });
  expect(uses.filter((one) => one.names.size).length).toBeGreaterThan(100);
  expect(wrong).toEqual([]);
});

it("every class of a sheet is one that a source names", () => {
  const sources = [...ending(".svelte"), ...ending(".ts")];
  const known = new Set([...uses.flatMap((one) => [...one.names]), ...sources.flatMap(([, text]) => strings(text.toLowerCase()))]);
  const unused = sheets.flatMap(([file, text]) => {
    const names = new Set(selectors(text).flatMap(classes));
    return [...names].filter((name) => !known.has(name) && !GIVEN.test(name)).map((name) => `${file}: ${name}`);
  });
  expect(unused).toEqual([]);
});
