/** An alarm as it is written in the form: what each kind needs, side by side, so that switching kinds loses nothing. */
import { bandOf, kindOf, type Definition, type Dimension, type Kind, type Query } from "./alarm";

export const SIMPLE = ["Average", "Sum", "Minimum", "Maximum", "SampleCount"];
export const STATISTICS = [...SIMPLE, "p50", "p90", "p95", "p99", "p99.9", "tm90", "tm99", "IQM", "wm90", "tc99", "ts99", "PR(0:100)"];
export const PERIODS = [10, 20, 30, 60, 300, 900, 3600, 21600, 86400];
export const MISSING: [string, string][] = [
  ["missing", "missing: not enough data"],
  ["ignore", "ignored: the state stays"],
  ["breaching", "bad: it breaches"],
  ["notBreaching", "good: it does not breach"],
];
export const UNITS = [
  "Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits", "Kilobits",
  "Megabits", "Gigabits", "Terabits", "Percent", "Count", "Bytes/Second", "Kilobytes/Second", "Megabytes/Second",
  "Gigabytes/Second", "Terabytes/Second", "Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second",
  "Terabits/Second", "Count/Second", "None",
];

/** A metric, and how it is put into numbers. */
export interface Watched {
  namespace: string;
  name: string;
  dimensions: Dimension[];
  stat: string;
  period: number;
  unit: string;
}

/** One of the queries of metric math. */
export interface Row {
  id: string;
  label: string;
  /** Null: it is an expression. */
  metric: Watched | null;
  expression: string;
  period: number | null;
}

export interface Draft {
  kind: Kind;
  name: string;
  description: string;
  enabled: boolean;
  metric: Watched;
  band: number;
  rows: Row[];
  /** The id of the row that is watched, and of the band that it is held against. */
  shown: string;
  bandRow: string;
  select: { expression: string; period: number };
  promql: { query: string; every: number; pending: number; recovery: number };
  rule: { text: string; suppressor: string; wait: number; extension: number };
  comparison: string;
  threshold: number | null;
  periods: number;
  needed: number;
  missing: string;
  lowSamples: string;
  /** The zone of the clock by which periods are cut; null where they slide. */
  clock: string | null;
  warmUp: { minutes: number; whole: boolean } | null;
  actions: { AlarmActions: string[]; OKActions: string[]; InsufficientDataActions: string[] };
  propagation: { which: "" | "all" | "included" | "excluded"; keys: string };
  tags: [string, string][];
}

export const isBanded = (draft: Draft) => draft.kind === "anomaly" || (draft.kind === "expression" && draft.bandRow !== "");
export const isPercentile = (draft: Draft) => draft.kind === "metric" && /^p\d/i.test(draft.metric.stat);

const watchedOf = (definition: Partial<Definition>): Watched => ({
  namespace: definition.Namespace ?? "",
  name: definition.MetricName ?? "",
  dimensions: definition.Dimensions ?? [],
  stat: definition.Statistic ?? definition.ExtendedStatistic ?? "Average",
  period: definition.Period ?? 60,
  unit: definition.Unit ?? "",
});

function rowOf(query: Query): Row {
  const stat = query.MetricStat;
  return {
    id: query.Id,
    label: query.Label ?? "",
    metric: stat
      ? {
          namespace: stat.Metric.Namespace,
          name: stat.Metric.MetricName,
          dimensions: stat.Metric.Dimensions ?? [],
          stat: stat.Stat,
          period: stat.Period,
          unit: stat.Unit ?? "",
        }
      : null,
    expression: query.Expression ?? "",
    period: query.Period ?? null,
  };
}

export const emptyMetric = (): Watched => watchedOf({});

/** The draft of an alarm, or of the parts of one that are known. */
export function draftOf(given: Partial<Definition>, kind: Kind = kindOf(given), tags: [string, string][] = []): Draft {
  const queries = given.Metrics ?? [];
  const single = given.MetricName ? watchedOf(given) : null;
  const rows = queries.length ? queries.map(rowOf) : single ? [{ id: "m1", label: "", metric: single, expression: "", period: null }] : [];
  const shown = queries.find((one) => one.ReturnData !== false && one.Id !== given.ThresholdMetricId);
  const band = queries.find((one) => one.Id === given.ThresholdMetricId);
  const select = queries.find((one) => /^\s*SELECT\b/i.test(one.Expression ?? ""));
  const { Query = "", PendingPeriod = 0, RecoveryPeriod = 0 } = given.EvaluationCriteria?.PromQLCriteria ?? {};
  const spread = given.ActionConfiguration?.AlarmTagsPropagation;
  const periods = given.EvaluationPeriods ?? 1;
  return {
    kind,
    name: given.AlarmName ?? "",
    description: given.AlarmDescription ?? "",
    enabled: given.ActionsEnabled ?? true,
    metric: single ?? rows.find((row) => row.metric)?.metric ?? emptyMetric(),
    band: bandOf(band?.Expression ?? "")?.width ?? 2,
    rows: kind === "insights" || kind === "anomaly" ? rows.filter((row) => row.metric) : rows,
    shown: shown?.Id ?? rows[0]?.id ?? "",
    bandRow: kind === "expression" ? (band?.Id ?? "") : "",
    select: { expression: select?.Expression ?? "", period: select?.Period ?? 60 },
    promql: { query: Query, every: given.EvaluationInterval ?? 60, pending: PendingPeriod, recovery: RecoveryPeriod },
    rule: {
      text: given.AlarmRule ?? "",
      suppressor: given.ActionsSuppressor ?? "",
      wait: given.ActionsSuppressorWaitPeriod ?? 60,
      extension: given.ActionsSuppressorExtensionPeriod ?? 60,
    },
    comparison: given.ComparisonOperator ?? (kind === "anomaly" ? "LessThanLowerOrGreaterThanUpperThreshold" : "GreaterThanThreshold"),
    threshold: given.Threshold ?? null,
    periods,
    needed: given.DatapointsToAlarm ?? periods,
    missing: given.TreatMissingData ?? "missing",
    lowSamples: given.EvaluateLowSampleCountPercentile ?? "evaluate",
    clock: given.EvaluationWindow?.WallClockWindow ? (given.EvaluationWindow.WallClockWindow.Timezone ?? "UTC") : null,
    warmUp: given.WarmUpConfiguration
      ? {
          minutes: given.WarmUpConfiguration.WarmUpPeriodDurationInMinutes,
          whole: given.WarmUpConfiguration.OnlyStartEvaluatingAfterWarmUpPeriodEnds ?? false,
        }
      : null,
    actions: {
      AlarmActions: given.AlarmActions ?? [],
      OKActions: given.OKActions ?? [],
      InsufficientDataActions: given.InsufficientDataActions ?? [],
    },
    propagation: !spread?.Enabled
      ? { which: "", keys: "" }
      : spread.IncludedTagKeys
        ? { which: "included", keys: spread.IncludedTagKeys.join(", ") }
        : spread.ExcludedTagKeys
          ? { which: "excluded", keys: spread.ExcludedTagKeys.join(", ") }
          : { which: "all", keys: "" },
    tags: given.Tags ? given.Tags.map((tag) => [tag.Key, tag.Value]) : tags,
  };
}

const statistic = (stat: string) => (SIMPLE.includes(stat) ? { Statistic: stat } : { ExtendedStatistic: stat });
const metricStat = (metric: Watched) => ({
  Metric: { Namespace: metric.namespace, MetricName: metric.name, Dimensions: metric.dimensions },
  Period: metric.period,
  Stat: metric.stat,
  ...(metric.unit ? { Unit: metric.unit } : {}),
});

/** What a metric alarm watches. */
function watching(draft: Draft): Partial<Definition> {
  const { kind, metric, select, rows } = draft;
  if (kind === "metric")
    return {
      Namespace: metric.namespace,
      MetricName: metric.name,
      Dimensions: metric.dimensions,
      Period: metric.period,
      ...(metric.unit ? { Unit: metric.unit } : {}),
      ...statistic(metric.stat),
    };
  if (kind === "insights") return { Metrics: [{ Id: "q1", Expression: select.expression, Period: select.period, ReturnData: true }] };
  if (kind === "anomaly")
    return {
      Metrics: [
        { Id: "m1", MetricStat: metricStat(metric), ReturnData: true },
        { Id: "ad1", Expression: `ANOMALY_DETECTION_BAND(m1, ${draft.band})`, ReturnData: true },
      ],
      ThresholdMetricId: "ad1",
    };
  return {
    Metrics: rows.map((row) => ({
      Id: row.id,
      ...(row.metric ? { MetricStat: metricStat(row.metric) } : { Expression: row.expression, ...(row.period ? { Period: row.period } : {}) }),
      ...(row.label ? { Label: row.label } : {}),
      ReturnData: row.id === draft.shown || row.id === draft.bandRow,
    })),
    ...(draft.bandRow ? { ThresholdMetricId: draft.bandRow } : {}),
  };
}

/** Whether it goes off, by what is watched. */
function judging(draft: Draft): Partial<Definition> {
  return {
    ComparisonOperator: draft.comparison,
    ...(isBanded(draft) ? {} : draft.threshold === null ? {} : { Threshold: draft.threshold }),
    EvaluationPeriods: draft.periods,
    DatapointsToAlarm: draft.needed,
    TreatMissingData: draft.missing,
    ...(isPercentile(draft) ? { EvaluateLowSampleCountPercentile: draft.lowSamples } : {}),
    ...(draft.clock === null ? {} : { EvaluationWindow: { WallClockWindow: { Timezone: draft.clock || "UTC" } } }),
  };
}

function spreading({ which, keys }: Draft["propagation"]): Partial<Definition> {
  if (!which) return {};
  const named = keys.split(",").map((key) => key.trim()).filter(Boolean);
  const chosen = which === "included" ? { IncludedTagKeys: named } : which === "excluded" ? { ExcludedTagKeys: named } : {};
  return { ActionConfiguration: { AlarmTagsPropagation: { Enabled: true, ...chosen } } };
}

/** The input of `PutMetricAlarm`, or of `PutCompositeAlarm`, that makes the alarm. Its tags are of a new one only. */
export function inputFor(draft: Draft): Definition {
  const common = {
    AlarmName: draft.name,
    ...(draft.description ? { AlarmDescription: draft.description } : {}),
    ActionsEnabled: draft.enabled,
    ...Object.fromEntries(Object.entries(draft.actions).filter(([, all]) => all.length)),
    ...spreading(draft.propagation),
    ...(draft.tags.length ? { Tags: draft.tags.map(([Key, Value]) => ({ Key, Value })) } : {}),
  };
  if (draft.kind === "composite") {
    const { text, suppressor, wait, extension } = draft.rule;
    const suppressing = { ActionsSuppressor: suppressor, ActionsSuppressorWaitPeriod: wait, ActionsSuppressorExtensionPeriod: extension };
    return { ...common, AlarmRule: text.trim(), ...(suppressor ? suppressing : {}) };
  }
  const { warmUp } = draft;
  const warming = warmUp
    ? { WarmUpConfiguration: { WarmUpPeriodDurationInMinutes: warmUp.minutes, OnlyStartEvaluatingAfterWarmUpPeriodEnds: warmUp.whole } }
    : {};
  if (draft.kind === "promql") {
    const { query, every, pending, recovery } = draft.promql;
    const criteria = { Query: query, PendingPeriod: pending, RecoveryPeriod: recovery };
    return { ...common, ...warming, EvaluationCriteria: { PromQLCriteria: criteria }, EvaluationInterval: every };
  }
  return { ...common, ...warming, ...watching(draft), ...judging(draft) };
}

/** The first id like `m1` that no row has. */
export function freeId(rows: Row[], letter: string): string {
  for (let at = 1; ; at++) if (!rows.some((row) => row.id === `${letter}${at}`)) return `${letter}${at}`;
}

/** Whether there is enough of it to be tried, where it needs no threshold or has one. */
export function isWhole(draft: Draft, thresholdNeeded = true): boolean {
  const level = !thresholdNeeded || draft.threshold !== null;
  switch (draft.kind) {
    case "metric":
      return draft.metric.name !== "" && level;
    case "anomaly":
      return draft.metric.name !== "";
    case "insights":
      return draft.select.expression.trim() !== "" && level;
    case "promql":
      return draft.promql.query.trim() !== "";
    case "composite":
      return draft.rule.text.trim() !== "";
    default:
      return draft.rows.length > 0 && draft.rows.every((row) => row.metric?.name || row.expression.trim()) && (level || isBanded(draft));
  }
}
