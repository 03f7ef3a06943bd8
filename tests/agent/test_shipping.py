"""What reaches the server, whatever the server does."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from epochwatch.agent.spool import Exit, RunFile, Spool, State
from tests.agent.keeping_server import KeepingServer
from tests.agent.running import environment, only_spool, python, run, start, until, words
from tests.servers import ServerProcess

LINES = 200
CODE = (
    f"import time\nfor i in range({LINES}): print(f'step={{i}} loss={{i / 7:.6f}}', flush=True); time.sleep(0.005)"
)
VALUES = [float(f"{i / 7:.6f}") for i in range(LINES)]


def synced(home: Path, url: str, *arguments: str) -> dict[str, object]:
    done = subprocess.run(
        words("sync", "--json", *arguments),
        env=environment(home, url),
        capture_output=True,
        timeout=60,
        check=False,
    )
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def complete(server: KeepingServer) -> None:
    assert len(server.messages()) == LINES
    assert server.values("loss") == VALUES
    assert server.steps("loss") == list(range(LINES))


def test_lines_values_health_and_end_arrive(tmp_path: Path) -> None:
    with KeepingServer() as server:
        done = run(
            tmp_path, "-m", "loss=loss=([0-9.]+)", "--tag", "team=x", "--name", "n", *python(CODE), url=server.url
        )
        assert done.returncode == 0
        complete(server)
        final = server.final()
        assert (final.status, final.exit_code, final.tags) == ("Completed", 0, {"team": "x"})
        assert [(health.name, health.matched) for health in final.health] == [("loss", LINES)]
        assert f"n: {server.url}/_/jobs/n".encode() in done.stderr
    assert only_spool(tmp_path).state().finished


def test_value_arrives_while_the_training_runs(tmp_path: Path) -> None:
    with KeepingServer() as server:
        front = start(
            tmp_path, *python("import time; print('loss=0.5', flush=True); time.sleep(60)"), url=server.url
        )
        until(lambda: server.values("loss"), 20)
        assert front.poll() is None
        front.terminate()
        assert front.wait(30) == 143
        assert server.final().status == "Stopped"


def test_failure_reason_has_the_exit_code_and_the_traceback(tmp_path: Path) -> None:
    with KeepingServer() as server:
        run(tmp_path, *python("print('fine'); raise ValueError('bad shape')"), url=server.url)
        reason = server.final().failure_reason
    assert reason.startswith(
        'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "Traceback (most recent call last):\n'
    )
    assert '\nValueError: bad shape"\nCommand "' in reason
    assert reason.endswith(", exit code: 1")


def test_unfinished_last_line_counts(tmp_path: Path) -> None:
    with KeepingServer() as server:
        done = run(tmp_path, "--json", "--pty", *python("print('loss=1\\nloss=2', end='')"), url=server.url)
        assert server.values("loss") == [1, 2]
        summary = json.loads(done.stderr.decode().splitlines()[-1])
        assert summary["metrics"][0]["points"] == 2
        assert summary["delivered"]


def test_server_away_for_the_whole_run_gets_all_by_sync(tmp_path: Path) -> None:
    done = run(tmp_path, "--json", *python(CODE))
    summary = json.loads(done.stderr.decode().splitlines()[-1])
    assert {metric["name"]: metric["points"] for metric in summary["metrics"]}["loss"] == LINES
    with KeepingServer() as server:
        [drained] = synced(tmp_path, server.url)["runs"]  # type: ignore[misc]
        assert (drained["outcome"], drained["lines"]) == ("sent", LINES)
        complete(server)
        [again] = synced(tmp_path, server.url)["runs"]  # type: ignore[misc]
        assert again["outcome"] == "nothing left"
        complete(server)
        assert synced(tmp_path, server.url, "--keep-days", "0")["deleted"]
    assert not list((tmp_path / "spool").iterdir())


def test_server_away_in_the_middle_of_a_run(tmp_path: Path) -> None:
    server = KeepingServer().start()
    try:
        front = start(tmp_path, *python(CODE), url=server.url)
        until(lambda: server.values("loss"))
        server.stop()
        time.sleep(0.3)
        server.start()
        assert front.wait(60) == 0
        complete(server)
    finally:
        server.stop()


def test_lost_answers_double_nothing(tmp_path: Path) -> None:
    with KeepingServer() as server:
        server.forget_answers = 5
        run(tmp_path, *python(CODE), url=server.url)
        assert server.forget_answers == 0
        complete(server)


def test_server_that_forgot_the_run_gets_it_again(tmp_path: Path) -> None:
    with KeepingServer() as server:
        front = start(tmp_path, *python(CODE), url=server.url)
        until(lambda: server.values("loss"))
        server.registrations.clear()
        assert front.wait(60) == 0
        complete(server)


def test_refusal_is_said_once_and_not_tried_again(tmp_path: Path) -> None:
    with KeepingServer() as server:
        server.refuse = 400
        done = run(tmp_path, *python(CODE), url=server.url)
        assert done.returncode == 0
        assert done.stderr.count(b"refuses this run") == 1
        server.refuse = 0
        [drained] = synced(tmp_path, server.url)["runs"]  # type: ignore[misc]
        assert drained["outcome"] == "refused"
    assert server.batches == 0


def test_separate_outputs_are_separate_sources(tmp_path: Path) -> None:
    with KeepingServer() as server:
        code = "import sys\nprint('loss=1')\nprint('acc=2', file=sys.stderr)"
        run(tmp_path, *python(code), url=server.url)
        assert server.messages("stdout.log") == ["loss=1"]
        assert server.messages("stderr.log") == ["acc=2"]
        assert server.values("acc") == [2]


def test_run_in_progress_is_left_alone_by_sync(tmp_path: Path) -> None:
    with KeepingServer() as server:
        front = start(
            tmp_path, *python("import time; print('loss=1', flush=True); time.sleep(60)"), url=server.url
        )
        until(lambda: server.values("loss"))
        [drained] = synced(tmp_path, server.url)["runs"]  # type: ignore[misc]
        assert drained["outcome"] == "in use"
        front.terminate()
        front.wait(30)


@pytest.mark.parametrize("outputs", [["output.log"], []])
def test_spool_without_its_recorder_is_sent_as_far_as_it_goes(tmp_path: Path, outputs: list[str]) -> None:
    made = RunFile(run_id="ab" * 16, name="lost", started=time.time(), outputs=outputs)
    spool = Spool.create(tmp_path / "spool", made)
    with KeepingServer() as server:
        [drained] = synced(tmp_path, server.url)["runs"]  # type: ignore[misc]
        assert drained["outcome"] == "sent"
        assert server.final().status == "Failed"
    assert spool.state().finished


def test_damaged_state_costs_nothing_but_time(tmp_path: Path) -> None:
    run(tmp_path, *python(CODE))
    spool = only_spool(tmp_path)
    (spool.path / "state.json").write_text("{")
    with KeepingServer() as server:
        synced(tmp_path, server.url)
        complete(server)


def test_extraction_saved_by_another_version_is_begun_anew(tmp_path: Path) -> None:
    run(tmp_path, *python(CODE))
    spool = only_spool(tmp_path)
    spool.write_state(State(extraction={"stdout.log": {"version": 0}, "output.log": {"version": 0}}))
    with KeepingServer() as server:
        synced(tmp_path, server.url)
        complete(server)


def test_dimensions_and_units_travel_to_the_server(tmp_path: Path) -> None:
    definitions = [{"Name": "norm", "Regex": r"(?P<layer>\w+) norm=(?P<value>\S+)", "Unit": "Count"}]
    (tmp_path / "metrics.json").write_text(json.dumps(definitions))
    code = "print('a norm=1\\nb norm=2')"
    arguments = ("--metrics", str(tmp_path / "metrics.json"), "--no-auto", "--json")
    with ServerProcess(tmp_path / "home") as server:
        done = run(tmp_path / "home", *arguments, *python(code), url=server.url)
        summary = json.loads(done.stderr.decode().splitlines()[-1])
        assert [metric["name"] for metric in summary["metrics"]] == ['norm{layer="a"}', 'norm{layer="b"}']
        listed = server.boto3("cloudwatch").list_metrics(MetricName="norm")["Metrics"]
        layers = sorted(pair["Value"] for one in listed for pair in one["Dimensions"] if pair["Name"] == "layer")
        assert layers == ["a", "b"]


def test_records_of_a_spool_survive_their_files(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path, RunFile(run_id="cd" * 16, name="x", started=1.5, outputs=["output.log"]))
    assert spool.run().registration().name == "x"
    assert spool.exit() is None
    assert spool.state() == State()
    spool.write_exit(Exit(2.5, 3))
    assert spool.exit() == Exit(2.5, 3)
    assert not spool.being_recorded()
    with spool.lock("run") as lock:
        assert lock.take(wait=False)
        assert spool.being_recorded()
    assert os.listdir(spool.path)
