/** Code that reads what a graph shows: with boto3, the AWS CLI, and `epochwatch query`. */
import { shell } from "../lib/format";
import { bounds, isRelative } from "../lib/range";
import { DEFAULT_START, suited, type Graph } from "./graph";
import { metricOf, optionsOf, withIds, type Row } from "../lib/metricrow";

export interface Place {
  region: string;
  endpoint: string;
}

const periodOf = (graph: Graph, now: number) => graph.period || suited(graph.start, graph.end, now);

/** The queries of a GetMetricData request. */
export function queries(graph: Graph, now: number): Record<string, unknown>[] {
  const period = periodOf(graph, now);
  return withIds(graph.rows).map((row) => {
    const { id, label, visible, expression, stat, period: own } = optionsOf(row);
    const rest = { ...(label ? { Label: label } : {}), ...(visible === false ? { ReturnData: false } : {}) };
    if (expression !== undefined) return { Id: id, Expression: expression, Period: own ?? period, ...rest };
    const metric = metricOf(row)!;
    return {
      Id: id,
      MetricStat: {
        Metric: { Namespace: metric.namespace, MetricName: metric.name, Dimensions: metric.dimensions.map(([Name, Value]) => ({ Name, Value })) },
        Period: own ?? period,
        Stat: stat ?? graph.stat,
      },
      ...rest,
    };
  });
}

/** The range in seconds back from now, and the same as moments. */
function span({ start, end }: Graph, now: number) {
  const [from, to] = bounds(start || DEFAULT_START, end, now);
  const text = (time: number) => new Date(time * 1000).toISOString().replace(/\.\d+Z$/, "Z");
  return { follows: !end && isRelative(start || DEFAULT_START), seconds: Math.round(to - from), from: text(from), to: text(to) };
}

export function boto3(graph: Graph, { region, endpoint }: Place, now: number): string {
  const { follows, seconds, from, to } = span(graph, now);
  const literal = JSON.stringify(queries(graph, now), null, 4).replace(/\bfalse\b/g, "False").replace(/\btrue\b/g, "True");
  const times = follows
    ? `end = datetime.now(UTC)\nstart = end - timedelta(seconds=${seconds})`
    : `start, end = datetime.fromisoformat("${from.replace("Z", "+00:00")}"), datetime.fromisoformat("${to.replace("Z", "+00:00")}")`;
  return `from datetime import UTC, datetime, timedelta

import boto3

cloudwatch = boto3.client("cloudwatch", region_name="${region}", endpoint_url="${endpoint}")
${times}
queries = ${literal}
for page in cloudwatch.get_paginator("get_metric_data").paginate(
    MetricDataQueries=queries, StartTime=start, EndTime=end, ScanBy="TimestampAscending"
):
    for series in page["MetricDataResults"]:
        for time, value in zip(series["Timestamps"], series["Values"]):
            print(series["Label"], time, value)
`;
}

export function awsCli(graph: Graph, { region, endpoint }: Place, now: number): string {
  const { follows, seconds, from, to } = span(graph, now);
  const times = follows ? `--start-time "$(date -u -d '-${seconds} seconds' +%FT%TZ)" --end-time "$(date -u +%FT%TZ)"` : `--start-time ${from} --end-time ${to}`;
  return `aws cloudwatch get-metric-data --endpoint-url ${endpoint} --region ${region} \\
  ${times} \\
  --metric-data-queries ${shell([JSON.stringify(queries(graph, now))])}
`;
}

const word = (text: string) => (/^[^\s{}=,"]+$/.test(text) ? text : `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`);

function selector(row: Row, stat: string): string {
  const { namespace, name, dimensions } = metricOf(row)!;
  const pairs = dimensions.map(([key, value]) => `${word(key)}=${word(value)}`).join(", ");
  return `${word(namespace)} ${word(name)}${pairs ? `{${pairs}}` : ""} ${optionsOf(row).stat ?? stat}`;
}

/** What is asked there is called q1, q2, ..., and so expressions that name others get those names. */
export function query(graph: Graph, now: number): string {
  const { follows, seconds, from, to } = span(graph, now);
  const rows = withIds(graph.rows);
  const asked = rows.filter((row) => optionsOf(row).expression !== undefined || optionsOf(row).visible !== false);
  const called = new Map(asked.flatMap((row, index) => (optionsOf(row).expression === undefined ? [] : [[optionsOf(row).id!, `q${index + 1}`] as const])));
  const words = asked.map((row) => {
    const { expression, id } = optionsOf(row);
    return expression === undefined ? id! : expression.replace(/"[^"]*"|'[^']*'|\b[a-z]\w*\b/g, (one) => called.get(one) ?? one);
  });
  const metrics = rows.filter((row) => optionsOf(row).expression === undefined).map((row) => `  -m ${shell([`${optionsOf(row).id}=${selector(row, graph.stat)}`])}`);
  const times = follows ? `--start -${seconds}s` : `--start ${from} --end ${to}`;
  return `${[`epochwatch query ${shell(words)}`, ...metrics, `  ${times} --period ${periodOf(graph, now)} --plot`].join(" \\\n")}\n`;
}
