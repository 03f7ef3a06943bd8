/** What can be done to jobs that are selected, and why some of them cannot have it done. */
import { ApiError, get } from "../lib/api";
import { plural } from "../lib/format";
import { trainingJob, type Tag } from "../lib/trainingjob";
import { namedOnly } from "./columns";
import type { Row } from "./rows.svelte";

const ENDED = ["Completed", "Failed", "Stopped"];
const AT_ONCE = 4;
const NAMES_AT_ONCE = 40;

export type Action = "stop" | "delete" | "tag" | "untag";

/** Why a job is left out; empty where it is not. */
export function unfit(action: Action, job: Row, tag: Tag): string {
  const ended = ENDED.includes(job.status);
  if (action === "stop") {
    if (ended) return "has ended already";
    if (job.status === "Stopping") return "is stopping already";
    if (!job.created_by_api) return "was started by epochwatch run: stop its process where it runs (ctrl-C, or kill)";
  }
  if (action === "delete" && !ended) return "has not ended: stop it first";
  if (action === "untag" && tag.key && !(tag.key in job.tags)) return `has no tag ${tag.key}`;
  return "";
}

/** What is going to happen, in a sentence. */
export function consequence(action: Action, count: number, { key, value }: Tag): string {
  const jobs = plural(count, "job");
  if (action === "stop") return `${jobs} will be asked to stop: the training gets SIGTERM, and SIGKILL 120 seconds later. What it saved stays.`;
  if (action === "delete") return `${jobs} will be deleted with their curves, hosts' samples and profiles. This cannot be undone. Logs and CloudWatch metrics stay.`;
  if (action === "untag") return `The tag ${key || "…"} will be taken from ${jobs}.`;
  return `${jobs} will have the tag ${key || "…"} = ${value || "…"}; a value it had is replaced.`;
}

export interface Failure {
  name: string;
  message: string;
}

/** Does it to each job, some at a time; `done` is told after each. What failed is given with the server's reason. */
export async function performAll(action: Action, jobs: Row[], tag: Tag, done: () => void): Promise<Failure[]> {
  const failures: Failure[] = [];
  const waiting = [...jobs];
  async function work() {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      try {
        await trainingJob[action](job, tag);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        failures.push({ name: job.name, message: error.message });
      }
      done();
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return failures;
}

/** The jobs of these names as they are now; those that are gone are left out. */
export async function jobsNamed(names: string[]): Promise<Row[]> {
  const parts: string[][] = [];
  for (let at = 0; at < names.length; at += NAMES_AT_ONCE) parts.push(names.slice(at, at + NAMES_AT_ONCE));
  const found = await Promise.all(
    parts.map((part) => get<{ jobs: Row[] }>("jobs", { filter: namedOnly(part), columns: ["name"], limit: NAMES_AT_ONCE })),
  );
  return found.flatMap(({ jobs }) => jobs);
}
