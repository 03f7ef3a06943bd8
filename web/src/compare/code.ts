/** Code that reads what a comparison shows. */
import { period } from "../job/snippets";
import type { Overview } from "../lib/types";
import type { ComparedJob } from "./compare";

export interface Compared {
  jobs: ComparedJob[];
  metric: string;
  overview: Overview | null;
}

const list = (words: string[]) => JSON.stringify(words);

export function python({ jobs, metric }: Compared): string {
  return `import epochwatch
import pandas as pd

jobs = ${list(jobs.map((job) => job.name))}
points = pd.concat(
    {name: epochwatch.job(name).dataframe(${JSON.stringify(metric)}) for name in jobs}, names=["job"]
)
print(points.groupby(["job", "step"])["value"].mean().unstack("job"))
`;
}

export function boto3({ jobs, metric, overview }: Compared): string {
  const start = Math.floor(Math.min(...jobs.map((job) => job.started ?? job.created)));
  const end = Math.ceil(Math.max(...jobs.map((job) => job.ended ?? job.updated))) + 60;
  return `import boto3
from datetime import datetime, timezone

cloudwatch = boto3.client("cloudwatch", region_name=${JSON.stringify(overview?.region ?? "us-east-1")}, endpoint_url=${JSON.stringify(overview?.endpoint ?? location.origin)})
jobs = ${list(jobs.map((job) => job.name))}
pages = cloudwatch.get_paginator("get_metric_data").paginate(
    MetricDataQueries=[
        {
            "Id": f"m{number}",
            "Label": job,
            "MetricStat": {
                "Metric": {
                    "Namespace": "/aws/sagemaker/TrainingJobs",
                    "MetricName": ${JSON.stringify(metric)},
                    "Dimensions": [{"Name": "TrainingJobName", "Value": job}],
                },
                "Period": ${period(end - start)},
                "Stat": "Average",
            },
        }
        for number, job in enumerate(jobs)
    ],
    StartTime=datetime.fromtimestamp(${start}, timezone.utc),
    EndTime=datetime.fromtimestamp(${end}, timezone.utc),
    ScanBy="TimestampAscending",
)
for page in pages:
    for result in page["MetricDataResults"]:
        print(result["Label"], list(zip(result["Timestamps"], result["Values"])))
`;
}
