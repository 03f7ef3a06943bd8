import type { Cores, Curves, Hosts, JobDetail, JobSummary, MetricsFound, Overview, XAxis } from "./types";
import { refused } from "./session.svelte";

/** A refusal of the server, or its absence; `hint` says what to do. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly hint: string,
    readonly status: number,
  ) {
    super(message);
  }
}

export type Query = Record<string, string | number | boolean | null | undefined | string[]>;

export function encode(query: Query): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "") continue;
    for (const one of Array.isArray(value) ? value : [value]) words.append(name, String(one));
  }
  const text = words.toString();
  return text ? `?${text}` : "";
}

export const get = <T>(path: string, query: Query = {}, signal?: AbortSignal) =>
  ask<T>(`${path}${encode(query)}`, { signal });

/** Sends JSON. */
export const send = <T>(method: "POST" | "PUT" | "DELETE", path: string, content?: object, signal?: AbortSignal) =>
  ask<T>(path, { method, headers: { "content-type": "application/json" }, body: content && JSON.stringify(content), signal });

/** Performs an AWS operation, by botocore's name of its service, as whom is signed in. */
export const operation = <T>(service: string, name: string, input: object = {}) =>
  send<T>("POST", `operations/${service}/${name}`, input);

/** Sends a form; what is no text in it is JSON. */
export const post = <T>(path: string, form: Record<string, unknown>, signal?: AbortSignal) =>
  ask<T>(path, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(Object.entries(form).map(([name, value]) => [name, JSON.stringify(value)])),
    signal,
  });

async function ask<T>(path: string, options: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(`/_/api/${path}`, { ...options, headers: { accept: "application/json", ...options.headers } });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError("The server does not answer.", "Start it again with: epochwatch serve --daemon", 0);
  }
  if (answer.ok) return (await answer.json()) as T;
  if (answer.status === 401) refused();
  const refusal = (await answer.json().catch(() => ({}))) as { message?: string; hint?: string };
  throw new ApiError(
    refusal.message ?? `The server answered ${answer.status}.`,
    refusal.hint ?? "Its log says more: epochwatch status",
    answer.status,
  );
}

const job = (name: string) => `jobs/${encodeURIComponent(name)}`;

export const api = {
  overview: () => get<Overview>("overview"),
  jobs: (query: Query, signal?: AbortSignal) => get<{ jobs: JobSummary[]; total: number }>("jobs", query, signal),
  job: (name: string, signal?: AbortSignal) => get<JobDetail>(job(name), {}, signal),
  curves: (
    name: string,
    query: { metric: string[]; x: XAxis; from?: number; to?: number; width: number; smoothing: number },
    signal?: AbortSignal,
  ) => get<Curves>(`${job(name)}/curves`, query, signal),
  hosts: (name: string, query: Query, signal?: AbortSignal) => get<Hosts>(`${job(name)}/hosts`, query, signal),
  cores: (name: string, host: string, query: Query, signal?: AbortSignal) =>
    get<Cores>(`${job(name)}/hosts/${encodeURIComponent(host)}/cores`, query, signal),
  metrics: (query: Query, signal?: AbortSignal) => get<MetricsFound>("metrics", query, signal),
  pointsUrl: (name: string, format: string, metrics: string[] = []) =>
    `/_/api/${job(name)}/points${encode({ format, metric: metrics })}`,
};
