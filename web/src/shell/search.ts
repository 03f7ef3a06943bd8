/** What the search finds besides what the server knows: pages and commands; and where what it finds is shown. */
import { rowOf } from "../lib/metricrow";
import { alarmPath, dashboardPath, jobPath, logGroupPath, LOGS, METRICS, tuningPath } from "../lib/router.svelte";

export type Kind = "job" | "tuning" | "metric" | "group" | "alarm" | "dashboard" | "query" | "page" | "command" | "text";

/** What the server found. */
export interface Found {
  kind: Kind;
  name: string;
  about: string;
  at: number;
  score: number;
  /** Parts of the name that were asked for: from and to. */
  marks: [number, number][];
  state?: string;
  namespace?: string;
  dimensions?: [string, string][];
  query?: string;
  groups?: string[];
}

/** A line of the list: it leads somewhere or does something. */
export interface Choice {
  kind: Kind;
  name: string;
  about: string;
  marks: [number, number][];
  score: number;
  path?: string;
  act?: () => void;
}

export const KINDS: Record<Kind, string> = {
  job: "Job", tuning: "Tuning job", metric: "Metric", group: "Log group", alarm: "Alarm", dashboard: "Dashboard", query: "Saved query",
  page: "Page", command: "Command", text: "Logs",
};

const PREFIXES: Record<string, Kind[]> = {
  "j:": ["job"], "t:": ["tuning"], "m:": ["metric"], "l:": ["group", "query"], "a:": ["alarm"], "d:": ["dashboard"], "q:": ["query"], ">": ["page", "command"],
};

export interface Asked {
  text: string;
  /** Empty: everything. */
  kinds: Kind[];
}

/** `a: loss` asks for alarms, `> dark` for commands. */
export function asked(typed: string): Asked {
  const text = typed.trimStart();
  for (const [prefix, kinds] of Object.entries(PREFIXES))
    // A metric may be called `d:loss`: only with a space, or with nothing, behind it is it a prefix.
    if (text.toLowerCase().startsWith(prefix) && (prefix === ">" || text.length === prefix.length || text[prefix.length] === " "))
      return { text: text.slice(prefix.length).trim(), kinds };
  return { text: text.trim(), kinds: [] };
}

export const wordsOf = (text: string) => [...new Set(text.toLowerCase().split(/\s+/).filter(Boolean))];

/** How well a name fits the words, as the server says it of its own; null where a word is missing. */
export function score(name: string, words: string[]): number | null {
  const text = name.toLowerCase();
  let total = 0;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at < 0) return null;
    const begins = [...text.matchAll(/[\p{L}\p{N}]+/gu)].some((part) => text.startsWith(word, part.index));
    total += at === 0 ? (word.length === text.length ? 100 : 80) : begins ? 60 : 30;
  }
  return words.length ? total / words.length - Math.min(text.length, 200) / 20 : 0;
}

export function marks(name: string, words: string[]): [number, number][] {
  const text = name.toLowerCase();
  if (text.length !== name.length) return [];
  const shown = new Array<boolean>(name.length).fill(false);
  for (const word of words) for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) shown.fill(true, at, at + word.length);
  const found: [number, number][] = [];
  shown.forEach((mark, at) => {
    if (!mark) return;
    if (found.at(-1)?.[1] === at) found.at(-1)![1] = at + 1;
    else found.push([at, at + 1]);
  });
  return found;
}

/** A name in pieces, those that were asked for marked. */
export function pieces(name: string, marked: [number, number][]): [string, boolean][] {
  const found: [string, boolean][] = [];
  let at = 0;
  for (const [from, to] of marked) {
    if (from > at) found.push([name.slice(at, from), false]);
    found.push([name.slice(from, to), true]);
    at = to;
  }
  if (at < name.length) found.push([name.slice(at), false]);
  return found;
}

const insights = (query: string, groups: string[]) => {
  const words = new URLSearchParams([...groups.map((group) => ["group", group]), ["query", query]]);
  return `${LOGS}/insights?${words}`;
};

/** Where something the server found is shown. */
export function pathOf(found: Found): string {
  switch (found.kind) {
    case "tuning":
      return tuningPath(found.name);
    case "metric": {
      const row = rowOf({ namespace: found.namespace!, name: found.name, dimensions: found.dimensions! });
      return `${METRICS}?${new URLSearchParams({ m: JSON.stringify(row) })}`;
    }
    case "group":
      return logGroupPath(found.name);
    case "alarm":
      return alarmPath(found.name);
    case "dashboard":
      return dashboardPath(found.name);
    case "query":
      return insights(found.query!, found.groups!);
    default:
      return jobPath(found.name);
  }
}

const TRAINING_LOGS = "/aws/sagemaker/TrainingJobs";

/** Looks for a text in what the trainings printed. */
export function logText(text: string): Choice {
  const pattern = JSON.stringify(text);
  const query = `fields @timestamp, @logStream, @message\n| filter @message like ${pattern}\n| sort @timestamp desc\n| limit 200`;
  return { kind: "text", name: `Search the trainings' logs for ${text}`, about: "Logs Insights", marks: [], score: -100, path: insights(query, [TRAINING_LOGS]) };
}

export function chosen(found: Found): Choice {
  const about = found.kind === "alarm" && found.state === "ALARM" ? `in alarm${found.about ? `, ${found.about}` : ""}` : found.about;
  return { kind: found.kind, name: found.name, about, marks: found.marks, score: found.score, path: pathOf(found) };
}

/** Of pages and commands those that fit, the best first. */
export function fitting(all: Omit<Choice, "marks" | "score">[], text: string): Choice[] {
  const words = wordsOf(text);
  return all
    .flatMap((one) => {
      const worth = score(one.name, words);
      return worth === null ? [] : [{ ...one, marks: marks(one.name, words), score: worth }];
    })
    .sort((a, b) => b.score - a.score);
}
