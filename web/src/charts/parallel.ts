/** Parallel coordinates: where values lie on their axes, which lines brushes leave, and which is under the pointer. */
import { number } from "../lib/format";

export interface ParallelAxis {
  name: string;
  kind: "linear" | "log" | "category";
  /** Of each line; null where it has none. On a logarithmic axis, what is not positive is none. */
  values: (number | string | null)[];
}

/** What is chosen on an axis, by its name: from and to in the axis's own unit (of choices: their place, from 0). */
export type Ranges = Record<string, [number, number]>;

/** Where lines run that have no value on an axis: below its foot. */
export const NONE = -0.09;

export interface ScaledAxis {
  name: string;
  /** Of each line from 0 (the foot) to 1, or NONE. */
  places: Float64Array;
  ticks: { place: number; text: string }[];
  /** Of a value in the axis's unit, and the reverse. */
  place: (unit: number) => number;
  unit: (place: number) => number;
  missing: boolean;
}

export function scaled(axis: ParallelAxis): ScaledAxis {
  const choices = axis.kind === "category" ? [...new Set(axis.values.filter((value) => value !== null).map(String))].sort(naturally) : [];
  const units = axis.values.map((value) => {
    if (value === null) return NaN;
    if (axis.kind === "category") return choices.indexOf(String(value));
    const found = Number(value);
    return Number.isFinite(found) && (axis.kind === "linear" || found > 0) ? found : NaN;
  });
  const known = units.filter((unit) => !Number.isNaN(unit));
  const bend = axis.kind === "log" ? Math.log10 : (unit: number) => unit;
  const unbend = axis.kind === "log" ? (bent: number) => 10 ** bent : (bent: number) => bent;
  let [low, high] = known.length ? [bend(known.reduce((a, b) => Math.min(a, b))), bend(known.reduce((a, b) => Math.max(a, b)))] : [0, 1];
  // One value, and choices, stand amid their room.
  if (axis.kind === "category") [low, high] = [-0.5, Math.max(choices.length, 1) - 0.5];
  else if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const place = (unit: number) => (bend(unit) - low) / (high - low);
  const unit = (at: number) => unbend(low + at * (high - low));
  const ticks =
    axis.kind === "category"
      ? choices.map((text, index) => ({ place: place(index), text }))
      : (axis.kind === "log" ? powers(low, high) : rounds(low, high)).map((value) => ({ place: place(value), text: number(value) }));
  const places = Float64Array.from(units, (one) => (Number.isNaN(one) ? NONE : place(one)));
  return { name: axis.name, places, ticks, place, unit, missing: known.length < units.length };
}

const naturally = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true });

/** About five round values between the ends. */
function rounds(low: number, high: number): number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => rough <= factor * power) ?? 10);
  const found: number[] = [];
  for (let at = Math.ceil(low / step); at * step <= high + step * 1e-9; at++) found.push(Number((at * step).toPrecision(12)));
  return found;
}

/** Powers of ten between the logarithms of the ends; the ends, where there are fewer than two. */
function powers(low: number, high: number): number[] {
  const found: number[] = [];
  const step = Math.max(1, Math.ceil((high - low) / 6));
  for (let at = Math.ceil(low - 1e-9); at <= high + 1e-9; at += step) found.push(Number((10 ** at).toPrecision(12)));
  return found.length < 2 ? [low, high].map((at) => Number((10 ** at).toPrecision(3))) : found;
}

/** Which lines lie within all ranges. */
export function within(axes: ScaledAxis[], ranges: Ranges, count: number): number[] {
  const bounds = axes.flatMap((axis) => {
    const range = ranges[axis.name];
    return range ? [{ axis, low: axis.place(range[0]) - 1e-9, high: axis.place(range[1]) + 1e-9 }] : [];
  });
  const found: number[] = [];
  for (let line = 0; line < count; line++)
    if (bounds.every(({ axis, low, high }) => axis.places[line]! >= low && axis.places[line]! <= high)) found.push(line);
  return found;
}

/** The one of `lines` that is nearest to a point, in axes from the left and in heights; null where none is near. */
export function nearest(axes: ScaledAxis[], lines: number[], x: number, place: number, most: number): number | null {
  const left = Math.max(0, Math.min(axes.length - 2, Math.floor(x)));
  const [from, to] = [axes[left], axes[Math.min(left + 1, axes.length - 1)]];
  if (!from || !to) return null;
  let found: number | null = null;
  let least = most;
  for (const line of lines) {
    const here = from.places[line]! + (to.places[line]! - from.places[line]!) * (x - left);
    const distance = Math.abs(here - place);
    if (distance <= least) [found, least] = [line, distance];
  }
  return found;
}

/** `names` in the order of `wanted`, those it does not name last. */
export function inOrder<T extends { name: string }>(axes: T[], wanted: string[]): T[] {
  const rank = (axis: T) => (wanted.includes(axis.name) ? wanted.indexOf(axis.name) : wanted.length);
  return [...axes].sort((a, b) => rank(a) - rank(b));
}

/** The names with one of them moved to another place. */
export function movedTo(names: string[], name: string, place: number): string[] {
  const others = names.filter((one) => one !== name);
  const at = Math.max(0, Math.min(others.length, place));
  return [...others.slice(0, at), name, ...others.slice(at)];
}

/** A range by the keyboard: the lower end up, or the upper end down, by a twentieth of the axis. */
export function narrowed(axis: ScaledAxis, range: [number, number] | undefined, end: "low" | "high"): [number, number] {
  const [low, high] = range ? [axis.place(range[0]), axis.place(range[1])] : [0, 1];
  const step = 0.05;
  if (high - low < 1.5 * step) return [axis.unit(low), axis.unit(high)];
  return end === "low" ? [axis.unit(low + step), axis.unit(high)] : [axis.unit(low), axis.unit(high - step)];
}

/** Five significant digits of a range's end, outwards: a line at the end stays within. */
function outwards(value: number, round: (value: number) => number): number {
  if (value === 0) return 0;
  const unit = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 4);
  return Number((round(Number((value / unit).toPrecision(12))) * unit).toPrecision(5));
}

/** Ranges as words of an address, and back: `name:from:to`. */
export const asWords = (ranges: Ranges) =>
  Object.entries(ranges).map(([name, [low, high]]) => `${name}:${outwards(low, Math.floor)}:${outwards(high, Math.ceil)}`);

export function fromWords(words: string[]): Ranges {
  const found: Ranges = {};
  for (const word of words) {
    const match = /^(.+):([^:]+):([^:]+)$/.exec(word);
    const [low, high] = [Number(match?.[2]), Number(match?.[3])];
    if (match && Number.isFinite(low) && Number.isFinite(high) && low <= high) found[match[1]!] = [low, high];
  }
  return found;
}
