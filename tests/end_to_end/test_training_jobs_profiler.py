"""ProfilerConfig of a job that runs: the sampler beside the training follows it, and its files come into S3."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from epochwatch.agent.host.rows_file import RowsReader, row_files
from epochwatch.agent.host.smdebug_layout import events_in
from tests.agent.running import until
from tests.launchers.created_jobs import BUCKET, JobServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[JobServer]:
    found = JobServer(tmp_path).start()
    yield found
    found.stop()


def interval(home: Path) -> str:
    """At which the sampler of the only host takes samples now."""
    (spool,) = home.glob("jobs/*/*/*/algo-1/attempt-1/spool/*")
    reader = RowsReader((row_files(spool) or [spool / "none"])[-1])
    return reader.layout.about["interval"] if reader.path.exists() and reader.peek() and reader.layout else ""


def test_the_interval_changes_while_the_job_runs_and_debuggers_files_are_in_s3(
    server: JobServer, tmp_path: Path
) -> None:
    config = {"S3OutputPath": f"s3://{BUCKET}/profile", "ProfilingIntervalInMilliseconds": 200}
    server.shell("profiled", "echo begun; sleep 600", ProfilerConfig=config)
    server.until_line("profiled", "begun")
    until(lambda: interval(tmp_path) == "200")
    server.sagemaker.update_training_job(
        TrainingJobName="profiled", ProfilerConfig={"ProfilingIntervalInMilliseconds": 100}
    )
    until(lambda: interval(tmp_path) == "100")
    server.sagemaker.update_training_job(TrainingJobName="profiled", ProfilerConfig={"DisableProfiler": True})
    until(lambda: interval(tmp_path) == "1000")
    server.sagemaker.stop_training_job(TrainingJobName="profiled")
    assert server.over("profiled")["ProfilingStatus"] == "Disabled"
    folder = "profile/profiled/profiler-output/system/incremental/"
    found = [key for key in server.keys(folder) if key.endswith(".algo-1.json")]
    assert found
    texts = [server.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode() for key in found]
    events = [event for text in texts for event in events_in(text)]
    assert {"cpu", "i/o", "memory"} <= {event.type for event in events}
