/** Named places that were visited lately, kept by this browser. */
import { keep, kept } from "../lib/kept";
import type { Kind } from "./search";

export interface Visit {
  kind: Kind;
  name: string;
  about: string;
  path: string;
}

const KEY = "recent";
const MOST = 12;

export function visits(): Visit[] {
  try {
    const found = JSON.parse(kept(KEY) ?? "[]") as Visit[];
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

export const noteVisit = (visit: Visit) => keep(KEY, JSON.stringify([visit, ...visits().filter((one) => one.path !== visit.path)].slice(0, MOST)));
