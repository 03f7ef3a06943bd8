"""Run by an interpreter with the SageMaker Python SDK v2: tunes, and keeps experiments. Prints what it saw as JSON."""

import json
import sys
from pathlib import Path

import sagemaker
from sagemaker.analytics import ExperimentAnalytics
from sagemaker.estimator import Estimator
from sagemaker.experiments import list_runs, load_run
from sagemaker.experiments.run import Run
from sagemaker.tuner import CategoricalParameter, ContinuousParameter, HyperparameterTuner

ROLE = "arn:aws:iam::123456789012:role/training"
SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--optimizer")
parser.add_argument("--epochs", type=int)
given = parser.parse_args()
for epoch in range(given.epochs):
    print(f"epoch={epoch} loss={given.lr + (given.optimizer == 'sgd'):.6f}", flush=True)
"""


def tune(session: sagemaker.Session, directory: Path) -> dict[str, object]:
    (directory / "train.py").write_text(SCRIPT)
    estimator = Estimator(
        image_uri="process",
        entry_point="train.py",
        source_dir=str(directory),
        role=ROLE,
        instance_count=1,
        instance_type="ml.m5.large",
        hyperparameters={"epochs": 2},
        sagemaker_session=session,
    )
    tuner = HyperparameterTuner(
        estimator,
        "loss",
        {
            "lr": ContinuousParameter(0.001, 1.0, scaling_type="Logarithmic"),
            "optimizer": CategoricalParameter(["sgd", "adam"]),
        },
        metric_definitions=[{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
        objective_type="Minimize",
        max_jobs=3,
        max_parallel_jobs=3,
        strategy="Random",
        random_seed=1,
    )
    tuner.fit(wait=True)
    analytics = tuner.analytics()
    frame = analytics.dataframe()
    again = HyperparameterTuner.attach(tuner.latest_tuning_job.name, sagemaker_session=session)
    return {
        "best": tuner.best_training_job(),
        "attached_best": again.best_training_job(),
        "objectives": [float(value) for value in frame["FinalObjectiveValue"]],
        "rates": [float(value) for value in frame["lr"]],
        "optimizers": list(frame["optimizer"]),
        "statuses": list(frame["TrainingJobStatus"]),
        "ranges": sorted(analytics.tuning_ranges),
    }


def experiment(session: sagemaker.Session) -> dict[str, object]:
    for number in range(2):
        with Run(experiment_name="exp", run_name=f"run{number}", sagemaker_session=session) as run:
            run.log_parameter("lr", 0.1 * (number + 1))
            run.log_parameters({"optimizer": "sgd", "layers": 3})
            for step in range(12):
                run.log_metric("loss", 1.0 / (step + 1 + number), step=step)
    with load_run(experiment_name="exp", run_name="run1", sagemaker_session=session) as run:
        run.log_parameter("late", "yes")
    frame = ExperimentAnalytics(experiment_name="exp", sagemaker_session=session).dataframe()
    return {
        "runs": sorted(run.run_name for run in list_runs("exp", sagemaker_session=session)),
        "rates": sorted(float(value) for value in frame["lr"]),
        "last": sorted(round(float(value), 6) for value in frame["loss - Last"]),
        "counts": [int(value) for value in frame["loss - Count"]],
        "late": sorted(str(value) for value in frame["late"].dropna()),
    }


directory = Path(sys.argv[1])
found = sagemaker.Session()
print(json.dumps({"tuning": tune(found, directory), "experiment": experiment(found)}))
