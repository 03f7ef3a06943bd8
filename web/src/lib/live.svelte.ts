/** What the server tells by itself. A tab has one stream, of what its page follows; the frame hears of what needs attention
 * on whichever is open, and keeps one open where no page does. */
import { Listeners } from "./listeners";
import { whoAmI } from "./session.svelte";
import type { JobSummary, LivePoint, LiveSample, LogEvent } from "./types";

export interface LiveHandlers {
  points?: (points: LivePoint[], job: string) => void;
  log?: (events: LogEvent[]) => void;
  hosts?: (samples: LiveSample[]) => void;
  job?: (job: JobSummary) => void;
  /** The stream came back after a break: whatever was missed must be fetched again. */
  resumed?: () => void;
}

/** Something that happened, as `/notifications` and the stream tell it. */
export interface Notice {
  id: string;
  kind: "alarm" | "job" | "rule";
  gravity: "bad" | "warn" | "good" | "quiet";
  time: number;
  name: string;
  state: string;
  title: string;
  detail: string;
}

/** `since`: when (`performance.now()`) the stream that is open began; what was asked for before may lack a little.
 * `lost`: since when (Unix seconds) there is none, where one broke off. */
export const connection = $state<{ state: "off" | "connecting" | "live" | "lost"; since: number; lost: number | null }>({
  state: "off",
  since: 0,
  lost: null,
});
/** What happens while a stream is open. */
export const notices = new Listeners<Notice>();
/** That something happened to alarms, or may have while no stream was open. */
export const alarmNews = new Listeners<void>();

const RETRY_MS = 2000;
const HANDOVER_MS = 300;
/** By what they follow, as the words of their address. */
const streams = new Map<string, Stream>();
const ALL_JOBS = "";
/** Whether the frame wants to hear even where no page has a stream. */
let wanted = false;
let handover: ReturnType<typeof setTimeout> | undefined;

/** Opens the stream of a job, of several, or (null) of the records of all; `kinds` are those of its events that are
 * wanted, else all. Returns how to close it. The browser reconnects by itself. */
export function openLive(jobs: string | string[] | null, handlers: LiveHandlers, kinds: string[] = []): () => void {
  const followed = [...[jobs ?? []].flat().map((job) => ["job", job]), ...kinds.map((kind) => ["kind", kind])];
  const stream = opened(new URLSearchParams(followed).toString());
  stream.handlers.add(handlers);
  return () => {
    stream.handlers.delete(handlers);
    settle();
  };
}

/** Keeps a stream open whatever page is shown; returns how to stop. */
export function keepLive(): () => void {
  wanted = true;
  settle();
  return () => {
    wanted = false;
    settle();
  };
}

/** Tries at once what would be tried again in a moment. */
export function reconnect() {
  for (const stream of streams.values()) stream.connect();
}

function opened(followed: string): Stream {
  let stream = streams.get(followed);
  if (!stream) {
    stream = new Stream(followed);
    streams.set(followed, stream);
    stream.connect();
  }
  return stream;
}

/** Closes what nobody listens to. It waits a little: from one page to the next, the stream may be the same. */
function settle() {
  clearTimeout(handover);
  handover = setTimeout(() => {
    const used = [...streams.values()].some((stream) => stream.handlers.size > 0);
    if (wanted && !used) opened(ALL_JOBS);
    for (const [followed, stream] of streams) {
      if (stream.handlers.size > 0 || (wanted && !used && followed === ALL_JOBS)) continue;
      stream.close();
      streams.delete(followed);
    }
    tellState();
  }, HANDOVER_MS);
}

function tellState() {
  const states = [...streams.values()].map((stream) => stream.state);
  const state = (["lost", "connecting", "live"] as const).find((one) => states.includes(one)) ?? "off";
  if (state !== "lost") connection.lost = null;
  else connection.lost ??= Date.now() / 1000;
  connection.state = state;
}

class Stream {
  readonly handlers = new Set<LiveHandlers>();
  state: "off" | "connecting" | "live" | "lost" = "off";
  greeted = false;
  #source: EventSource | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly followed: string) {}

  connect() {
    this.#drop();
    if (document.hidden) return;
    this.#become(this.greeted || this.state === "lost" ? "lost" : "connecting");
    const source = (this.#source = new EventSource(`/_/api/live?${this.followed}`));
    const on = <T>(name: string, act: (handlers: LiveHandlers, data: T) => void) =>
      source.addEventListener(name, (event) => {
        const data = JSON.parse((event as MessageEvent<string>).data) as T;
        for (const handlers of [...this.handlers]) act(handlers, data);
      });
    source.addEventListener("hello", () => this.#hello());
    on<{ points: LivePoint[]; job: string }>("points", (to, { points, job }) => to.points?.(points, job));
    on<{ events: LogEvent[] }>("log", (to, { events }) => to.log?.(events));
    on<{ samples: LiveSample[] }>("hosts", (to, { samples }) => to.hosts?.(samples));
    on<JobSummary>("job", (to, job) => to.job?.(job));
    on("behind", (to) => to.resumed?.());
    source.addEventListener("alarms", () => alarmNews.tell());
    source.addEventListener("notification", (event) => notices.tell(JSON.parse((event as MessageEvent<string>).data)));
    source.onerror = () => {
      this.#become("lost");
      // A refused stream (server restarting behind a proxy, session ended) is closed for good by the browser.
      if (source.readyState !== EventSource.CLOSED) return;
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.connect(), RETRY_MS);
      whoAmI().catch(() => undefined);
    };
  }

  close() {
    this.#drop();
    this.#become("off");
  }

  #drop() {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }

  #hello() {
    connection.since = performance.now();
    this.#become("live");
    if (this.greeted) for (const handlers of [...this.handlers]) handlers.resumed?.();
    this.greeted = true;
    alarmNews.tell();
  }

  #become(state: Stream["state"]) {
    this.state = state;
    tellState();
  }
}

// A hidden tab needs no stream; it catches up when it is looked at again.
document.addEventListener("visibilitychange", () => {
  for (const stream of streams.values()) if (document.hidden) stream.close();
    else if (stream.state === "off") stream.connect();
});
