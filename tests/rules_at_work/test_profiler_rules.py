"""Profiler rules as the SageMaker SDK asks for them, over the profile of a real training."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launchers.created_jobs import BUCKET, JobServer
from tests.peers import peer_python

SCRIPT = """
import json, os, time
place = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml") + "/output/profiler/framework/pevents"
base = time.time_ns() // 1000
begun = time.time_ns() // 1000 - base
steps = [{"name": "process_name", "ph": "M", "pid": 0, "args": {"start_time_since_epoch_in_micros": base}},
         {"name": "process_name", "ph": "M", "pid": 1, "args": {"name": "Step:ModeKeys.TRAIN"}}]
at = begun
for number in range(200):
    took = 300000 if number in (50, 90, 130) else 5000
    steps.append({"name": "Step:ModeKeys.TRAIN", "ph": "X", "pid": 1, "ts": at, "dur": took,
                  "args": {"step_num": str(number), "pid": os.getpid()}})
    at += took
time.sleep(2.5)
folder = os.path.join(place, time.strftime("%Y%m%d%H", time.gmtime()))
os.makedirs(folder, exist_ok=True)
end = base + at
with open(f"{folder}/{end}_{os.getpid()}-algo-1_pythontimeline.json", "w") as file:
    json.dump(steps, file)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    with JobServer(tmp_path_factory.mktemp("profiler-rules") / "home", max_jobs="2") as running:
        yield running


def test_the_sdks_profiler_rules_are_evaluated_and_the_report_is_in_s3(server: JobServer, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    command = [peer_python("sagemaker2"), "-W", "ignore", Path(__file__).with_name("sdk2_profiler.py"), tmp_path]
    ran = subprocess.run(
        [str(word) for word in command],
        env=server.client_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )

    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:] + server.said()
    seen = json.loads(ran.stdout.splitlines()[-1])
    assert (seen["status"], seen["profiling"]) == ("Completed", "Enabled")
    status, details = seen["rules"]["StepOutlier"]
    assert status == "IssuesFound", seen
    assert details.startswith("RuleEvaluationConditionMet: Evaluation of the rule StepOutlier at step ")
    assert seen["rules"]["ProfilerReport-1700000000"][0] == "IssuesFound", seen
    assert seen["rules"]["LowGPUUtilization"] == [
        "NoIssuesFound",
        "Nothing that the rule looks at was measured of the training job.\n",
    ]
    place = seen["artifacts"].removeprefix(f"s3://{BUCKET}/").removesuffix("profiler-output")
    folder = f"{place}rule-output/ProfilerReport-1700000000/profiler-output"
    usage = json.loads(server.get(f"{folder}/profiler-reports/OverallSystemUsage.json"))
    assert usage["Datapoints"] > 0
    assert usage["Details"]["algo-1"]["CPU memory"]["max"] > 0
    outliers = json.loads(server.get(f"{folder}/profiler-reports/StepOutlier.json"))
    assert (outliers["RuleTriggered"], outliers["Violations"], outliers["Datapoints"]) == (1, 3, 200)
    assert "cpu_threshold:80.0" in server.get(f"{folder}/profiler-reports/CPUBottleneck.json").decode()
    assert server.get(f"{folder}/profiler-report.html").startswith(b"<!doctype html>")
    assert json.loads(server.get(f"{folder}/profiler-report.json"))["job"] == "profiled-by-the-sdk"
