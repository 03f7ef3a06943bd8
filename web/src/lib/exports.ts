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
const MARGIN = 14;

/** What `node` shows, as a PNG of the screen's own sharpness and theme: a title, and canvases, SVGs, words and coloured
 * boxes where they stand.
 */
export async function picture(node: HTMLElement, title: string): Promise<Blob> {
  const scale = devicePixelRatio || 1;
  const frame = node.getBoundingClientRect();
  const drawings = await Promise.all([...node.querySelectorAll<HTMLCanvasElement | SVGSVGElement>("canvas, svg")].map(drawing));
  const canvas = document.createElement("canvas");
  const [width, height] = [frame.width + 2 * MARGIN, frame.height + TITLE_HEIGHT + 2 * MARGIN];
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const ctx = canvas.getContext("2d")!;
  ctx.scale(scale, scale);
  ctx.fillStyle = colour("--surface");
  ctx.fillRect(0, 0, width, height);
  ctx.fillStyle = colour("--text");
  ctx.font = `600 15px ${colour("--sans")}`;
  ctx.fillText(title, MARGIN, MARGIN + 16, frame.width);
  ctx.translate(MARGIN - frame.left, MARGIN + TITLE_HEIGHT - frame.top);
  boxes(ctx, node);
  for (const { image, box } of drawings) ctx.drawImage(image, box.left, box.top, box.width, box.height);
  words(ctx, node);
  return new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("no picture"))), "image/png"));
}

/** Whether something stands where it can be seen: within all that scrolls around it, and for the eye. */
function seen(of: Element, box: DOMRect, node: Element): boolean {
  if (!box.width || !box.height || of.closest("svg, .unseen, .menu")) return false;
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  for (let around: Element | null = of; around && node.contains(around); around = around.parentElement) {
    if (getComputedStyle(around).overflow === "visible") continue;
    const room = around.getBoundingClientRect();
    if (x < room.left || x > room.right || y < room.top || y > room.bottom) return false;
  }
  return true;
}

function boxes(ctx: CanvasRenderingContext2D, node: HTMLElement) {
  for (const one of node.querySelectorAll<HTMLElement>("*")) {
    const [style, box] = [getComputedStyle(one), one.getBoundingClientRect()];
    const meter = one instanceof HTMLMeterElement ? one : null;
    if ((!meter && style.backgroundColor === "rgba(0, 0, 0, 0)") || !seen(one, box, node)) continue;
    const fill = (colour: string, width: number) => {
      ctx.fillStyle = colour;
      ctx.beginPath();
      ctx.roundRect(box.left, box.top, width, box.height, parseFloat(style.borderTopLeftRadius) || 0);
      ctx.fill();
    };
    if (meter) {
      fill(colour("--sunken"), box.width);
      fill(colour("--accent"), box.width * ((meter.value - meter.min) / (meter.max - meter.min || 1)));
    } else fill(style.backgroundColor, box.width);
  }
}

function words(ctx: CanvasRenderingContext2D, node: HTMLElement) {
  const texts = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  ctx.textBaseline = "middle";
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    if (!text.textContent?.trim()) continue;
    range.selectNodeContents(text);
    const [of, box] = [text.parentElement!, range.getBoundingClientRect()];
    if (!seen(of, box, node)) continue;
    const style = getComputedStyle(of);
    ctx.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    ctx.fillStyle = style.color;
    ctx.fillText(text.textContent.trim(), box.left, box.top + box.height / 2, box.width + 2);
  }
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
