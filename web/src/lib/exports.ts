/** Files of what a view shows: rows as CSV, its drawing as a picture. */
import { colour } from "./theme.svelte";

export interface Table {
  columns: string[];
  rows: (string | number | boolean | null | undefined)[][];
}

/** Rows as RFC 4180 has them. Text that a spreadsheet would take for a formula is kept from being one. */
export function csv({ columns, rows }: Table): string {
  const cell = (value: Table["rows"][number][number]) => {
    if (value === null || value === undefined) return "";
    if (typeof value !== "string") return String(value);
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [columns, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** Gives the user a file. */
export function save(name: string, content: Blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name.replace(/[^\w.@-]+/g, "-");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const TITLE_HEIGHT = 34;
const KEY_HEIGHT = 20;
const MARGIN = 14;

/** What is drawn in `node`, as a PNG of the screen's own sharpness: a title, its canvases and SVGs where they stand, and
 * the names of its legends in their colours.
 */
export async function picture(node: HTMLElement, title: string): Promise<Blob> {
  const scale = devicePixelRatio || 1;
  const frame = node.getBoundingClientRect();
  const keys = [...node.querySelectorAll<HTMLElement>(".key:not(.off)")];
  const drawings = await Promise.all([...node.querySelectorAll<HTMLCanvasElement | SVGSVGElement>("canvas, svg")].map(drawing));
  const canvas = document.createElement("canvas");
  const width = frame.width + 2 * MARGIN;
  canvas.width = width * scale;
  canvas.height = (frame.height + TITLE_HEIGHT + KEY_HEIGHT * keys.length + 2 * MARGIN) * scale;
  const ctx = canvas.getContext("2d")!;
  ctx.scale(scale, scale);
  ctx.fillStyle = colour("--surface");
  ctx.fillRect(0, 0, width, canvas.height / scale);
  ctx.fillStyle = colour("--text");
  ctx.font = `600 15px ${colour("--sans")}`;
  ctx.fillText(title, MARGIN, MARGIN + 16, frame.width);
  for (const { image, box } of drawings)
    ctx.drawImage(image, box.left - frame.left + MARGIN, box.top - frame.top + MARGIN + TITLE_HEIGHT, box.width, box.height);
  ctx.font = `12px ${colour("--sans")}`;
  keys.forEach((key, index) => {
    const y = frame.height + TITLE_HEIGHT + MARGIN + index * KEY_HEIGHT;
    ctx.fillStyle = getComputedStyle(key.querySelector(".swatch") ?? key).backgroundColor;
    ctx.fillRect(MARGIN, y + 3, 12, 12);
    ctx.fillStyle = colour("--text");
    ctx.fillText(key.querySelector(".name")?.textContent ?? "", MARGIN + 20, y + 13, frame.width - 20);
  });
  return new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("no picture"))), "image/png"));
}

async function drawing(of: HTMLCanvasElement | SVGSVGElement): Promise<{ image: CanvasImageSource; box: DOMRect }> {
  const box = of.getBoundingClientRect();
  if (of instanceof HTMLCanvasElement) return { image: of, box };
  const copy = of.cloneNode(true) as SVGSVGElement;
  const shown = [of, ...of.querySelectorAll<SVGElement>("*")];
  // A picture of its own knows none of the page's styles.
  [copy, ...copy.querySelectorAll<SVGElement>("*")].forEach((one, index) => {
    const style = getComputedStyle(shown[index]!);
    for (const name of ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font", "text-anchor", "color"])
      one.setAttribute(name, style.getPropertyValue(name));
  });
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(box.width));
  copy.setAttribute("height", String(box.height));
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  await image.decode();
  return { image, box };
}
