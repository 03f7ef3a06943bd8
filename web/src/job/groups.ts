import type { MetricSummary } from "../lib/types";

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
  const rank = (key: string) => {
    const found = FIRST.findIndex((pattern) => pattern.test(key));
    return found < 0 ? FIRST.length : found;
  };
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

/** What says most about a job first: validation before training, losses and accuracies before the rest. */
export function telling<T extends { name: string }>(metrics: T[]): T[] {
  const rank = ({ name }: T) =>
    (parse(name).split === "validation" ? 0 : parse(name).split === "train" ? 1 : 2) + (/loss|acc|auc|f1|err/i.test(name) ? 0 : 3);
  return [...metrics].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}
