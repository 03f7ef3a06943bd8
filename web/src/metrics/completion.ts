/** What could stand next in an expression, a statistic or a label. */
import { get } from "../lib/api";
import type { MetricsFound } from "../lib/types";

export interface Entry {
  name: string;
  usage: string;
  meaning: string;
}
export interface Reference {
  functions: Entry[];
  statistics: Entry[];
  labels: Entry[];
  sql: Entry[];
}
export interface Choice {
  label: string;
  detail?: string;
  apply?: string;
}
/** What there is to be named. */
export interface Names {
  namespaces: string[];
  /** Names of dimensions that metrics of a namespace have, together with commas. */
  dimensions: (namespace: string) => string[];
  metrics: (namespace: string) => string[];
}

const choice = ({ name, usage, meaning }: Entry): Choice => ({ label: name, detail: `${usage === name ? "" : `${usage}: `}${meaning}` });
const plain = (label: string, detail = ""): Choice => ({ label, detail });
/** A name as it stands in the schema of a search. */
const braced = (name: string) => (/[\s,{}"]/.test(name) ? `"${name}"` : name);
const quoted = (name: string) => (/^[A-Za-z_]\w*$/.test(name) ? name : `"${name}"`);

/** In an expression after `before`. `ids` are those of the other rows with what they stand for. */
export function inExpression(before: string, ids: [string, string][], reference: Reference, names: Names): Choice[] {
  if (/^\s*SELECT\b/i.test(before)) return inQuery(before, reference, names);
  const search = /SEARCH\(\s*(["'])((?:(?!\1).)*)$/s.exec(before);
  if (search) return inSearch(search[2]!, names);
  if (/SEARCH\(\s*(["'])(?:(?!\1).)*\1\s*,\s*["'][^"']*$/s.test(before)) return reference.statistics.map(choice);
  return [
    ...ids.map(([id, what]) => plain(id, what)),
    ...reference.functions.map((one) => ({ ...choice(one), apply: `${one.name}(` })),
    ...(before.trim() ? [] : [{ label: "SELECT", detail: "Metrics Insights: SQL over many metrics", apply: "SELECT AVG(" }]),
  ];
}

function inSearch(text: string, names: Names): Choice[] {
  const open = /\{([^}]*)$/.exec(text);
  if (!open) {
    const namespace = /\{\s*"?([^",}]+)/.exec(text)?.[1]?.trim() ?? "";
    return [...names.metrics(namespace).map((name) => plain(name, "metric")), ...["AND", "OR", "NOT", "MetricName="].map((word) => plain(word))];
  }
  const [namespace, ...dimensions] = open[1]!.split(",").map((word) => word.trim().replaceAll('"', ""));
  if (!dimensions.length) return names.namespaces.map((name) => ({ label: name, detail: "namespace", apply: braced(name) }));
  const taken = new Set(dimensions.slice(0, -1));
  return [...new Set(names.dimensions(namespace!).flatMap((set) => set.split(",")))]
    .filter((name) => name && !taken.has(name))
    .map((name) => ({ label: name, detail: "dimension", apply: braced(name) }));
}

/** In a query of Metrics Insights. */
export function inQuery(before: string, reference: Reference, names: Names): Choice[] {
  const from = /FROM\s+(?:SCHEMA\(\s*)?(?:"([^"]+)"|(\w+))/i.exec(before);
  const namespace = from?.[1] ?? from?.[2] ?? "";
  if (/(?:FROM|SCHEMA\()\s*"?[^"\s,]*$/i.test(before)) {
    const inside = /"[^"]*$/.test(before.slice(before.toUpperCase().lastIndexOf("FROM")));
    return names.namespaces.map((name) => ({ label: name, detail: "namespace", apply: inside ? `${name}"` : quoted(name) }));
  }
  const dimensions = [...new Set(names.dimensions(namespace).flatMap((set) => set.split(",")))].filter(Boolean).map((name) => ({ label: name, detail: "dimension", apply: quoted(name) }));
  if (/SCHEMA\([^)]*,\s*\w*$/i.test(before) || /(?:BY|WHERE|AND|OR)\s+\w*$/i.test(before)) return dimensions;
  if (/SELECT\s+\w+\(\s*"?[^")]*$/i.test(before)) return names.metrics(namespace).map((name) => ({ label: name, detail: "metric", apply: quoted(name) }));
  return [...reference.sql.map(choice), ...dimensions];
}

export const inLabel = (reference: Reference): Choice[] => reference.labels.map(choice);

/** Asks for names once they are wanted; what is not there yet comes with the next key. */
export class Catalogue implements Names {
  namespaces: string[] = [];
  readonly #found = new Map<string, MetricsFound | null>();
  #known: [string, string][] = [];

  constructor() {
    void this.#ask("");
  }

  /** Metrics of the graph, whose names are known without asking. */
  know(metrics: { namespace: string; name: string }[]) {
    this.#known = metrics.map(({ namespace, name }) => [namespace, name]);
  }

  dimensions = (namespace: string) => this.#of(namespace)?.dimensions.map(([names]) => names) ?? [];

  metrics = (namespace: string) => [
    ...new Set([
      ...this.#known.filter(([of]) => !namespace || of === namespace).map(([, name]) => name),
      ...(this.#of(namespace)?.metrics.map((metric) => metric.name) ?? []),
    ]),
  ];

  #of(namespace: string): MetricsFound | null {
    if (!this.#found.has(namespace)) void this.#ask(namespace);
    return this.#found.get(namespace) ?? null;
  }

  async #ask(namespace: string) {
    this.#found.set(namespace, null);
    try {
      const found = await get<MetricsFound>("metrics", { namespace, limit: 1000 });
      this.#found.set(namespace, found);
      if (!namespace) this.namespaces = found.namespaces.map(([name]) => name);
    } catch {
      this.#found.delete(namespace); // asked again with the next key
    }
  }
}
