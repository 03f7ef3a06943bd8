"""A real server process for tests: started, killed and started again on the same data and port."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.peers import peer_python

START_SECONDS = 180


class ServerProcess:
    """``epochwatch serve`` over one home directory. Use as a context manager, or start() and stop()."""

    def __init__(self, home: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._arguments = arguments
        self.environment = clean_environment(home, self.port) | dict(environment or {})
        self.process: subprocess.Popen[bytes] | None = None
        home.mkdir(parents=True, exist_ok=True)

    def start(self) -> "ServerProcess":
        with open(self.home / "server-output.log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "epochwatch", "serve", *self._arguments],
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.healthy():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server did not start:\n{self.output()}")
            time.sleep(0.02)
        return self

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def kill(self) -> None:
        """As a crash would: SIGKILL, no goodbye."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def output(self) -> str:
        return (self.home / "server-output.log").read_text(errors="replace")

    @property
    def credentials(self) -> dict[str, Any]:
        return dict(json.loads((self.home / "credentials.json").read_text()))

    def aws_environment(self) -> dict[str, str]:
        """What an AWS client needs to find us."""
        keys = self.credentials
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": keys["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
        }

    def aws(self, *words: str) -> str:
        """What an unmodified AWS CLI prints of a command that must succeed, as text."""
        done = subprocess.run(
            [peer_python("awscli").with_name("aws"), *words, "--output", "text"],
            env=os.environ | self.aws_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def boto3(self, service: str, **config: Any) -> Any:
        """An unmodified boto3 client of this server."""
        import boto3
        from botocore.config import Config

        keys = self.credentials
        return boto3.client(
            service,
            endpoint_url=self.url,
            aws_access_key_id=keys["access_key_id"],
            aws_secret_access_key=keys["secret_access_key"],
            region_name="us-east-1",
            config=Config(**({"retries": {"max_attempts": 0}} | config)),
        )

    def __enter__(self) -> "ServerProcess":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def clean_environment(home: Path, port: int) -> dict[str, str]:
    """This process's environment with epochwatch and AWS pointed at the test's own server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EPOCHWATCH_", "AWS_"))}
    return kept | {"EPOCHWATCH_HOME": str(home), "EPOCHWATCH_PORT": str(port), "PYTHONUNBUFFERED": "1"}


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
