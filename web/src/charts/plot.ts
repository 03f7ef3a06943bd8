import uPlot from "uplot";
import { duration, moment, number } from "../lib/format";
import { flags, isolated, withRows, type Mark } from "./gaps";
import { floored, positive } from "./series";
import { DURATION_STEPS, TIME_STEPS, timeMarks, timeWords } from "./times";
import { colour } from "../lib/theme.svelte";
import type { XAxis } from "../lib/types";

/** One drawn line with its band: columns aligned with its own x. */
export interface Line {
  label: string;
  /** Name of the CSS variable with its colour. */
  colour: string;
  dash?: number[];
  x: number[];
  min: (number | null)[];
  max: (number | null)[];
  mean: (number | null)[];
  /** Whether min and max differ from the mean somewhere. */
  bucketed: boolean;
  /** Drawn instead of the mean, with the mean kept faintly behind; null: no smoothing. */
  smooth: (number | null)[] | null;
  /** What is no finite number: the line breaks there. */
  marks: Mark[];
}

export interface View {
  axis: XAxis;
  log: boolean;
  window: [number, number] | null;
  /** What the y axis has at least, e.g. percentages from 0 to 100. */
  range?: [number, number];
  /** In pixels, where it is another than that of all. */
  height?: number;
  /** Axis values' text, where plain numbers would not do. */
  format?: (value: number) => string;
  /** A place on the x axis that is pointed out. */
  mark?: number | null;
}

/** A point of a line that was clicked on. */
export interface Picked {
  label: string;
  x: number;
  value: number;
  /** How far on the x axis the points reach that are drawn as this one. */
  within: number;
}

export interface Events {
  zoom: (from: number, to: number) => void;
  reset: () => void;
  /** Row of the aligned data under the crosshair, null when it left. */
  cursor: (index: number | null, x: number | null) => void;
}

const HEIGHT = 232;
/** Columns a line takes in the aligned data: low and high edge of its band, raw mean, smoothed. */
export const COLUMNS = 4;

/** Every line's columns on one common x. Bands go on over what is not finite, so that they hide no spike. */
export function aligned(lines: Line[], log: boolean): uPlot.AlignedData {
  if (lines.length === 0) return [[]];
  const shown = (column: (number | null)[]) => (log ? positive(column) : column);
  const tables = lines.map((line) => {
    const smooth = line.smooth ?? line.mean;
    const low = log ? floored(line.min, line.mean) : line.min;
    const columns = [low, shown(line.max), shown(line.mean), shown(smooth)];
    return withRows(line.x, columns, line.marks.map((mark) => mark.x), [undefined, undefined, null, null]);
  });
  return uPlot.join(tables as uPlot.AlignedData[]);
}

export function axisText(axis: XAxis, value: number): string {
  if (axis === "time") return moment(value);
  if (axis === "relative") return duration(value);
  return number(value);
}

/** A place on the axis, named: `step 7`, `12:30:00`. */
export const placeText = (axis: XAxis, x: number) => (axis === "step" || axis === "epoch" ? `${axis} ` : "") + axisText(axis, x);

function alpha(name: string, share: number): string {
  return `color-mix(in srgb, ${colour(name)} ${share}%, transparent)`;
}

function series(lines: Line[]): uPlot.Series[] {
  const all: uPlot.Series[] = [{}];
  for (const line of lines) {
    const hidden = { points: { show: false }, stroke: alpha(line.colour, 38), width: 1 };
    // Without buckets the band has no height: its edges would only darken the raw line.
    const edge = { ...hidden, show: line.bucketed };
    const points = dots(line.x.length <= 40 && !line.smooth, colour(line.colour));
    const raw = line.smooth ? { ...hidden } : { ...hidden, show: false };
    all.push({ ...edge }, { ...edge }, raw, {
      label: line.label,
      stroke: colour(line.colour),
      width: 1.75,
      dash: line.dash,
      points,
    });
  }
  return all;
}

/** Dots at all points, or at those that no line reaches. */
export const dots = (all: boolean, fill: string): uPlot.Series.Points => ({
  show: all,
  size: 5,
  fill,
  filter: (plot, series, shown) => {
    const alone = shown ? [] : isolated(plot.data[series]!);
    return alone.length ? alone : null;
  },
});

function bands(lines: Line[]): uPlot.Band[] {
  return lines.flatMap((line, index) => (line.bucketed ? [{
    series: [index * COLUMNS + 2, index * COLUMNS + 1],
    fill: alpha(line.colour, 18),
  }] : []));
}

/** The pixels around a point at which it is clicked on. */
const REACH = 24;

/** The point nearest to a place in the plot (in CSS pixels), whichever of its values is; null: none is near. */
export function picked(plot: uPlot, lines: Line[], index: number, top: number, reach = REACH): Picked | null {
  const xs = plot.data[0];
  const x = xs[index];
  if (x === undefined) return null;
  let found: Picked | null = null;
  let least = reach;
  lines.forEach((line, number) => {
    for (let column = 1; column <= COLUMNS; column++) {
      const value = plot.data[number * COLUMNS + column]?.[index];
      if (typeof value !== "number") continue;
      const far = Math.abs(plot.valToPos(value, "y") - top);
      if (far > least) continue;
      const at = line.x.indexOf(x);
      const within = line.bucketed ? Math.max((line.x[at + 1] ?? x) - x, x - (line.x[at - 1] ?? x)) / 2 : 0;
      least = far;
      found = { label: line.label, x, value, within };
    }
  });
  return found;
}

/** A line from top to bottom where the view points something out. */
function drawPlace(plot: uPlot, mark: number | null) {
  if (mark === null) return;
  const { ctx, bbox } = plot;
  const x = plot.valToPos(mark, "x", true);
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  ctx.save();
  ctx.strokeStyle = colour("--accent");
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}

/** Values that cannot be drawn, as small flags at the chart's foot (infinity: at its top) with their number where several are one. */
function drawMarks(plot: uPlot, lines: Line[]) {
  const marks = lines.flatMap((line) => line.marks).sort((a, b) => a.x - b.x);
  if (!marks.length) return;
  const { ctx, bbox } = plot;
  const size = 5 * devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = colour("--bad");
  ctx.strokeStyle = alpha("--bad", 35);
  ctx.font = `${10 * devicePixelRatio}px ${colour("--sans")}`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  const pixel = (x: number) => plot.valToPos(x, "x", true);
  ctx.beginPath();
  for (const { at } of flags(marks, pixel, 1)) {
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
  }
  ctx.stroke();
  for (const { at, value, count } of flags(marks, pixel, 4 * size)) {
    const y = value === "Infinity" ? bbox.top + size : bbox.top + bbox.height - size;
    ctx.beginPath();
    ctx.moveTo(at, y - size);
    ctx.lineTo(at + size, y);
    ctx.lineTo(at, y + size);
    ctx.lineTo(at - size, y);
    ctx.fill();
    if (count > 1) ctx.fillText(String(count), at + 1.5 * size, y);
  }
  ctx.restore();
}

function xRange(view: () => View): uPlot.Scale.Range {
  return (_, low, high) => {
    const { window } = view();
    if (window) return window;
    if (low === null || high === null) return [0, 1];
    return low === high ? [low - 1, high + 1] : [low, high];
  };
}

function yRange(view: () => View): uPlot.Scale.Range {
  return (_, low, high) => {
    const { log, range } = view();
    if (range && !log) {
      const room = (range[1] - range[0]) * 0.03;
      return [Math.min(range[0], low ?? range[0]), Math.max(range[1], high ?? range[1]) + room];
    }
    if (low === null || high === null) return log ? [0.1, 10] : [0, 1];
    if (log) return uPlot.rangeLog(Math.min(low, range?.[0] ?? low), Math.max(high, range?.[1] ?? high), 10, false);
    const room = low === high ? Math.abs(low) * 0.1 || 1 : (high - low) * 0.06;
    return [low - room, high + room];
  };
}

function axes(view: View): uPlot.Axis[] {
  const base = plainAxis();
  const x: uPlot.Axis = { ...(view.axis === "time" ? timeAxis() : base), size: 28, gap: 4, space: view.axis === "time" ? 80 : 64 };
  if (view.axis === "relative") Object.assign(x, { incrs: DURATION_STEPS, values: (_: uPlot, splits: number[]) => splits.map((value) => duration(value)) });
  else if (view.axis !== "time") x.values = (_, splits) => splits.map((value) => (view.axis === "step" && value % 1 ? "" : number(value)));
  const y: uPlot.Axis = {
    ...base,
    size: 58,
    gap: 6,
    space: 34,
    values: (_, splits) =>
      splits.map((value) => (value === null ? "" : view.format ? view.format(value) : number(value))),
  };
  return [x, y];
}

/** An axis of times, Unix seconds. */
export const timeAxis = (): uPlot.Axis => ({
  ...plainAxis(),
  incrs: TIME_STEPS,
  splits: (_plot, _axis, low, high, step) => timeMarks(low, high, step),
  values: (_, splits) => timeWords(splits),
});

/** What all axes look like. */
export const plainAxis = (): uPlot.Axis => ({
  stroke: colour("--muted"),
  font: `11px ${colour("--sans")}`,
  grid: { stroke: colour("--grid"), width: 1 },
  ticks: { show: false },
});

/** The row of the data under the crosshair, null where there is none. */
export const underCursor = (plot: uPlot) => (plot.cursor.left! < 0 ? null : (plot.cursor.idx ?? null));

/** Zooms to what was selected by dragging, if that was more than a click, and selects nothing again. */
export function zoomToSelection(plot: uPlot, zoom: Events["zoom"]) {
  if (plot.select.width < 4) return;
  const from = plot.posToVal(plot.select.left, "x");
  const to = plot.posToVal(plot.select.left + plot.select.width, "x");
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  zoom(from, to);
}

/** A chart in `root`. The crosshair is shared by all charts of one `group`. */
export function draw(root: HTMLElement, group: string, lines: Line[], view: View, events: Events): Chart {
  return new Chart(root, group, lines, view, events);
}

export class Chart {
  readonly plot: uPlot;
  #lines: Line[];
  #view: View;
  readonly #shape: string;
  readonly #height: number;

  constructor(root: HTMLElement, group: string, lines: Line[], view: View, events: Events) {
    this.#lines = lines;
    this.#view = view;
    this.#shape = shape(lines, view);
    this.#height = view.height ?? HEIGHT;
    const quiet = { show: false };
    this.plot = new uPlot(
      {
        width: Math.max(root.clientWidth, 120),
        height: this.#height,
        // Times are long words: the last one must fit beside the chart.
        padding: [10, view.axis === "time" || view.axis === "relative" ? 34 : 22, 0, 0],
        legend: quiet,
        scales: {
          x: { time: false, range: xRange(() => this.#view) },
          y: { distr: view.log ? 3 : 1, range: yRange(() => this.#view) },
        },
        series: series(lines),
        bands: bands(lines),
        axes: axes(view),
        cursor: {
          y: false,
          drag: { x: true, y: false, setScale: false, dist: 4 },
          points: { size: 6 },
          bind: {
            dblclick: () => () => {
              events.reset();
              return null;
            },
          },
          sync: {
            key: group,
            setSeries: false,
            filters: { pub: (type) => type === "mousemove" || type === "mouseleave" },
          },
        },
        hooks: {
          setCursor: [
            (plot) => {
              const index = underCursor(plot);
              events.cursor(index, index === null ? null : (plot.data[0][index] ?? null));
            },
          ],
          setSelect: [(plot) => zoomToSelection(plot, events.zoom)],
          draw: [(plot) => drawMarks(plot, this.#lines), (plot) => drawPlace(plot, this.#view.mark ?? null)],
        },
      },
      aligned(lines, view.log),
      root,
    );
  }

  /** Shows new data or another window. False when the chart must be made anew (lines or axes changed). */
  update(lines: Line[], view: View): boolean {
    if (shape(lines, view) !== this.#shape) return false;
    this.#lines = lines;
    this.#view = view;
    this.plot.setData(aligned(lines, view.log));
    return true;
  }

  resize(width: number) {
    this.plot.setSize({ width: Math.max(width, 120), height: this.#height });
  }

  destroy() {
    this.plot.destroy();
  }
}

function shape(lines: Line[], view: View): string {
  const words = lines.map((line) => [line.label, line.colour, line.smooth !== null, line.bucketed, line.x.length <= 40]);
  return JSON.stringify([words, view.axis, view.log, view.height]);
}
