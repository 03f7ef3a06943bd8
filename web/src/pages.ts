/** Which page an address shows. The server answers the same addresses: `PAGES` in console/pages.py. */
import type { Component } from "svelte";
import AlarmList from "./alarms/AlarmList.svelte";
import AlarmPage from "./alarms/AlarmPage.svelte";
import ComparePage from "./compare/ComparePage.svelte";
import DashboardList from "./dashboards/DashboardList.svelte";
import DashboardPage from "./dashboards/DashboardPage.svelte";
import InsightsPage from "./insights/InsightsPage.svelte";
import LogsInsightsPage from "./logs/LogsInsightsPage.svelte";
import LogsPage from "./logs/LogsPage.svelte";
import TailPage from "./logs/TailPage.svelte";
import JobPage from "./job/JobPage.svelte";
import JobList from "./jobs/JobList.svelte";
import type { PageProps, Place, Section } from "./lib/page";
import MetricsPage from "./metrics/MetricsPage.svelte";
import TuningList from "./tuning/TuningList.svelte";
import TuningPage from "./tuning/TuningPage.svelte";

/** An address below `/_/`, in which `*` stands for a name. */
const PAGES: [string, Section, Component<PageProps>][] = [
  ["", "Jobs", JobList],
  ["jobs/*", "Jobs", JobPage],
  ["jobs/*/insights", "Jobs", InsightsPage],
  ["compare", "Jobs", ComparePage],
  ["tuning", "Jobs", TuningList],
  ["tuning/*", "Jobs", TuningPage],
  ["metrics", "Metrics", MetricsPage],
  ["logs", "Logs", LogsPage],
  ["logs/tail", "Logs", TailPage],
  ["logs/insights", "Logs", LogsInsightsPage],
  ["alarms", "Alarms", AlarmList],
  ["alarms/*", "Alarms", AlarmPage],
  ["dashboards", "Dashboards", DashboardList],
  ["dashboards/*", "Dashboards", DashboardPage],
];

const PATTERNS = PAGES.map(([address, section, page]) => ({
  pattern: new RegExp(`^/_/?${address.replace(/^(?=.)/, "(?<=/)").replace("*", "([^/]+)")}/?$`),
  section,
  page,
}));

/** The page at a path, or null where there is none. */
export function placeAt(path: string): Place | null {
  for (const { pattern, section, page } of PATTERNS) {
    const match = pattern.exec(path);
    if (!match) continue;
    try {
      return { name: decodeURIComponent(match[1] ?? ""), section, page };
    } catch {
      return null;
    }
  }
  return null;
}
