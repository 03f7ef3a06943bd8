/** Several jobs side by side: what the server answers, and what is computed of it without a page. */
import type { ParallelAxis } from "../charts/parallel";
import { get } from "../lib/api";
import type { Curve, JobSummary, MetricSummary, XAxis } from "../lib/types";

export type Scalar = string | number | boolean | null;

export interface ComparedJob extends JobSummary {
  hosts: string[];
  /** Named by dots: `params.lr`, `tags.team`, `command`. */
  fields: Record<string, Scalar>;
}

export interface Compared {
  jobs: ComparedJob[];
  missing: string[];
  /** How many a filter has found. */
  total: number;
  limit: number;
}

/** Which jobs of the table are compared, and which of them first. */
export interface Found {
  filter: string;
  status: string;
  sort: string[];
  order: string[];
}

export const MOST_COMPARED = 200;

/** Of one job, or of a group of them. */
export interface ComparedCurve extends Omit<Curve, "ema"> {
  job: string | null;
  group: string | null;
  jobs: string[];
  /** How many hosts it is the mean of. */
  hosts: number;
  /** Null where live points cannot simply be put behind it. */
  ema: Curve["ema"] | null;
}

export type Relation = "value" | "difference" | "ratio";
export const RELATIONS: [Relation, string][] = [["value", "Values"], ["difference", "Difference"], ["ratio", "Ratio"]];

/** How curves are drawn: all that a chart asks the server with. */
export interface CurveView {
  jobs: string[];
  baseline: string;
  axis: XAxis;
  window: [number, number] | null;
  smoothing: number;
  view: Relation;
  hosts: "mean" | "each";
  group: string;
}

export const PATH = "/_/compare";

/** The comparison of what the table shows. It is found again when it is opened. */
export const comparisonOf = ({ filter, status, sort, order }: Found) =>
  `${PATH}?${new URLSearchParams([["filter", filter], ...(status ? [["status", status]] : []), ...sort.map((one) => ["found_sort", one]), ...order.map((one) => ["found_order", one])])}`;

/** Jobs by their names, or those that are found. */
export const comparedJobs = (asked: string[] | Found, signal?: AbortSignal) =>
  get<Compared>("compare/jobs", Array.isArray(asked) ? { job: asked } : { ...asked }, signal);

export function comparedCurves(metric: string, width: number, asked: CurveView, signal?: AbortSignal) {
  const { jobs: job, baseline, axis: x, window, smoothing, view, hosts, group } = asked;
  const [from, to] = window ?? [undefined, undefined];
  const query = { job, metric, x, from, to, width, smoothing, view, hosts, group, baseline: view === "value" ? "" : baseline };
  return get<{ x: XAxis; curves: ComparedCurve[] }>("compare/curves", query, signal);
}

const HUES = 8;
const DASHES: (number[] | undefined)[] = [undefined, [7, 4], [2, 3], [10, 3, 2, 3]];
export const LOOKS = HUES * DASHES.length;

/** What a line looks like: a hue, and, beyond eight lines, a dash. */
export interface Look {
  colour: string;
  dash?: number[];
}

export function look(slot: number): Look {
  const dash = DASHES[Math.floor(slot / HUES) % DASHES.length];
  return { colour: `--series-${(slot % HUES) + 1}`, ...(dash && { dash }) };
}

function hash(name: string): number {
  let value = 2166136261;
  for (const letter of name) value = Math.imul(value ^ letter.codePointAt(0)!, 16777619);
  return value >>> 0;
}

/**
 * A look for each name, by the name itself, so that it stays when others come and go. The first eight have hues of
 * their own; those that are chosen are as chosen.
 */
export function slots(names: string[], chosen: Map<string, number>): Map<string, number> {
  const found = new Map(names.filter((name) => chosen.has(name)).map((name) => [name, chosen.get(name)! % LOOKS]));
  const taken = new Set(found.values());
  for (const name of names) {
    if (found.has(name)) continue;
    const first = hash(name) % HUES;
    const order = Array.from({ length: LOOKS }, (_, at) => Math.floor(at / HUES) * HUES + ((first + at) % HUES));
    const slot = order.find((one) => !taken.has(one)) ?? hash(name) % LOOKS;
    found.set(name, slot);
    taken.add(slot);
  }
  return found;
}

/** A word of the address, `NAME:SLOT`. */
export function chosenLooks(words: string[]): Map<string, number> {
  return new Map(
    words.flatMap((word): [string, number][] => {
      const [, name, slot] = /^(.+):(\d{1,2})$/.exec(word) ?? [];
      return name === undefined ? [] : [[name, Number(slot)]];
    }),
  );
}

const FIRST = [/val|test|eval/i, /loss|acc|auc|f1|err/i];

/** Names of metrics, those of most jobs first, then those people look at first. */
export function commonMetrics(jobs: { metrics: Pick<MetricSummary, "name">[] }[]): { name: string; jobs: number }[] {
  const counts = new Map<string, number>();
  for (const job of jobs) for (const { name } of job.metrics) counts.set(name, (counts.get(name) ?? 0) + 1);
  const rank = (name: string) => FIRST.filter((pattern) => !pattern.test(name)).length;
  return [...counts]
    .map(([name, jobs]) => ({ name, jobs }))
    .sort((a, b) => b.jobs - a.jobs || rank(a.name) - rank(b.name) || a.name.localeCompare(b.name));
}

export interface Field {
  name: string;
  /** By job, in the order of the jobs; undefined where it has none. */
  values: (Scalar | undefined)[];
  differs: boolean;
}

/** All fields that any job has, in order of their names within their kinds. */
export function fieldsOf(jobs: Pick<ComparedJob, "fields">[]): Field[] {
  const names = [...new Set(jobs.flatMap((job) => Object.keys(job.fields)))];
  return names
    .map((name) => {
      const values = jobs.map((job) => job.fields[name]);
      return { name, values, differs: new Set(values.map((value) => value ?? null)).size > 1 };
    })
    .sort((a, b) => kindOf(a.name) - kindOf(b.name) || a.name.localeCompare(b.name, "en", { numeric: true }));
}

/** Kinds of fields, by what stands before the first dot; the first has none. */
export const KINDS: [string, string][] = [
  ["params", "Hyperparameters"],
  ["", "The run"],
  ["tags", "Tags"],
  ["environment", "Environment"],
  ["request", "As it was created"],
  ["definitions", "Metric definitions"],
  ["summary", "Summary"],
];

const kindOf = (name: string) => KINDS.findIndex(([prefix]) => prefix === prefixOf(name));

export function prefixOf(name: string): string {
  const dot = name.indexOf(".");
  return dot < 0 ? "" : name.slice(0, dot);
}

/** Fields by which jobs can be put together: at least two values, and fewer values than jobs. */
export function groupable(fields: Field[]): string[] {
  return fields
    .filter(({ name, values }) => ["params", "tags", ""].includes(prefixOf(name)) && new Set(values).size < values.length)
    .filter(({ differs }) => differs)
    .map(({ name }) => name);
}

/** A value against the baseline's: the difference, and that as a share of the baseline. */
export function delta(value: number | string | null | undefined, base: number | string | null | undefined) {
  if (typeof value !== "number" || typeof base !== "number") return null;
  return { difference: value - base, share: base === 0 ? null : (value - base) / Math.abs(base) };
}

/** Puts the name before or behind its neighbour. */
export function moved(names: string[], name: string, by: -1 | 1): string[] {
  const at = names.indexOf(name);
  const to = at + by;
  if (at < 0 || to < 0 || to >= names.length) return names;
  const copy = [...names];
  [copy[at], copy[to]] = [copy[to]!, copy[at]!];
  return copy;
}

export type Which = "final" | "best";

export interface MetricColumn {
  name: string;
  direction: "min" | "max";
  /** By job, in the order of the jobs. */
  values: (number | string | null)[];
  /** Indices of the jobs that are best, if any two differ. */
  best: number[];
}

/** A column for each metric. */
export function metricTable(jobs: Pick<ComparedJob, "metrics">[], names: string[], which: Which): MetricColumn[] {
  return names.map((name) => {
    const found = jobs.map((job) => job.metrics.find((metric) => metric.name === name));
    const direction = found.find(Boolean)?.direction ?? "min";
    const values = found.map((metric) => metric?.[which] ?? null);
    const finite = values.filter((value): value is number => typeof value === "number");
    const top = direction === "min" ? Math.min(...finite) : Math.max(...finite);
    const differ = new Set(finite).size > 1;
    return { name, direction, values, best: differ ? values.flatMap((value, at) => (value === top ? [at] : [])) : [] };
  });
}

/** Indices of the jobs by a column, or by name; those without a number come last. */
export function sorted(jobs: { name: string }[], column: MetricColumn | undefined, by: string, descending: boolean): number[] {
  const order = jobs.map((_, at) => at);
  const sign = descending ? -1 : 1;
  if (column) {
    const key = (at: number) => column.values[at];
    return order.sort((a, b) => {
      const [one, other] = [key(a), key(b)];
      if (typeof one !== "number" || typeof other !== "number") return Number(typeof one !== "number") - Number(typeof other !== "number");
      return sign * (one - other);
    });
  }
  return by === "" && !descending ? order : order.sort((a, b) => sign * jobs[a]!.name.localeCompare(jobs[b]!.name));
}

/** A field as an axis: of numbers, logarithmic where they span more than two powers of ten, else of choices. */
export function axisOf({ name, values }: Pick<Field, "name" | "values">): ParallelAxis {
  const plain = values.map((value) => (value === undefined || value === null ? null : typeof value === "boolean" ? String(value) : value));
  const numbers = plain.map((value) => (value === null || value === "" ? NaN : Number(value)));
  const known = plain.flatMap((value, at) => (value === null ? [] : [numbers[at]!]));
  if (!known.length || known.some((value) => !Number.isFinite(value))) return { name, kind: "category", values: plain };
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const kind = low > 0 && high / low > 100 ? "log" : "linear";
  return { name, kind, values: plain.map((value, at) => (value === null ? null : numbers[at]!)) };
}
