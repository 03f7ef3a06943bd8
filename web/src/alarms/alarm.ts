/** Alarms as CloudWatch describes them. */
import { plural } from "../lib/format";

export type StateValue = "OK" | "ALARM" | "INSUFFICIENT_DATA";
export type Kind = "metric" | "expression" | "anomaly" | "insights" | "promql" | "composite";

export interface Dimension {
  Name: string;
  Value: string;
}

export interface MetricStat {
  Metric: { Namespace: string; MetricName: string; Dimensions?: Dimension[] };
  Period: number;
  Stat: string;
  Unit?: string;
}

export interface Query {
  Id: string;
  MetricStat?: MetricStat;
  Expression?: string;
  Label?: string;
  Period?: number;
  ReturnData?: boolean;
}

/** What PutMetricAlarm and PutCompositeAlarm take. */
export interface Definition {
  AlarmName: string;
  AlarmDescription?: string;
  ActionsEnabled?: boolean;
  AlarmActions?: string[];
  OKActions?: string[];
  InsufficientDataActions?: string[];
  AlarmRule?: string;
  ActionsSuppressor?: string;
  ActionsSuppressorWaitPeriod?: number;
  ActionsSuppressorExtensionPeriod?: number;
  MetricName?: string;
  Namespace?: string;
  Dimensions?: Dimension[];
  Statistic?: string;
  ExtendedStatistic?: string;
  Period?: number;
  Unit?: string;
  Metrics?: Query[];
  ThresholdMetricId?: string;
  Threshold?: number;
  ComparisonOperator?: string;
  EvaluationPeriods?: number;
  DatapointsToAlarm?: number;
  TreatMissingData?: string;
  EvaluateLowSampleCountPercentile?: string;
  EvaluationWindow?: { SlidingWindow?: object; WallClockWindow?: { Timezone?: string } };
  WarmUpConfiguration?: { WarmUpPeriodDurationInMinutes: number; OnlyStartEvaluatingAfterWarmUpPeriodEnds?: boolean };
  EvaluationCriteria?: { PromQLCriteria?: { Query: string; PendingPeriod?: number; RecoveryPeriod?: number } };
  EvaluationInterval?: number;
  ActionConfiguration?: { AlarmTagsPropagation?: { Enabled: boolean; IncludedTagKeys?: string[]; ExcludedTagKeys?: string[] } };
  Tags?: { Key: string; Value: string }[];
}

/** What an alarm watches and does, as far as that is known. */
export type Known = Partial<Omit<Definition, "Tags">>;

export interface Alarm extends Omit<Definition, "Tags"> {
  AlarmArn: string;
  ActionsEnabled: boolean;
  StateValue: StateValue;
  StateReason?: string;
  StateReasonData?: string;
  StateUpdatedTimestamp: number;
  StateTransitionedTimestamp?: number;
  AlarmConfigurationUpdatedTimestamp?: number;
  ActionsSuppressedBy?: string;
  ActionsSuppressedReason?: string;
  EvaluationState?: string;
}

export interface Described {
  MetricAlarms?: Alarm[];
  CompositeAlarms?: Alarm[];
  NextToken?: string;
}

export interface HistoryItem {
  AlarmName: string;
  Timestamp: number;
  HistoryItemType: string;
  HistorySummary: string;
  HistoryData: string;
}

export interface Turn {
  time: number;
  state: string;
}

export const STATES: Record<string, string> = { ALARM: "In alarm", OK: "OK", INSUFFICIENT_DATA: "Insufficient data" };

export const KINDS: Record<Kind, string> = {
  metric: "Metric",
  expression: "Metric math",
  anomaly: "Anomaly",
  insights: "Metrics Insights",
  promql: "PromQL",
  composite: "Composite",
};

export const COMPARISONS: [string, string][] = [
  ["GreaterThanThreshold", ">"],
  ["GreaterThanOrEqualToThreshold", "≥"],
  ["LessThanThreshold", "<"],
  ["LessThanOrEqualToThreshold", "≤"],
];

export const BAND_COMPARISONS: [string, string][] = [
  ["LessThanLowerOrGreaterThanUpperThreshold", "outside the band"],
  ["GreaterThanUpperThreshold", "above the band"],
  ["LessThanLowerThreshold", "below the band"],
];

const BAND = /^\s*ANOMALY_DETECTION_BAND\s*\(\s*(\w+)\s*(?:,\s*([0-9.]+)\s*)?\)\s*$/i;

/** Of a band around one metric: the metric's id and how wide it is; null where an expression is none. */
export function bandOf(expression: string): { of: string; width: number } | null {
  const found = BAND.exec(expression);
  return found ? { of: found[1]!, width: Number(found[2] ?? 2) } : null;
}

export function kindOf(alarm: Known): Kind {
  if (alarm.AlarmRule !== undefined) return "composite";
  if (alarm.EvaluationCriteria) return "promql";
  const queries = alarm.Metrics;
  if (!queries) return "metric";
  if (queries.length === 1 && /^\s*SELECT\b/i.test(queries[0]!.Expression ?? "")) return "insights";
  const [metric, band] = [queries.find((one) => one.MetricStat), queries.find((one) => one.Id === alarm.ThresholdMetricId)];
  if (queries.length === 2 && metric && band && bandOf(band.Expression ?? "")?.of === metric.Id) return "anomaly";
  return "expression";
}

/** What is watched, in short. */
export function watched(alarm: Known): string {
  const queries = alarm.Metrics ?? [];
  switch (kindOf(alarm)) {
    case "composite":
      return alarm.AlarmRule!;
    case "promql":
      return alarm.EvaluationCriteria?.PromQLCriteria?.Query ?? "";
    case "metric":
      return alarm.MetricName ?? "";
    case "anomaly":
      return queries.find((one) => one.MetricStat)?.MetricStat?.Metric.MetricName ?? "";
    default: {
      const shown = queries.find((one) => one.ReturnData !== false && one.Id !== alarm.ThresholdMetricId);
      return shown?.Label || shown?.Expression || shown?.MetricStat?.Metric.MetricName || "expression";
    }
  }
}

/** When an alarm goes off, in short. */
export function condition(alarm: Known): string {
  const what = watched(alarm);
  if (alarm.AlarmRule !== undefined || alarm.EvaluationCriteria) return what;
  const sign = [...COMPARISONS, ...BAND_COMPARISONS].find(([name]) => name === alarm.ComparisonOperator)?.[1] ?? "out of its band";
  const level = alarm.ThresholdMetricId ? "" : ` ${alarm.Threshold}`;
  const needed = alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods ?? 1;
  return `${what} ${sign}${level} in ${needed} of ${plural(alarm.EvaluationPeriods ?? 1, "period")}`;
}

/** The training job that an alarm is about: by its tag, or by the dimensions of what it watches; else empty. */
export function jobOf(alarm: Known, tags: Record<string, string> = {}): string {
  if (tags.TrainingJobName) return tags.TrainingJobName;
  const dimensions = [...(alarm.Dimensions ?? []), ...(alarm.Metrics ?? []).flatMap((one) => one.MetricStat?.Metric.Dimensions ?? [])];
  const named = dimensions.find((one) => one.Name === "TrainingJobName")?.Value;
  const host = dimensions.find((one) => one.Name === "Host")?.Value;
  return named ?? (host?.includes("/") ? host.slice(0, host.lastIndexOf("/")) : "");
}

export const actionsOf = (alarm: Known) => [
  ...(alarm.AlarmActions ?? []),
  ...(alarm.OKActions ?? []),
  ...(alarm.InsufficientDataActions ?? []),
];

/** Members that the operation that puts an alarm takes: those that only describe it, and empty ones, are left out. */
const DESCRIBING = /^(AlarmArn|State.*|EvaluationState|ActionsSuppressed(By|Reason)|.*Timestamp|tags|created)$/;
export const inputOf = (alarm: Alarm) =>
  Object.fromEntries(
    Object.entries(alarm).filter(([name, value]) => !DESCRIBING.test(name) && !(Array.isArray(value) && !value.length)),
  ) as unknown as Definition;

export interface Stretch {
  state: string;
  from: number;
  to: number;
}

/** The states between two times; before the first turn that is known it is not known. */
export function stretches(turns: Turn[], from: number, to: number): Stretch[] {
  const found: Stretch[] = [];
  turns.forEach((turn, index) => {
    const start = Math.max(turn.time, from);
    const end = Math.min(turns[index + 1]?.time ?? to, to);
    if (end > start) found.push({ state: turn.state, from: start, to: end });
  });
  return found;
}
