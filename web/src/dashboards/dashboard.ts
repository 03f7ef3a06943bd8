/** Dashboards as the server gives them, and what changes their bodies. */

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type Properties = Record<string, unknown>;

export interface Widget extends Box {
  /** Its position among the widgets of the body. */
  place: number;
  type: string;
  properties: Properties;
}

/** What a variable may be: those of a search have the values that it finds now. */
export interface Variable {
  id: string;
  type: "property" | "pattern";
  property?: string;
  pattern?: string;
  inputType: "input" | "select" | "radio";
  label?: string;
  defaultValue?: string;
  visible?: boolean;
  search?: string;
  populateFrom?: string;
  values?: { value: string; label?: string }[];
}

/** As the server tells it: how many values there are in all, and what is wrong with the search. */
export type FilledVariable = Variable & { total?: number; problem?: string };

/** A body as it is to be drawn: widgets with values for variables, times and periods. Times are Unix seconds. */
export interface Drawn {
  account: string;
  region: string;
  variables: FilledVariable[];
  start: string;
  end: string;
  from: number;
  to: number;
  widgets: Widget[];
}

export interface Dashboard extends Drawn {
  name: string;
  arn: string;
  source: string;
  /** Unix seconds; null of a default dashboard, which is made as it is asked for. */
  modified: number | null;
  tags: Record<string, string>;
}

export interface Problem {
  /** A JSON Pointer. */
  path: string;
  message: string;
}

/** A widget in a body: without a box it goes below all others. */
export type GivenWidget = { type: string; properties: Properties } & Partial<Box>;

export interface Body {
  widgets: GivenWidget[];
  start?: string;
  end?: string;
  periodOverride?: "auto" | "inherit";
  variables?: Variable[];
}

export const EMPTY = '{"widgets": []}';
export const COLUMNS = 24;
export const SHORTEST = 1;
const SIDE = 6;

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

export type Direction = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown";

/** The box next to one in a direction: the nearest whose middle lies there, straight ahead before aside. */
export function neighbour<One extends Box>(boxes: One[], from: Box, direction: Direction): One | null {
  const middle = (box: Box) => ({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
  const here = middle(from);
  const cost = (box: One) => {
    const by = { x: middle(box).x - here.x, y: middle(box).y - here.y };
    const ahead = { ArrowLeft: -by.x, ArrowRight: by.x, ArrowUp: -by.y, ArrowDown: by.y }[direction];
    const aside = Math.abs(direction === "ArrowLeft" || direction === "ArrowRight" ? by.y : by.x);
    return ahead > 0 ? ahead + 3 * aside : Infinity;
  };
  const nearest = boxes.filter((box) => cost(box) < Infinity).sort((a, b) => cost(a) - cost(b));
  return nearest[0] ?? null;
}

function changed(source: string, change: (body: Body) => void): string {
  const body = JSON.parse(source) as Body;
  change(body);
  return written(body);
}

export const written = (body: object) => JSON.stringify(body, null, 2);

/** The body with boxes for its widgets, by their places. */
export const withBoxes = (source: string, boxes: Map<number, Box>) =>
  changed(source, (body) => {
    for (const [place, box] of boxes) Object.assign(body.widgets[place]!, box);
  });

/** The body with another widget below all others. */
export const withWidget = (source: string, widget: GivenWidget) =>
  changed(source, (body) => {
    const bottom = Math.max(0, ...body.widgets.map((one) => (one.y ?? 0) + (one.height ?? SIDE)));
    body.widgets.push({ x: 0, y: bottom, width: 12, height: SIDE, ...widget });
  });

export const withoutWidget = (source: string, place: number) => changed(source, (body) => void body.widgets.splice(place, 1));

/** The body with another widget at a place, which keeps its box. */
export const withChanged = (source: string, place: number, widget: GivenWidget) =>
  changed(source, (body) => {
    const { x, y, width, height } = body.widgets[place]!;
    body.widgets[place] = { ...JSON.parse(JSON.stringify({ x, y, width, height })), ...widget };
  });

/** The body with a second one of the widget at a place, below all others. */
export function withCopy(source: string, place: number): string {
  const { type, properties, width, height } = (JSON.parse(source) as Body).widgets[place]!;
  return withWidget(source, { type, properties, ...(width ? { width } : {}), ...(height ? { height } : {}) });
}

/** The body with other members beside its widgets; those that are undefined or empty are left out. */
export const withMembers = (source: string, members: Partial<Omit<Body, "widgets">>) =>
  changed(source, (body) => {
    for (const [name, value] of Object.entries(members)) {
      const empty = value === undefined || value === "" || (Array.isArray(value) && !value.length);
      if (empty) Reflect.deleteProperty(body, name);
      else Object.assign(body, { [name]: value });
    }
  });

export const widgetAt = (source: string, place: number) => (JSON.parse(source) as Body).widgets[place];

/** The default dashboards are made as they are asked for: `epochwatch-fleet`, and one for each job. */
export const FLEET = "epochwatch-fleet";
export const jobDashboard = (job: string) => `epochwatch-job-${job}`;
