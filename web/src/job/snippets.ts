/** Code that reads a chart's data with unmodified AWS clients. */

const NAMESPACE = "/aws/sagemaker/TrainingJobs";
const HOUR = 3600;

export interface Target {
  job: string;
  metrics: string[];
  region: string;
  endpoint: string;
  /** Unix seconds: what the job spans. */
  start: number;
  end: number;
}

const iso = (time: number) => new Date(time * 1000).toISOString().replace(/\.\d+Z$/, "Z");

/** GetMetricStatistics allows 1,440 datapoints an answer: the shortest period that fits the span. */
export function period(seconds: number): number {
  const choices = [1, 5, 10, 30, 60, 300, HOUR];
  return choices.find((choice) => seconds / choice <= 1440) ?? Math.ceil(seconds / 1440 / HOUR) * HOUR;
}

function span(target: Target): [number, number] {
  return [Math.floor(target.start), Math.ceil(target.end) + 60];
}

export function boto3(target: Target): string {
  const [start, end] = span(target);
  return `import boto3
from datetime import datetime

cloudwatch = boto3.client("cloudwatch", region_name=${JSON.stringify(target.region)}, endpoint_url=${JSON.stringify(target.endpoint)})
for metric in ${JSON.stringify(target.metrics)}:
    answer = cloudwatch.get_metric_statistics(
        Namespace=${JSON.stringify(NAMESPACE)},
        MetricName=metric,
        Dimensions=[{"Name": "TrainingJobName", "Value": ${JSON.stringify(target.job)}}],
        StartTime=datetime.fromisoformat(${JSON.stringify(iso(start).replace("Z", "+00:00"))}),
        EndTime=datetime.fromisoformat(${JSON.stringify(iso(end).replace("Z", "+00:00"))}),
        Period=${period(end - start)},
        Statistics=["Average", "Minimum", "Maximum"],
    )
    for point in sorted(answer["Datapoints"], key=lambda point: point["Timestamp"]):
        print(metric, point["Timestamp"], point["Average"])
`;
}

const quote = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

export function cli(target: Target): string {
  const [start, end] = span(target);
  return target.metrics
    .map(
      (metric) => `aws cloudwatch get-metric-statistics --endpoint-url ${target.endpoint} --region ${target.region} \\
  --namespace ${NAMESPACE} --metric-name ${quote(metric)} \\
  --dimensions Name=TrainingJobName,Value=${target.job} \\
  --start-time ${iso(start)} --end-time ${iso(end)} \\
  --period ${period(end - start)} --statistics Average Minimum Maximum
`,
    )
    .join("\n");
}
