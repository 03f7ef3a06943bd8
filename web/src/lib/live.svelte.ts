import type { JobSummary, LivePoint, LiveSample, LogEvent } from "./types";

export interface LiveHandlers {
  points?: (points: LivePoint[], job: string) => void;
  log?: (events: LogEvent[]) => void;
  hosts?: (samples: LiveSample[]) => void;
  job?: (job: JobSummary) => void;
  /** The stream came back after a break: whatever was missed must be fetched again. */
  resumed?: () => void;
}

/** `since`: when (`performance.now()`) the stream that is open began; what was asked for before may lack a little. */
export const connection = $state<{ state: "off" | "connecting" | "live" | "lost"; since: number }>({ state: "off", since: 0 });

/** Opens the tab's one event stream, of a job, of several, or (null) of the records of all; `kinds` are those of its
 * events that are wanted, else all. Returns how to close it. The browser reconnects by itself. */
export function openLive(jobs: string | string[] | null, handlers: LiveHandlers, kinds: string[] = []): () => void {
  const wanted = [...[jobs ?? []].flat().map((job) => ["job", job]), ...kinds.map((kind) => ["kind", kind])];
  const address = `/_/api/live?${new URLSearchParams(wanted)}`;
  let source: EventSource | null = null;
  let greeted = false;
  let retry: ReturnType<typeof setTimeout> | undefined;

  const parse = (event: Event) => JSON.parse((event as MessageEvent<string>).data);
  function connect() {
    connection.state = greeted ? "lost" : "connecting";
    source = new EventSource(address);
    source.addEventListener("hello", () => {
      connection.state = "live";
      connection.since = performance.now();
      if (greeted) handlers.resumed?.();
      greeted = true;
    });
    source.addEventListener("points", (event) => {
      const { points, job } = parse(event);
      handlers.points?.(points, job);
    });
    source.addEventListener("log", (event) => handlers.log?.(parse(event).events));
    source.addEventListener("hosts", (event) => handlers.hosts?.(parse(event).samples));
    source.addEventListener("job", (event) => handlers.job?.(parse(event)));
    source.addEventListener("behind", () => handlers.resumed?.());
    source.onerror = () => {
      connection.state = "lost";
      // A refused stream (server restarting behind a proxy, session ended) is closed for good by the browser.
      if (source?.readyState === EventSource.CLOSED) {
        clearTimeout(retry);
        retry = setTimeout(connect, 2000);
      }
    };
  }
  // A hidden tab needs no stream; it catches up when it is looked at again.
  function visibility() {
    if (document.hidden) {
      clearTimeout(retry);
      source?.close();
      connection.state = "off";
    } else if (source === null || source.readyState === EventSource.CLOSED) connect();
  }
  document.addEventListener("visibilitychange", visibility);
  if (!document.hidden) connect();
  return () => {
    document.removeEventListener("visibilitychange", visibility);
    clearTimeout(retry);
    source?.close();
    connection.state = "off";
  };
}
