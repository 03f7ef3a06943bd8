/** What a log widget asks for, and what of its answer can be drawn. */
import type { Picture } from "../charts/picture";
import { picture, shape, type Results } from "../logs/query";

const SOURCE = /SOURCE\s+(?:'([^']*)'|"([^"]*)")\s*\|?\s*/gi;

/** The log groups and the query itself of a log widget's `SOURCE 'group' | SOURCE 'other' | fields ...`. */
export function parted(query: string): { groups: string[]; query: string } {
  const groups = [...query.matchAll(SOURCE)].map((match) => match[1] ?? match[2] ?? "");
  return { groups, query: query.replace(SOURCE, "").trim() || "fields @timestamp, @message" };
}

export const joined = (groups: string[], query: string) =>
  [...groups.map((group) => `SOURCE '${group}'`), query].filter(Boolean).join(" | ");

interface Look {
  view: "timeSeries" | "bar" | "pie";
  stacked: boolean;
  title: string;
  from: number;
  to: number;
}

/** The answer as a chart; null where it has no numbers, or lines no time, to be drawn. */
export function logPicture(found: Results, query: string, { view, stacked, title, from, to }: Look): Picture | null {
  const form = shape(found, query);
  if (!form || (view === "timeSeries" && !form.time)) return null;
  return { ...picture(found, form, stacked && view === "timeSeries" ? "stacked" : view, [from, to]), title };
}
