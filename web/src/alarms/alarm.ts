/** Alarms as CloudWatch describes them. */

export interface Alarm {
  AlarmName: string;
  AlarmArn: string;
  AlarmDescription?: string;
  StateValue: "OK" | "ALARM" | "INSUFFICIENT_DATA";
  StateReason?: string;
  StateUpdatedTimestamp: number;
  StateTransitionedTimestamp?: number;
  ActionsEnabled: boolean;
  AlarmActions?: string[];
  /** Of composite alarms. */
  AlarmRule?: string;
  MetricName?: string;
  Namespace?: string;
  Threshold?: number;
  ComparisonOperator?: string;
  EvaluationPeriods?: number;
  DatapointsToAlarm?: number;
  TreatMissingData?: string;
  Period?: number;
  [member: string]: unknown;
}

export interface Described {
  MetricAlarms?: Alarm[];
  CompositeAlarms?: Alarm[];
  NextToken?: string;
}

export interface HistoryItem {
  Timestamp: number;
  HistoryItemType: string;
  HistorySummary: string;
  HistoryData: string;
}

export interface Turn {
  time: number;
  state: string;
}

export interface BackTest {
  period: number;
  alarms: number;
  turns: Turn[];
  datapoints: number;
}

export const STATES: Record<string, string> = { ALARM: "In alarm", OK: "OK", INSUFFICIENT_DATA: "Insufficient data" };

export const COMPARISONS: [string, string][] = [
  ["GreaterThanThreshold", ">"],
  ["GreaterThanOrEqualToThreshold", "≥"],
  ["LessThanThreshold", "<"],
  ["LessThanOrEqualToThreshold", "≤"],
];

/** When an alarm goes off, in short. */
export function condition(alarm: Alarm): string {
  if (alarm.AlarmRule !== undefined) return alarm.AlarmRule;
  const sign = COMPARISONS.find(([name]) => name === alarm.ComparisonOperator)?.[1];
  const what = alarm.MetricName ?? "expression";
  if (!sign) return `${what} out of its band`;
  const needed = alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods ?? 1;
  return `${what} ${sign} ${alarm.Threshold} in ${needed} of ${alarm.EvaluationPeriods ?? 1} periods`;
}

/** Members that PutMetricAlarm takes: those that only describe an alarm are left out. */
const DESCRIBING = /^(AlarmArn|AlarmConfigurationUpdatedTimestamp|State.*|EvaluationState|.*Timestamp)$/;
export const inputOf = (alarm: Alarm) => Object.fromEntries(Object.entries(alarm).filter(([name]) => !DESCRIBING.test(name)));

/** Turns of the state out of an alarm's history, oldest first. */
export function turnsOf(history: HistoryItem[]): Turn[] {
  const turns = history.flatMap((item) => {
    if (item.HistoryItemType !== "StateUpdate") return [];
    const data = JSON.parse(item.HistoryData) as { newState?: { stateValue?: string } };
    return data.newState?.stateValue ? [{ time: item.Timestamp, state: data.newState.stateValue }] : [];
  });
  return turns.sort((a, b) => a.time - b.time);
}

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
