"""Hosts of created jobs: the sampler beside each follows ProfilerConfig, and the one that is late is told."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from epochwatch.agent.host.rows_file import RowsReader, row_files
from epochwatch.profiler.smdebug.system_event import events_in
from tests.agent.running import until
from tests.launchers.created_jobs import BUCKET, JobServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    found = JobServer(tmp_path_factory.mktemp("hosts")).start()
    yield found
    found.stop()


def interval(home: Path) -> str:
    """At which the sampler of the only host takes samples now."""
    (spool,) = home.glob("jobs/*/*/profiled/algo-1/attempt-1/spool/*")
    reader = RowsReader((row_files(spool) or [spool / "none"])[-1])
    return reader.layout.about["interval"] if reader.path.exists() and reader.peek() and reader.layout else ""


def test_the_interval_changes_while_the_job_runs_and_debuggers_files_are_in_s3(server: JobServer) -> None:
    home = server.process.home
    config = {"S3OutputPath": f"s3://{BUCKET}/profile", "ProfilingIntervalInMilliseconds": 200}
    server.shell("profiled", "echo begun; sleep 600", ProfilerConfig=config)
    server.until_line("profiled", "begun")
    until(lambda: interval(home) == "200")
    server.sagemaker.update_training_job(
        TrainingJobName="profiled", ProfilerConfig={"ProfilingIntervalInMilliseconds": 100}
    )
    until(lambda: interval(home) == "100")
    server.sagemaker.update_training_job(TrainingJobName="profiled", ProfilerConfig={"DisableProfiler": True})
    until(lambda: interval(home) == "1000")
    server.sagemaker.stop_training_job(TrainingJobName="profiled")
    assert server.over("profiled")["ProfilingStatus"] == "Disabled"
    folder = "profile/profiled/profiler-output/system/incremental/"
    found = [key for key in server.keys(folder) if key.endswith(".algo-1.json")]
    assert found
    files = [server.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in found]
    events = [event for file in files for event in events_in(file)]
    assert {"cpu", "i/o", "memory"} <= {event.type for event in events}


STEPS = """
cd $(dirname $0); pause=0.1; name=begun-1
grep -q 'current_host": "algo-2"' /opt/ml/input/config/resourceconfig.json && pause=1 && name=begun-2
touch $name; until [ -e begun-1 -a -e begun-2 ]; do sleep 0.1; done
for step in $(seq 10); do echo "step=$step loss=0.5"; sleep $pause; done
"""
"""Two hosts that begin together, one of them slow."""


def test_the_slower_of_two_hosts_is_told(server: JobServer) -> None:
    definitions = {"MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]}
    script = server.process.home / "steps.sh"
    script.write_text(STEPS)
    server.create("pair", ["/bin/bash", str(script)], hosts=2, algorithm=definitions)
    assert server.over("pair")["TrainingJobStatus"] == "Completed"
    top = [sys.executable, "-m", "epochwatch", "top", "pair", "--once"]
    shown = subprocess.run(
        top, env=server.process.environment | {"COLUMNS": "150"}, capture_output=True, text=True, check=True
    ).stdout
    first, second = (next(line for line in shown.splitlines() if f"algo-{number} " in line) for number in (1, 2))
    assert "step 10" in first
    assert "late" not in first
    assert "late by" in second
