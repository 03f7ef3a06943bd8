/** Log groups and streams, as CloudWatch Logs has them. */
import { encode, operation } from "../lib/api";
import { LOGS } from "../lib/router.svelte";

export interface LogGroup {
  logGroupName: string;
  arn: string;
  logGroupArn: string;
  creationTime: number;
  metricFilterCount: number;
  storedBytes: number;
  retentionInDays?: number;
  logGroupClass: string;
  deletionProtectionEnabled?: boolean;
}

export interface LogStream {
  logStreamName: string;
  creationTime: number;
  firstEventTimestamp?: number;
  lastEventTimestamp?: number;
  lastIngestionTime?: number;
}

/** The days that CloudWatch Logs keeps events for. */
export const RETENTIONS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

const PAGE = 50;

export const logPath = (group: string, more: Record<string, string | string[]> = {}) => `${LOGS}${encode({ group, ...more })}`;

/** Groups whose names have the words, all of them in any order and case; the whole of each, by name. */
export async function groupsOf(words: string, token?: string): Promise<{ groups: LogGroup[]; next: string | undefined }> {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const groups: LogGroup[] = [];
  let next = token;
  do {
    const answer = await operation<{ logGroups: LogGroup[]; nextToken?: string }>("logs", "DescribeLogGroups", { limit: PAGE, ...(next ? { nextToken: next } : {}) });
    groups.push(...answer.logGroups.filter((group) => wanted.every((word) => group.logGroupName.toLowerCase().includes(word))));
    next = answer.nextToken;
  } while (next && groups.length < PAGE);
  return { groups, next };
}

/** A group's streams: the newest first, or by name those that begin with a prefix. */
export async function streamsOf(group: string, prefix: string, token?: string): Promise<{ streams: LogStream[]; next: string | undefined }> {
  const how = prefix ? { logStreamNamePrefix: prefix } : { orderBy: "LastEventTime", descending: true };
  const answer = await operation<{ logStreams: LogStream[]; nextToken?: string }>("logs", "DescribeLogStreams", { logGroupName: group, limit: PAGE, ...how, ...(token ? { nextToken: token } : {}) });
  return { streams: answer.logStreams, next: answer.nextToken };
}

export const tagsOf = (group: LogGroup) =>
  operation<{ tags: Record<string, string> }>("logs", "ListTagsForResource", { resourceArn: group.logGroupArn });

/** Keeps a group's events for so many days; 0: for ever. */
export const keepFor = (group: string, days: number) =>
  days
    ? operation("logs", "PutRetentionPolicy", { logGroupName: group, retentionInDays: days })
    : operation("logs", "DeleteRetentionPolicy", { logGroupName: group });

/** Bytes as `1.2 MB`. */
export function bytes(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const at = Math.min(Math.floor(Math.log10(Math.max(size, 1)) / 3), units.length - 1);
  return `${at ? (size / 1000 ** at).toFixed(1) : size} ${units[at]}`;
}
