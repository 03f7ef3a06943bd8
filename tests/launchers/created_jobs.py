"""Jobs created through the API of a real server, and what became of them."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from botocore.exceptions import BotoCoreError, ClientError

from epochwatch.launchers.directory import TRAINING, HostDirectory
from tests.servers import ServerProcess

ROLE = "arn:aws:iam::123456789012:role/training"
BUCKET = "sagemaker-us-east-1-123456789012"
GROUP = "/aws/sagemaker/TrainingJobs"
OVER = ("Completed", "Failed", "Stopped")
PATIENT = {"retries": {"max_attempts": 10, "mode": "standard"}}
SECONDS = 120


class JobServer:
    """A server with a bucket, and a short way to create jobs."""

    def __init__(self, home: Path, environment: Mapping[str, str] | None = None, **settings: str) -> None:
        own = {f"EPOCHWATCH_{name.upper()}": value for name, value in settings.items()}
        environment = own | dict(environment or {})
        self.process = ServerProcess(home, environment=environment)

    def start(self) -> "JobServer":
        self.process.start()
        self.sagemaker = self.process.boto3("sagemaker", **PATIENT)
        self.s3 = self.process.boto3("s3", **PATIENT)
        self.logs = self.process.boto3("logs", **PATIENT)
        if BUCKET not in [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]]:
            self.s3.create_bucket(Bucket=BUCKET)
        return self

    def kill(self) -> None:
        self.process.kill()

    def stop(self) -> None:
        self.process.stop()

    def create(
        self,
        name: str,
        command: Sequence[str] = (),
        *,
        image: str = "process",
        hosts: int = 1,
        channels: Mapping[str, str] | None = None,
        **more: Any,
    ) -> str:
        """A job that runs ``command`` as its container's entry point; channels by name as S3 URIs."""
        algorithm: dict[str, Any] = {"TrainingImage": image, "TrainingInputMode": "File"}
        if command:
            algorithm |= {"ContainerEntrypoint": list(command[:1])}
            algorithm |= {"ContainerArguments": list(command[1:])} if command[1:] else {}
        algorithm |= more.pop("algorithm", {})
        request: dict[str, Any] = {
            "TrainingJobName": name,
            "RoleArn": ROLE,
            "AlgorithmSpecification": algorithm,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": hosts, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        }
        if channels:
            request["InputDataConfig"] = [channel(key, uri) for key, uri in channels.items()]
        self.sagemaker.create_training_job(**(request | more))
        return name

    def shell(self, name: str, script: str, **more: Any) -> str:
        """A job that runs a shell script."""
        return self.create(name, ["/bin/bash", "-c", script], **more)

    def interrupt(self, name: str) -> None:
        """As `epochwatch interrupt` does."""
        command = [sys.executable, "-m", "epochwatch", "interrupt", name]
        subprocess.run(command, env=self.process.environment, check=True, capture_output=True)

    def client_environment(self) -> dict[str, str]:
        """The variables of a user's shell after ``eval "$(epochwatch env)"``."""
        command = [sys.executable, "-m", "epochwatch", "env", "--json"]
        printed = subprocess.run(command, env=self.process.environment, capture_output=True, check=True).stdout
        told: dict[str, str] = json.loads(printed)
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
        return kept | told

    def end_jobs(self) -> None:
        """Leave nothing behind of jobs that would go on after the test."""
        for process in psutil.process_iter(["cmdline"]):
            if str(self.process.home / "jobs") in " ".join(process.info["cmdline"] or []):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        for path in self.process.home.glob("jobs/*/*/*/*/*/training.pid"):
            if HostDirectory(path.parent).state().phase == TRAINING:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(int(path.read_text()), signal.SIGKILL)

    def describe(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.sagemaker.describe_training_job(TrainingJobName=name)
        return found

    def until(self, name: str, *states: str) -> dict[str, Any]:
        """The job once its status or secondary status is one of ``states``; a server that is away is waited for."""
        deadline = time.monotonic() + SECONDS
        seen: dict[str, Any] = {}
        while time.monotonic() < deadline:
            with contextlib.suppress(ClientError, BotoCoreError):
                seen = self.describe(name)
                if seen["TrainingJobStatus"] in states or seen["SecondaryStatus"] in states:
                    return seen
                assert seen["TrainingJobStatus"] not in OVER, seen
            time.sleep(0.1)
        raise AssertionError(f"{name} is not {states}: {seen}\n{self.said()}")

    def over(self, name: str) -> dict[str, Any]:
        """The job when it has ended."""
        return self.until(name, *OVER)

    def lines(self, name: str, host: str = "", group: str = GROUP) -> list[str]:
        """What the job's hosts printed, host by host."""
        return [event["message"] for event in self._events(name, host, group)]

    def until_line(self, name: str, line: str) -> None:
        """Wait until the job has printed ``line``."""
        self.until_printed(name, lambda lines: line in lines)

    def until_printed(self, name: str, enough: Callable[[list[str]], object]) -> None:
        """Wait until what the job has printed is ``enough``."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(ClientError, BotoCoreError):
                if enough(self.lines(name)):
                    return
            time.sleep(0.2)
        raise AssertionError(f"{name} has not printed enough: {self.lines(name)}\n{self.said()}")

    def keys(self, prefix: str) -> list[str]:
        """What is in the bucket below a prefix."""
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [entry["Key"] for entry in listed.get("Contents", [])]

    def put(self, key: str, content: bytes) -> str:
        """Store an object; its URI."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        return f"s3://{BUCKET}/{key}"

    def get(self, key: str) -> bytes:
        content: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def directory(self, name: str) -> Path:
        return self.process.home / "jobs" / "123456789012" / "us-east-1" / name

    def said(self) -> str:
        """What the server and the runners said of themselves."""
        logs = [path.read_text() for path in self.process.home.glob("jobs/*/*/*/runner.log")]
        return "\n".join([self.process.output()[-3000:], *logs])

    def _events(self, name: str, host: str, group: str) -> Iterator[dict[str, Any]]:
        until = int(time.time() * 1000)  # a job that goes on printing would be read without an end
        streams = self.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/{host}")
        for stream in streams["logStreams"]:
            token: dict[str, str] = {}
            while True:
                page = self.logs.get_log_events(
                    logGroupName=group,
                    logStreamName=stream["logStreamName"],
                    startFromHead=True,
                    endTime=until,
                    **token,
                )
                yield from page["events"]
                if token.get("nextToken") == page["nextForwardToken"]:
                    break
                token = {"nextToken": page["nextForwardToken"]}

    def __enter__(self) -> "JobServer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.end_jobs()


def channel(name: str, uri: str, **source: str) -> dict[str, Any]:
    """A channel of the request."""
    data = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"} | source
    return {"ChannelName": name, "DataSource": {"S3DataSource": data}}


def way(job: Mapping[str, Any]) -> list[str]:
    """The secondary statuses that a job went through."""
    return [transition["Status"] for transition in job["SecondaryStatusTransitions"]]


def process_of(server: JobServer, part: str) -> int:
    """The process of a module of the launchers, ``runner`` or ``host``, itself, not the ones forked from it."""
    home = str(server.process.home)
    words = {
        process.pid: process.info
        for process in psutil.process_iter(["cmdline", "ppid"])
        if f"epochwatch.launchers.{part}" in (process.info["cmdline"] or [])
        and home in " ".join(process.info["cmdline"])
    }
    return int(next(pid for pid, info in words.items() if info["ppid"] not in words))


def until(condition: Callable[[], object]) -> None:
    """Wait for it, at most SECONDS."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
