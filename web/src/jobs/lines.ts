/** The lines of the table: all jobs in order, or groups, each with those of its jobs that are not folded. */
import { lastUpTo } from "../lib/sorted";
import type { Value } from "./columns";
import type { Group } from "./rows.svelte";

/** A group's head, or the job at a place. */
export type Line = { group: number } | { job: number };

export class Lines {
  readonly count: number;
  /** Of each group the line where it stands, and the place of its first job. Without groups none. */
  readonly #heads: number[] = [];
  readonly #places: number[] = [];
  readonly #folded: boolean[];

  constructor(total: number, groups: Group[], folded: ReadonlySet<Value>) {
    this.#folded = groups.map(({ value }) => folded.has(value));
    let [line, place] = [0, 0];
    groups.forEach(({ count }, at) => {
      this.#heads.push(line);
      this.#places.push(place);
      line += 1 + (this.#folded[at] ? 0 : count);
      place += count;
    });
    this.count = groups.length ? line : total;
  }

  at(index: number): Line {
    const group = lastUpTo(this.#heads, index);
    if (group < 0) return { job: index };
    const behind = index - this.#heads[group]!;
    return behind ? { job: this.#places[group]! + behind - 1 } : { group };
  }

  /** Where a job stands; undefined where its group is folded. */
  of(place: number): number | undefined {
    const group = lastUpTo(this.#places, place);
    if (group < 0) return place;
    return this.#folded[group] ? undefined : this.#heads[group]! + 1 + place - this.#places[group]!;
  }

  /** The places of the jobs from one line to another, those included. */
  jobs(from: number, to: number): number[] {
    const places: number[] = [];
    for (let index = Math.max(0, from); index <= Math.min(to, this.count - 1); index++) {
      const line = this.at(index);
      if ("job" in line) places.push(line.job);
    }
    return places;
  }
}
