"""Uses every operation through whatever AWS client runs this; prints what came back. Also run by older clients."""

import datetime
import json
import sys
import time

import boto3
import botocore.model
from botocore.config import Config

url, access_key, secret, wanted, job, mark = sys.argv[1:7]
if wanted == "smithy-rpc-v2-cbor":
    botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS = (wanted, "json", "query", "rest-json")


def client(service):
    return boto3.client(
        service,
        endpoint_url=url,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=Config(retries={"max_attempts": 0}),
    )


def plain(value):
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {key: plain(element) for key, element in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list):
        return [plain(element) for element in value]
    return value


results = {}
cloudwatch = client("cloudwatch")
protocol = getattr(cloudwatch.meta.service_model, "resolved_protocol", cloudwatch.meta.service_model.protocol)
assert protocol == wanted, protocol
begin = datetime.datetime.fromtimestamp(int(time.time()) // 60 * 60 - 60, datetime.UTC)
end = begin + datetime.timedelta(minutes=2)
dimensions = [{"Name": "Mark", "Value": f"{mark} <&>"}]
cloudwatch.put_metric_data(
    Namespace="Round/Trip",
    MetricData=[
        {"MetricName": "single", "Dimensions": dimensions, "Timestamp": begin, "Value": 0.1, "Unit": "Seconds"},
        {
            "MetricName": "many",
            "Dimensions": dimensions,
            "Timestamp": begin,
            "Values": [1.0, 4.0],
            "Counts": [2.0, 10.0],
            "StorageResolution": 1,
        },
        {
            "MetricName": "set",
            "Dimensions": dimensions,
            "Timestamp": begin,
            "StatisticValues": {"SampleCount": 2.0, "Sum": 3.0, "Minimum": 1.0, "Maximum": 2.0},
        },
    ],
)
for name in ("single", "many", "set"):
    found = cloudwatch.get_metric_statistics(
        Namespace="Round/Trip",
        MetricName=name,
        Dimensions=dimensions,
        StartTime=begin,
        EndTime=end,
        Period=60,
        Statistics=["SampleCount", "Sum", "Minimum", "Maximum", "Average"],
    )
    for point in found["Datapoints"]:
        point["Timestamp"] = (point["Timestamp"] - begin).total_seconds()
    results[f"GetMetricStatistics {name}"] = plain(found)
found = cloudwatch.get_metric_data(
    MetricDataQueries=[
        {
            "Id": "p",
            "MetricStat": {
                "Metric": {"Namespace": "Round/Trip", "MetricName": "many", "Dimensions": dimensions},
                "Period": 60,
                "Stat": "p50",
            },
        }
    ],
    StartTime=begin,
    EndTime=end,
)
for result in found["MetricDataResults"]:
    result["Timestamps"] = [(moment - begin).total_seconds() for moment in result["Timestamps"]]
results["GetMetricData"] = plain(found)
results["ListMetrics"] = plain(
    cloudwatch.list_metrics(Namespace="Round/Trip", Dimensions=[{"Name": "Mark", "Value": f"{mark} <&>"}])
)
try:
    cloudwatch.get_metric_statistics(
        Namespace="n", MetricName="m", StartTime=end, EndTime=begin, Period=60, Statistics=["Sum"]
    )
except cloudwatch.exceptions.ClientError as error:
    results["error"] = [error.response["Error"]["Code"], error.response["Error"]["Message"]]

logs = client("logs")
group, stream = f"/round/{mark}", "stream/1"
logs.create_log_group(logGroupName=group)
logs.create_log_stream(logGroupName=group, logStreamName=stream)
now = int(time.time() * 1000)
logs.put_log_events(
    logGroupName=group,
    logStreamName=stream,
    logEvents=[{"timestamp": now + number, "message": f"line {number} é"} for number in range(3)],
)
page = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)
results["GetLogEvents"] = [event["message"] for event in page["events"]]
again = logs.get_log_events(logGroupName=group, logStreamName=stream, nextToken=page["nextForwardToken"])
results["GetLogEvents end"] = [again["events"], again["nextForwardToken"] == page["nextForwardToken"]]
results["DescribeLogGroups"] = [
    entry["logGroupName"] for entry in logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
]
results["DescribeLogStreams"] = [
    entry["logStreamName"] for entry in logs.describe_log_streams(logGroupName=group)["logStreams"]
]
results["FilterLogEvents"] = [
    event["message"] for event in logs.filter_log_events(logGroupName=group, filterPattern='"line 1"')["events"]
]

sagemaker = client("sagemaker")
results["DescribeTrainingJob"] = plain(sagemaker.describe_training_job(TrainingJobName=job))
results["ListTrainingJobs"] = plain(sagemaker.list_training_jobs(NameContains=job))["TrainingJobSummaries"]

metrics = client("sagemaker-metrics")
component = f"component-{mark}"
results["BatchPutMetrics"] = plain(
    metrics.batch_put_metrics(
        TrialComponentName=component,
        MetricData=[
            {"MetricName": "loss", "Timestamp": int(time.time()), "Step": step, "Value": 1.0 / (step + 1)}
            for step in range(3)
        ],
    )
)
account = client("sts").get_caller_identity()["Account"]
results["GetCallerIdentity"] = account
results["BatchGetMetrics"] = plain(
    metrics.batch_get_metrics(
        MetricQueries=[
            {
                "MetricName": "loss",
                "ResourceArn": f"arn:aws:sagemaker:us-east-1:{account}:experiment-trial-component/{component}",
                "MetricStat": "Last",
                "Period": "IterationNumber",
                "XAxisType": "IterationNumber",
            }
        ]
    )
)
json.dump(results, sys.stdout)
