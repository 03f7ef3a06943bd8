"""A script of a user of the SageMaker SDK, version 2: python sdk2_frameworks.py KIND SOURCE_DIR DATA OUT."""

import json
import sys

import sagemaker
from sagemaker import image_uris
from sagemaker.analytics import TrainingJobAnalytics
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.pytorch import PyTorch
from sagemaker.s3 import S3Downloader
from sagemaker.xgboost import XGBoost

kind, source, data, out = sys.argv[1:]
session = sagemaker.Session()
machine = {"role": "training", "instance_type": "ml.m5.large", "instance_count": 1, "sagemaker_session": session}
loss = [{"Name": "loss", "Regex": "loss=([0-9.]+);"}]
estimator: Estimator
if kind == "algorithm":
    estimator = Estimator(
        image_uris.retrieve("xgboost", "us-east-1", "1.7-1"),
        hyperparameters={"num_round": 8, "eta": 0.5, "eval_metric": "rmse"},
        **machine,
    )
    metric = "train:rmse"
else:
    framework = XGBoost if kind == "xgboost" else PyTorch
    versions = (
        {"framework_version": "1.7-1"}
        if kind == "xgboost"
        else {"framework_version": "2.3", "py_version": "py311"}
    )
    estimator = framework(
        entry_point=f"{kind}_train.py",
        source_dir=source,
        hyperparameters={"rounds": 8},
        metric_definitions=loss,
        **versions,
        **machine,
    )
    metric = "loss"
uploaded = TrainingInput(session.upload_data(data, key_prefix=f"rows-{kind}"), content_type="text/csv")
estimator.fit({"train": uploaded}, logs="All")
S3Downloader.download(estimator.model_data, out, sagemaker_session=session)
job = estimator.latest_training_job.name
values = TrainingJobAnalytics(job, [metric], sagemaker_session=session).dataframe()
print("\nRESULT", json.dumps({"job": job, "values": list(values["value"])}))
