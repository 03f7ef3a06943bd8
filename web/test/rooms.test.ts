import { expect, it } from "vitest";

/** What rooms that all pages share may take things from; pages may from all but the table of pages. */
const SHARED: Record<string, string[]> = { lib: ["lib"], charts: ["charts", "lib"], shell: ["shell", "lib"] };
const sources = import.meta.glob<string>("../src/*/**/*.{ts,svelte}", { query: "?raw", import: "default", eager: true });

/** The room of what is imported by `spec` from a file, e.g. `../lib/api` from `../src/jobs/rows.ts`. */
const room = (file: string, spec: string) => new URL(spec, `file:///${file.slice("../src/".length)}`).pathname.split("/")[1]!;

it("rooms import only from what stands below them", () => {
  const wrong = Object.entries(sources).flatMap(([file, text]) => {
    const allowed = SHARED[room(file, ".")];
    const taken = [...text.matchAll(/from "(\.[^"]+)"/g)].map(([, spec]) => room(file, spec!));
    return taken.filter((one) => one === "pages" || (allowed && !allowed.includes(one))).map((one) => `${file}: ${one}`);
  });
  expect(Object.keys(sources).length).toBeGreaterThan(100);
  expect(wrong).toEqual([]);
});
