import { type Picture, readPicture } from "../charts/picture";
import { ApiError, operation } from "../lib/api";
import { Attempts } from "../lib/attempts.svelte";
import type { Table } from "../lib/exports";
import { moment } from "../lib/format";
import { arranged, nameOf, type AlarmState, type SortBy } from "./alarmstates";
import { explored, type ExplorerCharts } from "./calls";
import type { Properties } from "./dashboard";
import { run } from "../logs/queries";
import { results, table as logTable, type Results } from "../logs/query";
import { logPicture, parted } from "./logresults";
import { Queue } from "./queue";

/** The time that a dashboard shows: as it is written, and in Unix seconds. */
export interface Range {
  start: string;
  end: string;
  from: number;
  to: number;
  /** Whether periods are chosen by the time, and not by the widgets. */
  suited: boolean;
}

const MOST_AT_ONCE = 4;
const ALARMS_OF_A_CALL = 100;
const requests = new Queue(MOST_AT_ONCE);

/** What a widget shows, and how it comes by it. */
export class Content {
  picture = $state.raw<Picture | null>(null);
  alarms = $state.raw<AlarmState[] | null>(null);
  results = $state.raw<Results | null>(null);
  charts = $state.raw<ExplorerCharts | null>(null);
  /** When it came, in Unix seconds; null before. */
  at = $state<number | null>(null);
  loading = $state(false);
  readonly attempts = new Attempts();
  #asked: AbortController | null = null;
  #key = "";

  /** Reads it anew. While the same is being read there is nothing to do: a slow answer is waited for, not asked again. */
  ask(type: string, properties: Properties, range: Range) {
    const key = JSON.stringify([type, properties, range.start, range.end, range.suited]);
    if (this.loading && key === this.#key) return;
    this.#asked?.abort();
    const { signal } = (this.#asked = new AbortController());
    this.#key = key;
    this.loading = true;
    void this.attempts
      .make(() => requests.run(() => this.#read(type, properties, range, signal), signal), signal)
      .finally(() => {
        if (signal.aborted) return;
        this.loading = false;
        this.at = Date.now() / 1000;
      });
  }

  stop() {
    this.#asked?.abort();
    this.loading = false;
  }

  async #read(type: string, properties: Properties, range: Range, signal: AbortSignal) {
    if (type === "metric") this.picture = await readPicture(properties, signal);
    else if (type === "alarm") this.alarms = await alarmsOf(properties);
    else if (type === "explorer") this.charts = await explored(properties, range, signal);
    else if (type === "log") {
      this.results = await queried(properties, range, signal);
      this.picture = asPicture(this.results, properties, range);
    }
  }

  /** What is shown, as rows; null where it is no data. */
  table(): Table | null {
    if (this.alarms) {
      const rows = this.alarms.map((one) => [one.AlarmName, one.StateValue, moment(one.StateUpdatedTimestamp), one.StateReason]);
      return { columns: ["Alarm", "State", "Since", "Reason"], rows };
    }
    if (this.results) return logTable(this.results);
    return this.picture && pictureTable(this.picture);
  }

  json(): unknown {
    return this.alarms ?? this.results ?? this.picture ?? this.charts;
  }
}

function pictureTable({ view, curves }: Picture): Table {
  if (view !== "timeSeries") return { columns: ["Metric", "Value", "Unit"], rows: curves.map((one) => [one.label, one.number ?? one.values.at(-1), one.unit]) };
  const rows = curves.flatMap((one) => one.timestamps.map((time, index) => [new Date(time * 1000).toISOString(), one.label, one.values[index], one.unit]));
  return { columns: ["Time", "Metric", "Value", "Unit"], rows };
}

async function alarmsOf(properties: Properties): Promise<AlarmState[]> {
  const names = ((properties.alarms as string[] | undefined) ?? []).map(nameOf);
  const found: AlarmState[] = [];
  for (let at = 0; at < names.length; at += ALARMS_OF_A_CALL) {
    const page = await operation<{ MetricAlarms?: AlarmState[]; CompositeAlarms?: AlarmState[] }>("cloudwatch", "DescribeAlarms", {
      AlarmNames: names.slice(at, at + ALARMS_OF_A_CALL),
      AlarmTypes: ["MetricAlarm", "CompositeAlarm"],
    });
    found.push(...(page.MetricAlarms ?? []), ...(page.CompositeAlarms ?? []));
  }
  return arranged(found, (properties.sortBy as SortBy) ?? "default", (properties.states as string[]) ?? []);
}

async function queried(properties: Properties, range: Range, signal: AbortSignal): Promise<Results> {
  const { groups, query } = parted(String(properties.query));
  if (!groups.length) throw new ApiError("The query names no log group.", "Begin it with: SOURCE 'group' |", 400);
  const language = properties.queryLanguage as string | undefined;
  return results((await run({ groups, query, start: range.from, end: range.to, language }, signal)).rows);
}

function asPicture(rows: Results, properties: Properties, { from, to }: Range): Picture | null {
  const view = (properties.view as string | undefined) ?? "table";
  if (view !== "timeSeries" && view !== "bar" && view !== "pie") return null;
  return logPicture(rows, parted(String(properties.query)).query, { view, stacked: properties.stacked === true, title: String(properties.title ?? ""), from, to });
}
