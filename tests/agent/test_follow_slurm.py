"""Jobs of Slurm: what its commands tell, and a real cluster's jobs followed to their ends."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from epochwatch.agent.follow.slurm import SlurmJob, expanded, outcome, parse_sacct, parse_scontrol
from epochwatch.agent.spool import Exit
from tests.agent.keeping_server import KeepingServer
from tests.agent.running import environment, until, words
from tests.agent.slurm_cluster import SlurmCluster, unavailable

# As Slurm 22.05 prints them, shortened in the middle.
FAILED = (
    "JobId=1 JobName=a b=c UserId=root(0) GroupId=root(0) MCS_label=N/A JobState=FAILED Reason=NonZeroExitCode "
    "Dependency=(null) Requeue=1 Restarts=0 ExitCode=3:0 StartTime=1795273241 EndTime=1795273242 Deadline=N/A "
    "NodeList=vm BatchHost=vm Socks/Node=* NtasksPerN:B:S:C=0:0:*:* Command=/home/me/run.sh --lr=0.1 JobState=x "
    "WorkDir=/tmp/my dir StdErr=/tmp/my dir/a b=c-1.err StdIn=/dev/null StdOut=/tmp/my dir/a b=c-1.out Power= "
)
WAITING = (
    "JobId=2 ArrayJobId=2 ArrayTaskId=2-9%2 JobName=wrap UserId=me(1000) GroupId=me(1000) JobState=PENDING "
    "Reason=Resources ExitCode=0:0 StartTime=Unknown EndTime=Unknown Command=(null) WorkDir=/w "
    "StdErr=/w/arr-2_%a.out StdIn=/dev/null StdOut=/w/arr-2_%a.out Power="
)


def test_what_scontrol_tells() -> None:
    failed, waiting = parse_scontrol(f"{FAILED}\n{WAITING}\n\n")
    assert failed == SlurmJob(
        number="1",
        name="a b=c",
        user="root",
        state="FAILED",
        reason="NonZeroExitCode",
        code=3,
        started=1795273241.0,
        ended=1795273242.0,
        host="vm",
        command="/home/me/run.sh --lr=0.1",
        directory="/tmp/my dir",
        stdout="/tmp/my dir/a b=c-1.out",
        stderr="/tmp/my dir/a b=c-1.err",
    )
    assert (waiting.array, waiting.task, waiting.user, waiting.started) == ("2", "2-9%2", "me", None)
    assert not waiting.over


def test_what_sacct_tells() -> None:
    text = (
        "7_3|9|train|me|CANCELLED by 1000|0:15|1795273241|1795273300|/w\n"
        "10|10|x|me|RUNNING|0:0|1795273241|Unknown|/w\n"
    )
    cancelled, running = parse_sacct(text)
    assert (cancelled.number, cancelled.array, cancelled.task) == ("9", "7", "3")
    assert (cancelled.state, cancelled.exit_code) == ("CANCELLED", 143)
    assert (running.over, running.ended) == (False, None)


JOB = SlurmJob("12", "10", "2", name="train", user="me", host="node7.cluster", directory="/w")


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/x/%j.out", "/x/12.out"),
        ("slurm-%A_%a.out", "/w/slurm-10_2.out"),
        ("%4a/%06j.%u.%x", "/w/0002/000012.me.train"),
        ("%N-%n-%t-%s", "/w/node7-0-0-batch"),
        ("100%%j", "/w/100%j"),
        ("a\\%j", "/w/a%j"),
        ("../log.%y", "/log.%y"),
    ],
)
def test_paths_are_expanded_as_slurm_does(path: str, where: str) -> None:
    assert expanded(path, JOB) == where


@pytest.mark.parametrize(
    ("state", "code", "signal", "status", "exit_code", "reason"),
    [
        ("COMPLETED", 0, 0, "Completed", 0, ""),
        ("FAILED", 3, 0, "Failed", 3, "Slurm job 12: FAILED, ExitCode 3"),
        ("FAILED", 0, 9, "Failed", 137, "Slurm job 12: FAILED, ExitCode 137"),
        ("TIMEOUT", 0, 15, "Failed", 143, "Slurm job 12: TIMEOUT, ExitCode 143: the time limit was reached"),
        (
            "OUT_OF_MEMORY", 0, 125, "Failed", None,
            "Slurm job 12: OUT_OF_MEMORY: it used more memory than it had asked for",
        ),
        ("NODE_FAIL", 1, 0, "Failed", 1, "Slurm job 12: NODE_FAIL, ExitCode 1: a node failed"),
        ("PREEMPTED", 0, 15, "Stopped", 143, "Slurm job 12: PREEMPTED, ExitCode 143: preempted"),
        ("CANCELLED", 0, 0, "Stopped", 0, "Slurm job 12: CANCELLED, ExitCode 0: cancelled"),
    ],
)  # fmt: skip
def test_states_become_the_training_jobs(
    state: str, code: int, signal: int, status: str, exit_code: int | None, reason: str
) -> None:
    job = SlurmJob("12", state=state, code=code, signal=signal, ended=5.0)
    assert outcome([job]) == Exit(5.0, exit_code, status=status, reason=reason)


@pytest.mark.parametrize(
    "state", ["PENDING", "RUNNING", "COMPLETING", "REQUEUED", "SUSPENDED", "RESIZING", "STOPPED"]
)
def test_other_states_are_no_end(state: str) -> None:
    assert outcome([SlurmJob("1", state="COMPLETED"), SlurmJob("2", state=state)]) is None


def test_an_array_fails_with_any_of_its_tasks() -> None:
    tasks = [SlurmJob(str(number), "1", str(number), state="COMPLETED", code=0, ended=9.0) for number in (1, 2)]
    assert outcome(tasks) == Exit(9.0, 0, status="Completed")
    tasks.append(SlurmJob("3", "1", "3", state="FAILED", code=2, ended=8.0))
    tasks.append(SlurmJob("4", "1", "4", state="CANCELLED", code=0, ended=8.0))
    end = outcome(tasks)
    assert end == Exit(9.0, 2, status="Failed", reason="Slurm job 3 (task 3): FAILED, ExitCode 2")


# -- a real cluster -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    reason = unavailable()
    if reason:
        pytest.skip(reason)
    with SlurmCluster() as started:
        yield started


def follow(home: Path, cluster: SlurmCluster, server: KeepingServer, job: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        words("follow", "--no-server", "--slurm", job),
        env=environment(home, server.url, **cluster.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


PRINTING = "for i in 1 2 3; do echo step=$i loss=0.$i; sleep 1; done; echo oops >&2; exit 3"


def test_a_real_job_is_followed_to_its_end(tmp_path: Path, cluster: SlurmCluster) -> None:
    out, err = tmp_path / "train-%j.out", tmp_path / "train-%j.err"
    job = cluster.submit("--job-name=my train", f"--output={out}", f"--error={err}", f"--wrap={PRINTING}")
    with KeepingServer() as server:
        process = follow(tmp_path / "home", cluster, server, job)
        said = process.communicate(timeout=60)[1]
        assert process.returncode == 3, said
        assert server.messages("algo-1.log") == ["step=1 loss=0.1", "step=2 loss=0.2", "step=3 loss=0.3"]
        assert server.messages("algo-2.log") == ["oops"]
        assert server.values("loss") == [0.1, 0.2, 0.3]
        (registration,) = server.registrations.values()
        assert (registration.name, registration.user) == (f"my-train-{job}", "root")
        assert registration.tags == {"slurm:job": job, "slurm:name": "my train"}
        assert server.final().status == "Failed"
        assert server.final().exit_code == 3
        assert server.final().failure_reason == f"Slurm job {job}: FAILED, ExitCode 3"


def test_the_tasks_of_a_real_array_are_streams_of_one_job(tmp_path: Path, cluster: SlurmCluster) -> None:
    wrap = "--wrap=echo step=$SLURM_ARRAY_TASK_ID loss=1"
    job = cluster.submit("--array=1-5", f"--output={tmp_path}/task-%A_%a.out", wrap)
    with KeepingServer() as server:
        process = follow(tmp_path / "home", cluster, server, job)
        said = process.communicate(timeout=100)[1]
        assert process.returncode == 0, said
        assert sorted(server.messages()) == [f"step={task} loss=1" for task in range(1, 6)]
        assert len(server.lines) == 5
        assert server.final().status == "Completed"


def test_a_real_job_that_is_cancelled_has_been_stopped(tmp_path: Path, cluster: SlurmCluster) -> None:
    out = tmp_path / "train.out"
    out.write_text("of an earlier job\n")
    os.utime(out, (1000, 1000))
    job = cluster.submit(f"--output={out}", "--wrap=echo step=1 loss=1; sleep 100")
    with KeepingServer() as server:
        process = follow(tmp_path / "home", cluster, server, job)
        until(server.messages)
        cluster.cancel(job)
        said = process.communicate(timeout=60)[1]
        assert server.final().status == "Stopped", said
        assert server.messages()[0] == "step=1 loss=1"


def test_a_job_that_slurm_does_not_know_is_an_error(tmp_path: Path, cluster: SlurmCluster) -> None:
    with KeepingServer() as server:
        process = follow(tmp_path / "home", cluster, server, "99999")
        said = process.communicate(timeout=60)[1]
        assert process.returncode == 1
        assert "Slurm knows no job 99999" in said
