"""Jobs that save tensors are diagnosed while a real server has them trained, whoever saves these."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from epochwatch.debugger import create_trial
from epochwatch.model.diagnosis import DIAGNOSIS
from tests.launchers.created_jobs import JobServer, until
from tests.peers import ROOT, peer_python
from tests.rules_at_work.rule_jobs import HOOK, WRITE, train


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    with JobServer(tmp_path_factory.mktemp("diagnosis") / "home", max_jobs="1") as running:
        yield running


def evaluation(server: JobServer, name: str) -> dict[str, Any]:
    """The diagnosis among DebugRuleEvaluationStatuses; empty before it begins."""
    for one in server.describe(name).get("DebugRuleEvaluationStatuses", []):
        if one["RuleConfigurationName"] == DIAGNOSIS:
            return dict(one)
    return {}


def epochwatch(server: JobServer, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "epochwatch", *words],
        env=server.process.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def diagnosis(server: JobServer, name: str) -> dict[str, Any]:
    """The whole of it, as the server has it; empty before it begins."""
    return dict(json.loads(epochwatch(server, "job", name, "--json").stdout)["diagnosis"] or {})


FAULTY = """
def loss_of(step):
    return {"statistics": Statistics(["loss"], {"value": np.array([np.nan if step > 14 else 1.0])})}

save(StoreWriter(place, collections=collections, steps_per_segment=5), range(20), 0.0, loss_of)
place = os.path.dirname(place) + "/data"
while not os.path.exists(place + "/go"):
    time.sleep(0.1)
"""


def test_a_job_is_diagnosed_while_it_trains(server: JobServer) -> None:
    name = train(server, "faulty", FAULTY)
    until(lambda: evaluation(server, name).get("RuleEvaluationStatus") == "IssuesFound")

    found = evaluation(server, name)
    assert server.describe(name)["TrainingJobStatus"] == "InProgress"
    assert found["StatusDetails"].startswith("NonFinite since step 15: ")
    shown = diagnosis(server, name)
    assert shown["findings"][0]["rule"] == "NonFinite"
    assert not shown["ended"]
    assert "NonFinite problem since step 15" in epochwatch(server, "job", name).stdout

    (ml,) = server.directory(name).glob("*/attempt-1/ml")
    (ml / "output" / "data" / "go").touch()
    assert server.over(name)["TrainingJobStatus"] == "Completed"

    until(lambda: diagnosis(server, name).get("ended"))
    ended = diagnosis(server, name)
    assert (ended["steps"], ended["failure"]) == (20, "")
    assert evaluation(server, name) == found
    looked_at = epochwatch(server, "rules", name)
    assert looked_at.returncode == 1, looked_at.stderr
    assert looked_at.stdout.startswith("NonFinite problem since step 15, known at step 15")


OF_TWO = """
import json
with open(place.removesuffix("/output/tensors") + "/input/config/resourceconfig.json") as file:
    number = int(json.load(file)["current_host"].removeprefix("algo-")) - 1
writer = StoreWriter(place, f"worker_{number}", collections, num_workers=2, steps_per_segment=5)
for step in range(20):
    loss = np.array([np.nan if step > 14 and number == 1 else 1.0])
    writer.write_step(step, statistics=Statistics(["loss"], {"value": loss}))
writer.end_worker(2)
"""


def test_of_several_hosts_the_first_follows_what_all_have_saved(server: JobServer) -> None:
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
    name = train(server, "two-hosts", OF_TWO, ResourceConfig=resources)

    assert server.over(name)["TrainingJobStatus"] == "Completed", server.lines(name)

    until(lambda: diagnosis(server, name).get("ended"))
    (cause,) = diagnosis(server, name)["findings"]
    assert (cause["rule"], cause["began"]) == ("NonFinite", 15)
    assert diagnosis(server, name)["steps"] == 20


def test_a_run_of_ones_own_is_looked_at_by_its_name(server: JobServer) -> None:
    script = WRITE.replace('os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml") + "/output/tensors"', "sys.argv[1]")
    path = server.process.home / "own.py"
    path.write_text(script + FAULTY.partition("place = ")[0])
    place = server.process.home / "own tensors"
    words = ("--debug-dir", str(place), "--name", "mine", "--", sys.executable, str(path), str(place))

    ran = epochwatch(server, "run", "--quiet", *words)

    assert ran.returncode == 0, ran.stderr
    until(lambda: evaluation(server, "mine").get("RuleEvaluationStatus") == "IssuesFound")
    by_name, by_place = epochwatch(server, "rules", "mine"), epochwatch(server, "rules", str(place))
    assert by_name.returncode == 1, by_name.stderr
    assert by_name.stdout == by_place.stdout
    absent = epochwatch(server, "rules", "absent")
    assert absent.returncode != 0
    assert "There is no training job 'absent'" in absent.stderr
    epochwatch(server, "run", "--quiet", "--name", "bare", "--", sys.executable, "-c", "pass")
    assert "the job bare saves no tensors" in epochwatch(server, "rules", "bare").stderr
    place.rename(place.with_name("elsewhere"))
    assert f"the job mine has no tensors in {place}" in epochwatch(server, "rules", "mine").stderr


TORCH = """
import torch
from torch import nn

net = nn.Linear(4, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
for _ in range(12):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(torch.ones(3, 4)), torch.zeros(3, 2))
    loss.backward()
    optimizer.step()
    print("loss", loss.item())
"""
WATCHED = TORCH.replace(
    "optimizer = ",
    "from epochwatch.debugger.hooks import watch\nwatch(net).save_scalar('mine', 7.0)\noptimizer = ",
)


@pytest.mark.parametrize(("name", "script"), [("injected", TORCH), ("watched", WATCHED)])
def test_a_script_in_pytorch_is_watched_once_by_the_jobs_configuration(
    server: JobServer, name: str, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = {"CollectionName": "weights", "CollectionParameters": {"save_interval": "4"}}
    hook = HOOK | {"LocalPath": "/opt/ml/tensors", "CollectionConfigurations": [weights]}
    path = server.process.home / f"{name}.py"
    path.write_text(script)
    source = {"PYTHONPATH": str(ROOT / "src")}

    server.create(name, [str(peer_python("torch")), str(path)], DebugHookConfig=hook, Environment=source)

    job = server.over(name)
    assert job["TrainingJobStatus"] == "Completed", server.lines(name)
    assert not [line for line in server.lines(name) if "epochwatch" in line or "tensors" in line]
    for variable, value in server.process.aws_environment().items():
        monkeypatch.setenv(variable, value)
    trial = create_trial(f"{HOOK['S3OutputPath']}/{name}/debug-output")
    assert trial.loaded_all_steps
    assert trial.steps() == list(range(12))
    assert trial.tensor("Linear_weight").steps() == [0, 4, 8]
    assert trial.has_tensor("scalar/mine") == (name == "watched")
    until(lambda: evaluation(server, name)["RuleEvaluationStatus"] in ("NoIssuesFound", "IssuesFound"))
