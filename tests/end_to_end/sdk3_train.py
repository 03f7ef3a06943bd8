"""A script of a user of the SageMaker SDK, version 3: python sdk3_train.py SOURCE_DIR DATA OUT."""

import json
import sys

import boto3
from sagemaker.core.shapes import MetricDefinition
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode

source, data, out = sys.argv[1:]
trainer = ModelTrainer(
    training_image="683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
    role="arn:aws:iam::123456789012:role/training",
    source_code=SourceCode(source_dir=source, entry_script="train.py"),
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    hyperparameters={"epochs": 5, "alpha": 0.01},
    base_job_name="trained",
).with_metric_definitions([MetricDefinition(name="accuracy", regex="accuracy=([0-9.]+);")])
trainer.train(input_data_config=[InputData(channel_name="train", data_source=data)], wait=True, logs=True)
job = trainer._latest_training_job
bucket, _, key = job.model_artifacts.s3_model_artifacts.removeprefix("s3://").partition("/")
boto3.client("s3").download_file(bucket, key, f"{out}/model.tar.gz")
values = [metric.value for metric in job.final_metric_data_list]
print("\nRESULT", json.dumps({"job": job.training_job_name, "values": values}))
