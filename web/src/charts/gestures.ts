/** How one moves about in a chart of times: by wheel, by dragging with shift, and by keys. */
import type uPlot from "uplot";

export interface Moves {
  /** What is shown of time while one moves, before anything is read for it. */
  show: (from: number, to: number) => void;
  /** Where one came to rest. */
  rest: (from: number, to: number) => void;
  /** Back to the time before. */
  back: () => void;
}

const REST_MS = 300;
const WHEEL_STEP = 1.25;
const SHORTEST = 2;
const PAN_SHARE = 0.1;

const shown = (plot: uPlot): [number, number] => [plot.scales.x!.min!, plot.scales.x!.max!];

/** A range made longer or shorter around one of its moments. */
export function scaled([from, to]: [number, number], around: number, by: number): [number, number] {
  const length = Math.max((to - from) * by, SHORTEST);
  const share = (around - from) / (to - from);
  return [around - share * length, around + (1 - share) * length];
}

export class Gestures {
  readonly #moves: Moves;
  #resting: ReturnType<typeof setTimeout> | undefined;

  constructor(moves: Moves) {
    this.#moves = moves;
  }

  #move(range: [number, number]) {
    this.#moves.show(...range);
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => this.#moves.rest(...range), REST_MS);
  }

  /** The wheel zooms with ctrl only: without it the page scrolls. */
  wheel(plot: uPlot, event: WheelEvent) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const pointer = plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x");
    this.#move(scaled(shown(plot), pointer, event.deltaY > 0 ? WHEEL_STEP : 1 / WHEEL_STEP));
  }

  /** Takes the chart along with the pointer until it is let go. */
  grab(plot: uPlot, down: MouseEvent) {
    const [from, to] = shown(plot);
    const pixel = (to - from) / plot.over.clientWidth;
    const move = (event: MouseEvent) => {
      const by = (down.clientX - event.clientX) * pixel;
      this.#move([from + by, to + by]);
    };
    const drop = () => {
      document.removeEventListener("mousemove", move);
      document.removeEventListener("mouseup", drop);
    };
    document.addEventListener("mousemove", move);
    document.addEventListener("mouseup", drop);
  }

  /** Whether the key meant the chart. */
  key(plot: uPlot, event: KeyboardEvent): boolean {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const [from, to] = shown(plot);
    const times = plot.data[0];
    const at = plot.cursor.left! >= 0 ? (plot.cursor.idx ?? null) : null;
    const step = PAN_SHARE * (to - from);
    switch (event.key) {
      case "ArrowLeft":
        if (event.shiftKey) this.#move([from - step, to - step]);
        else this.#point(plot, at === null ? times.length - 1 : at - 1);
        return true;
      case "ArrowRight":
        if (event.shiftKey) this.#move([from + step, to + step]);
        else this.#point(plot, at === null ? 0 : at + 1);
        return true;
      case "Home":
        this.#point(plot, 0);
        return true;
      case "End":
        this.#point(plot, times.length - 1);
        return true;
      case "+":
      case "=":
      case "-":
        this.#move(scaled([from, to], at === null ? (from + to) / 2 : times[at]!, event.key === "-" ? 2 : 0.5));
        return true;
      case "Backspace":
        this.#moves.back();
        return true;
      case "Escape":
        if (at === null) return false;
        plot.setCursor({ left: -10, top: -10 });
        return true;
      default:
        return false;
    }
  }

  /** The crosshair on a row of the data. */
  #point(plot: uPlot, row: number) {
    const times = plot.data[0];
    if (!times.length) return;
    const time = times[Math.min(Math.max(row, 0), times.length - 1)]!;
    plot.setCursor({ left: plot.valToPos(time, "x"), top: plot.over.clientHeight / 2 });
  }

  stop() {
    clearTimeout(this.#resting);
  }
}
