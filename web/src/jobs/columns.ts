/** Columns of the table: what the server calls them, and how people read them. */
import { ago, duration, moment, number } from "../lib/format";

export type Kind = "name" | "status" | "values" | "curve" | "time" | "duration" | "number" | "text" | "any";

export interface Column {
  /** As it stands in a filter. */
  text: string;
  title: string;
  /** What kind of thing it is: `params`, `tags`, `metrics`, `summary`; empty for an attribute of the job. */
  group: string;
  kind: Kind;
  /** Pixels, before anybody sized it. */
  width: number;
}

export const NAME = "name";
export const DEFAULT_COLUMNS = ["status", "metrics", "started", "duration", "updated"];
export const LEAST_WIDTH = 56;
export const MOST_WIDTH = 900;

const ATTRIBUTES: Record<string, [title: string, kind: Kind, width: number]> = {
  name: ["Name", "name", 280],
  status: ["Status", "status", 150],
  metrics: ["Last values", "values", 430],
  secondary_status: ["Secondary status", "text", 150],
  created: ["Created", "time", 110],
  started: ["Started", "time", 110],
  ended: ["Ended", "time", 110],
  updated: ["Updated", "time", 110],
  duration: ["Duration", "duration", 110],
  hosts: ["Hosts", "number", 80],
  exit_code: ["Exit code", "number", 100],
  user: ["User", "text", 110],
  hostname: ["Machine", "text", 140],
  command: ["Command", "text", 320],
  failure_reason: ["Failure reason", "text", 320],
  note: ["Note", "text", 240],
};
const PATH = /^(metrics|params|tags|summary)\.(?:"((?:[^"\\]|\\.)*)"|(.+?))(?:\.(last|best|min|max|step|points|curve))?$/;
const GROUPS: Record<string, string> = { "": "Job", metrics: "Metrics", params: "Parameters", tags: "Tags", summary: "Summary" };

export function column(text: string): Column {
  const known = ATTRIBUTES[text];
  if (known) return { text, title: known[0], group: "", kind: known[1], width: known[2] };
  const found = PATH.exec(text);
  if (!found) return { text, title: text, group: "", kind: "any", width: 140 };
  const [, group = "", inQuotes, bare = "", told] = found;
  const name = inQuotes === undefined ? bare : unquoted(inQuotes);
  const of = group === "metrics" ? told : undefined;
  const title = of ? (of === "last" ? name : `${name} ${of}`) : told ? `${name}.${told}` : name;
  const kind = of === "curve" ? of : group === "metrics" ? "number" : "any";
  return { text, title, group, kind, width: Math.min(240, Math.max(96, 44 + title.length * 7)) };
}

const unquoted = (text: string) => text.replace(/\\(["'\\])/g, "$1");
const quoted = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;

export const groupTitle = (group: string) => GROUPS[group] ?? group;

/** Whether jobs can be put in order and in groups by it: by what it looks like they cannot. */
export const comparable = ({ kind }: Column) => kind !== "values" && kind !== "curve";

/** The direction in which one looks at a column first: large numbers and late times, but texts from A to Z. */
export const naturalOrder = ({ kind }: Column) => (["name", "status", "text", "any"].includes(kind) ? "asc" : "desc");

export type Value = number | string | boolean | null;

/** What a curve looks like, in few numbers. */
export interface Shape {
  first: number;
  last: number | string;
  best: number;
  /** In order of time; null where nothing came. */
  values: (number | null)[];
}

/** The shape as a path, one wide and one high. */
export function path({ values }: Shape): string {
  const known = values.filter((value) => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const round = (part: number) => Math.round(part * 1000) / 1000;
  return values
    .flatMap((value, at) => (value === null ? [] : [`${round(at / (values.length - 1 || 1))} ${high > low ? round((high - value) / (high - low)) : 0.5}`]))
    .reduce((line, point) => `${line}L${point}`, "")
    .replace("L", "M");
}

/** A value as a cell shows it. */
export function shown(kind: Kind, value: Value, now: number): string {
  if (value === null) return "–";
  if (kind === "time") return typeof value === "number" ? ago(value, now) : String(value);
  if (kind === "duration") return typeof value === "number" ? duration(value) : String(value);
  if (typeof value === "number" || (kind === "number" && typeof value === "string")) return number(value);
  return value === "InProgress" ? "In progress" : String(value);
}

/** What a cell says when it is pointed at. */
export function detail(kind: Kind, value: Value): string {
  if (value === null) return "";
  return kind === "time" && typeof value === "number" ? moment(value) : String(value);
}

/** `name` behind `tags.` or `metrics.`, in quotes where it is no plain word. */
export const quotedName = (name: string) => (/^[^\s()=<>!~,"'`.]+(\.[^\s()=<>!~,"'`.]+)*$/.test(name) ? name : quoted(name));

/** The filter for jobs of exactly these names. */
export const namedOnly = (names: string[]) => `name in (${names.map(quoted).join(", ")})`;


/** A column that could be shown, and how many of the jobs that are found have it. */
export interface Available {
  column: string;
  jobs: number;
}
