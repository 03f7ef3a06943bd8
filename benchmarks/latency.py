"""How long until a printed value can be read: by boto3, and on the console's live stream.

A training prints 1,000 lines, each with the time of its printing. One thread polls ``GetMetricStatistics`` at a
period of one second, another reads the console's server-sent events. Run: ``python -m benchmarks.latency``.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from tests.servers import ServerProcess

LINES = 1000
PAUSE = 0.02

TRAINING = f"""
import sys, time
for step in range({LINES}):
    print(f"step={{step}} printed={{time.time():.6f}}", flush=True)
    time.sleep({PAUSE})
"""


def measure() -> dict[str, Any]:
    """Percentiles in milliseconds for boto3 and the live stream."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory) / "home"
        script = Path(directory) / "training.py"
        script.write_text(TRAINING)
        with ServerProcess(home) as server:
            streamed: dict[int, float] = {}
            reader = threading.Thread(target=_read_stream, args=(server, streamed), daemon=True)
            reader.start()
            training = subprocess.Popen(
                [sys.executable, "-m", "epochwatch", "run", "--quiet", "--name", "latency", "--no-server"]
                + ["-m", r"printed=printed=([0-9.]+)", "--", sys.executable, str(script)],
                env=server.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
            polled = _poll_boto3(server, training)
            training.wait()
            time.sleep(1)
            printed = _printed(server)
    stream = sorted(streamed[step] - printed[step] for step in printed if step in streamed)
    boto = sorted(seen - printed[step] for step, seen in polled.items() if step in printed)
    return {"boto3": _summary(boto), "live stream": _summary(stream)}


def _poll_boto3(server: ServerProcess, training: "subprocess.Popen[bytes]") -> dict[int, float]:
    """First time at which GetMetricStatistics counted at least n + 1 values, for each n."""
    client = server.boto3("cloudwatch")
    seen: dict[int, float] = {}
    start = time.time() - 5
    while len(seen) < LINES:
        ended = training.poll() is not None
        answer = client.get_metric_statistics(
            Namespace="/aws/sagemaker/TrainingJobs",
            MetricName="printed",
            Dimensions=[{"Name": "TrainingJobName", "Value": "latency"}],
            StartTime=start,
            EndTime=time.time() + 60,
            Period=1,
            Statistics=["SampleCount"],
        )
        now = time.time()
        count = int(sum(point["SampleCount"] for point in answer["Datapoints"]))
        for step in range(len(seen), count):
            seen[step] = now
        if ended and count < LINES and now - start > LINES * PAUSE * 3 + 30:
            break
    return seen


def _read_stream(server: ServerProcess, seen: dict[int, float]) -> None:
    from epochwatch.client.http import Client, Refused
    from epochwatch.settings import load

    client = Client(load(environment=server.environment))
    event = ""
    while True:  # the stream of a job is there once the job is
        try:
            client.get_json("/_/api/jobs/latency")
            break
        except Refused:
            time.sleep(0.02)
    for line in client.stream_lines("/_/api/live", {"job": "latency"}):
        now = time.time()
        if line.startswith("event:"):
            event = line.removeprefix("event:").strip()
        elif line.startswith("data:") and event == "points":
            for point in json.loads(line.removeprefix("data:"))["points"]:
                if point[0] == "printed" and point[2] is not None:
                    seen.setdefault(int(point[2]), now)


def _printed(server: ServerProcess) -> dict[int, float]:
    answer = subprocess.run(
        [sys.executable, "-m", "epochwatch", "metrics", "latency", "--metric", "printed", "--format", "json"],
        env=server.environment,
        check=True,
        capture_output=True,
    )
    return {point["step"]: point["value"] for point in json.loads(answer.stdout)["points"]}


def _summary(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {"values": 0}
    return {
        "values": len(seconds),
        "p50 ms": round(statistics.median(seconds) * 1000, 1),
        "p99 ms": round(seconds[int(len(seconds) * 0.99) - 1] * 1000, 1),
        "max ms": round(seconds[-1] * 1000, 1),
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
