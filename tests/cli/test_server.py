"""serve, stop and status against the real server."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.cli.commands import epochwatch
from tests.servers import ServerProcess, clean_environment, free_port


@pytest.fixture
def port() -> dict[str, str]:
    return {"EPOCHWATCH_PORT": str(free_port())}


def test_daemon_answers_when_the_command_returns_and_stop_waits_for_its_end(
    tmp_path: Path, port: dict[str, str]
) -> None:
    url = f"http://127.0.0.1:{port['EPOCHWATCH_PORT']}"
    started = epochwatch(tmp_path, "serve", "--daemon", environment=port)
    assert started.returncode == 0, started.stderr
    try:
        assert started.stdout == ""
        assert f"serving at {url}" in started.stderr
        pid = json.loads((tmp_path / "server.json").read_text())["pid"]
        shown = json.loads(epochwatch(tmp_path, "status", "--json", environment=port).stdout)
        assert (shown["running"], shown["pid"], shown["url"], shown["jobs"]) == (True, pid, url, 0)
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with browser.open(shown["console"]) as page:  # the link opens the console, past the sign-in
            assert page.status == 200
            assert page.url == f"{url}/_/"
        again = epochwatch(tmp_path, "serve", "--daemon", environment=port)
        assert (again.returncode, again.stderr) == (0, f"a server already answers at {url}\n")
    finally:
        stopped = epochwatch(tmp_path, "stop", environment=port)
    assert stopped.returncode == 0
    assert f"stopped the server at {url}" in stopped.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert epochwatch(tmp_path, "status", environment=port).returncode == 1


def test_daemon_that_cannot_start_says_why(tmp_path: Path) -> None:
    done = epochwatch(tmp_path, "serve", "--daemon", "--host", "192.0.2.1")
    assert done.returncode == 1
    assert "error: the server did not start: " in done.stderr
    assert "server.log" in done.stderr


def test_ephemeral_server_forgets_its_data(tmp_path: Path, port: dict[str, str]) -> None:
    assert epochwatch(tmp_path, "serve", "--daemon", "--ephemeral", environment=port).returncode == 0
    try:
        assert not (tmp_path / "state.db").exists()
    finally:
        assert epochwatch(tmp_path, "stop", environment=port).returncode == 0
    assert not (tmp_path / "metrics").exists()


def test_interrupt_ends_a_server_in_the_foreground(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path).start()
    assert server.process is not None
    server.process.send_signal(signal.SIGINT)
    server.process.wait(60)
    assert "Traceback" not in server.output()
    assert not (tmp_path / "server.json").exists()


@pytest.mark.parametrize("ephemeral", [True, False])
def test_terminated_server_closes_its_stores_and_leaves_nothing_behind(tmp_path: Path, ephemeral: bool) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    words = ["serve", *(["--ephemeral"] if ephemeral else [])]
    environment = clean_environment(tmp_path, 0) | {"TMPDIR": str(temporary)}
    with subprocess.Popen(
        [sys.executable, "-m", "epochwatch", *words], env=environment, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        assert any("serving AWS APIs" in line for line in server.stderr)
        server.send_signal(signal.SIGTERM)
        rest = server.stderr.read()
    assert (server.returncode, "stopped" in rest) == (0, True), rest
    assert not (tmp_path / "server.json").exists()
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "state.db-wal").exists()


def test_stop_leaves_a_process_alone_that_is_not_the_server(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as other:
        try:
            (tmp_path / "server.json").write_text(json.dumps({"pid": other.pid, "url": "http://127.0.0.1:1"}))
            done = epochwatch(tmp_path, "stop")
            assert (done.returncode, other.poll()) == (0, None)
            assert "no server of" in done.stderr
        finally:
            other.kill()


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"pid": "x", "url": 1}', '{"pid": -1, "url": ""}'])
def test_damaged_server_record_is_no_server(tmp_path: Path, record: str) -> None:
    (tmp_path / "server.json").write_text(record)
    assert "no server of" in epochwatch(tmp_path, "stop").stderr


def test_status_points_to_a_server_of_this_home_at_another_address(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        done = epochwatch(tmp_path, "status")  # a port of its own, where nobody serves
        assert done.returncode == 1
        assert f"hint: a server of this home runs at {server.url}: set EPOCHWATCH_URL to it" in done.stderr


def test_auth_none_is_refused_beyond_loopback(tmp_path: Path) -> None:
    done = epochwatch(tmp_path, "serve", "--auth", "none", "--host", "0.0.0.0")
    assert done.returncode == 2
    assert "only allowed on loopback" in done.stderr


def test_missing_server_extra_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'chdb' else find(name, *rest)\n"
        "from epochwatch.cli.main import main\n"
        "main(['serve'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=clean_environment(tmp_path, free_port()),
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 1
    assert "error: the server is not installed here (missing: chdb)" in done.stderr
    assert "hint: pip install 'epochwatch[server]'" in done.stderr


def test_doctor_of_a_running_server_has_nothing_to_complain_about(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        done = epochwatch(tmp_path, "doctor", "--json", environment=server.environment)
        found = {check["name"]: check for check in json.loads(done.stdout)}
        assert done.returncode == 0
        for name in ("server", "key", "clock", "port", "spool"):
            assert found[name]["outcome"] == "ok", found[name]
        assert f"process {server.process.pid}" in found["server"]["finding"]  # type: ignore[union-attr]


def test_doctor_names_a_key_the_server_does_not_know(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "server") as server:
        done = epochwatch(tmp_path / "mine", "doctor", "--json", environment={"EPOCHWATCH_PORT": str(server.port)})
        found = {check["name"]: check for check in json.loads(done.stdout)}
        assert done.returncode == 1
        assert found["key"]["outcome"] == "fail"
        assert "another home directory" in found["server"]["finding"]
