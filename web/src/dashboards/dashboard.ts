/** Dashboards as the server gives them, and what changes them. */

export interface Widget {
  /** Its position among the widgets of the source. */
  place: number;
  type: string;
  x: number;
  y: number;
  width: number;
  height: number;
  properties: Record<string, unknown>;
}

export interface Variable {
  id: string;
  type: "property" | "pattern";
  inputType?: "input" | "select" | "radio";
  label?: string;
  defaultValue?: string;
  visible?: boolean;
  values?: { value: string; label?: string }[];
}

export interface Dashboard {
  name: string;
  account: string;
  region: string;
  source: string;
  variables: Variable[];
  start: string;
  end: string;
  widgets: Widget[];
}

export const COLUMNS = 24;
export const SHORTEST = 1;

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The box kept within the grid. */
export function within(box: Box): Box {
  const width = Math.min(Math.max(box.width, SHORTEST), COLUMNS);
  return {
    width,
    height: Math.min(Math.max(box.height, SHORTEST), 1000),
    x: Math.min(Math.max(box.x, 0), COLUMNS - width),
    y: Math.max(box.y, 0),
  };
}

const overlap = (a: Box, b: Box) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** All boxes once that of `moved` is where it was put: others make room by going down. */
export function settled(boxes: Box[], moved: number): Box[] {
  const placed: Box[] = [boxes[moved]!];
  const found = boxes.map((box) => ({ ...box }));
  const others = boxes.map((_, index) => index).filter((index) => index !== moved);
  others.sort((a, b) => boxes[a]!.y - boxes[b]!.y || boxes[a]!.x - boxes[b]!.x);
  for (const index of others) {
    const box = found[index]!;
    for (let hit; (hit = placed.find((one) => overlap(one, box))); ) box.y = hit.y + hit.height;
    placed.push(box);
  }
  return found;
}

interface Body {
  widgets: Partial<Widget>[];
}

/** The source with boxes for its widgets, by their places. */
export function withBoxes(source: string, boxes: Map<number, Box>): string {
  const body = JSON.parse(source) as Body;
  for (const [place, box] of boxes) Object.assign(body.widgets[place]!, box);
  return JSON.stringify(body, null, 2);
}

/** The source with another widget below all others, or without one. */
export function withWidget(source: string, widget: Partial<Widget>): string {
  const body = JSON.parse(source) as Body;
  const bottom = Math.max(0, ...body.widgets.map((one) => (one.y ?? 0) + (one.height ?? 6)));
  body.widgets.push({ x: 0, y: bottom, width: 12, height: 6, ...widget });
  return JSON.stringify(body, null, 2);
}

export function withoutWidget(source: string, place: number): string {
  const body = JSON.parse(source) as Body;
  body.widgets.splice(place, 1);
  return JSON.stringify(body, null, 2);
}
