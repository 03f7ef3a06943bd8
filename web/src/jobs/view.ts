/** What the table shows, as the address holds it and as it is saved under a name. */
import { get, send } from "../lib/api";
import { param, params } from "../lib/router.svelte";
import { column, DEFAULT_COLUMNS, naturalOrder } from "./columns";

export interface View {
  filter: string;
  status: string;
  columns: string[];
  sort: string[];
  order: string[];
  group: string;
}

export interface SavedView {
  name: string;
  view: View;
  modified: number;
  default: boolean;
}

/** The view of the address. */
export function viewShown(): View {
  const columns = params("columns");
  const sort = params("sort");
  const order = params("order");
  return {
    filter: param("filter"),
    status: param("status"),
    columns: columns.length ? columns : DEFAULT_COLUMNS,
    sort: sort.length ? sort : ["created"],
    order: (sort.length ? sort : ["created"]).map((text, at) => order[at] ?? naturalOrder(column(text))),
    group: param("group"),
  };
}

/** The words that an address has for a view; null where it need not say so. */
export function viewWords({ filter, status, columns, sort, order, group }: View): Record<string, string | string[] | null> {
  const usual = (sort.length === 1 && sort[0] === "created" && (order[0] ?? "desc") === "desc") || sort.length === 0;
  return {
    filter: filter || null,
    status: status || null,
    columns: columns.length === 0 || same(columns, DEFAULT_COLUMNS) ? null : columns,
    sort: usual ? null : sort,
    order: usual || sort.every((text, at) => (order[at] ?? naturalOrder(column(text))) === naturalOrder(column(text))) ? null : order,
    group: group || null,
  };
}

export const same = (one: string[], other: string[]) => one.length === other.length && one.every((text, at) => text === other[at]);

export const isSame = (one: View, other: View) => JSON.stringify(viewWords(one)) === JSON.stringify(viewWords(other));

/** Whether the address says anything of the view. */
export const viewGiven = () => ["filter", "status", "columns", "sort", "group"].some((name) => params(name).length > 0);

type Answer = { views: SavedView[] };

export const savedViews = async () => (await get<Answer>("views")).views;

const put = async (method: "PUT" | "POST" | "DELETE", name: string, body?: object) =>
  (await send<Answer>(method, `views/${encodeURIComponent(name)}`, body)).views;

/** Saves a view in the place of the one of its name. */
export const saveView = (name: string, view: View, isDefault: boolean) => put("PUT", name, { ...view, default: isDefault });
export const renameView = (name: string, to: string) => put("POST", name, { name: to });
export const deleteView = (name: string) => put("DELETE", name);
