/** Mute rules as people say them. */
import { back } from "../lib/range";
import { timeOf } from "../lib/zone.svelte";
import type { MuteRule } from "./calls";

/** `PT4H`. */
export const length = (seconds: number) => back(seconds).slice(1).replace(/^P(\d+)W$/, (_, weeks) => `P${Number(weeks) * 7}D`);

/** A rule that mutes from now on, once. */
export const muteNow = (names: string[], seconds: number, now: number) => ({
  Name: `muted-${new Date(now * 1000).toISOString().slice(0, 19).replace(/[^\d]/g, "")}`,
  Rule: { Schedule: { Expression: `at(${new Date(now * 1000).toISOString().slice(0, 16)})`, Duration: length(seconds), Timezone: "UTC" } },
  MuteTargets: { AlarmNames: names },
});

const DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const clock = (hours: string, minutes: string) => `${hours.padStart(2, "0")}:${minutes.padStart(2, "0")}`;

/** When a rule begins to mute: `daily at 02:00`, `SUN at 02:00`, `on 2026-11-22 02:00`; others as they are written. */
export function said({ Expression, Timezone }: MuteRule["Rule"]["Schedule"]): string {
  const zone = Timezone && Timezone !== "UTC" ? ` ${Timezone}` : " UTC";
  const at = /^at\((.*)T(.*)\)$/.exec(Expression);
  if (at) return `on ${at[1]} ${at[2]}${zone}`;
  const cron = /^cron\((\d+) (\d+) \* \* (\S+)\)$/.exec(Expression);
  if (!cron) return `${Expression}${zone}`;
  const days = cron[3] === "*" ? "daily" : cron[3]!.split(",").map((day) => (/^[0-7]$/.test(day) ? DAYS[Number(day) % 7] : day)).join(", ");
  return `${days} at ${clock(cron[2]!, cron[1]!)}${zone}`;
}

export interface MuteDraft {
  name: string;
  description: string;
  /** Once, on some days of the week, or as cron has it. */
  when: "once" | "weekly" | "cron";
  /** `2026-11-22T02:00`. */
  moment: string;
  time: string;
  days: string[];
  cron: string;
  hours: number;
  zone: string;
  start: string;
  expire: string;
  targets: string;
}

export function expressionOf(draft: MuteDraft): string {
  if (draft.when === "once") return `at(${draft.moment.slice(0, 16)})`;
  if (draft.when === "cron") return `cron(${draft.cron.trim()})`;
  const [hours, minutes] = draft.time.split(":").map(Number);
  return `cron(${minutes} ${hours} * * ${draft.days.length === 0 || draft.days.length === 7 ? "*" : draft.days.join(",")})`;
}

/** The input of PutAlarmMuteRule. */
export function ruleOf(draft: MuteDraft) {
  const names = draft.targets.split("\n").map((name) => name.trim()).filter(Boolean);
  return {
    Name: draft.name,
    ...(draft.description ? { Description: draft.description } : {}),
    Rule: { Schedule: { Expression: expressionOf(draft), Duration: length(draft.hours * 3600), ...(draft.zone ? { Timezone: draft.zone } : {}) } },
    MuteTargets: { AlarmNames: names },
    ...(draft.start ? { StartDate: timeOf(draft.start) } : {}),
    ...(draft.expire ? { ExpireDate: timeOf(draft.expire) } : {}),
  };
}

const HOURS: [RegExp, number][] = [[/(\d+)D/, 24], [/(\d+)H/, 1], [/(\d+)M/, 1 / 60]];

/** A rule as it is written in the form. */
export function draftOfRule(rule: MuteRule, local: (time: number) => string): MuteDraft {
  const { Expression, Duration, Timezone } = rule.Rule.Schedule;
  const at = /^at\((.*)\)$/.exec(Expression);
  const weekly = /^cron\((\d+) (\d+) \* \* (\*|[A-Z,]+)\)$/.exec(Expression);
  return {
    name: rule.Name,
    description: rule.Description ?? "",
    when: at ? "once" : weekly ? "weekly" : "cron",
    moment: at?.[1] ?? "",
    time: weekly ? clock(weekly[2]!, weekly[1]!) : "02:00",
    days: weekly && weekly[3] !== "*" ? weekly[3]!.split(",") : [],
    cron: /^cron\((.*)\)$/.exec(Expression)?.[1] ?? "0 2 * * SUN",
    hours: HOURS.reduce((sum, [unit, many]) => sum + Number(unit.exec(Duration)?.[1] ?? 0) * many, 0),
    zone: Timezone ?? "",
    start: rule.StartDate ? local(rule.StartDate) : "",
    expire: rule.ExpireDate ? local(rule.ExpireDate) : "",
    targets: (rule.MuteTargets?.AlarmNames ?? []).join("\n"),
  };
}

export const WEEK = DAYS;
