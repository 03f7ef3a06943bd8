"""Hosts of created jobs: the sampler beside each follows ProfilerConfig, and the one that is late is told."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from epochwatch.agent.host.rows_file import RowsReader, row_files
from epochwatch.debugger import create_trial
from epochwatch.debugger.exceptions import NoMoreProfilerData
from epochwatch.profiler.smdebug.system_event import events_in
from tests.agent.running import until
from tests.launchers.created_jobs import BUCKET, JobServer
from tests.peers import peer_python


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
    assert "profile/profiled/profiler-output/system/training_job_end.ts" in server.keys("profile/profiled/")
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


def test_the_end_of_a_profile_is_told_when_all_hosts_have_sent_theirs(
    server: JobServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sampled = "until ls /opt/ml/output/profiler/system/incremental/*/*; do sleep 0.1; done"
    late = "grep -q 'current_host\": \"algo-2' /opt/ml/input/config/resourceconfig.json && sleep 3"
    config = {"S3OutputPath": f"s3://{BUCKET}/ended", "ProfilingIntervalInMilliseconds": 100}
    server.shell("several", f"{sampled}; {late}; true", hosts=2, ProfilerConfig=config)
    folder = "ended/several/profiler-output/"
    assert server.over("several")["TrainingJobStatus"] == "Completed"
    found = server.s3.list_objects_v2(Bucket=BUCKET, Prefix=folder)["Contents"]
    told = {one["Key"].removeprefix(folder): one["LastModified"] for one in found}
    ends = [told.pop(f"{kind}/training_job_end.ts") for kind in ("system", "framework")]
    assert {name.split(".")[1] for name in told} == {"algo-1", "algo-2"}
    assert max(told.values()) <= min(ends)
    for name, value in server.process.aws_environment().items():
        monkeypatch.setenv(name, value)
    trial = create_trial(f"s3://{BUCKET}/{folder}", profiler=True, output_dir=str(tmp_path))
    with pytest.raises(NoMoreProfilerData):
        trial.wait_for_data(2**60, 2**59)


TRAINING = """
import os, time
import torch
net = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
print("begun", flush=True)
while not os.path.exists(os.environ["TOLD"]):
    optimizer.zero_grad()
    net(torch.randn(3, 4)).sum().backward()
    optimizer.step()
    time.sleep(0.02)
"""


def test_steps_and_windows_of_a_training_are_recorded_as_its_profiler_config_says(
    server: JobServer, tmp_path: Path
) -> None:
    script, told = tmp_path / "train.py", tmp_path / "over"
    script.write_text(TRAINING)
    first = json.dumps({"StartStep": 5, "NumSteps": 2})
    asked = {"DetailedProfilingConfig": first, "PythonProfilingConfig": first}
    config = {"S3OutputPath": f"s3://{BUCKET}/profile", "ProfilingParameters": asked}
    server.create(
        "stepped", [str(peer_python("torch")), str(script)], ProfilerConfig=config, Environment={"TOLD": str(told)}
    )
    objects = server.process.home / "objects"

    def windows() -> list[tuple[int, int]]:
        found = objects.glob("profiles/*/*/training-job/stepped/algo-1/windows/*.json")
        records = [json.loads(path.read_bytes()) for path in sorted(found)]
        return [(record["first_step"], record["last_step"]) for record in records]

    until(lambda: windows() == [(5, 6)])
    second = {"DetailedProfilingConfig": json.dumps({"NumSteps": 3})}
    server.sagemaker.update_training_job(TrainingJobName="stepped", ProfilerConfig={"ProfilingParameters": second})
    until(lambda: len(windows()) == 2)
    told.touch()
    assert server.over("stepped")["TrainingJobStatus"] == "Completed"
    assert windows()[1][1] - windows()[1][0] == 2
    keys = server.keys("profile/stepped/profiler-output/framework/")
    timelines = [server.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys if "pevents" in key]
    names = {record.get("name") for timeline in timelines for record in json.loads(timeline)}
    assert "Step:ModeKeys.TRAIN" in names
    (python,) = [key.split("/")[-4:] for key in keys if key.endswith("/python_stats")]
    assert python[0] == "cprofile"
    assert python[1].endswith("-algo-1")
    assert re.fullmatch(r"train-5-stepstart-[0-9]{16}_train-6-stepend-[0-9]{16}", python[2])
