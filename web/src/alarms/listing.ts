/** Which alarms the list shows, in which order, and under which headings. */
import { actionsOf, condition, jobOf, kindOf, KINDS, STATES, type Alarm, type Kind } from "./alarm";

export interface Entry {
  alarm: Alarm;
  tags: Record<string, string>;
  created: number;
  kind: Kind;
  job: string;
  /** When it goes off, in short. */
  condition: string;
  /** When it went to its state. */
  since: number;
}

export interface Filters {
  search: string;
  state: string;
  kind: string;
  job: string;
  /** `key=value`. */
  tag: string;
  /** `off`: they do nothing; `muted`: a rule keeps them from it; `none`: they have none. */
  actions: string;
}

export type Sort = "state" | "name" | "since" | "kind" | "job";
export type Group = "" | "state" | "kind" | "job";

export const URGENCY = ["ALARM", "INSUFFICIENT_DATA", "OK"];

export const entryOf = ({ tags, created, ...alarm }: Alarm & { tags: Record<string, string>; created: number }): Entry => ({
  alarm,
  tags,
  created,
  kind: kindOf(alarm),
  job: jobOf(alarm, tags),
  condition: condition(alarm),
  since: alarm.StateTransitionedTimestamp ?? alarm.StateUpdatedTimestamp,
});

function has(entry: Entry, words: string[]): boolean {
  const tags = Object.entries(entry.tags).map(([key, value]) => `${key}=${value}`);
  const text = [entry.alarm.AlarmName, entry.alarm.AlarmDescription, entry.condition, entry.job, ...tags].join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}

const ACTIONS: Record<string, (entry: Entry, muted: Record<string, string>) => boolean> = {
  off: ({ alarm }) => !alarm.ActionsEnabled,
  muted: ({ alarm }, muted) => alarm.AlarmName in muted,
  none: ({ alarm }) => actionsOf(alarm).length === 0,
};

/** Those that fit all filters but the one of the state, by which they are counted. */
export function matching(entries: Entry[], filters: Filters, muted: Record<string, string>): Entry[] {
  const words = filters.search.toLowerCase().split(/\s+/).filter(Boolean);
  const acts = ACTIONS[filters.actions];
  const [key, ...value] = filters.tag.split("=");
  return entries.filter(
    (one) =>
      (!filters.kind || one.kind === filters.kind) &&
      (!filters.job || one.job === filters.job) &&
      (!filters.tag || one.tags[key!] === value.join("=")) &&
      (!acts || acts(one, muted)) &&
      has(one, words),
  );
}

const byName = (a: Entry, b: Entry) => (a.alarm.AlarmName < b.alarm.AlarmName ? -1 : a.alarm.AlarmName > b.alarm.AlarmName ? 1 : 0);
const ORDERS: Record<Sort, (a: Entry, b: Entry) => number> = {
  state: (a, b) => URGENCY.indexOf(a.alarm.StateValue) - URGENCY.indexOf(b.alarm.StateValue) || b.since - a.since,
  name: byName,
  since: (a, b) => b.since - a.since,
  kind: (a, b) => KINDS[a.kind].localeCompare(KINDS[b.kind]),
  job: (a, b) => (a.job < b.job ? -1 : a.job > b.job ? 1 : 0),
};

/** In the order of a column, or the other way round. */
export function sorted(entries: Entry[], by: Sort, reverse: boolean): Entry[] {
  const order = ORDERS[by];
  return [...entries].sort((a, b) => (reverse ? -1 : 1) * order(a, b) || byName(a, b));
}

export type Line = { heading: string; many: number } | { entry: Entry };

const HEADINGS: Record<Exclude<Group, "">, (entry: Entry) => string> = {
  state: ({ alarm }) => STATES[alarm.StateValue]!,
  kind: ({ kind }) => KINDS[kind],
  job: ({ job }) => job || "No training job",
};

/** The lines of the list: entries, behind the headings of their groups in the order in which these first come. */
export function lines(entries: Entry[], group: Group): Line[] {
  if (!group) return entries.map((entry) => ({ entry }));
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const heading = HEADINGS[group](entry);
    const own = groups.get(heading);
    if (own) own.push(entry);
    else groups.set(heading, [entry]);
  }
  return [...groups].flatMap(([heading, own]): Line[] => [{ heading, many: own.length }, ...own.map((entry) => ({ entry }))]);
}
