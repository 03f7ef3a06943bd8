"""A script of a user of the SageMaker SDK, version 2: python sdk2_fit.py SOURCE_DIR DATA OUT."""

import json
import sys

import sagemaker
from sagemaker.analytics import TrainingJobAnalytics
from sagemaker.s3 import S3Downloader
from sagemaker.sklearn import SKLearn

source, data, out = sys.argv[1:]
session = sagemaker.Session()
estimator = SKLearn(
    entry_point="train.py",
    source_dir=source,
    framework_version="1.2-1",
    role="training",
    instance_type="ml.m5.large",
    instance_count=1,
    hyperparameters={"epochs": 5, "alpha": 0.01},
    metric_definitions=[{"Name": "accuracy", "Regex": "accuracy=([0-9.]+);"}],
    sagemaker_session=session,
)
estimator.fit({"train": session.upload_data(data, key_prefix="digits")}, logs="All")
S3Downloader.download(estimator.model_data, out, sagemaker_session=session)
job = estimator.latest_training_job.name
values = TrainingJobAnalytics(job, ["accuracy"], sagemaker_session=session).dataframe()
print("\nRESULT", json.dumps({"job": job, "values": list(values["value"])}))
