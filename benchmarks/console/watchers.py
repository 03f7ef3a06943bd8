"""What many open consoles cost the server: ``python -m benchmarks.console.watchers [--consoles 200] [--seconds 30]``.

One training with 20 metrics of 100,000 steps goes on at 10 steps a second. Each console does what the job's page does
in a browser: it opens the stream, asks for the job and the charts on the screen, and asks again as often as the page
does. The server's CPU time is the kernel's count.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.console.training import JOB
from benchmarks.usage import Usage, usage_of
from epochwatch.client.credentials import console_token
from tests.servers import ServerProcess

METRICS, STEPS, HERTZ = 20, 100_000, 10
DETAIL_SECONDS = 10.0
"""A job's page asks for its record so often while the training says that it goes on (REST in JobPage.svelte)."""
CHART_SECONDS = 800 / HERTZ + 1
"""A chart asks for the server's buckets when it has drawn 800 live points (WIDTH in CurveChart.svelte)."""
CHARTS_SHOWN = 6
"""Charts of the page that are on the screen (or near it): only these ask for curves."""


@dataclass
class Seen:
    """What all consoles got."""

    events: int = 0
    asked: int = 0
    failed: int = 0
    bytes: int = 0
    waits: list[float] = field(default_factory=list)


def main() -> None:
    """Print what ``--consoles`` cost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--consoles", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, ServerProcess(Path(directory) / "home") as server:
        training = start_training(server, METRICS, STEPS, given.seconds + 120, HERTZ)
        try:
            wait_for_steps(server, STEPS)
            usage = usage_of(server)
            alone = _rate(usage, 5)
            seen, cost = asyncio.run(_watched(server, usage, given.consoles, given.seconds))
        finally:
            training.terminate()  # the command in front hands it on
            training.wait()
        print(
            f"{given.consoles} consoles, {given.seconds:.0f} s (load {os.getloadavg()[0]:.1f}): "
            f"server {cost:.2f} cores, "
            f"alone {alone:.2f}; memory {usage.resident_mb():.0f} MB; events {seen.events / given.seconds:.0f}/s, "
            f"answers {seen.asked / given.seconds:.0f}/s, refused {seen.failed}, "
            f"{seen.bytes / given.seconds / 1e6:.1f} MB/s; median wait {_median(seen.waits) * 1000:.0f} ms"
        )


def start_training(
    server: ServerProcess, metrics: int, steps: int, seconds: float, hertz: float, name: str = JOB
) -> "subprocess.Popen[bytes]":
    """The training, watched as any user's is."""
    words = [sys.executable, "-m", "epochwatch", "run", "--quiet", "--no-server", "--name", name, "--"]
    training = [sys.executable, "-m", "benchmarks.console.training", "epochwatch"]
    given = [str(one) for one in (metrics, steps, seconds, hertz)]
    return subprocess.Popen(
        [*words, *training, *given], env=server.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )


def token(server: ServerProcess) -> str:
    """What lets a program into the console."""
    return console_token(server.credentials["secret_access_key"])


def answer(server: ServerProcess, path: str) -> Any:
    """The JSON of the console's API at ``path``; None where it is refused."""
    headers = {"Authorization": f"Bearer {token(server)}"}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"{server.url}/_/api/{path}", headers=headers)
        ) as found:
            return json.load(found)
    except urllib.error.HTTPError:
        return None


def wait_for_steps(server: ServerProcess, steps: int, name: str = JOB) -> None:
    """Return when the job's first ``steps`` steps are stored."""
    while True:
        job = answer(server, f"jobs/{name}")
        if job and job["metrics"] and min(metric["points"] for metric in job["metrics"]) >= steps:
            return
        time.sleep(1)


class Connection:
    """One kept connection to the server: as little of HTTP as it takes, so that the clients leave the cores to it."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self._head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {token(server)}\r\n\r\n"

    async def open(self) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._server.port, limit=1 << 20)

    async def ask(self, path: str) -> tuple[int, int]:
        """Ask for a path of the API: status and length of what it answers."""
        status, headers = await self.begin(path)
        length = int(headers["content-length"])
        await self._reader.readexactly(length)
        return status, length

    async def begin(self, path: str) -> tuple[int, dict[str, str]]:
        """Ask for a path of the API: status and headers of the answer, whose body is still to be read."""
        self._writer.write(f"GET /_/api/{path} HTTP/1.1\r\n{self._head}".encode())
        status = int((await self._reader.readline()).split()[1])
        headers = {}
        while line := (await self._reader.readline()).strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return status, headers

    async def more(self) -> bytes:
        """What comes next of a body without end."""
        return await self._reader.read(1 << 16)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def _watched(server: ServerProcess, usage: Usage, consoles: int, seconds: float) -> tuple[Seen, float]:
    seen = Seen()
    opened = [asyncio.create_task(_console(server, seen, number / consoles * 5)) for number in range(consoles)]
    await asyncio.sleep(15)  # all are open, and their first questions are answered
    seen.events = seen.asked = seen.bytes = 0
    seen.waits.clear()
    before, begin = usage.cpu_seconds(), time.monotonic()
    await asyncio.sleep(seconds)
    cost = (usage.cpu_seconds() - before) / (time.monotonic() - begin)
    for one in opened:
        one.cancel()
    ended = await asyncio.gather(*opened, return_exceptions=True)
    seen.failed += sum(isinstance(one, Exception) for one in ended)
    return seen, cost


async def _console(server: ServerProcess, seen: Seen, delay: float) -> None:
    await asyncio.sleep(delay)
    stream = Connection(server)
    await stream.open()
    status, _ = await stream.begin(f"live?job={JOB}")
    seen.failed += status != 200
    asking = asyncio.create_task(_ask(server, seen))
    try:
        while chunk := await stream.more():
            seen.bytes += len(chunk)
            seen.events += chunk.count(b"event: ")
    finally:
        asking.cancel()
        stream.close()
        await asking


async def _ask(server: ServerProcess, seen: Seen) -> None:
    charts = [f"jobs/{JOB}/curves?metric=loss/{index:02}&x=step&width=800" for index in range(CHARTS_SHOWN)]
    again = 0.0
    while True:
        asked = Connection(server)  # the server hangs up what is quiet for some seconds
        await asked.open()
        paths = [f"jobs/{JOB}"]
        if time.monotonic() >= again:
            paths += charts
            # Pages are opened at any time, so their charts' turns come at any time.
            again = time.monotonic() + CHART_SECONDS * (1 if again else random.random())
        for path in paths:
            begin = time.monotonic()
            status, length = await asked.ask(path)
            seen.asked += 1
            seen.failed += status != 200
            seen.bytes += length
            seen.waits.append(time.monotonic() - begin)
        asked.close()
        await asyncio.sleep(DETAIL_SECONDS)


def _rate(usage: Usage, seconds: float) -> float:
    before = usage.cpu_seconds()
    time.sleep(seconds)
    return (usage.cpu_seconds() - before) / seconds


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else float("nan")


if __name__ == "__main__":
    main()
