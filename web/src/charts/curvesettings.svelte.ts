/** How curves are drawn, as the address has it. */
import { param, setParams } from "../lib/router.svelte";
import type { XAxis } from "../lib/types";

export const AXES: [XAxis, string][] = [
  ["step", "Step"],
  ["epoch", "Epoch"],
  ["time", "Time"],
  ["relative", "Relative"],
];

/** Times have microseconds, which are 16 digits by now; what is behind them is the number's way through the computer. */
const round = (value: number) => Number(value.toPrecision(16));
const span = (low: number, high: number) => ({ from: round(low), to: round(high) });

/** The part of the x axis that is shown: `from` and `to`; `mark`, the place on it that a line of the log led to, goes with it. */
export class Zoom {
  // Of the texts, so that a chart sees a new window only when it really is another one.
  #from = $derived(param("from"));
  #to = $derived(param("to"));
  /** Null where all is shown. */
  window: [number, number] | null = $derived(
    this.#from && this.#to && Number(this.#from) < Number(this.#to) ? [Number(this.#from), Number(this.#to)] : null,
  );

  to = (low: number, high: number) => setParams(span(low, high), true);
  reset = () => setParams({ from: null, to: null, mark: null }, true);
}

/** Besides, the axis (`x`), `smoothing`, whether y is logarithmic (`log`), and of which `metrics`. */
export class CurveSettings extends Zoom {
  axis: XAxis = $derived(AXES.find(([id]) => id === param("x"))?.[0] ?? "step");
  smoothing = $derived(Math.min(0.99, Math.max(0, Number(param("smoothing", "0")) || 0)));
  log = $derived(param("log") === "1");
  /** What the names of metrics are filtered by. */
  words = $derived(param("metrics"));

  setAxis = (axis: XAxis) => setParams({ x: axis === "step" ? null : axis, from: null, to: null, mark: null });
  nextAxis = () => this.setAxis(AXES[(AXES.findIndex(([id]) => id === this.axis) + 1) % AXES.length]![0]);
  /** Zooms to a span of time. */
  toTimes = (low: number, high: number) => setParams({ x: "time", ...span(low, high), mark: null }, true);
  toggleLog = () => setParams({ log: this.log ? null : 1 });
}
