import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import epochwatch


def checks(home: Path, **environment: str) -> tuple[int, dict[str, dict[str, Any]]]:
    done = epochwatch(home, "doctor", "--json", environment=environment)
    assert done.stderr == ""
    return done.returncode, {check["name"]: check for check in json.loads(done.stdout)}


class Stranger(http.server.BaseHTTPRequestHandler):
    """Some other web server."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture
def stranger() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_fresh_machine_has_nothing_failing(tmp_path: Path) -> None:
    status, found = checks(tmp_path / "home")
    assert status == 0
    assert not [check for check in found.values() if check["outcome"] == "fail"]
    assert found["engine"]["outcome"] == "ok"
    assert found["server"]["outcome"] == "warn"
    assert "epochwatch serve --daemon" in found["server"]["remedy"]
    assert set(found) == {
        "python", "server extra", "notebook extra", "data directory", "disk space", "engine", "server", "key",
        "clock", "port", "spool", "gpu",
    }  # fmt: skip


def test_port_taken_by_another_program_fails_with_what_to_do(tmp_path: Path, stranger: int) -> None:
    status, found = checks(tmp_path, EPOCHWATCH_PORT=str(stranger))
    assert status == 1
    assert found["server"]["outcome"] == "fail"
    assert "is no epochwatch server" in found["server"]["finding"]
    assert found["port"]["outcome"] == "fail"
    assert "EPOCHWATCH_PORT" in found["port"]["remedy"]


def test_data_directory_that_is_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    status, found = checks(tmp_path / "home")
    assert status == 1
    assert found["data directory"]["outcome"] == "fail"
    assert "EPOCHWATCH_HOME" in found["data directory"]["remedy"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_data_directory_that_may_not_be_written_fails(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o500)
    status, found = checks(tmp_path / "home")
    assert status == 1
    assert found["data directory"]["outcome"] == "fail"


def test_server_elsewhere_that_is_absent_fails(tmp_path: Path) -> None:
    status, found = checks(tmp_path, EPOCHWATCH_URL="http://127.0.0.1:1")
    assert status == 1
    assert found["server"]["outcome"] == "fail"


def test_people_get_a_line_per_check_and_the_remedy_below(tmp_path: Path) -> None:
    done = epochwatch(tmp_path, "doctor")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("warn  server: none runs at "))
    assert lines[place + 1].strip().startswith("-> ")
