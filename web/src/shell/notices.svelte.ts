/** What needs attention since this browser's user last looked, for the account that is shown. */
import { get } from "../lib/api";
import { Attempts } from "../lib/attempts.svelte";
import { keep, kept } from "../lib/kept";
import { notices, type Notice } from "../lib/live.svelte";
import { alarmPath, jobPath } from "../lib/router.svelte";

const DAY = 86_400;
const SHOWN_SECONDS = 7 * DAY;
const MOST = 200;
const HIDDEN_POLL_MS = 30_000;

/** Where it is told more. */
export const noticePath = (one: Notice) =>
  one.kind === "alarm" ? alarmPath(one.name) : jobPath(one.name) + (one.kind === "rule" ? "?tab=rules" : "");

/** The newest first, each once. */
export function merged(known: Notice[], more: Notice[]): Notice[] {
  const byId = new Map([...known, ...more].map((one) => [one.id, one]));
  return [...byId.values()].sort((a, b) => b.time - a.time || a.id.localeCompare(b.id)).slice(0, MOST);
}

export class Notices {
  all = $state.raw<Notice[]>([]);
  /** Unix seconds: what is older was seen. */
  seen = $state(0);
  /** Those later ones that were opened by themselves. */
  read = $state.raw<string[]>([]);
  desktop = $state(kept("desktop-notifications") === "on" && "Notification" in window && Notification.permission === "granted");
  readonly attempts = new Attempts();
  #account = "";
  #newest = 0;

  unread = $derived(this.all.filter((one) => this.isUnread(one)).length);

  isUnread(one: Notice): boolean {
    return one.time > this.seen && !this.read.includes(one.id);
  }

  /** Starts for an account; returns how to stop. */
  start(account: string): () => void {
    this.#account = account;
    const told = kept(`seen-${account}`);
    this.seen = Number(told) || Date.now() / 1000 - DAY;
    if (told === null) this.#keepSeen();
    this.read = JSON.parse(kept(`read-${account}`) ?? "[]") as string[];
    void this.load();
    const stop = notices.listen((one) => this.#take([one]));
    // A hidden tab has no stream, and is who needs to be told.
    const timer = setInterval(() => document.hidden && this.desktop && void this.load(), HIDDEN_POLL_MS);
    const visible = () => document.hidden || void this.load();
    const elsewhere = (event: StorageEvent) => event.key === `epochwatch-seen-${account}` && (this.seen = Number(event.newValue) || this.seen);
    document.addEventListener("visibilitychange", visible);
    window.addEventListener("storage", elsewhere);
    return () => {
      stop();
      clearInterval(timer);
      document.removeEventListener("visibilitychange", visible);
      window.removeEventListener("storage", elsewhere);
    };
  }

  load = () =>
    this.attempts.make(async () => {
      const answer = await get<{ now: number; notifications: Notice[] }>("notifications", { since: Date.now() / 1000 - SHOWN_SECONDS, limit: MOST });
      if (!this.#newest) this.#newest = Math.max(answer.now, ...answer.notifications.map((one) => one.time));
      this.#take(answer.notifications);
    });

  markRead(one: Notice) {
    if (!this.isUnread(one)) return;
    this.read = [...this.read, one.id].slice(-MOST);
    keep(`read-${this.#account}`, JSON.stringify(this.read));
  }

  markAllRead() {
    this.seen = Math.max(Date.now() / 1000, ...this.all.map((one) => one.time));
    this.read = [];
    this.#keepSeen();
    keep(`read-${this.#account}`, null);
  }

  /** Asks the browser, which asks its user, once it is wanted. False where it is refused. */
  async setDesktop(on: boolean): Promise<boolean> {
    if (on && (await Notification.requestPermission()) !== "granted") return false;
    this.desktop = on;
    keep("desktop-notifications", on ? "on" : null);
    return true;
  }

  #keepSeen() {
    keep(`seen-${this.#account}`, String(this.seen));
  }

  #take(more: Notice[]) {
    const known = new Set(this.all.map((one) => one.id));
    const fresh = more.filter((one) => !known.has(one.id) && one.time > this.#newest - 60);
    if (more.some((one) => !known.has(one.id))) this.all = merged(this.all, more);
    if (known.size === 0 && more.length > 1) return;
    for (const one of fresh) if (this.desktop && one.gravity !== "quiet") this.#show(one);
  }

  #show(one: Notice) {
    // One of several tabs of the same name replaces the others.
    const shown = new Notification(one.title, { body: one.detail, tag: one.id, icon: "/_/icon.svg" });
    shown.onclick = () => {
      window.focus();
      this.markRead(one);
      location.href = noticePath(one);
    };
  }
}
