"""Hyperparameter tuning jobs over real stores, with runners that the tests play."""

import copy
from typing import Any

import numpy as np
import pytest

from epochwatch.model.aws_error import AwsError
from epochwatch.model.batch import NO_STEP
from epochwatch.services.sagemaker import OPERATIONS
from epochwatch.services.sagemaker import tuning as tuning_module
from epochwatch.services.sagemaker.tuning import advance_tunings
from epochwatch.store.run_points import TRAINING_JOB, RunPointColumns
from tests.services.conftest import Caller
from tests.services.training import IMAGE, ROLE, tell

DEFINITION: dict[str, Any] = {
    "StaticHyperParameters": {"epochs": "9"},
    "AlgorithmSpecification": {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*)"}],
    },
    "RoleArn": ROLE,
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}
LR = {"Name": "lr", "MinValue": "0.001", "MaxValue": "1"}


class Tuner:
    """A tuning job ``t`` whose trainings the test runs."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    def create(self, name: str = "t", jobs: int = 4, parallel: int = 2, **config: Any) -> str:
        definition = config.pop("definition", DEFINITION)
        more = config.pop("more", {})
        request = {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobConfig": {
                "Strategy": "Random",
                "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": parallel},
                "ParameterRanges": {"ContinuousParameterRanges": [LR]},
                "RandomSeed": 1,
            }
            | config,
            "TrainingJobDefinition": copy.deepcopy(definition),
        } | more
        return self.do("CreateHyperParameterTuningJob", **{k: v for k, v in request.items() if v is not None})[
            "HyperParameterTuningJobArn"
        ]

    def do(self, operation: str, **request: Any) -> dict[str, Any]:
        return self.caller(OPERATIONS[operation], **request)

    def refused(self, **config: Any) -> str:
        with pytest.raises(AwsError) as error:
            self.create(**config)
        return str(error.value)

    def advance(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            self.caller.now += 1
            advance_tunings(self.caller.stores, self.caller.now)

    def describe(self, name: str = "t") -> dict[str, Any]:
        return self.do("DescribeHyperParameterTuningJob", HyperParameterTuningJobName=name)

    def jobs(self, name: str = "t", **request: Any) -> list[dict[str, Any]]:
        listed = self.do(
            "ListTrainingJobsForHyperParameterTuningJob",
            HyperParameterTuningJobName=name,
            MaxResults=100,
            **request,
        )
        return listed["TrainingJobSummaries"]

    def running(self, name: str = "t") -> list[str]:
        return [job["TrainingJobName"] for job in self.jobs(name, StatusEquals="InProgress")]

    def emit(self, job: str, *values: float) -> None:
        at = np.asarray([int(self.caller.now * 1e6) + number for number in range(len(values))], np.int64)
        points = RunPointColumns(
            metric=["loss"] * len(values),
            value=np.asarray(values, np.float64),
            time=at,
            step=np.full(len(values), NO_STEP, np.int64),
            epoch=np.full(len(values), np.nan),
        )
        self.caller.stores.run_points.write(self.caller.tenant, TRAINING_JOB, job, points)

    def finish(self, job: str, *values: float, status: str = "Completed") -> None:
        if values:
            self.emit(job, *values)
        tell(self.caller, "Training", status, name=job)

    def run_all(self, name: str = "t") -> None:
        """Each training's loss is its learning rate."""
        for _ in range(60):
            self.advance()
            if self.describe(name)["HyperParameterTuningJobStatus"] != "InProgress":
                return
            for job in self.jobs(name, StatusEquals="InProgress"):
                self.finish(job["TrainingJobName"], float(job["TunedHyperParameters"]["lr"]))
        raise AssertionError("the tuning job does not end")


@pytest.fixture
def tuner(caller: Caller) -> Tuner:
    return Tuner(caller)


def test_trainings_are_launched_within_the_limits_until_all_are_done(tuner: Tuner):
    begun = tuner.caller.now
    arn = tuner.create()
    assert arn.endswith(":hyper-parameter-tuning-job/t")
    tuner.advance(3)
    assert len(tuner.running()) == 2
    first = tuner.running()[0]
    assert first.startswith("t-001-")
    described = tuner.do("DescribeTrainingJob", TrainingJobName=first)
    assert described["TuningJobArn"] == arn
    tuned = tuner.jobs()[0]["TunedHyperParameters"]
    assert described["HyperParameters"] == {"_tuning_objective_metric": "loss", "epochs": "9", **tuned}
    definitions = described["AlgorithmSpecification"]["MetricDefinitions"]
    assert definitions[-1] == {"Name": "ObjectiveMetric", "Regex": "loss=(.*)"}
    tuner.run_all()
    found = tuner.describe()
    assert found["HyperParameterTuningJobStatus"] == "Completed"
    assert found["TrainingJobStatusCounters"] == {
        "Completed": 4, "InProgress": 0, "RetryableError": 0, "NonRetryableError": 0, "Stopped": 0,
    }  # fmt: skip
    assert found["ObjectiveStatusCounters"] == {"Succeeded": 4, "Pending": 0, "Failed": 0}
    assert found["HyperParameterTuningEndTime"] - begun == found["ConsumedResources"]["RuntimeInSeconds"]
    ranked = tuner.jobs(SortBy="FinalObjectiveMetricValue")
    losses = [job["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for job in ranked]
    assert losses == sorted(losses)
    assert found["BestTrainingJob"] == ranked[0]
    assert ranked[0]["FinalHyperParameterTuningJobObjectiveMetric"]["MetricName"] == "loss"
    assert float(ranked[0]["TunedHyperParameters"]["lr"]) == losses[0]
    by_status = {"Name": "HyperParameterTuningJobStatus", "Operator": "Equals", "Value": "Completed"}
    [hit] = tuner.do("Search", Resource="HyperParameterTuningJob", SearchExpression={"Filters": [by_status]})[
        "Results"
    ]
    assert hit["HyperParameterTuningJob"] == {**found, "Tags": []}
    [summary] = tuner.do("ListHyperParameterTuningJobs")["HyperParameterTuningJobSummaries"]
    assert (summary["HyperParameterTuningJobArn"], summary["Strategy"]) == (arn, "Random")


def test_a_grid_is_tried_whole(tuner: Tuner):
    ranges = [{"Name": "lr", "Values": ["1", "2", "3"]}]
    tuner.create(
        Strategy="Grid",
        ParameterRanges={"CategoricalParameterRanges": ranges},
        ResourceLimits={"MaxParallelTrainingJobs": 2},
    )
    tuner.run_all()
    assert [job["TunedHyperParameters"]["lr"] for job in tuner.jobs()] == ["1", "2", "3"]


def test_bayesian_search_starts_from_what_earlier_tunings_found(tuner: Tuner):
    tuner.create("parent", jobs=12, parallel=4)
    tuner.run_all("parent")
    start = {
        "WarmStartType": "IdenticalDataAndAlgorithm",
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent"}],
    }
    tuner.create("child", jobs=3, Strategy="Bayesian", more={"WarmStartConfig": start})
    tuner.run_all("child")
    best = min(float(job["TunedHyperParameters"]["lr"]) for job in tuner.jobs("parent"))
    rates = [float(job["TunedHyperParameters"]["lr"]) for job in tuner.jobs("child")]
    assert sum(rates) / 3 < 0.1
    found = tuner.describe("child")
    overall = found["OverallBestTrainingJob"]
    assert overall["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == min(best, *rates)
    assert found["WarmStartConfig"] == start
    gone = copy.deepcopy(start)
    gone["ParentHyperParameterTuningJobs"][0]["HyperParameterTuningJobName"] = "none"
    assert "none does not exist" in tuner.refused(name="x", more={"WarmStartConfig": gone})


def test_a_training_that_falls_behind_is_stopped_early(tuner: Tuner):
    tuner.create(jobs=4, parallel=4, TrainingJobEarlyStoppingType="Auto")
    tuner.advance()
    *done, last = tuner.running()
    for job in done:
        tuner.finish(job, 3.0, 2.0, 1.0)
    for job in (last,):
        launch = tuner.caller.stores.state.launches.get(tuner.caller.tenant, job)
        tuner.caller.stores.state.launches.started(launch, "process", {}, tuner.caller.now)
        tell(tuner.caller, "Training", name=job)
        tuner.emit(job, 3.0)
    tuner.advance()
    assert tuner.running() == [last]
    tuner.emit(last, 9.0)
    tuner.advance()
    assert [job["TrainingJobName"] for job in tuner.jobs(StatusEquals="Stopping")] == [last]
    tell(tuner.caller, "Stopped", name=last)
    tuner.advance()
    found = tuner.describe()
    assert found["HyperParameterTuningJobStatus"] == "Completed"
    assert found["TrainingJobStatusCounters"]["Stopped"] == 1


def test_hyperband_stops_what_is_not_among_the_best(tuner: Tuner):
    tuner.create(jobs=3, parallel=3, Strategy="Hyperband")
    tuner.advance()
    for number, job in enumerate(tuner.running()):
        launch = tuner.caller.stores.state.launches.get(tuner.caller.tenant, job)
        tuner.caller.stores.state.launches.started(launch, "process", {}, tuner.caller.now)
        tell(tuner.caller, "Training", name=job)
        tuner.emit(job, float(number))
    tuner.advance()
    assert [job["TrainingJobStatus"] for job in tuner.jobs()] == ["InProgress", "Stopping", "Stopping"]


@pytest.mark.parametrize(
    "criteria",
    [
        {"TargetObjectiveMetricValue": 0.5},
        {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}},
        {"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}},
    ],
)
def test_a_tuning_ends_when_it_is_good_enough(tuner: Tuner, criteria: dict[str, Any]):
    tuner.create(jobs=40, parallel=1, TuningJobCompletionCriteria=criteria)
    for _ in range(30):
        tuner.advance()
        for job in tuner.running():
            tuner.finish(job, 0.4)
    found = tuner.describe()
    assert found["HyperParameterTuningJobStatus"] == "Completed"
    expected = {"TargetObjectiveMetricValue": 1, "BestObjectiveNotImproving": 4, "ConvergenceDetected": 11}
    assert found["TrainingJobStatusCounters"]["Completed"] == expected[next(iter(criteria))]
    if "ConvergenceDetected" in criteria:
        assert "ConvergenceDetectedTime" in found["TuningJobCompletionDetails"]


def test_a_tuning_ends_when_its_time_is_over(tuner: Tuner):
    limits = {"MaxNumberOfTrainingJobs": 5, "MaxParallelTrainingJobs": 1, "MaxRuntimeInSeconds": 120}
    tuner.create(ResourceLimits=limits)
    tuner.advance()
    tuner.caller.now += 120
    tuner.advance(2)
    found = tuner.describe()
    assert found["HyperParameterTuningJobStatus"] == "Completed"
    assert found["TrainingJobStatusCounters"]["Stopped"] == 1


def test_a_tuning_whose_trainings_all_fail_has_failed(tuner: Tuner):
    tuner.create(jobs=2)
    tuner.advance()
    for job in tuner.running():
        tuner.finish(job, status="Failed")
    tuner.advance()
    found = tuner.describe()
    assert found["HyperParameterTuningJobStatus"] == "Failed"
    assert found["FailureReason"].startswith("All training jobs failed.")
    assert found["ObjectiveStatusCounters"]["Failed"] == 2
    assert "BestTrainingJob" not in found


def test_a_stop_stops_the_trainings_and_then_the_tuning(tuner: Tuner):
    tuner.create()
    tuner.advance()
    tuner.do("StopHyperParameterTuningJob", HyperParameterTuningJobName="t")
    assert tuner.describe()["HyperParameterTuningJobStatus"] == "Stopping"
    tuner.advance(2)
    assert tuner.describe()["HyperParameterTuningJobStatus"] == "Stopped"
    assert {job["TrainingJobStatus"] for job in tuner.jobs()} == {"Stopped"}
    operations = ("StopHyperParameterTuningJob", "DescribeHyperParameterTuningJob")
    refusal = tuner.caller.refused(OPERATIONS[operations[0]], HyperParameterTuningJobName="t")
    assert refusal[1] == "The request was rejected because the hyperparameter tuning job is in status Stopped."
    for _ in range(2):
        tuner.do("DeleteHyperParameterTuningJob", HyperParameterTuningJobName="t")
    gone = tuner.caller.refused(OPERATIONS[operations[1]], HyperParameterTuningJobName="t")
    assert gone == ("ValidationException", "Requested resource not found.")


def test_what_a_crash_cut_short_is_done_once(tuner: Tuner, monkeypatch: pytest.MonkeyPatch):
    tuner.create()
    real, made = tuning_module.start_training_job, []

    def dies_after_the_first(call, request):
        if made:
            raise RuntimeError("killed")
        made.append(real(call, request).name)

    monkeypatch.setattr(tuning_module, "start_training_job", dies_after_the_first)
    tuner.advance()
    assert tuner.running() == made
    monkeypatch.undo()
    tuner.advance(2)
    assert len(tuner.running()) == 2
    assert tuner.running()[0] == made[0]


def test_several_definitions_take_turns(tuner: Tuner):
    objective = {"Type": "Minimize", "MetricName": "loss"}
    ranges = {"ContinuousParameterRanges": [LR]}
    definitions = [
        {**DEFINITION, "DefinitionName": name, "TuningObjective": objective, "HyperParameterRanges": ranges}
        for name in ("a", "b")
    ]
    more = {"TrainingJobDefinition": None, "TrainingJobDefinitions": definitions}
    tuner.create(more=more)
    tuner.run_all()
    assert [job["TrainingJobDefinitionName"] for job in tuner.jobs()] == ["a", "b", "a", "b"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"ParameterRanges": {}}, "At least one hyperparameter must have a range"),
        ({"Strategy": "Grid"}, "Grid search only supports categorical hyperparameters"),
        ({"ResourceLimits": {"MaxParallelTrainingJobs": 1}}, "MaxNumberOfTrainingJobs is required"),
        ({"StrategyConfig": {}}, "StrategyConfig is only supported"),
        ({"Strategy": "Hyperband", "TrainingJobEarlyStoppingType": "Auto"}, "must be Off"),
        (
            {"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "x"}},
            "A metric is required for this hyperparameter tuning job objective. Provide a metric",
        ),
        ({"definition": {**DEFINITION, "StaticHyperParameters": {"lr": "1"}}}, "lr is both static and tuned"),
        (
            {"definition": {**DEFINITION, "StaticHyperParameters": {f"k{n}": "" for n in range(99)}}},
            "can be at most 100",
        ),
        ({"definition": {**DEFINITION, "ResourceConfig": {"InstanceCount": 1}}}, "InstanceType is required"),
        ({"more": {"TrainingJobDefinition": None}}, "exactly one of TrainingJobDefinition"),
    ],
)
def test_what_cannot_be_tuned_is_refused(tuner: Tuner, config: dict[str, Any], message: str):
    assert message in tuner.refused(**config)
    assert tuner.do("ListHyperParameterTuningJobs")["HyperParameterTuningJobSummaries"] == []


def test_a_name_is_unique(tuner: Tuner):
    tuner.create()
    assert "Hyperparameter tuning job names must be unique" in tuner.refused()


def test_metrics_are_not_read_again_while_nothing_ends(tuner: Tuner, monkeypatch: pytest.MonkeyPatch):
    tuner.create()
    tuner.advance(2)
    store, asked = tuner.caller.stores.run_points, []
    real = store.summaries
    monkeypatch.setattr(store, "summaries", lambda *which: asked.append(which) or real(*which))

    def mine() -> int:
        return sum(which[0] == tuner.caller.tenant for which in asked)

    tuner.advance(5)
    assert mine() == 0
    tuner.finish(tuner.running()[0], 1.0)
    asked.clear()
    tuner.advance()
    assert mine() > 0
