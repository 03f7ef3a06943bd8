"""Values in log events that PutLogEvents brings to the streams of training jobs."""

import contextlib
import datetime
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest

from epochwatch.client.http import Client
from epochwatch.model.attempt import Attempt
from epochwatch.model.batch import Definition, Registration
from epochwatch.model.job import LOG_GROUP
from epochwatch.model.metric import TRAINING_JOBS_NAMESPACE
from epochwatch.services.call import Call
from epochwatch.services.logs import put_log_events
from epochwatch.services.sagemaker import describe_training_job
from epochwatch.settings import Settings
from epochwatch.store import job_logs
from epochwatch.store.run_points import TRAINING_JOB
from epochwatch.store.stores import Stores
from tests.servers import ServerProcess
from tests.services.conftest import Caller
from tests.services.forgetful_proxy import forgetful_proxy
from tests.store import postgres

LOSS = Definition("train:loss", r"loss=([-+0-9.naif]+)")
AGENT_STARTED = 1_700_000_000


class Job:
    """A training job with definitions, whose log comes by PutLogEvents."""

    def __init__(self, caller: Caller, *definitions: Definition, name: str = "job") -> None:
        self.caller = caller
        self.stores = caller.stores
        registration = Registration("f" * 32, name, AGENT_STARTED, definitions=list(definitions))
        self.name = self.stores.state.jobs.register(caller.tenant, registration, caller.now).job
        self.calls = 0

    def stream(self, host: str = "algo-1", started: int = 1_800_000_000) -> str:
        name = f"{self.name}/{host}-{started}"
        self.stores.state.log_groups.ensure_stream(self.caller.tenant, LOG_GROUP, name, 0)
        return name

    def put(
        self, *messages: str, stream: str | None = None, attempt: Attempt | None = None, back: int = 0
    ) -> None:
        self.calls += 1
        at = int(self.caller.now * 1000) - back
        call = Call(
            self.caller.tenant,
            self.stores,
            "id",
            self.caller.now,
            attempt=attempt or Attempt(f"call {id(self)} {self.calls}"),
        )
        events = [{"timestamp": at, "message": message} for message in messages]
        put_log_events(
            call, {"logGroupName": LOG_GROUP, "logStreamName": stream or self.stream(), "logEvents": events}
        )

    def points(self, host: str | None = None) -> list[tuple[str, float, int]]:
        found = self.stores.run_points.points(self.caller.tenant, TRAINING_JOB, self.name, host=host)
        columns = (found[column].to_pylist() for column in ("metric", "value", "step"))
        return list(zip(*columns, strict=True))

    def values(self, host: str | None = None) -> list[float]:
        return [value for _, value, _ in self.points(host)]

    def restart(self) -> None:
        """The server's memory is gone, as after kill -9."""
        self.stores.job_logs.clear()
        self.stores.sources.clear()


@pytest.fixture
def job(caller: Caller) -> Job:
    return Job(caller, LOSS)


def test_values_are_run_points_datapoints_and_final_metrics(job: Job) -> None:
    job.put("epoch 1 loss=0.5", "nothing", "epoch 2 loss=0.25")
    assert job.points() == [("train:loss", 0.5, 1), ("train:loss", 0.25, 2)]
    (metric,), _ = job.stores.metrics.list(job.caller.tenant, TRAINING_JOBS_NAMESPACE)
    assert (metric.name, metric.dimensions) == ("train:loss", (("TrainingJobName", job.name),))
    answer = job.caller(describe_training_job, TrainingJobName=job.name)
    assert [(one["MetricName"], one["Value"]) for one in answer["FinalMetricDataList"]] == [("train:loss", 0.25)]


def test_an_event_has_its_own_time(job: Job) -> None:
    job.put("loss=1", back=3_600_000)
    found = job.stores.run_points.points(job.caller.tenant, TRAINING_JOB, job.name)
    assert found["time"].to_pylist() == [int(job.caller.now - 3600) * 1_000_000]


def test_hosts_are_kept_apart_and_noted_on_the_record(job: Job) -> None:
    job.put("loss=1", stream=job.stream("algo-1"))
    job.put("loss=2", stream=job.stream("algo-2"))
    assert (job.values("algo-1"), job.values("algo-2")) == ([1.0], [2.0])
    record = job.stores.state.jobs.get(job.caller.tenant, job.name)
    assert record is not None
    assert record.hosts == ["algo-1", "algo-2"]


def test_lines_of_one_event_count_in_their_order(job: Job) -> None:
    job.put("step 1 loss=3\nstep 2 loss=2\r\nstep 3 loss=1\rstep 4 loss=0.5")
    assert job.points() == [("train:loss", value, step) for step, value in enumerate((3.0, 2.0, 1.0, 0.5), 1)]


def test_what_is_not_finite_is_a_run_point_only(job: Job) -> None:
    job.put("loss=nan", "loss=inf", "loss=1")
    assert [str(value) for value in job.values()] == ["nan", "inf", "1.0"]


def test_a_call_that_is_repeated_stores_events_and_values_once(job: Job) -> None:
    job.put("loss=3", attempt=Attempt("first", 1))
    job.put("loss=2", "loss=1", attempt=Attempt("call", 1))
    job.put("loss=2", "loss=1", attempt=Attempt("call", 2))
    job.restart()
    job.put("loss=2", "loss=1", attempt=Attempt("call", 3))
    assert job.values() == [3.0, 2.0, 1.0]
    events = job.stores.logs.events(job.caller.tenant, LOG_GROUP, job.stream())
    assert [event.message for event in events] == ["loss=3", "loss=2", "loss=1"]


def test_equal_calls_that_are_not_repeats_all_count(job: Job) -> None:
    for _ in range(3):
        job.put("loss=1")
    assert job.values() == [1.0, 1.0, 1.0]


def test_a_repeat_of_which_nothing_was_stored_is_stored(job: Job) -> None:
    job.put("loss=1", attempt=Attempt("lost", 2))
    assert job.values() == [1.0]


def test_counting_goes_on_behind_a_restart(job: Job) -> None:
    job.put("loss=3", "loss=2")
    job.restart()
    job.put("loss=1")
    assert [step for _, _, step in job.points()] == [1, 2, 3]


def test_without_its_saved_state_a_stream_is_read_again_and_nothing_is_doubled(job: Job) -> None:
    job.put("loss=3", "loss=2")
    for key, _ in list(job.stores.objects.list(f"job-logs/{job.caller.tenant.account}")):
        job.stores.objects.put(key, b"{ cut sho")
    job.restart()
    job.put("loss=1")
    assert job.points() == [("train:loss", 3.0, 1), ("train:loss", 2.0, 2), ("train:loss", 1.0, 3)]


def test_events_that_were_stored_before_a_crash_are_made_up_for(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    job.put("loss=3")

    def crash(*_: object) -> None:
        raise RuntimeError("killed between events and values")

    with monkeypatch.context() as patched:
        patched.setattr(job_logs, "commit_batch", crash)
        with pytest.raises(RuntimeError):
            job.put("loss=2", attempt=Attempt("cut", 1))
    assert job.values() == [3.0]
    job.put("loss=2", attempt=Attempt("cut", 2))
    job.put("loss=1")
    assert job.points() == [("train:loss", 3.0, 1), ("train:loss", 2.0, 2), ("train:loss", 1.0, 3)]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_repeated_restarted_or_cut_short_each_value_counts_once_and_in_order(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    job, draw, values = Job(caller, LOSS), random.Random(seed), iter(range(10_000))
    sent: list[int] = []
    for number in range(15):
        batch = [next(values) for _ in range(draw.randrange(1, 5))]
        messages = [f"loss={value}" for value in batch]
        for attempt in range(1, draw.choice([2, 2, 3, 4])):
            cut_short = attempt == 1 and draw.random() < 0.4
            with monkeypatch.context() as patched, contextlib.ExitStack() as expected:
                if cut_short:
                    place = draw.choice(["commit_batch", "run_points"])  # where values are stored, or made
                    patched.setattr(job_logs, place, _killed)
                    expected.enter_context(pytest.raises(RuntimeError))
                job.put(*messages, attempt=Attempt(f"{seed}-{number}", attempt))
        sent += batch
        if draw.random() < 0.3:
            job.restart()
    job.put("loss=-1")
    assert job.points() == [("train:loss", float(value), step) for step, value in enumerate([*sent, -1], 1)]


def _killed(*_: object) -> None:
    raise RuntimeError("killed")


def test_a_clock_that_goes_back_loses_nothing(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    job.put("loss=2")
    job.restart()
    monkeypatch.setattr(job.stores.logs._numbers, "_last", 0)
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)
    job.put("loss=1")
    assert job.values() == [2.0, 1.0]


def test_streams_of_agents_are_theirs(job: Job) -> None:
    for host in ("algo-1", "algo-2"):
        job.put("loss=1", stream=job.stream(host, AGENT_STARTED))
    assert job.values() == []


@pytest.mark.parametrize(
    "definitions", [[], [Definition("loss", r"loss=(.+)", "auto")], [Definition("x", "", "log")]]
)
def test_a_job_without_definitions_of_its_own_has_no_values(caller: Caller, definitions: list[Definition]) -> None:
    job = Job(caller, *definitions)
    job.put("loss=1")
    assert job.values() == []


def test_how_definitions_fared_is_on_the_record_for_all_hosts(caller: Caller) -> None:
    job = Job(caller, LOSS, Definition("never", "never=(.+)"))
    job.put("loss=1", "loss=abc", stream=job.stream("algo-1"))
    job.restart()
    job.put("loss=2", stream=job.stream("algo-2"))
    job.put("loss=3", stream=job.stream("algo-2"))
    job.stores.job_logs.save(job.stores, job.caller.now)
    record = job.stores.state.jobs.get(job.caller.tenant, job.name)
    assert record is not None
    assert [(one.name, one.matched, one.non_numeric) for one in record.health] == [
        ("train:loss", 4, 1),
        ("never", 0, 0),
    ]


def test_a_regex_that_hangs_costs_its_own_values_only(caller: Caller) -> None:
    job = Job(caller, LOSS, Definition("hang", r"(?=x)(?:x+x+)+y=(\d+)"))
    job.put(*[f"{'x' * 40} y= loss={number}" for number in range(5)])
    assert job.values() == [0.0, 1.0, 2.0, 3.0, 4.0]
    job.stores.job_logs.save(job.stores, job.caller.now)
    record = job.stores.state.jobs.get(job.caller.tenant, job.name)
    assert record is not None
    assert record.health[1].engine.startswith("disabled")


def test_boto3_puts_events_and_gets_statistics_though_answers_are_lost_and_the_server_is_killed(
    tmp_path: Path,
) -> None:
    with ServerProcess(tmp_path / "home") as server, forgetful_proxy(server.url) as (proxy, lost):
        name = "boto"
        server.boto3("sagemaker").create_training_job(
            TrainingJobName=name,
            RoleArn="arn:aws:iam::123456789012:role/training",
            AlgorithmSpecification={
                "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/image:1",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": LOSS.name, "Regex": LOSS.regex}],
            },
            OutputDataConfig={"S3OutputPath": "s3://bucket/output"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 3600},
        )
        logs, cloudwatch = server.boto3("logs"), server.boto3("cloudwatch")
        unlucky = boto3.client(
            "logs",
            endpoint_url=proxy,
            aws_access_key_id=server.credentials["access_key_id"],
            aws_secret_access_key=server.credentials["secret_access_key"],
            region_name="us-east-1",
        )
        place = {"logGroupName": LOG_GROUP, "logStreamName": f"{name}/algo-1-1800000000"}
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=LOG_GROUP)
        logs.create_log_stream(**place)
        at = int(time.time() * 1000)
        logs.put_log_events(**place, logEvents=[{"timestamp": at, "message": "loss=3"}])
        server.kill()
        server.start()
        unlucky.put_log_events(**place, logEvents=[{"timestamp": at, "message": f"loss={n}"} for n in (2, 1)])
        assert lost == ["Logs_20140328.PutLogEvents"]
        minute = datetime.datetime.fromtimestamp(at // 60_000 * 60, datetime.UTC)
        found = cloudwatch.get_metric_statistics(
            Namespace=TRAINING_JOBS_NAMESPACE,
            MetricName="train:loss",
            Dimensions=[{"Name": "TrainingJobName", "Value": name}],
            StartTime=minute,
            EndTime=minute + datetime.timedelta(minutes=1),
            Period=60,
            Statistics=["Sum", "SampleCount", "Minimum"],
        )
        (point,) = found["Datapoints"]
        assert (point["SampleCount"], point["Sum"], point["Minimum"]) == (3.0, 6.0, 1.0)
        record = server.boto3("sagemaker").describe_training_job(TrainingJobName=name)
        assert [(one["MetricName"], one["Value"]) for one in record["FinalMetricDataList"]] == [
            ("train:loss", 1.0)
        ]
        assert record["AlgorithmSpecification"]["MetricDefinitions"] == [
            {"Name": "train:loss", "Regex": LOSS.regex}
        ]
        logs.put_log_events(**place, logEvents=[{"timestamp": at, "message": "loss=0.5"}])
        server.stop()
        server.start()
        keys = server.credentials
        client = Client(
            Settings(
                home=server.home,
                url=server.url,
                access_key_id=keys["access_key_id"],
                secret_access_key=keys["secret_access_key"],
            )
        )
        (health,) = client.get_json(f"/_/api/jobs/{name}")["health"]
        client.close()
        assert (health["matched"], health["problems"]) == (4, [])


@pytest.fixture
def postgres_url() -> Iterator[str]:
    programs = postgres.programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres.running(programs) as url:
        yield url


def test_two_servers_that_share_their_stores_make_one_sequence_of_a_stream(
    postgres_url: str, tmp_path: Path
) -> None:
    with contextlib.ExitStack() as stack:
        shim = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "tests.store.clickhouse_shim", str(tmp_path / "data")],
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        stack.callback(shim.kill)
        assert shim.stdout is not None
        engine = f"clickhouse://default@127.0.0.1:{int(shim.stdout.readline())}/default"
        both = [Stores.open(engine, postgres_url, f"file://{tmp_path / 'objects'}") for _ in range(2)]
        for stores in both:
            stack.callback(stores.close)
        callers = [Caller(stores) for stores in both]
        callers[1].tenant = callers[0].tenant
        jobs = [Job(caller, LOSS) for caller in callers]  # the second registers what is registered
        assert jobs[0].name == jobs[1].name
        for number in range(6):
            jobs[number % 2].put(f"loss={number}")
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: jobs[number % 2].put(f"loss={number}"), range(6, 20)))
        jobs[1].put("loss=19", attempt=Attempt("once", 1))
        jobs[0].put("loss=19", attempt=Attempt("once", 2))
        points = jobs[0].points()
    assert sorted(value for _, value, _ in points) == [*range(20), 19]
    assert sorted(step for _, _, step in points) == list(range(1, 22))


def test_events_and_values_are_taken_also_while_no_state_can_be_kept(
    job: Job, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(type(job.stores.objects), "put", full)
        job.put("loss=2")
    assert "could not be kept" in caplog.text
    job.restart()
    job.put("loss=1")
    assert job.points() == [("train:loss", 2.0, 1), ("train:loss", 1.0, 2)]


def test_streams_of_which_nothing_is_heard_are_let_go_and_go_on_later(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_logs, "KEPT_STREAMS", 1)
    for host in ("algo-1", "algo-2"):
        job.put("loss=2", stream=job.stream(host))
    job.stores.job_logs.save(job.stores, job.caller.now)
    assert len(job.stores.job_logs._readers) == 1
    for host in ("algo-1", "algo-2"):
        job.put("loss=1", stream=job.stream(host))
        assert [step for _, _, step in job.points(host)] == [1, 2]


def test_named_groups_are_dimensions_and_units_keep_datapoints_apart(caller: Caller) -> None:
    norm = Definition("norm", r"layer=(?P<layer>\w+) norm=(?P<value>\S+)", "api", "Count", 60)
    job = Job(caller, norm, Definition("norm", "mean norm: (.+)", "api"))
    job.put("layer=a norm=1", "layer=b norm=2", "mean norm: 1.5", back=5000)
    job.put("layer=a norm=3")
    assert job.points() == [
        ("norm", 1.5, 1),
        ('norm{layer="a"}', 1.0, 1),
        ('norm{layer="a"}', 3.0, 2),
        ('norm{layer="b"}', 2.0, 1),
    ]
    metrics, _ = job.stores.metrics.list(caller.tenant, TRAINING_JOBS_NAMESPACE)
    own = ("TrainingJobName", job.name)
    assert sorted(metric.dimensions for metric in metrics) == [
        (own,),
        (own, ("layer", "a")),
        (own, ("layer", "b")),
    ]
    units = {metric.dimensions: job.stores.series.units(caller.tenant, metric) for metric in metrics}
    assert {dimensions: list(found) for dimensions, found in units.items()} == {
        (own,): ["None"],
        (own, ("layer", "a")): ["Count"],
        (own, ("layer", "b")): ["Count"],
    }
    resolutions = job.stores.engine.query(
        "SELECT resolution, toInt64(count()) AS n FROM datapoints WHERE sid IN %(sids)s GROUP BY resolution ORDER BY 1",
        {"sids": [entry.sid for found in units.values() for entry in found.values()]},
    )
    assert list(zip(*resolutions.to_pydict().values(), strict=True)) == [(1, 1), (60, 3)]
    answer = caller(describe_training_job, TrainingJobName=job.name)
    assert answer["AlgorithmSpecification"]["MetricDefinitions"] == [{"Name": "norm", "Regex": norm.regex}]
    assert [(one["MetricName"], one["Value"]) for one in answer["FinalMetricDataList"]] == [("norm", 3.0)]
