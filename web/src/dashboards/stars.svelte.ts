import { keep, kept } from "../lib/kept";

const KEY = "starred-dashboards";

function stored(): string[] {
  try {
    const found: unknown = JSON.parse(kept(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

/** Dashboards that come first in the list, of this browser. */
export const stars = $state<{ names: string[] }>({ names: stored() });

export function toggleStar(name: string) {
  stars.names = stars.names.includes(name) ? stars.names.filter((one) => one !== name) : [...stars.names, name];
  keep(KEY, stars.names.length ? JSON.stringify(stars.names) : null);
}
