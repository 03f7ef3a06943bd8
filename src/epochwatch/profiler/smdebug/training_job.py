"""A training job by its name, of this server or of AWS, and the files of its profiler."""

import logging
import time
from dataclasses import replace
from typing import Any, Final

from epochwatch.client.http import Client
from epochwatch.debugger.exceptions import SMDebugRuntimeError
from epochwatch.debugger.trial import PAUSE_SECONDS
from epochwatch.profiler.smdebug.readers import (
    MetricsReaderBase,
    S3AlgorithmMetricsReader,
    S3SystemMetricsReader,
)
from epochwatch.settings import load

_LOG = logging.getLogger(__name__)
_OVER: Final = ("Completed", "Failed", "Stopped")


class TrainingJob:
    """Where ``boto3`` is installed it asks, as it is configured; else the server that epochwatch knows is asked.
    Raises SMDebugRuntimeError for a job that was never profiled.
    """

    def __init__(self, training_job_name: str, region: str | None = None) -> None:
        self.name = training_job_name
        self._asked = _Asked(region)
        self.profiler_config, self.profiler_s3_output_path = self.get_config_and_profiler_s3_output_path()
        self.system_metrics_reader: S3SystemMetricsReader | None = None
        self.framework_metrics_reader: S3AlgorithmMetricsReader | None = None

    def describe_training_job(self) -> dict[str, Any]:
        """What DescribeTrainingJob answers."""
        return self._asked.describe(self.name)

    def get_sm_client(self) -> Any:
        """boto3's client; None without boto3."""
        return self._asked.client

    def get_config_and_profiler_s3_output_path(self) -> tuple[dict[str, Any], str]:
        """The job's ProfilerConfig, and the folder of its files in S3."""
        config = self.describe_training_job().get("ProfilerConfig") or {}
        path = config.get("S3OutputPath")
        if not path:
            raise SMDebugRuntimeError(
                f"{self.name} has no ProfilerConfig with an S3OutputPath: it was never profiled"
            )
        return config, f"{path.rstrip('/')}/{self.name}/profiler-output"

    def get_systems_metrics_reader(self) -> S3SystemMetricsReader | None:
        """None until it was waited for."""
        return self.system_metrics_reader

    def get_framework_metrics_reader(self) -> S3AlgorithmMetricsReader | None:
        """None until it was waited for."""
        return self.framework_metrics_reader

    def wait_for_sys_profiling_data_to_be_available(self) -> None:
        """Until there is a file of system metrics. Raises SMDebugRuntimeError when the job ended without."""
        self.system_metrics_reader = S3SystemMetricsReader(self.profiler_s3_output_path)
        self._wait(self.system_metrics_reader, "system metrics")

    def wait_for_framework_profiling_data_to_be_available(self) -> None:
        """Until there is a timeline. Raises SMDebugRuntimeError when the job ended without."""
        self.framework_metrics_reader = S3AlgorithmMetricsReader(self.profiler_s3_output_path)
        self._wait(self.framework_metrics_reader, "framework metrics")

    def _wait(self, reader: MetricsReaderBase[Any], what: str) -> None:
        told = None
        while not reader.get_timestamp_of_latest_available_file():
            job = self.describe_training_job()
            status = job["TrainingJobStatus"]
            if status in _OVER:
                if reader.get_timestamp_of_latest_available_file():  # they came last
                    return
                raise SMDebugRuntimeError(f"{self.name} is {status}, and has no {what}")
            now = (status, job.get("SecondaryStatus"))
            if now != told:
                _LOG.info("%s has no %s yet: it is %s (%s)", self.name, what, *now)
            told = now
            time.sleep(PAUSE_SECONDS)


class _Asked:
    """Who is asked about jobs."""

    def __init__(self, region: str | None) -> None:
        self.client: Any = None
        try:
            import boto3
        except ImportError:
            settings = load()
            self._own = Client(replace(settings, region=region or settings.region))
        else:
            self.client = boto3.client("sagemaker", region_name=region)

    def describe(self, name: str) -> dict[str, Any]:
        request = {"TrainingJobName": name}
        if self.client is not None:
            found: dict[str, Any] = self.client.describe_training_job(**request)
        else:
            found = self._own.call("sagemaker", "SageMaker.DescribeTrainingJob", request)
        return found
