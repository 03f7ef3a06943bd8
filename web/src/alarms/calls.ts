/** What the pages of alarms ask of the server. */
import { get, operation, post } from "../lib/api";
import type { Alarm, Definition, Described, HistoryItem, Turn } from "./alarm";


export interface Listing {
  alarms: (Alarm & { tags: Record<string, string>; created: number })[];
  gone: string[];
  /** To be given as `since` when asking what changed. */
  newest: number;
  /** The mute rule that is at work, by the alarm. */
  muted: Record<string, string>;
}

export interface Series {
  label: string;
  values: (number | null)[];
  low?: (number | null)[];
  high?: (number | null)[];
}

export interface Episode {
  from: number;
  to: number | null;
  value: number | null;
  at: number | null;
  cause: string;
}

/** What an alarm would have done. */
export interface BackTest {
  from: number;
  to: number;
  period: number;
  alarms: number;
  turns: Turn[];
  episodes: Episode[];
  datapoints: number;
  times: number[];
  series: Series[];
  children: Record<string, Turn[]>;
}

export interface Sweep {
  of: "threshold" | "width";
  tried: [number, number][];
}

export interface RuleNode {
  holds: boolean;
  operator?: "AND" | "OR" | "NOT";
  parts?: RuleNode[];
  wanted?: string;
  alarm?: string;
  state?: string | null;
  constant?: boolean;
}

export type RuleCheck = { error: string; place: number | null } | { holds: boolean; root: RuleNode; absent: string[] };

export interface MuteRule {
  Name: string;
  Description?: string;
  AlarmMuteRuleArn: string;
  Status: "ACTIVE" | "SCHEDULED" | "EXPIRED";
  MuteType: "RECURRING" | "ONE_TIME";
  Rule: { Schedule: { Expression: string; Duration: string; Timezone?: string } };
  MuteTargets?: { AlarmNames: string[] };
  StartDate?: number;
  ExpireDate?: number;
}

export const KIND_NAMES = ["MetricAlarm", "CompositeAlarm"];

export const listed = (since?: number) => get<Listing>("alarms", { since });
export const states = (from: number, to: number) =>
  get<{ from: number; to: number; states: Record<string, [number, string][]> }>("alarms/states", { from, to });
export const tried = (alarm: Definition, seconds: number, end?: number, signal?: AbortSignal) =>
  post<BackTest>("alarms/back-test", { alarm, seconds, ...(end ? { end } : {}) }, signal);
export const swept = (alarm: Definition, seconds: number, end?: number, signal?: AbortSignal) =>
  post<Sweep>("alarms/sweep", { alarm, seconds, ...(end ? { end } : {}) }, signal);
export const checkedRule = (rule: string) => post<RuleCheck>("alarms/rule", { rule });

export async function described(name: string): Promise<Alarm | null> {
  const found = await operation<Described>("cloudwatch", "DescribeAlarms", { AlarmNames: [name], AlarmTypes: KIND_NAMES });
  return [...(found.MetricAlarms ?? []), ...(found.CompositeAlarms ?? [])][0] ?? null;
}

export const history = (query: { AlarmName?: string; HistoryItemType?: string; StartDate?: number; EndDate?: number; NextToken?: string }) =>
  operation<{ AlarmHistoryItems: HistoryItem[]; NextToken?: string }>("cloudwatch", "DescribeAlarmHistory", {
    AlarmTypes: KIND_NAMES,
    MaxRecords: 100,
    ...query,
  });

/** Tags by their keys. */
export async function tagsOf(arn: string): Promise<[string, string][]> {
  const answer = await operation<{ Tags: { Key: string; Value: string }[] }>("cloudwatch", "ListTagsForResource", { ResourceARN: arn });
  return answer.Tags.map((tag) => [tag.Key, tag.Value]);
}

/** Makes the alarm, or configures it anew. `before`: the tags of the one that there is. */
export async function put(input: Definition, before: { arn: string; tags: [string, string][] } | null) {
  const name = input.AlarmRule === undefined ? "PutMetricAlarm" : "PutCompositeAlarm";
  if (!before) return void (await operation("cloudwatch", name, input));
  const { Tags = [], ...rest } = input;
  await operation("cloudwatch", name, rest);
  const left = before.tags.map(([key]) => key).filter((key) => !Tags.some((tag) => tag.Key === key));
  const changed = Tags.filter((tag) => !before.tags.some(([key, value]) => key === tag.Key && value === tag.Value));
  if (left.length) await operation("cloudwatch", "UntagResource", { ResourceARN: before.arn, TagKeys: left });
  if (changed.length) await operation("cloudwatch", "TagResource", { ResourceARN: before.arn, Tags: changed });
}

const AT_ONCE = 100;
const parts = <T>(all: T[], size: number) =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));

/** One call deletes at most one composite alarm; those come first, as others cannot go while one needs them. */
export async function deleted(alarms: Alarm[]) {
  const composite = alarms.filter((one) => one.AlarmRule !== undefined);
  const others = alarms.filter((one) => one.AlarmRule === undefined).map((one) => one.AlarmName);
  for (const one of composite) await operation("cloudwatch", "DeleteAlarms", { AlarmNames: [one.AlarmName] });
  for (const names of parts(others, AT_ONCE)) await operation("cloudwatch", "DeleteAlarms", { AlarmNames: names });
}

export async function enabled(names: string[], on: boolean) {
  for (const some of parts(names, AT_ONCE))
    await operation("cloudwatch", on ? "EnableAlarmActions" : "DisableAlarmActions", { AlarmNames: some });
}

export async function setState(names: string[], state: string, reason: string) {
  for (const AlarmName of names) await operation("cloudwatch", "SetAlarmState", { AlarmName, StateValue: state, StateReason: reason });
}

/** Mute rules with what they say, of an alarm or all. */
export async function muteRules(alarm?: string): Promise<MuteRule[]> {
  const found: MuteRule[] = [];
  let token: string | undefined;
  do {
    const page: { AlarmMuteRuleSummaries: { AlarmMuteRuleArn: string }[]; NextToken?: string } = await operation(
      "cloudwatch",
      "ListAlarmMuteRules",
      { ...(alarm ? { AlarmName: alarm } : {}), ...(token ? { NextToken: token } : {}) },
    );
    for (const { AlarmMuteRuleArn } of page.AlarmMuteRuleSummaries)
      found.push(
        await operation("cloudwatch", "GetAlarmMuteRule", { AlarmMuteRuleName: AlarmMuteRuleArn.slice(AlarmMuteRuleArn.indexOf("alarm-mute-rule:") + 16) }),
      );
    token = page.NextToken;
  } while (token);
  return found;
}

export const putMuteRule = (rule: object) => operation("cloudwatch", "PutAlarmMuteRule", rule);
export const deleteMuteRule = (name: string) => operation("cloudwatch", "DeleteAlarmMuteRule", { AlarmMuteRuleName: name });
