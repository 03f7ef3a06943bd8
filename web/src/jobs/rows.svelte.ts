/** Rows of the table as they come into view: asked for by pages, kept until others are there. */
import { get } from "../lib/api";
import { Attempts } from "../lib/attempts.svelte";
import type { Shape, Value } from "./columns";

export const PAGE = 100;

/** The newest and the best value of a metric. */
export type LastValue = [name: string, last: number | string | null, best: number | string | null];

export interface Row {
  name: string;
  arn: string;
  status: string;
  exit_code: number | null;
  created_by_api: boolean;
  tags: Record<string, string>;
  /** By the columns that were asked for. */
  values: (Value | LastValue[] | Shape)[];
}

export interface Group {
  value: Value;
  count: number;
  aggregates: Record<string, { jobs: number; mean: number; min: number; max: number }>;
}

export interface Question {
  filter: string;
  status: string;
  sort: string[];
  order: string[];
  group: string;
  columns: string[];
}

interface Page {
  jobs: Row[];
  total: number;
  groups?: Group[];
}

export class Rows {
  total = $state.raw<number | null>(null);
  groups = $state.raw<Group[]>([]);
  /** What the rows that are there were asked with; it changes together with them. */
  question = $state.raw<Question | null>(null);
  readonly attempts = new Attempts();

  #pages = $state.raw<ReadonlyMap<number, Row[]>>(new Map());
  #asked: AbortController | null = null;
  #under = new Set<number>();
  #view: [first: number, last: number] = [0, 0];

  /** The job at a place, once it has come. */
  at = (place: number): Row | undefined => this.#pages.get(Math.floor(place / PAGE))?.[place % PAGE];

  /** Where a job is, among those that have come. */
  find(name: string): number | undefined {
    for (const [page, rows] of this.#pages) {
      const at = rows.findIndex((row) => row.name === name);
      if (at >= 0) return page * PAGE + at;
    }
    return undefined;
  }

  get loaded(): Row[] {
    return [...this.#pages].sort(([a], [b]) => a - b).flatMap(([, rows]) => rows);
  }

  /** Asks something else; what is seen stays until the answer is there. */
  async ask(question: Question) {
    this.#asked?.abort();
    const mine = (this.#asked = new AbortController());
    this.#under.clear();
    this.#view = [0, 0];
    await this.attempts.make(async () => this.#take(question, [[0, await this.#page(question, 0, mine.signal)]]), mine.signal);
  }

  /** Has the jobs from one place to another come, those included. */
  async need(from: number, to: number) {
    const [first, last] = (this.#view = [Math.floor(from / PAGE), Math.floor(to / PAGE)]);
    const { question } = this;
    const signal = this.#asked?.signal;
    if (!question || !signal) return;
    const missing: number[] = [];
    for (let page = first; page <= last; page++) if (!this.#pages.has(page) && !this.#under.has(page)) missing.push(page);
    if (!missing.length) return;
    await this.attempts.make(async () => {
      for (const page of missing) this.#under.add(page);
      const come = await Promise.all(missing.map(async (page) => [page, await this.#page(question, page, signal)] as const));
      if (signal.aborted) return;
      this.#pages = new Map([...this.#pages, ...come.map(([page, { jobs }]) => [page, jobs] as const)]);
    }, signal);
    for (const page of missing) this.#under.delete(page);
  }

  /** Asks the same again, of what is in view. */
  async refresh() {
    const { question } = this;
    const signal = this.#asked?.signal;
    if (!question || !signal) return;
    const [first, last] = this.#view;
    await this.attempts.make(async () => {
      const pages = Array.from({ length: last - first + 1 }, (_, at) => first + at);
      const come = await Promise.all(pages.map(async (page) => [page, await this.#page(question, page, signal)] as const));
      if (!signal.aborted && this.question === question) this.#take(question, come);
    }, signal);
  }

  /** A job's new state, before its row is asked for again. */
  patch(name: string, status: string, exitCode: number | null) {
    const place = this.find(name);
    if (place === undefined) return;
    const page = Math.floor(place / PAGE);
    const rows = this.#pages.get(page)!.map((row) => (row.name === name ? { ...row, status, exit_code: exitCode } : row));
    this.#pages = new Map([...this.#pages, [page, rows]]);
  }

  close() {
    this.#asked?.abort();
  }

  #page = (question: Question, page: number, signal: AbortSignal) =>
    get<Page>("jobs", { ...questionWords(question), limit: PAGE, offset: page * PAGE }, signal);

  #take(question: Question, come: (readonly [number, Page])[]) {
    const newest = come[0]![1];
    this.#pages = new Map(come.map(([page, { jobs }]) => [page, jobs] as const));
    this.total = newest.total;
    this.groups = newest.groups ?? [];
    this.question = question;
  }
}

/** The words of the API's query. */
export const questionWords = ({ columns, ...rest }: Question): Record<string, string | string[]> => ({ ...rest, columns });
