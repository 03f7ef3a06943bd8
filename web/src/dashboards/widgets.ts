/** The types of widgets: what they are called, and where else they can be looked at. */
import { fromSource, spelled, written } from "../metrics/graph";
import { metricOf, optionsOf, type Row } from "../lib/metricrow";
import { METRICS } from "../lib/router.svelte";
import type { GivenWidget, Properties, Widget } from "./dashboard";

export interface Kind {
  type: string;
  name: string;
  /** What it is for. */
  says: string;
}

export const KINDS: Kind[] = [
  { type: "metric", name: "Metrics", says: "Lines, areas, numbers, gauges, bars, shares or a table of metrics and expressions." },
  { type: "log", name: "Log query", says: "What a Logs Insights query finds, as rows or drawn." },
  { type: "alarm", name: "Alarms", says: "The states of alarms." },
  { type: "explorer", name: "Explorer", says: "A metric of all jobs or hosts that have some tags, whichever they are." },
  { type: "text", name: "Text", says: "Headings, notes and links in Markdown." },
  { type: "custom", name: "Custom", says: "A widget that a Lambda function draws: kept for CloudWatch, not drawn here." },
];

const GROUP = "/aws/sagemaker/TrainingJobs";

/** Where new widgets are made: their account and region, and alarms that they can show (ARNs). */
export interface Home {
  account: string;
  region: string;
  alarms: string[];
}

/** A new widget of a type, which shows something at once where there is anything. */
export function fresh(type: string, { region, account, alarms }: Home): GivenWidget {
  const search = `SEARCH('{${GROUP},TrainingJobName} loss', 'Average')`;
  const properties: Record<string, Properties> = {
    metric: { title: "Losses", region, view: "timeSeries", metrics: [[{ expression: search, id: "e1", label: "${PROP('Dim.TrainingJobName')} ${PROP('MetricName')}" }]] },
    log: { title: "Newest lines", region, view: "table", query: `SOURCE '${GROUP}' | fields @timestamp, @message | sort @timestamp desc | limit 20` },
    alarm: { title: "Alarms", alarms: alarms.length ? alarms : [`arn:aws:cloudwatch:${region}:${account}:alarm:NAME`] },
    explorer: {
      title: "All jobs",
      region,
      period: 60,
      metrics: [{ metricName: "train:loss", resourceType: "AWS::SageMaker::TrainingJob", stat: "Average" }],
      labels: [{ key: "TrainingJobName" }],
      aggregateBy: { key: "", func: "AVG" },
      widgetOptions: { view: "timeSeries", stacked: false, widgetsPerRow: 2, rowsPerPage: 1, legend: { position: "bottom" } },
    },
    text: { markdown: "## A title\n\nWhat is to be seen here." },
    custom: { title: "Custom", endpoint: `arn:aws:lambda:${region}:${account}:function:NAME`, params: {}, updateOn: { refresh: true, resize: true, timeRange: true } },
  };
  return { type, properties: properties[type] ?? {}, ...(type === "text" ? { width: 12, height: 3 } : {}) };
}

/** The rows of a metric widget, each in full. */
export const rowsOf = (properties: Properties) => spelled((properties.metrics as Row[] | undefined) ?? []);

/** What a widget is called: by its title, else by what it shows. */
export function titleOf({ type, properties }: Pick<Widget, "type" | "properties">): string {
  if (properties.title) return String(properties.title);
  if (type === "metric") {
    const names = rowsOf(properties).map((row) => optionsOf(row).label ?? metricOf(row)?.name ?? optionsOf(row).expression ?? "");
    return [...new Set(names.filter(Boolean))].slice(0, 3).join(", ") || "Metrics";
  }
  if (type === "text") return /^#+\s*(.+)/m.exec(String(properties.markdown ?? ""))?.[1] ?? "Text";
  return KINDS.find((kind) => kind.type === type)?.name ?? type;
}

/** The page of metrics with what a metric widget shows. */
export function inMetrics(properties: Properties): string {
  const words = Object.entries(written(fromSource(JSON.stringify(properties)))).flatMap(([name, value]) =>
    value === null || value === "" ? [] : (Array.isArray(value) ? value : [String(value)]).map((one) => [name, one]),
  );
  return `${METRICS}?${new URLSearchParams(words)}`;
}

/** Code that draws the widget by boto3. */
export const boto3Of = (properties: Properties) => `import json

import boto3

widget = json.loads(r'''${JSON.stringify(properties, null, 2)}''')
answer = boto3.client("cloudwatch").get_metric_widget_image(MetricWidget=json.dumps(widget))
open("widget.png", "wb").write(answer["MetricWidgetImage"])
`;
