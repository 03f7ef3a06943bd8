/** Queries under way and queries that are saved, by the operations of CloudWatch Logs. */
import { ApiError, operation } from "../lib/api";
import { keep, kept } from "../lib/kept";
import type { Field, Statistics } from "./query";

export interface Answer {
  rows: Field[][];
  statistics: Statistics;
  status: string;
}
interface Page {
  results: Field[][];
  statistics: Statistics;
  status: string;
  nextToken?: string;
}

export interface Definition {
  queryDefinitionId: string;
  name: string;
  queryString: string;
  logGroupNames: string[];
}

/** What is asked, and of what time in Unix seconds. */
export interface Asked {
  groups: string[];
  query: string;
  start: number;
  end: number;
  /** Of the query; Logs Insights' own where none is named. */
  language?: string | undefined;
}

const FIRST_MS = 60;
const LONGEST_MS = 1000;

/** Runs a query to its end, telling how it stands meanwhile. Aborted, it is stopped. */
export async function run({ groups, query, start, end, language }: Asked, signal: AbortSignal, tell: (answer: Answer) => void = () => undefined): Promise<Answer> {
  const { queryId } = await operation<{ queryId: string }>("logs", "StartQuery", { logGroupNames: groups, queryString: query, startTime: Math.floor(start), endTime: Math.ceil(end), ...(language ? { queryLanguage: language } : {}) });
  const stop = () => void operation("logs", "StopQuery", { queryId }).catch(() => undefined);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    for (let pause = FIRST_MS; ; pause = Math.min(pause * 1.6, LONGEST_MS)) {
      let page = await operation<Page>("logs", "GetQueryResults", { queryId });
      signal.throwIfAborted();
      const rows = page.results;
      tell({ rows, statistics: page.statistics, status: page.status });
      if (page.status !== "Scheduled" && page.status !== "Running") {
        while (page.nextToken) {
          page = await operation<Page>("logs", "GetQueryResults", { queryId, nextToken: page.nextToken });
          signal.throwIfAborted();
          rows.push(...page.results);
        }
        if (page.status === "Complete") return { rows, statistics: page.statistics, status: page.status };
        const why = page.status === "Timeout" ? "It took longer than a minute." : "The server's log says why.";
        throw new ApiError(`The query ended: ${page.status}.`, `${why} Ask for less time, or filter first.`, 400);
      }
      await new Promise((done) => setTimeout(done, pause));
      signal.throwIfAborted();
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

export const fieldsOf = async (group: string) =>
  (await operation<{ logGroupFields: { name: string; percent: number }[] }>("logs", "GetLogGroupFields", { logGroupName: group })).logGroupFields;
export const recordOf = async (pointer: string) =>
  (await operation<{ logRecord: Record<string, string> }>("logs", "GetLogRecord", { logRecordPointer: pointer })).logRecord;

export async function saved(): Promise<Definition[]> {
  const found: Definition[] = [];
  let token: string | undefined;
  do {
    const page = await operation<{ queryDefinitions: Definition[]; nextToken?: string }>("logs", "DescribeQueryDefinitions", token ? { nextToken: token } : {});
    found.push(...page.queryDefinitions);
    token = page.nextToken;
  } while (token);
  return found;
}
/** Saves a query; under the name of one that there is in its place. */
export const save = (name: string, { groups, query }: Asked, known: Definition[]) => {
  const id = known.find((one) => one.name === name)?.queryDefinitionId;
  return operation("logs", "PutQueryDefinition", { name, queryString: query, logGroupNames: groups, ...(id ? { queryDefinitionId: id } : {}) });
};
export const forget = (id: string) => operation("logs", "DeleteQueryDefinition", { queryDefinitionId: id });

export interface Remembered {
  query: string;
  groups: string[];
  /** Unix seconds. */
  at: number;
}
const HISTORY = "log-queries";
const MOST = 50;

/** The queries that were run in this browser, the newest first. */
export function history(): Remembered[] {
  try {
    return JSON.parse(kept(HISTORY) ?? "[]") as Remembered[];
  } catch {
    return [];
  }
}
export function remember(one: Remembered): Remembered[] {
  const others = history().filter((other) => other.query !== one.query || other.groups.join() !== one.groups.join());
  const all = [one, ...others].slice(0, MOST);
  keep(HISTORY, JSON.stringify(all));
  return all;
}
