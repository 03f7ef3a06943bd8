/** The page's place and view: all state that is worth a link lives in the URL. */

export const BASE = "/_/";

export const place = $state({ path: location.pathname, query: location.search });

function sync() {
  place.path = location.pathname;
  place.query = location.search;
}
window.addEventListener("popstate", sync);

/** The job named by a path, or null for the list. */
export function jobOf(path: string): string | null {
  const match = /^\/_\/jobs\/([^/]+)\/?$/.exec(path);
  try {
    return match ? decodeURIComponent(match[1]!) : null;
  } catch {
    return null;
  }
}

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
export function setParams(values: Record<string, string | number | null>, push = false) {
  const words = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === "") words.delete(name);
    else words.set(name, String(value));
  }
  const text = words.toString();
  const url = location.pathname + (text ? `?${text}` : "");
  if (push) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
  sync();
}

/** Lets plain links work without a page load; other clicks (new tab, download) stay the browser's. */
export function followLinks(event: MouseEvent) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = (event.target as Element | null)?.closest("a");
  if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  if (link.pathname !== BASE && !link.pathname.startsWith(`${BASE}jobs/`)) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
