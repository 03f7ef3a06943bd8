/** What the names of metrics tell: the part of the data, the quantity, and which of them people look at first. */
import type { MetricSummary } from "./types";

/** Metrics of one quantity, drawn on one chart: training against validation. */
export interface Group {
  key: string;
  title: string;
  metrics: string[];
}

export type Split = "train" | "validation" | "test" | "other";

const SPLITS: Record<string, Split> = {
  train: "train",
  training: "train",
  val: "validation",
  valid: "validation",
  validation: "validation",
  eval: "validation",
  evaluation: "validation",
  dev: "validation",
  test: "test",
  testing: "test",
  holdout: "test",
};

/** Other words for one quantity, so that `acc` and `accuracy` meet. */
const SAME: Record<string, string> = { acc: "accuracy" };

/** Quantities that people look at first. */
const FIRST = [/loss|perplexity|nll/, /acc|auc|f1|score|precision|recall|map|bleu|rouge/, /err|rmse|mse|mae/];

/** The part of the data a metric was computed on, and the quantity that is left without it. */
export function parse(name: string): { split: Split; quantity: string } {
  const words = name.split(/[:/_.\-\s]+/).filter(Boolean);
  const ends = words.length > 1 ? [0, words.length - 1] : [];
  const at = ends.find((index) => words[index]!.toLowerCase() in SPLITS);
  if (at === undefined) return { split: "other", quantity: join(words) || name };
  return { split: SPLITS[words[at]!.toLowerCase()]!, quantity: join(words.filter((_, index) => index !== at)) };
}

function join(words: string[]): string {
  return words.map((word) => SAME[word.toLowerCase()] ?? word.toLowerCase()).join("_");
}

const ORDER: Split[] = ["train", "other", "validation", "test"];

function rank(quantity: string): number {
  const found = FIRST.findIndex((pattern) => pattern.test(quantity));
  return found < 0 ? FIRST.length : found;
}

/** Charts for a job's metrics: one a quantity, the ones people look at first in front. */
export function group(metrics: Pick<MetricSummary, "name">[]): Group[] {
  const groups = new Map<string, Group>();
  for (const { name } of metrics) {
    const { quantity } = parse(name);
    const found = groups.get(quantity);
    if (found) found.metrics.push(name);
    else groups.set(quantity, { key: quantity, title: quantity, metrics: [name] });
  }
  for (const found of groups.values()) {
    found.metrics.sort(
      (a, b) => ORDER.indexOf(parse(a).split) - ORDER.indexOf(parse(b).split) || a.localeCompare(b),
    );
    if (found.metrics.length === 1) found.title = found.metrics[0]!;
  }
  return [...groups.values()].sort((a, b) => rank(a.key) - rank(b.key) || a.key.localeCompare(b.key));
}

/** The metrics a filter box leaves; an unfinished regular expression is taken as plain text. */
export function filter<T extends { name: string }>(metrics: T[], text: string): T[] {
  if (!text) return metrics;
  try {
    const pattern = new RegExp(text, "i");
    return metrics.filter((metric) => pattern.test(metric.name));
  } catch {
    const words = text.toLowerCase();
    return metrics.filter((metric) => metric.name.toLowerCase().includes(words));
  }
}

const TELLING: Partial<Record<Split, number>> = { validation: 0, train: 1 };

/** What says most about a job first: what people look at first before the rest, of each validation before training. */
export function telling<T>(metrics: T[], nameOf: (metric: T) => string): T[] {
  const ranked = metrics.map((metric) => {
    const name = nameOf(metric);
    const { split, quantity } = parse(name);
    return { metric, name, at: (TELLING[split] ?? 2) + (rank(quantity) < FIRST.length ? 0 : 3) };
  });
  return ranked.sort((a, b) => a.at - b.at || a.name.localeCompare(b.name)).map(({ metric }) => metric);
}
