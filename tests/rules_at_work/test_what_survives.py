"""Rules and tensors when servers, hosts and trainings are cut short."""

from collections.abc import Iterator

import pytest

from tests.launchers.created_jobs import JobServer, until
from tests.rules_at_work.rule_jobs import evaluated, processing_job, rule, said, train


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    with JobServer(tmp_path_factory.mktemp("survives") / "home", max_jobs="1") as running:
        yield running


def test_a_rule_outlives_its_server(server: JobServer) -> None:
    go = server.process.home / "go"
    script = (
        f"smdebug(range(5)); print('half', flush=True)\nwhile not os.path.exists({str(go)!r}): time.sleep(0.1)\n"
    )
    name = train(
        server, "kept", script + "smdebug(range(5, 15))", rule("VanishingGradient", {"threshold": "0.001"})
    )
    server.until_line(name, "half")
    until(
        lambda: "debug/kept/debug-output/index/000000000/000000000004_worker_0.json" in server.keys("debug/kept")
    )

    server.kill()
    go.touch()
    server.start()

    found = evaluated(server, name)["VanishingGradient"]
    assert found["RuleEvaluationStatus"] == "IssuesFound", said(server, [found])
    assert "at step 10 " in found["StatusDetails"]
    assert server.over(name)["TrainingJobStatus"] == "Completed"
    streams = server.logs.describe_log_streams(
        logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix=processing_job(found)
    )["logStreams"]
    assert len(streams) == 1  # one evaluation, not another


def test_an_interrupted_training_goes_on_with_the_tensors_it_has(server: JobServer) -> None:
    script = """
first = not os.path.exists("/opt/ml/checkpoints/passed")
open(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml") + "/checkpoints/passed", "w").close()
own(range(7) if first else range(7, 14))
print("first" if first else "second", flush=True)
time.sleep(600 if first else 0)
"""
    checkpoints = {"CheckpointConfig": {"S3Uri": "s3://sagemaker-us-east-1-123456789012/interrupted"}}
    name = train(server, "interrupted", script, rule("VanishingGradient", {"threshold": "0.001"}), **checkpoints)
    server.until_line(name, "first")

    server.interrupt(name)

    assert server.over(name)["TrainingJobStatus"] == "Completed"
    found = evaluated(server, name)["VanishingGradient"]
    assert found["RuleEvaluationStatus"] == "IssuesFound", said(server, [found])
    assert "at step 10 " in found["StatusDetails"]
    segments = [key for key in server.keys(f"debug/{name}/") if "/statistics/" in key]
    assert len(segments) == 4  # two of each attempt, none in another's place
