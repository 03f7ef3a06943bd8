/** What a page is given, and where it belongs. */
import type { Component } from "svelte";
import type { Overview } from "./types";

export type Section = "Jobs" | "Metrics" | "Logs" | "Alarms" | "Dashboards";

export interface PageProps {
  /** What the address names, decoded; empty for a list. */
  name: string;
  overview: Overview | null;
  /** Unix seconds, each second anew. */
  now: number;
}

/** Which page an address shows. */
export interface Place {
  name: string;
  section: Section;
  page: Component<PageProps>;
}
