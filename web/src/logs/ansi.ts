/** Terminal colours as spans: text in, runs of text with classes out. No markup is ever made from a log. */

export interface Span {
  text: string;
  /** Names of styles: bold, dim, italic, underline, inverse, fg-0..15, bg-0..15. */
  classes: string[];
}

interface Style {
  flags: Set<string>;
  fg: number | null;
  bg: number | null;
}

// CSI sequences, OSC strings (ended by BEL or ST), other two-character escapes, and lone control characters.
const ESCAPES =
  /\x1b\[([0-9;:?<=>]*)([ -/]*[@-~])?|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?|[\x00-\x08\x0b-\x1f\x7f]/g;

const FLAGS: Record<number, string> = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike" };
const ENDS: Record<number, string[]> = {
  22: ["bold", "dim"],
  23: ["italic"],
  24: ["underline"],
  27: ["inverse"],
  29: ["strike"],
};

export function spans(line: string): Span[] {
  const style: Style = { flags: new Set(), fg: null, bg: null };
  const found: Span[] = [];
  let from = 0;
  const take = (to: number) => {
    if (to > from) found.push({ text: line.slice(from, to), classes: classes(style) });
  };
  for (const match of line.matchAll(ESCAPES)) {
    take(match.index);
    from = match.index + match[0].length;
    if (match[2] === "m") apply(style, match[1] ?? "");
  }
  take(line.length);
  return found;
}

/** The line without any escape sequence. */
export const plain = (line: string) => line.replace(ESCAPES, "");

function classes(style: Style): string[] {
  const names = [...style.flags];
  if (style.fg !== null) names.push(`fg-${style.fg}`);
  if (style.bg !== null) names.push(`bg-${style.bg}`);
  return names;
}

function apply(style: Style, parameters: string) {
  const codes = parameters.split(/[;:]/).map((word) => Number(word || 0));
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at]!;
    if (code === 0) {
      style.flags.clear();
      style.fg = style.bg = null;
    } else if (code in FLAGS) style.flags.add(FLAGS[code]!);
    else if (code in ENDS) ENDS[code]!.forEach((flag) => style.flags.delete(flag));
    else if (code === 39) style.fg = null;
    else if (code === 49) style.bg = null;
    else if (code >= 30 && code <= 37) style.fg = code - 30;
    else if (code >= 40 && code <= 47) style.bg = code - 40;
    else if (code >= 90 && code <= 97) style.fg = code - 82;
    else if (code >= 100 && code <= 107) style.bg = code - 92;
    else if (code === 38 || code === 48) {
      const [colour, used] = extended(codes.slice(at + 1));
      if (code === 38) style.fg = colour;
      else style.bg = colour;
      at += used;
    }
  }
}

/** A 256-colour or true-colour parameter as the nearest of the sixteen, which the theme keeps readable. */
function extended(codes: number[]): [number | null, number] {
  if (codes[0] === 5) return [sixteen(codes[1] ?? 0), 2];
  if (codes[0] === 2) return [nearest(codes[1] ?? 0, codes[2] ?? 0, codes[3] ?? 0), 4];
  return [null, codes.length];
}

function sixteen(index: number): number {
  if (index < 16) return index;
  if (index >= 232) return nearest(...(Array(3).fill((index - 232) * 10 + 8) as [number, number, number]));
  const cube = index - 16;
  const level = (part: number) => (part === 0 ? 0 : 55 + part * 40);
  return nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

function nearest(red: number, green: number, blue: number): number {
  const bright = Math.max(red, green, blue);
  if (bright < 48) return 0;
  if (bright - Math.min(red, green, blue) < 32) return bright > 200 ? 15 : bright > 120 ? 7 : 8;
  const bit = (part: number) => (part > bright * 0.6 ? 1 : 0);
  return (bit(red) | (bit(green) << 1) | (bit(blue) << 2)) + (bright > 200 ? 8 : 0);
}

/** Splits spans where the hits (places in their whole text) begin and end, marking these with the class `hit`. */
export function highlight(parts: Span[], hits: [number, number][]): Span[] {
  if (!hits.length) return parts;
  const found: Span[] = [];
  let offset = 0;
  for (const part of parts) {
    const end = offset + part.text.length;
    const cuts = [offset, end, ...hits.flat().filter((cut) => cut > offset && cut < end)].sort((a, b) => a - b);
    for (let index = 1; index < cuts.length; index++) {
      const [from, to] = [cuts[index - 1]!, cuts[index]!];
      if (to === from) continue;
      const hit = hits.some(([start, stop]) => from >= start && to <= stop);
      found.push({
        text: part.text.slice(from - offset, to - offset),
        classes: hit ? [...part.classes, "hit"] : part.classes,
      });
    }
    offset = end;
  }
  return found;
}
