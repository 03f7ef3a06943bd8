"""Rules as the SageMaker SDK asks for them, and the configuration that hooks and profilers find."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launchers.created_jobs import BUCKET, JobServer
from tests.peers import peer_python
from tests.rules_at_work.rule_jobs import HOOK, WRITE


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    with JobServer(tmp_path_factory.mktemp("rules") / "home", max_jobs="2") as running:
        yield running


SCRIPT = """
import json
config = json.load(open(os.environ["EPOCHWATCH_DEBUG_CONFIG"]))
print("collections", json.dumps(config["CollectionConfigurations"]), flush=True)
smdebug(itertools.count(), pause=0.2)
"""


def test_the_sdks_rules_find_the_issue_and_stop_the_training(server: JobServer, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(WRITE + SCRIPT)
    command = [peer_python("sagemaker2"), "-W", "ignore", Path(__file__).with_name("sdk2_rules.py"), tmp_path]
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
    assert seen["status"] == "Stopped"
    status, details = seen["rules"]["VanishingGradient"]
    assert status == "IssuesFound"
    assert details.startswith("RuleEvaluationConditionMet: Evaluation of the rule VanishingGradient at step 10 ")
    assert seen["rules"]["ExplodingTensor"][0] in ("Stopped", "NoIssuesFound")
    place = seen["artifacts"].removeprefix(f"s3://{BUCKET}/")
    assert f"{place}/training_job_end.ts" in server.keys(place)
    [line] = [line for line in server.lines("by-the-sdk") if line.startswith("collections ")]
    assert json.loads(line.partition(" ")[2]) == [
        {"CollectionName": "gradients", "CollectionParameters": {"save_interval": "2"}}
    ]


def test_profilers_and_hooks_find_their_configuration_and_its_changes(server: JobServer) -> None:
    profiler = {"S3OutputPath": f"s3://{BUCKET}/profile", "ProfilingParameters": {"LocalPath": "/opt/ml/x"}}
    script = """
cd ${SAGEMAKER_BASE_DIR:-/opt/ml}/input/config
cat debughookconfig.json; echo; cat profilerconfig.json; echo; echo begun
until grep -q 200 profilerconfig.json; do sleep 0.2; done
cat profilerconfig.json
"""
    path = server.process.home / "configuration.sh"
    path.write_text(script)
    server.create("configured", ["/bin/bash", str(path)], DebugHookConfig=HOOK, ProfilerConfig=profiler)
    server.until_line("configured", "begun")

    change = {"ProfilingIntervalInMilliseconds": 200}
    server.sagemaker.update_training_job(TrainingJobName="configured", ProfilerConfig=change)

    assert server.over("configured")["TrainingJobStatus"] == "Completed"
    hook, before, _, after = server.lines("configured")
    local = json.loads(hook).pop("LocalPath")
    assert local.endswith("/output/tensors")
    assert json.loads(hook) == {"LocalPath": local} | HOOK
    assert json.loads(before)["S3OutputPath"] == profiler["S3OutputPath"]
    assert json.loads(after) == profiler | change
