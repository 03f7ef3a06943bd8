/** Lines, bands and moments that are drawn behind and upon the curves of a picture. */
import type uPlot from "uplot";
import { colour } from "../lib/theme.svelte";
import type { Picture } from "./picture";

const FILL_STRENGTH = 14;
const faint = (of: string) => `color-mix(in srgb, ${of} ${FILL_STRENGTH}%, transparent)`;

/** What is filled: between two levels, beyond one, and from one moment to another. */
export function drawFills(plot: uPlot, { levels, bands, marks }: Picture) {
  const { ctx, bbox } = plot;
  const [left, right, top, bottom] = [bbox.left, bbox.left + bbox.width, bbox.top, bbox.top + bbox.height];
  const fill = (of: string, box: [number, number, number, number]) => {
    ctx.fillStyle = faint(of);
    ctx.fillRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
  };
  const y = (value: number, axis: string) => Math.min(Math.max(plot.valToPos(value, axis, true), top), bottom);
  const x = (time: number) => Math.min(Math.max(plot.valToPos(time, "x", true), left), right);
  ctx.save();
  for (const { low, high, color, axis } of bands)
    if (plot.scales[axis]) fill(color ?? colour("--bad"), [left, y(high, axis), right, y(low, axis)]);
  for (const { value, color, axis, fill: side } of levels) {
    if (side === "none" || !plot.scales[axis]) continue;
    const at = y(value, axis);
    fill(color ?? colour("--bad"), side === "above" ? [left, top, right, at] : [left, at, right, bottom]);
  }
  for (const { time, until, color, fill: side } of marks) {
    const of = color ?? colour("--accent");
    if (until !== null) fill(of, [x(time), top, x(until), bottom]);
    else if (side === "before") fill(of, [left, top, x(time), bottom]);
    else if (side === "after") fill(of, [x(time), top, right, bottom]);
  }
  ctx.restore();
}

/** The lines with their words. */
export function drawLines(plot: uPlot, { levels, marks }: Pick<Picture, "levels" | "marks">) {
  const { ctx, bbox } = plot;
  const unit = devicePixelRatio;
  ctx.save();
  ctx.font = `${11 * unit}px ${colour("--sans")}`;
  ctx.textAlign = "left";
  ctx.setLineDash([6 * unit, 4 * unit]);
  const line = (of: string, from: [number, number], to: [number, number]) => {
    ctx.strokeStyle = ctx.fillStyle = of;
    ctx.beginPath();
    ctx.moveTo(...from);
    ctx.lineTo(...to);
    ctx.stroke();
  };
  for (const level of levels) {
    if (!plot.scales[level.axis]) continue;
    const y = plot.valToPos(level.value, level.axis, true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    line(level.color ?? colour("--bad"), [bbox.left, y], [bbox.left + bbox.width, y]);
    ctx.fillText(level.label, bbox.left + 6 * unit, y - 4 * unit);
  }
  for (const { time, label, color } of marks) {
    const x = plot.valToPos(time, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    line(color ?? colour("--accent"), [x, bbox.top], [x, bbox.top + bbox.height]);
    ctx.fillText(label, x + 4 * unit, bbox.top + 12 * unit);
  }
  ctx.restore();
}
