import uPlot from "uplot";
import { number } from "../lib/format";
import { drawFills, drawLines } from "./annotations";
import { Gestures } from "./gestures";
import { annotated, columns, shade, valueAt, type Picture, type Place, type Side } from "./picture";
import { dots, plainAxis, timeAxis, underCursor, zoomToSelection } from "./plot";
import { positive } from "./series";

export interface PictureEvents {
  zoom: (from: number, to: number) => void;
  back: () => void;
  /** Row of the aligned data under the crosshair, null when it left. */
  cursor: (index: number | null) => void;
  /** A click that was no drag. */
  pick: (time: number) => void;
}

export interface PictureLook {
  hidden: ReadonlySet<string>;
  /** A logarithmic value axis. */
  log: boolean;
}

const MOST_DOTS = 40;

/** What cannot change without drawing the chart anew. */
const shape = (picture: Picture, look: PictureLook) =>
  JSON.stringify([
    picture.curves.map((curve) => [curve.label, curve.color, curve.axis, curve.high !== null, curve.unit, curve.timestamps.length <= MOST_DOTS]),
    [...look.hidden],
    look.log,
    picture.axes,
    picture.stacked,
  ]);

/** The curves of a picture in `root`; the crosshair is shared by all of one `group`. `threshold` is drawn as a line. */
export class PictureChart {
  readonly plot: uPlot;
  readonly #shape: string;
  readonly #look: PictureLook;
  readonly #gestures: Gestures;
  #picture: Picture;
  #places: Place[];
  /** What is shown while one moves about. */
  #window: [number, number] | null = null;

  constructor(root: HTMLElement, group: string, picture: Picture, look: PictureLook, events: PictureEvents, threshold: () => number | null) {
    this.#picture = picture;
    this.#look = look;
    this.#shape = shape(picture, look);
    const { data, places } = this.#table();
    this.#places = places;
    const gestures = (this.#gestures = new Gestures({ show: (from, to) => this.#show(from, to), rest: events.zoom, back: events.back }));
    const scale = (side: Side): uPlot.Scale => ({ distr: look.log ? 3 : 1, range: this.#range(side) });
    const scales: uPlot.Scales = { x: { time: false, range: () => this.#window ?? [this.#picture.start, this.#picture.end] }, left: scale("left") };
    if (this.#sides().includes("right")) scales.right = scale("right");
    this.plot = new uPlot(
      {
        width: Math.max(root.clientWidth, 80),
        height: Math.max(root.clientHeight, 60),
        padding: [10, 12, 0, 0],
        legend: { show: false },
        scales,
        series: this.#series(),
        bands: this.#bands(),
        axes: this.#axes(),
        cursor: {
          y: false,
          drag: { x: true, y: false, setScale: false, dist: 4 },
          points: { size: 6 },
          bind: {
            mousedown: (plot, _, handler) => (event: MouseEvent) => (event.shiftKey && event.button === 0 ? (gestures.grab(plot, event), null) : handler(event)),
            dblclick: () => () => (events.back(), null),
          },
          sync: { key: group, setSeries: false, filters: { pub: (type) => type.startsWith("mouse") } },
        },
        hooks: {
          ready: [
            (plot) => {
              plot.over.addEventListener("wheel", (event) => gestures.wheel(plot, event), { passive: false });
              plot.over.addEventListener("click", (event) => events.pick(plot.posToVal(event.offsetX, "x")));
            },
          ],
          setCursor: [(plot) => events.cursor(underCursor(plot))],
          setSelect: [(plot) => zoomToSelection(plot, events.zoom)],
          drawAxes: [(plot) => drawFills(plot, this.#picture)],
          draw: [(plot) => drawLines(plot, { marks: this.#picture.marks, levels: this.#levels(threshold()) })],
        },
      },
      data,
      root,
    );
  }

  /** Shows what came since. False when the chart must be made anew. */
  update(picture: Picture, look: PictureLook): boolean {
    if (shape(picture, look) !== this.#shape) return false;
    this.#picture = picture;
    this.#window = null;
    const { data, places } = this.#table();
    this.#places = places;
    this.plot.setData(data);
    return true;
  }

  /** The value of a curve under the crosshair. */
  value(curve: number, row: number): number | null {
    const place = this.#places.find((one) => one.curve === curve);
    return place ? valueAt(this.plot.data, this.#picture, place, row) : null;
  }

  /** Whether the key meant the chart. */
  key = (event: KeyboardEvent) => this.#gestures.key(this.plot, event);

  destroy() {
    this.#gestures.stop();
    this.plot.destroy();
  }

  #show(from: number, to: number) {
    this.#window = [from, to];
    this.plot.setScale("x", { min: from, max: to });
  }

  #table() {
    const { data, places } = columns(this.#picture, this.#look.hidden, Date.now() / 1000);
    const [times, ...values] = data as [number[], ...(number | null)[][]];
    return { data: (this.#look.log ? [times, ...values.map(positive)] : data) as uPlot.AlignedData, places };
  }

  #levels(value: number | null): Picture["levels"] {
    const own: Picture["levels"] = value === null ? [] : [{ value, label: "threshold", color: null, axis: "left", fill: "none" }];
    return [...this.#picture.levels, ...own];
  }

  #sides(): Side[] {
    return (["left", "right"] as const).filter((side) => side === "left" || this.#picture.curves.some((curve) => curve.axis === side));
  }

  #series(): uPlot.Series[] {
    const all: uPlot.Series[] = [{}];
    const first = new Set<Side>();
    for (const place of this.#places) {
      const curve = this.#picture.curves[place.curve]!;
      const stroke = shade(curve, place.curve);
      const one: uPlot.Series = { scale: curve.axis, stroke, width: 1.75, points: dots(curve.timestamps.length <= MOST_DOTS, stroke) };
      const ground = this.#picture.stacked && !first.has(curve.axis) ? { fill: area(stroke), fillTo: 0 } : {};
      first.add(curve.axis);
      all.push({ ...one, ...ground }, { ...one, dash: [4, 4] });
      if (place.high !== null) all.push({ ...one, points: { show: false } });
    }
    return all;
  }

  #bands(): uPlot.Band[] {
    const found: uPlot.Band[] = [];
    const below = new Map<Side, number>();
    for (const place of this.#places) {
      const curve = this.#picture.curves[place.curve]!;
      const fill = area(shade(curve, place.curve));
      if (place.high !== null) found.push({ series: [place.high, place.values], fill });
      const under = below.get(curve.axis);
      if (this.#picture.stacked && under !== undefined) found.push({ series: [place.values, under], fill });
      below.set(curve.axis, place.values);
    }
    return found;
  }

  #range(side: Side): uPlot.Scale.Range {
    return (_, low, high) => {
      const { min, max } = this.#picture.axes[side];
      const levels = annotated(this.#picture, side).filter((value) => !this.#look.log || value > 0);
      const zero = this.#picture.stacked && !this.#look.log ? [0] : [];
      const lowest = Math.min(low ?? Infinity, ...levels, ...zero);
      const highest = Math.max(high ?? -Infinity, ...levels);
      if (!Number.isFinite(lowest) || !Number.isFinite(highest)) return this.#look.log ? [0.1, 10] : [min ?? 0, max ?? 1];
      if (this.#look.log) return uPlot.rangeLog(min && min > 0 ? min : lowest, max ?? highest, 10, false);
      const room = lowest === highest ? Math.abs(lowest) * 0.1 || 1 : (highest - lowest) * 0.06;
      return [min ?? (zero.length && lowest === 0 ? 0 : lowest - room), max ?? highest + room];
    };
  }

  #axes(): uPlot.Axis[] {
    const base = plainAxis();
    const x: uPlot.Axis = { ...timeAxis(), size: 26, gap: 4, space: 80 };
    const values = this.#sides().map((side): uPlot.Axis => {
      const { label, showUnits } = this.#picture.axes[side];
      const units = new Set(this.#picture.curves.filter((curve) => curve.axis === side).map((curve) => curve.unit));
      const unit = showUnits && units.size === 1 ? [...units][0] : null;
      const title = label || (unit && unit !== "None" ? unit : "");
      return {
        ...base,
        scale: side,
        side: side === "left" ? 3 : 1,
        size: 54,
        gap: 6,
        space: 32,
        grid: { ...base.grid, show: side === "left" },
        ...(title ? { label: title, labelSize: 18, labelFont: base.font } : {}),
        values: (_, splits) => splits.map((value) => (value === null ? "" : number(value))),
      };
    });
    return [x, ...values];
  }
}

const area = (of: string) => `color-mix(in srgb, ${of} 22%, transparent)`;
