/** The part of a log that is in memory: some thousand lines around what is shown, read on in both directions. */
import { tick } from "svelte";
import { Attempts } from "../lib/attempts.svelte";
import type { LogPage } from "../lib/types";
import { merged, NOTHING, order, page, type LogLine, type LogOf, type Search } from "./log";

const PAGE = 500;
/** Lines kept in memory; beyond it those go that are farther from what is read. */
export const KEPT = 5000;
/** Seconds before the newest line that are read again when there is news: lines of several hosts do not come in order. */
const LATE_SECONDS = 60;

type Way = "after" | "before";

export class LogReader {
  lines = $state.raw<LogLine[]>([]);
  loaded = $state(false);
  /** The list is to keep its end in place, not its beginning: lines were added, or taken away, in front. */
  shift = $state(false);
  atStart = $state(false);
  atEnd = $state(false);
  /** The time up to which a search that goes on has come. */
  searching = $state<number | null>(null);
  readonly attempts = new Attempts();
  readonly #of: () => LogOf;
  readonly #search: () => Search;
  /** All lines, those that are looked for marked. */
  readonly #all: () => boolean;
  #asked: AbortController | null = null;
  #busy = false;

  constructor(of: () => LogOf, search: () => Search, all: () => boolean) {
    this.#of = of;
    this.#search = search;
    this.#all = all;
  }

  /** Reads anew: the end of the log, the beginning, or around a line or a time. Answers with the line that is asked for. */
  async open(where: { tail: 1 } | { first: 1 } | { at: string } | { time: number }): Promise<string | null> {
    const signal = this.#begin();
    let found: string | null = null;
    await this.attempts.make(async () => {
      if ("at" in where || "time" in where) {
        const answer = await this.#page({ ...where, limit: 2 * PAGE }, signal);
        found = answer.at ?? answer.events.at(-1)?.token ?? null;
        const before = answer.at ? answer.events.findIndex((line) => line.token === answer.at) : answer.events.length;
        // A search may have lost its patience before it came to an end of the log.
        const whole = !this.#search().search || this.#all();
        this.#show(answer.events, whole && before < PAGE, whole && answer.events.length - before < PAGE);
      } else {
        const way: Way = "tail" in where ? "before" : "after";
        const answer = await this.#whole("tail" in where ? where : {}, way, signal);
        if (answer) this.#show(answer.lines, way === "after" || answer.done, way === "before" || answer.done);
      }
    }, signal);
    if (this.#asked?.signal === signal) this.#busy = false;
    return signal.aborted ? null : found;
  }

  /** Reads on at one end of what is in memory. */
  async more(way: Way) {
    const edge = way === "before" ? this.lines[0] : this.lines.at(-1);
    if (this.#busy || !edge || (way === "before" ? this.atStart : this.atEnd)) return;
    const signal = this.#begin();
    await this.attempts.make(async () => {
      const answer = await this.#whole({ [way]: edge.token }, way, signal);
      if (!answer) return;
      if (way === "before") this.atStart = answer.done;
      else this.atEnd = answer.done;
      await this.#change(way === "before" ? [...answer.lines, ...this.lines] : [...this.lines, ...answer.lines], way === "before");
      const over = this.lines.length - KEPT;
      if (over <= 0) return;
      if (way === "before") this.atEnd = false;
      else this.atStart = false;
      await this.#change(way === "before" ? this.lines.slice(0, KEPT) : this.lines.slice(over), way === "after");
    }, signal);
    if (this.#asked?.signal === signal) this.#busy = false;
  }

  /** Something was written: the end of the log again, where it is shown. False: not now, something else is being read. */
  async news(): Promise<boolean> {
    if (!this.atEnd) return true;
    if (this.#busy) return false;
    const signal = this.#begin();
    await this.attempts.make(async () => {
      const last = this.lines.at(-1);
      const answer = await this.#page({ tail: 1, limit: PAGE, from: last ? last.time - LATE_SECONDS : null }, signal);
      if (signal.aborted || !answer.events.length) return;
      const joined = !last || order(answer.events[0]!.token, last.token) <= 0 || answer.events.length < PAGE;
      const all = joined ? merged(this.lines, answer.events) : answer.events;
      if (all === this.lines) return;
      if (!joined) this.atStart = false;
      await this.#change(all, false);
      if (all.length <= KEPT) return;
      this.atStart = false;
      await this.#change(all.slice(-KEPT), true);
    }, signal);
    if (this.#asked?.signal === signal) this.#busy = false;
    return true;
  }

  /** Shows `count` lines more on each side of one, whether they are looked for or not. */
  async around(token: string, count: number) {
    const of = this.#of();
    await this.attempts.make(async () => {
      const [before, after] = await Promise.all([
        page(of, { before: token, limit: count }, NOTHING),
        page(of, { after: token, limit: count }, NOTHING),
      ]);
      const context = [...before.events, ...after.events].map((line) => ({ ...line, context: true }));
      this.lines = merged(this.lines, context);
    });
  }

  /** The next line that is looked for behind a place, or in front of it: its token; null: there is none, or it was stopped. */
  async next(search: Search, way: Way, from: string | null): Promise<string | null> {
    const signal = this.#begin();
    let found: string | null = null;
    await this.attempts.make(async () => {
      let place = from;
      for (;;) {
        const answer = await page(this.#of(), { [way]: place, tail: way === "before" ? 1 : null, limit: 1 }, search, signal);
        found = answer.events[0]?.token ?? null;
        this.searching = found ? null : answer.searched;
        if (found || answer.searched === null) return;
        place = way === "before" ? answer.backward : answer.forward;
      }
    }, signal);
    if (this.#asked?.signal === signal) this.#busy = false;
    return found;
  }

  stop() {
    this.#asked?.abort();
    this.#busy = false;
    this.searching = null;
  }

  #begin(): AbortSignal {
    this.stop();
    this.#busy = true;
    this.#asked = new AbortController();
    return this.#asked.signal;
  }

  #page(query: object, signal: AbortSignal): Promise<LogPage> {
    return page(this.#of(), { ...query, marked: this.#all() && this.#search().search ? 1 : null }, this.#search(), signal);
  }

  /** A whole page, however long the search for it goes on; null: it was stopped. */
  async #whole(query: object, way: Way, signal: AbortSignal): Promise<{ lines: LogLine[]; done: boolean } | null> {
    let lines: LogLine[] = [];
    let ask = query;
    for (;;) {
      const answer = await this.#page({ ...ask, limit: PAGE - lines.length }, signal);
      if (signal.aborted) return null;
      lines = way === "before" ? [...answer.events, ...lines] : [...lines, ...answer.events];
      this.searching = lines.length < PAGE ? answer.searched : null;
      if (answer.searched === null || lines.length >= PAGE) return { lines, done: answer.searched === null && lines.length < PAGE };
      ask = { [way]: way === "before" ? answer.backward : answer.forward };
    }
  }

  #show(lines: LogLine[], atStart: boolean, atEnd: boolean) {
    this.lines = lines;
    this.atStart = atStart;
    this.atEnd = atEnd;
    this.searching = null;
    this.loaded = true;
  }

  async #change(lines: LogLine[], shift: boolean) {
    this.shift = shift;
    this.lines = lines;
    await tick();
    this.shift = false;
  }
}
