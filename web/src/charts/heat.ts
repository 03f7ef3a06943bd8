import { clock } from "../lib/format";
import type { Cores } from "../lib/types";

/** How strong an idle core is drawn, so that it differs from one that was not sampled. */
const IDLE_SHARE = 8;

/** Colours of 0 to 100 %. */
function shades(full: string): string[] {
  return Array.from({ length: 101 }, (_, percent) => {
    const share = IDLE_SHARE + ((100 - IDLE_SHARE) * percent) / 100;
    return `color-mix(in srgb, ${full} ${share}%, transparent)`;
  });
}

/** One pixel for a core and span, in shades of the colour `full`; the page stretches it. */
export function paint(canvas: HTMLCanvasElement, map: Cores, full: string) {
  const columns = map.busy[0]?.length ?? 0;
  canvas.width = columns;
  canvas.height = map.cores.length;
  const context = canvas.getContext("2d")!;
  const colours = shades(full);
  map.busy.forEach((row, core) =>
    row.forEach((percent, at) => {
      if (percent === null) return;
      context.fillStyle = colours[Math.round(Math.min(Math.max(percent, 0), 100))]!;
      context.fillRect(at, core, 1, 1);
    }),
  );
}

/** What lies at a place of the map, both from 0 to 1. */
export function told(map: Cores, across: number, down: number): string {
  const row = Math.min(Math.floor(down * map.cores.length), map.cores.length - 1);
  const spans = map.busy[row]?.length ?? 0;
  if (row < 0 || !spans) return "";
  const at = Math.min(Math.max(Math.floor(across * spans), 0), spans - 1);
  const time = map.from + ((at + 0.5) / spans) * (map.to - map.from);
  const percent = map.busy[row]![at];
  return `core ${map.cores[row]} · ${clock(time)} · ${percent === null || percent === undefined ? "not sampled" : `${percent} %`}`;
}
