"""examples/digits.py as a training job made through the AWS API: created, followed, and asked for what it said.

pip install boto3 scikit-learn
epochwatch serve --daemon
eval "$(epochwatch env)"
python examples/training_job.py
"""

import time
from pathlib import Path

import boto3

BUCKET = "sagemaker-us-east-1-123456789012"
SCRIPT = Path(__file__).with_name("digits.py")
GROUP = "/aws/sagemaker/TrainingJobs"

s3, sagemaker, logs = boto3.client("s3"), boto3.client("sagemaker"), boto3.client("logs")
if BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
    s3.create_bucket(Bucket=BUCKET)
s3.upload_file(str(SCRIPT), BUCKET, "code/digits.py")

job = f"digits-{int(time.time())}"
sagemaker.create_training_job(
    TrainingJobName=job,
    RoleArn="arn:aws:iam::123456789012:role/training",
    AlgorithmSpecification={
        "TrainingImage": "sklearn",  # a local environment that has scikit-learn
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/digits.py"],
    },
    InputDataConfig=[
        {
            "ChannelName": "code",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/code/digits.py"}},
        }
    ],
    OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/jobs"},
    ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
    StoppingCondition={"MaxRuntimeInSeconds": 600},
)

status, shown = "", ""
while status not in ("Completed", "Failed", "Stopped"):
    described = sagemaker.describe_training_job(TrainingJobName=job)
    status, message = described["TrainingJobStatus"], described["SecondaryStatusTransitions"][-1]["StatusMessage"]
    if message != shown:
        print(message)
    shown = message
    time.sleep(0.5)

for stream in logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{job}/")["logStreams"]:
    name = stream["logStreamName"]
    events = logs.get_log_events(logGroupName=GROUP, logStreamName=name, startFromHead=True)["events"]
    print(f"{name}: {len(events)} lines, the last: {events[-1]['message']}")
for metric in described["FinalMetricDataList"]:
    print(f"{metric['MetricName']} = {metric['Value']}")
print(status, described.get("FailureReason", ""))
