"""What a directory holds of a training that was killed: the one that goes on there counts from it."""

from collections.abc import Sequence
from typing import NamedTuple

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.places import Place
from epochwatch.debugger.store.parquet import StatisticsFile
from epochwatch.debugger.store.segment import SegmentHead, StepHead, decode_frames, numbered, segment_files


class Counts(NamedTuple):
    """How many steps a training has made, and how many of each phase."""

    steps: int
    by_mode: dict[ModeKeys, int]


def counts_there(place: Place) -> Counts:
    """Those of all workers in a directory; zeros where there is none. As a worker's last step says how many there were
    in all, its segments are read from the last back only until the phases make up as many.
    """
    logs = {(worker, number) for worker, number, _ in numbered(place.names("log"))}
    sealed = {(worker, number) for worker, number, _ in numbered(place.names("statistics"))}
    steps, by_mode = 0, dict.fromkeys(ModeKeys, 0)
    for worker in {worker for worker, _ in logs | sealed}:
        numbers = sorted((number for one, number in logs | sealed if one == worker), reverse=True)
        for heads in (_steps(place, worker, number, (worker, number) in sealed) for number in numbers):
            steps = max([steps, *(head.step + 1 for head in heads)])
            for head in heads:
                mode = ModeKeys(head.mode)
                by_mode[mode] = max(by_mode[mode], head.mode_step + 1)
            if sum(by_mode.values()) >= steps > 0:
                break
    return Counts(steps, by_mode)


def _steps(place: Place, worker: str, number: int, sealed: bool) -> Sequence[StepHead]:
    files = segment_files(worker, number)
    if sealed:
        return StatisticsFile(place, files["statistics"]).head.steps
    frames, _ = decode_frames(place.read(files["log"]))
    return SegmentHead.of(frames, 0).steps
