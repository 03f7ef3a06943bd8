"""``epochwatch follow``: what the command line takes, and a job of several files on a real server."""

import os
from pathlib import Path

import pytest

from tests.cli.commands import epochwatch
from tests.servers import ServerProcess


def test_several_files_are_one_job_with_a_stream_and_curves_for_each(tmp_path: Path) -> None:
    for rank in range(3):
        lines = [f"step={step} loss={step / 10 + rank}" for step in range(1, 6)]
        (tmp_path / f"rank{rank}.log").write_text("\n".join(lines) + "\n")
    with ServerProcess(tmp_path / "home") as server:
        words = ("follow", "--no-follow", "--no-server", "--job", "ranks", "--tag", "team=vision")
        done = epochwatch(
            server.home, *words, str(tmp_path / "rank?.log"), environment=server.environment | {"NO_COLOR": "1"}
        )
        assert done.returncode == 0, done.stderr
        logs = server.boto3("logs")
        group = "/aws/sagemaker/TrainingJobs"
        streams = [one["logStreamName"] for one in logs.describe_log_streams(logGroupName=group)["logStreams"]]
        assert sorted(name.rpartition("-")[0] for name in streams) == [f"ranks/algo-{n}" for n in (1, 2, 3)]
        for rank, stream in enumerate(sorted(streams)):
            events = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
            assert events[0]["message"] == f"step=1 loss={0.1 + rank}"
            assert len(events) == 5
        points = epochwatch(
            server.home, "metrics", "ranks", "-m", "loss", "--format", "csv", environment=server.environment
        ).stdout.splitlines()
        assert len(points) == 1 + 15
        assert {line.split(",")[1].strip('"') for line in points[1:]} == {"algo-1", "algo-2", "algo-3"}
        printed = epochwatch(server.home, "logs", "ranks", environment=server.environment).stdout
        assert len(printed.splitlines()) == 15
        job = server.boto3("sagemaker").describe_training_job(TrainingJobName="ranks")
        assert job["TrainingJobStatus"] == "Completed"
        assert job["ResourceConfig"]["InstanceCount"] == 3


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ((), 2, "name FILEs, or --journal UNIT, or --slurm JOBID"),
        (("a.log", "--slurm", "1"), 2, "name FILEs, or --journal UNIT, or --slurm JOBID"),
        (("--slurm", "x"), 2, "'x' is no job id of Slurm"),
        (("a.log", "--since", "today"), 2, "--since goes with --journal only"),
        (("a.log", "--no-follow", "--idle", "3"), 2, "--no-follow ends by itself"),
        (("--slurm", "1", "--no-follow"), 2, "--no-follow does not go with --slurm"),
        (("a.log", "--job", "a_b"), 2, "for example: --job a-b"),
        (("a.log", "--idle", "0"), 2, "--idle"),
        (("a.log", "--format", "xml"), 2, "--format"),
        (("a.log", "--no-follow"), 1, "there is no file"),
        (("*.log", "--no-follow"), 1, "no file matches"),
        (("/",), 2, "/ is a directory"),
        (("/dev/null",), 2, "/dev/null is no regular file"),
    ],
)
def test_what_cannot_be_followed_is_said(tmp_path: Path, words: tuple[str, ...], status: int, said: str) -> None:
    here = [word if word.startswith(("/", "-")) or ".log" not in word else str(tmp_path / word) for word in words]
    done = epochwatch(tmp_path / "home", "follow", *here)
    assert done.returncode == status
    assert said in done.stderr.splitlines()[0] + done.stderr.splitlines()[-1]
    assert not list((tmp_path / "home").glob("spool/*"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_said(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.touch(0o000)
    done = epochwatch(tmp_path / "home", "follow", str(log))
    assert done.returncode == 1
    assert f"cannot read {log}: Permission denied" in done.stderr
    closed = tmp_path / "closed"
    closed.mkdir(0o000)
    done = epochwatch(tmp_path / "home", "follow", str(closed / "*.log"))
    assert done.returncode == 1
    assert f"cannot look into {closed}: Permission denied" in done.stderr
    closed.chmod(0o700)
