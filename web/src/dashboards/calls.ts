/** What the pages of dashboards ask of the server. */
import { ApiError, get, operation, post, send } from "../lib/api";
import { EMPTY, withWidget, type Dashboard, type Drawn, type Problem } from "./dashboard";

export interface Listed {
  name: string;
  arn: string;
  modified: number;
  size: number;
  tags: Record<string, string>;
  widgets: number;
}

/** What a dashboard is looked at with. */
export interface Look {
  start: string;
  end: string;
  variable: string[];
}

export interface ExplorerCharts {
  widgetsPerRow: number;
  rowsPerPage: number;
  charts: { properties: Record<string, unknown>; shown: number; left_out: number }[];
}

/** By type of resource: names of its metrics, and values of its labels. */
export type ExplorerChoices = Record<string, { metrics: string[]; labels: Record<string, string[]> }>;

const words = (given: Record<string, string | string[]>) =>
  new URLSearchParams(
    Object.entries(given).flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).filter(Boolean).map((one) => [name, one])),
  ).toString();

export const listed = () => get<{ dashboards: Listed[]; more: boolean }>("dashboards");

export const dashboard = (name: string, look: Look, signal?: AbortSignal) =>
  get<Dashboard>(`dashboards/${encodeURIComponent(name)}`, { ...look }, signal);

/** Puts a widget below all others of a dashboard, which is made where there is none of that name. */
export async function addWidget(name: string, widget: Parameters<typeof withWidget>[1]) {
  const before = await kept(name);
  const body = withWidget(before ?? EMPTY, widget);
  if (!(await written(name, body, before))) await addWidget(name, widget);
}

/** A body that is not kept, to be drawn; or what is wrong with it. */
export const drawn = (body: unknown, look: Look, signal?: AbortSignal) =>
  post<Partial<Drawn> & { problems: Problem[] }>(`drawn-dashboard?${words({ ...look })}`, { body }, signal);

export const explored = (widget: object, range: { start: string; end: string; suited: boolean }, signal?: AbortSignal) =>
  post<ExplorerCharts>(`explorer?${words({ start: range.start, end: range.end, suited: range.suited ? "1" : "" })}`, { widget }, signal);

export const explorerChoices = () => get<ExplorerChoices>("explorer/choices");

const FIRST = 10;

/** The ARNs of some alarms, to begin with. */
export async function firstAlarms(): Promise<string[]> {
  const { MetricAlarms = [] } = await operation<{ MetricAlarms?: { AlarmArn: string }[] }>("cloudwatch", "DescribeAlarms", { MaxRecords: FIRST });
  return MetricAlarms.map((one) => one.AlarmArn);
}

/** The body that is kept under a name; null if none is. */
export async function kept(name: string): Promise<string | null> {
  try {
    const found = await operation<{ DashboardBody: string }>("cloudwatch", "GetDashboard", { DashboardName: name });
    return found.DashboardBody;
  } catch (error) {
    if (error instanceof ApiError && [400, 404].includes(error.status)) return null;
    throw error;
  }
}

/** Keeps a body whatever there is. */
export const put = (name: string, body: string) => operation("cloudwatch", "PutDashboard", { DashboardName: name, DashboardBody: body });

/** Keeps a body where there still is what was read `before` (null: nothing), else it changes nothing and gives false. */
export async function written(name: string, body: string, before: string | null): Promise<boolean> {
  try {
    await write(name, { body, before });
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 409) return false;
    throw error;
  }
}

/** Makes a dashboard under a name that nobody has. */
export const make = (name: string, body = EMPTY, tags: Record<string, string> = {}) => write(name, { body, before: null, tags });

const write = (name: string, content: { body: string; before: string | null; tags?: Record<string, string> }) =>
  send("PUT", `dashboards/${encodeURIComponent(name)}`, content);

export const remove = (names: string[]) => operation("cloudwatch", "DeleteDashboards", { DashboardNames: names });

/** Gives a dashboard these tags and no others. */
export async function tag(arn: string, before: Record<string, string>, after: Record<string, string>) {
  const gone = Object.keys(before).filter((key) => !(key in after));
  const fresh = Object.entries(after).filter(([key, value]) => before[key] !== value);
  if (gone.length) await operation("cloudwatch", "UntagResource", { ResourceARN: arn, TagKeys: gone });
  if (fresh.length) await operation("cloudwatch", "TagResource", { ResourceARN: arn, Tags: fresh.map(([Key, Value]) => ({ Key, Value })) });
}
