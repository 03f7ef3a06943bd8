/** The page's place and view: all state that is worth a link lives in the URL. */

export const BASE = "/_/";

export const place = $state({ path: location.pathname, query: location.search });

function sync() {
  place.path = location.pathname;
  place.query = location.search;
}

/** Where each entry of the history was scrolled to is kept with it: content comes later than the browser would scroll. */
history.scrollRestoration = "manual";
let scrolled: ReturnType<typeof setTimeout> | undefined;
let restoring: (() => void) | null = null;

function keepScroll() {
  clearTimeout(scrolled);
  scrolled = undefined;
  if (!restoring) history.replaceState({ ...history.state, scroll: Math.round(scrollY) }, "");
}
window.addEventListener("scroll", () => (scrolled ??= setTimeout(keepScroll, 200)), { passive: true });

const RESTORE_MS = 3000;
const OWN_MOVES = ["wheel", "touchstart", "keydown", "mousedown"] as const;

/** Scrolls there as soon as the page is that long, unless the user moves by themselves. */
function restoreScroll(to: number) {
  restoring?.();
  if (to <= 0) return window.scrollTo(0, 0);
  const grows = new ResizeObserver(() => {
    window.scrollTo(0, to);
    if (Math.abs(scrollY - to) < 2) restoring?.();
  });
  const timer = setTimeout(() => restoring?.(), RESTORE_MS);
  restoring = () => {
    grows.disconnect();
    clearTimeout(timer);
    for (const move of OWN_MOVES) window.removeEventListener(move, restoring!);
    restoring = null;
  };
  for (const move of OWN_MOVES) window.addEventListener(move, restoring, { passive: true });
  grows.observe(document.body);
}

const kept = (state: unknown) => Number((state as { scroll?: number } | null)?.scroll ?? 0);
window.addEventListener("popstate", (event) => {
  clearTimeout(scrolled);
  scrolled = undefined;
  const same = place.path === location.pathname;
  sync();
  if (!same) restoreScroll(kept(event.state));
});
if (kept(history.state)) restoreScroll(kept(history.state));

export const ALARMS = `${BASE}alarms`;
export const alarmPath = (name: string) => `${ALARMS}/${encodeURIComponent(name)}`;
export const LOGIN = `${BASE}login`;
export const LOGS = `${BASE}logs`;
export const logGroupPath = (name: string) => `${LOGS}?group=${encodeURIComponent(name)}`;
export const tuningPath = (name: string) => `${BASE}tuning/${encodeURIComponent(name)}`;
export const METRICS = `${BASE}metrics`;
export const DASHBOARDS = `${BASE}dashboards`;
export const dashboardPath = (name: string) => `${DASHBOARDS}/${encodeURIComponent(name)}`;
export const jobPath = (name: string) => `${BASE}jobs/${encodeURIComponent(name)}`;

export function go(path: string) {
  keepScroll();
  restoring?.();
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
  if (push) history.pushState(history.state, "", url);
  else history.replaceState(history.state, "", url);
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
