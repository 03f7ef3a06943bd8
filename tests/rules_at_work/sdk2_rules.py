"""Run by an interpreter with the SageMaker Python SDK v2: trains with rules. Prints what it saw as JSON."""

import json
import sys
import time
from pathlib import Path

import sagemaker
from sagemaker.debugger import CollectionConfig, Rule, rule_configs
from sagemaker.estimator import Estimator

ROLE = "arn:aws:iam::123456789012:role/training"

directory = Path(sys.argv[1])
session = sagemaker.Session()
estimator = Estimator(
    image_uri="process",
    entry_point="train.py",
    source_dir=str(directory),
    role=ROLE,
    instance_count=1,
    instance_type="ml.m5.large",
    sagemaker_session=session,
    rules=[
        Rule.sagemaker(
            rule_configs.vanishing_gradient(),
            rule_parameters={"threshold": "0.001"},
            collections_to_save=[CollectionConfig(name="gradients", parameters={"save_interval": "2"})],
            actions=rule_configs.ActionList(rule_configs.StopTraining()),
        ),
        Rule.sagemaker(rule_configs.exploding_tensor()),
    ],
)
estimator.fit(wait=True, logs=False, job_name="by-the-sdk")
job = estimator.latest_training_job
while any(one["RuleEvaluationStatus"] in ("InProgress", "Stopping") for one in job.rule_job_summary()):
    time.sleep(0.5)
print(
    json.dumps(
        {
            "rules": {
                one["RuleConfigurationName"]: [one["RuleEvaluationStatus"], one.get("StatusDetails", "")]
                for one in job.rule_job_summary()
            },
            "status": job.describe()["TrainingJobStatus"],
            "artifacts": estimator.latest_job_debugger_artifacts_path(),
        }
    )
)
