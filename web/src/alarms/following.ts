/** Asking about alarms only when something happened to them. */
import { alarmNews, connection } from "../lib/live.svelte";

/** Least time between two answers, while alarms change all the time or no stream tells of them. */
const LEAST_MS = 5000;
/** What no history tells, as a mute rule whose time came, is seen after so long. */
const MOST_MS = 60_000;

/** Has `ask` called when the stream tells of alarms. Returns how to stop. */
export function follow(ask: () => void): () => void {
  let asked = Date.now();
  let news = false;
  const look = () => {
    const waited = Date.now() - asked;
    if (document.hidden || waited < (news || connection.state !== "live" ? LEAST_MS : MOST_MS)) return;
    [asked, news] = [Date.now(), false];
    ask();
  };
  const stop = alarmNews.listen(() => ((news = true), look()));
  const timer = setInterval(look, 1000);
  return () => (stop(), clearInterval(timer));
}
