/** The page's place and view: all state that is worth a link lives in the URL. */

export const BASE = "/_/";

export const place = $state({ path: location.pathname, query: location.search });

function sync() {
  place.path = location.pathname;
  place.query = location.search;
}
window.addEventListener("popstate", sync);

export const ALARMS = `${BASE}alarms`;
export const alarmPath = (name: string) => `${ALARMS}/${encodeURIComponent(name)}`;
export const METRICS = `${BASE}metrics`;
export const LOGS = `${BASE}logs`;
export const DASHBOARDS = `${BASE}dashboards`;
export const dashboardPath = (name: string) => `${DASHBOARDS}/${encodeURIComponent(name)}`;
export const jobPath = (name: string) => `${BASE}jobs/${encodeURIComponent(name)}`;

export function go(path: string) {
  history.pushState(null, "", path);
  sync();
  window.scrollTo(0, 0);
}

export function param(name: string, fallback = ""): string {
  return new URLSearchParams(place.query).get(name) ?? fallback;
}

/** Sets or (with null or "") removes words of the query; `push` makes it a step of the history. */
export function setParams(values: Record<string, string | number | string[] | null>, push = false) {
  const words = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) {
    words.delete(name);
    if (value === null || value === "") continue;
    for (const one of Array.isArray(value) ? value : [value]) words.append(name, String(one));
  }
  const text = words.toString();
  const url = location.pathname + (text ? `?${text}` : "");
  if (push) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
  sync();
}

/** The repeated words of the query called `name`. */
export const params = (name: string): string[] => new URLSearchParams(place.query).getAll(name);

/** Lets plain links work without a page load; other clicks (new tab, download) stay the browser's. */
export function followLinks(event: MouseEvent, isPage: (path: string) => boolean) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = (event.target as Element | null)?.closest("a");
  if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  if (!isPage(link.pathname)) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
