"""A job's profile as rules of SageMaker Debugger's client read it: from one time to the next, while it comes."""

import logging
import time
from pathlib import Path
from typing import Final

from epochwatch.debugger.exceptions import NoMoreProfilerData
from epochwatch.debugger.places import open_place
from epochwatch.debugger.trial import PAUSE_SECONDS, PAUSES_BEFORE_WARNING
from epochwatch.profiler.smdebug.profile import SmdebugProfile
from epochwatch.profiler.smdebug.readers import AlgorithmMetricsReader, SystemMetricsReader
from epochwatch.profiler.smdebug.system_event import ProfilerSystemEvent
from epochwatch.profiler.smdebug.trace_event import TraceEvent

_LOG = logging.getLogger(__name__)
_TEMPORARY: Final = ".sagemaker-ignore"


class ProfilerTrial:
    """The profile in a directory or below ``s3://bucket/prefix``. Opening it waits until there is something in it.

    ``output_dir`` is where rules leave what they find; it is made, with a folder for what is only theirs.
    """

    def __init__(self, name: str, trial_dir: str, output_dir: str) -> None:
        self.name, self.path, self.output_dir = name, trial_dir, output_dir
        self._profile = SmdebugProfile(open_place(trial_dir), name)
        self.system_metrics_reader = SystemMetricsReader(trial_dir)
        self.framework_metrics_reader = AlgorithmMetricsReader(trial_dir)
        self.temp_dir = str(Path(output_dir) / _TEMPORARY)
        Path(self.temp_dir).mkdir(parents=True, exist_ok=True)
        self.first_timestamp = self.get_first_timestamp()

    def job_finished(self) -> bool:
        """Whether the training is over."""
        return self._profile.ended()

    def get_first_timestamp(self) -> int:
        """Unix microseconds of the first file. Waits for one; 0 where the training ended without."""
        pauses = 0
        while True:
            ended = self.job_finished()
            found = [
                reader.get_timestamp_of_first_available_file()
                for reader in (self.system_metrics_reader, self.framework_metrics_reader)
            ]
            if any(found) or ended:
                return min((one for one in found if one), default=0)
            pauses = self._pause(pauses)

    def get_latest_timestamp(self) -> int:
        """Up to when there is everything: the earlier of the last files of both kinds; 0 while there is none."""
        found = [
            reader.get_timestamp_of_latest_available_file()
            for reader in (self.system_metrics_reader, self.framework_metrics_reader)
        ]
        return min((one for one in found if one), default=0)

    def wait_for_data(self, end_time: int, start_time: int) -> None:
        """Until there is everything up to ``end_time`` (Unix microseconds), or the training is over. Raises
        NoMoreProfilerData when it is over and nothing is left after ``start_time``.
        """
        pauses = 0
        while (latest := self.get_latest_timestamp()) < end_time:
            if self.job_finished():
                if start_time >= latest:
                    raise NoMoreProfilerData(end_time)
                return
            pauses = self._pause(pauses)

    def get_system_metrics(self, start_time: int, end_time: int) -> list[ProfilerSystemEvent]:
        """What machines did in a time (Unix microseconds), both ends included."""
        return self.system_metrics_reader.get_events(start_time, end_time)

    def get_framework_metrics(self, start_time: int, end_time: int) -> list[TraceEvent]:
        """What the training's processes did in a time (Unix microseconds), both ends included."""
        return self.framework_metrics_reader.get_events(start_time, end_time)

    def _pause(self, pauses: int) -> int:
        if pauses == PAUSES_BEFORE_WARNING:
            _LOG.warning("still waiting for a profiler's files in %s: is the path right?", self.path)
        time.sleep(PAUSE_SECONDS)
        return pauses + 1
