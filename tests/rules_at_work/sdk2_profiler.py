"""Run by an interpreter with the SageMaker Python SDK v2: trains with profiler rules. Prints what it saw as JSON."""

import json
import sys
import time
from pathlib import Path

import sagemaker
from sagemaker.debugger import FrameworkProfile, ProfilerConfig, ProfilerRule, rule_configs
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
    profiler_config=ProfilerConfig(
        system_monitor_interval_millis=100,
        framework_profile_params=FrameworkProfile(start_step=5, num_steps=3),
    ),
    rules=[
        ProfilerRule.sagemaker(
            rule_configs.ProfilerReport(CPUBottleneck_cpu_threshold=80, StepOutlier_n_outliers=1),
            name="ProfilerReport-1700000000",
        ),
        ProfilerRule.sagemaker(rule_configs.LowGPUUtilization()),
        ProfilerRule.sagemaker(rule_configs.StepOutlier(n_outliers=1)),
    ],
)
estimator.fit(wait=True, logs=False, job_name="profiled-by-the-sdk")
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
            "profiling": job.describe()["ProfilingStatus"],
            "artifacts": estimator.latest_job_profiler_artifacts_path(),
        }
    )
)
