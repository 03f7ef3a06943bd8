/** The list of dashboards: found by words, in an order of choice, those with a star first. */
import type { Listed } from "./calls";

export type Sort = "name" | "widgets" | "modified" | "size";

interface Wanted {
  search: string;
  sort: Sort;
  descending: boolean;
  stars: string[];
}

export function arrangedBoards(all: Listed[], { search, sort, descending, stars }: Wanted): Listed[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (one: Listed) => [one.name, ...Object.entries(one.tags).map((pair) => pair.join("="))].join(" ").toLowerCase();
  const starred = (one: Listed) => (stars.includes(one.name) ? 0 : 1);
  const order = (a: Listed, b: Listed) => (sort === "name" ? a.name.localeCompare(b.name) : a[sort] - b[sort]);
  return all
    .filter((one) => words.every((word) => text(one).includes(word)))
    .sort((a, b) => starred(a) - starred(b) || (descending ? order(b, a) : order(a, b)) || a.name.localeCompare(b.name));
}
