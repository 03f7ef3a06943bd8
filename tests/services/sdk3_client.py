"""Run by an interpreter with the SageMaker Python SDK v3's core, whose typed resources read every answer.
Prints what it saw as JSON.
"""

import json
import sys
import tarfile
import time
from pathlib import Path

import boto3
from sagemaker.core import resources, shapes

ROLE = "arn:aws:iam::123456789012:role/training"
BUCKET = "sagemaker-us-east-1-123456789012"
OUT = shapes.OutputDataConfig(s3_output_path=f"s3://{BUCKET}/out")
MACHINE = {"instance_type": "ml.m5.large", "instance_count": 1, "volume_size_in_gb": 1}
LIMIT = shapes.StoppingCondition(max_runtime_in_seconds=600)
LOSS = [shapes.MetricDefinition(name="loss", regex="loss=([0-9.]+)")]


def train(name: str, script: str) -> resources.TrainingJob:
    return resources.TrainingJob.create(
        training_job_name=name,
        role_arn=ROLE,
        algorithm_specification=shapes.AlgorithmSpecification(
            training_image="process",
            training_input_mode="File",
            metric_definitions=LOSS,
            container_entrypoint=["/bin/bash", "-c"],
            container_arguments=[script],
        ),
        output_data_config=OUT,
        resource_config=shapes.ResourceConfig(**MACHINE),
        stopping_condition=LIMIT,
    )


def whole() -> dict[str, object]:
    """A job from its creation to its deletion."""
    job = train("core-whole", "echo loss=0.25; echo model > /opt/ml/model/m")
    job.wait(poll=1, logs=True, timeout=120)
    found = {
        "status": job.training_job_status,
        "way": [one.status for one in job.secondary_status_transitions],
        "messages": [one.status_message for one in job.secondary_status_transitions],
        "metric": [one.value for one in job.final_metric_data_list],
        "model": job.model_artifacts.s3_model_artifacts,
        "listed": [one.training_job_name for one in resources.TrainingJob.get_all(name_contains="core-whole")],
    }
    job.delete()
    left = [one.training_job_name for one in resources.TrainingJob.get_all(name_contains="core-whole")]
    return found | {"left": left}


def stopped() -> list[str]:
    """A job that is stopped while it trains."""
    job = train("core-stopped", "sleep 60")
    while job.secondary_status != "Training":
        time.sleep(0.5)
        job.refresh()
    job.stop()
    job.wait(poll=1, timeout=120)
    return [job.training_job_status, job.secondary_status]


def failed() -> str:
    """What the SDK says of a job that fails."""
    job = train("core-failed", "echo broken > /opt/ml/output/failure; exit 3")
    try:
        job.wait(poll=1, timeout=120)
    except Exception as error:  # noqa: BLE001
        return str(error)
    return ""


def tuned(directory: Path) -> dict[str, object]:
    """A tuning job over a script."""
    script, archive = directory / "train.py", directory / "sourcedir.tar.gz"
    script.write_text("import sys; print('loss=' + sys.argv[sys.argv.index('--lr') + 1])")
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(script, "train.py")
    boto3.client("s3").upload_file(str(archive), BUCKET, "code/sourcedir.tar.gz")
    tuning = resources.HyperParameterTuningJob.create(
        hyper_parameter_tuning_job_name="core-grid",
        hyper_parameter_tuning_job_config=shapes.HyperParameterTuningJobConfig(
            strategy="Grid",
            hyper_parameter_tuning_job_objective=shapes.HyperParameterTuningJobObjective(
                type="Maximize", metric_name="loss"
            ),
            resource_limits=shapes.ResourceLimits(max_parallel_training_jobs=2),
            parameter_ranges=shapes.ParameterRanges(
                categorical_parameter_ranges=[shapes.CategoricalParameterRange(name="lr", values=["1", "2"])]
            ),
        ),
        training_job_definition=shapes.HyperParameterTrainingJobDefinition(
            static_hyper_parameters={
                "sagemaker_program": '"train.py"',
                "sagemaker_submit_directory": json.dumps(f"s3://{BUCKET}/code/sourcedir.tar.gz"),
            },
            algorithm_specification=shapes.HyperParameterAlgorithmSpecification(
                training_image="process", training_input_mode="File", metric_definitions=LOSS
            ),
            role_arn=ROLE,
            output_data_config=OUT,
            resource_config=shapes.ResourceConfig(**MACHINE),
            stopping_condition=LIMIT,
        ),
    )
    tuning.wait(poll=1, timeout=120)
    best = tuning.best_training_job
    return {
        "status": tuning.hyper_parameter_tuning_job_status,
        "best": best.tuned_hyper_parameters,
        "value": best.final_hyper_parameter_tuning_job_objective_metric.value,
        "trainings": [one.tuned_hyper_parameters["lr"] for one in tuning.get_all_training_jobs()],
    }


def experiment() -> dict[str, object]:
    """An experiment, a trial and a component."""
    resources.Experiment.create(experiment_name="core-exp")
    resources.Trial.create(trial_name="core-trial", experiment_name="core-exp")
    component = resources.TrialComponent.create(
        trial_component_name="core-component",
        parameters={"lr": shapes.TrialComponentParameterValue(number_value=0.5)},
    )
    boto3.client("sagemaker").associate_trial_component(
        TrialComponentName="core-component", TrialName="core-trial"
    )
    component.refresh()
    return {
        "parameters": component.parameters["lr"].number_value,
        "trials": [one.trial_name for one in resources.Trial.get_all(experiment_name="core-exp")],
        "components": [
            one.trial_component_name for one in resources.TrialComponent.get_all(trial_name="core-trial")
        ],
    }


print(
    json.dumps(
        {
            "whole": whole(),
            "stopped": stopped(),
            "failed": failed(),
            "tuned": tuned(Path(sys.argv[1])),
            "experiment": experiment(),
        }
    )
)
