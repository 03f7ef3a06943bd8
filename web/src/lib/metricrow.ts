/** Rows of a metric widget, as CloudWatch writes them: a metric with its options, or an expression. */

export interface Options {
  id?: string;
  expression?: string;
  label?: string;
  stat?: string;
  period?: number;
  yAxis?: "left" | "right";
  visible?: boolean;
  color?: string;
}

export interface Metric {
  namespace: string;
  name: string;
  dimensions: [string, string][];
}

export type Row = (string | Options)[];

export const rowOf = ({ namespace, name, dimensions }: Metric): Row => [namespace, name, ...dimensions.flat()];

export function optionsOf(row: Row): Options {
  const last = row.at(-1);
  return typeof last === "object" ? last : {};
}

/** The row with other options; those that are undefined or empty are left out. */
export function withOptions(row: Row, change: Options): Row {
  const kept = Object.entries({ ...optionsOf(row), ...change }).filter(([, value]) => value !== undefined && value !== "");
  const words = row.filter((one) => typeof one === "string");
  return kept.length ? [...words, Object.fromEntries(kept) as Options] : words;
}

export const metricOf = (row: Row): Metric | null => {
  const words = row.filter((one): one is string => typeof one === "string");
  if (words.length < 2) return null;
  const dimensions: [string, string][] = [];
  for (let at = 2; at + 1 < words.length; at += 2) dimensions.push([words[at]!, words[at + 1]!]);
  return { namespace: words[0]!, name: words[1]!, dimensions };
};

export const same = (row: Row, other: Row) =>
  JSON.stringify(withOptions(row, {}).filter((one) => typeof one === "string")) ===
  JSON.stringify(other.filter((one) => typeof one === "string"));

/** The rows in the words of an address; what is no row is left out. */
export function readRows(words: string[]): Row[] {
  return words.flatMap((word) => {
    try {
      const row: unknown = JSON.parse(word);
      return Array.isArray(row) && row.length ? [row as Row] : [];
    } catch {
      return [];
    }
  });
}

/** Rows that all have ids: expressions name others by them. */
export function withIds(rows: Row[]): Row[] {
  const taken = new Set(rows.map((row) => optionsOf(row).id).filter(Boolean));
  const next = (letter: string) => {
    for (let at = 1; ; at++) {
      const id = `${letter}${at}`;
      if (taken.has(id)) continue;
      taken.add(id);
      return id;
    }
  };
  return rows.map((row) => {
    const options = optionsOf(row);
    return options.id ? row : withOptions(row, { id: next(options.expression === undefined ? "m" : "e") });
  });
}

/** What PutMetricAlarm is to be told of a row that is a metric. */
export function alarmOn(row: Row, statistic: string, period: number): Record<string, unknown> | null {
  const metric = metricOf(row);
  if (!metric) return null;
  const stat = optionsOf(row).stat ?? statistic;
  const simple = ["Average", "Sum", "Minimum", "Maximum", "SampleCount"].includes(stat);
  return {
    Namespace: metric.namespace,
    MetricName: metric.name,
    Dimensions: metric.dimensions.map(([Name, Value]) => ({ Name, Value })),
    Period: optionsOf(row).period ?? period,
    ...(simple ? { Statistic: stat } : { ExtendedStatistic: stat }),
  };
}

export const changedRow = (rows: Row[], at: number, options: Options): Row[] =>
  rows.map((row, index) => (index === at ? withOptions(row, options) : row));

/** With one more row that is calculated; all have ids then. */
export const withExpression = (rows: Row[], expression: string, label: string): Row[] =>
  withIds([...withIds(rows), [{ expression, label }]]);

/** An expression after the row it may name has another id. */
export const following = (expression: string, before: string, id: string) =>
  before && id ? expression.replace(new RegExp(`\\b${before}\\b`, "g"), id) : expression;

/** The row moved to another place. */
export function movedRow(rows: Row[], from: number, to: number): Row[] {
  const rest = rows.filter((_, at) => at !== from);
  return [...rest.slice(0, to), rows[from]!, ...rest.slice(to)];
}

/** The rows with one of them once more below it. */
export function doubled(rows: Row[], at: number): Row[] {
  const { id: _, ...options } = optionsOf(rows[at]!);
  const copy: Row = [...rows[at]!.filter((one) => typeof one === "string"), options];
  const all = [...rows.slice(0, at + 1), copy, ...rows.slice(at + 1)];
  return rows.some((row) => optionsOf(row).id) ? withIds(all) : all;
}
