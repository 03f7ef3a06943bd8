"""How soon a report is there, and in how much memory.

python -m benchmarks.profiler_report files   # 80 minutes, 50,000 system events, 20,000 steps, as SageMaker's files
python -m benchmarks.profiler_report day     # 24 hours of 8 hosts with 64 cores and 8 GPUs, sampled each 100 ms
python -m benchmarks.profiler_report store 24  # so many hours of one such host, out of the server's store

With --rules the report that the command makes, which has SageMaker's rules in it.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from epochwatch.model.host_rows import Column, HostMinute
from epochwatch.model.host_samples import Columns, Samples, chosen
from epochwatch.model.tenant import Tenant
from epochwatch.profiler.directory import open_profile
from epochwatch.profiler.events import SCHEMA
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.profile import Profile, Span, Window
from epochwatch.profiler.report.page import page
from epochwatch.profiler.report.reported import reported
from epochwatch.profiler.report.summary import Summary, summarised
from epochwatch.profiler.smdebug.export import write_end, write_pevents, write_system_files
from epochwatch.store.host_samples import HostPlace, compact, keep_minute
from epochwatch.store.objects import ObjectStore
from epochwatch.store.profiles import SEALED, JobProfile, ProfilePlace, _packed

SECOND = 1_000_000
TENANT = Tenant("123456789012", "us-east-1")
BEGIN = 1_790_000_000 // 3600 * 3600 * SECOND
PHASES = (Phase.DATA_LOADING, Phase.FORWARD, Phase.BACKWARD, Phase.OPTIMIZER, Phase.COMMUNICATION)


class Made:
    """A profile that is made as it is asked for: what is measured is the report's own work, and rules'."""

    def __init__(self, hours: float, nodes: int, cores: int, gpus: int, steps: float, interval: float) -> None:
        self.job, self._hours, self._steps = "made", hours, steps
        self._nodes = [f"algo-{number + 1}" for number in range(nodes)]
        self._interval = interval
        self._columns = ["cpu.busy", "cpu.iowait", "memory.percent"]
        self._columns += [f"cpu.{core}.{kind}" for core in range(cores) for kind in ("busy", "iowait")]
        self._columns += [
            f"gpu.{gpu}.{kind}" for gpu in range(gpus) for kind in ("busy", "memory.percent", "power")
        ]
        self._noise = np.random.default_rng(1).uniform(20, 80, 1 << 20).astype(np.float32)

    def ended(self) -> bool:
        return True

    def span(self) -> Span:
        return BEGIN, BEGIN + round(self._hours * 3600 * SECOND)

    def nodes(self) -> Sequence[str]:
        return self._nodes

    def system(self, node: str, span: Span, columns: Columns = None, seconds: int = 0) -> Samples:
        step = round((seconds or self._interval) * SECOND)
        times = np.arange(-(-span[0] // step) * step, span[1], step)
        wanted = chosen(columns)
        ends = (".min", ".mean", ".max") if seconds else ("",)
        names = [f"{name}{end}" for name in self._columns if wanted(name) for end in ends]
        values = {name: self._noise[len(name) :][: len(times)] for name in names}
        return Samples(
            times, np.full(len(times), step / SECOND, np.float32), values, dict.fromkeys(names, "Percent")
        )

    def events(self, span: Span, phases: Collection[Phase] | None = None) -> Iterator[pa.Table]:
        shown = [phase for phase in (Phase.STEP, *PHASES) if phases is None or phase in phases]
        if shown:
            for rank, node in enumerate(self._nodes):
                for start in range(span[0], span[1], 600 * SECOND):
                    yield self._steps_of(node, rank, start, min(start + 600 * SECOND, span[1]), shown)

    def _steps_of(self, node: str, rank: int, start: int, end: int, shown: list[Phase]) -> pa.Table:
        length = round(SECOND / self._steps)
        step = np.arange(-(-(start - BEGIN) // length), -(-(end - BEGIN) // length))
        count, kinds = len(step), len(shown)
        part = length // (len(PHASES) + 1)
        offsets = [0 if phase is Phase.STEP else PHASES.index(phase) * part for phase in shown]
        lengths = [length if phase is Phase.STEP else part for phase in shown]
        columns = {
            "start": np.repeat(BEGIN + step * length, kinds) + np.tile(offsets, count),
            "duration": np.tile(lengths, count),
            "step": np.repeat(step, kinds),
            "mode": np.ones(count * kinds, np.int8),
            "phase": pa.DictionaryArray.from_arrays(
                np.tile(np.arange(kinds, dtype=np.int32), count), [phase.value for phase in shown]
            ),
            "node": pa.DictionaryArray.from_arrays(np.zeros(count * kinds, np.int32), [node]),
            "rank": np.full(count * kinds, rank, np.int32),
        }
        columns["name"] = columns["phase"]
        for name in ("process", "thread", "bytes"):
            columns[name] = np.ones(count * kinds, np.int64)
        return pa.table([columns[one.name] for one in SCHEMA], SCHEMA)

    def windows(self) -> Sequence[Window]:
        return []

    def read(self, path: str) -> bytes:
        raise FileNotFoundError(path)


def stored(made: Made, directory: str) -> JobProfile:
    """The same in an object store, put together by the hour as a server's maintenance leaves it."""
    objects = ObjectStore.open(f"file://{directory}")
    record = SimpleNamespace(name=made.job, clocks={}, status="Completed")
    for node in made.nodes():
        for hour in range(made.span()[0], made.span()[1], 3600 * SECOND):
            _keep_hour(objects, made, node, (hour, hour + 3600 * SECOND))
    state = SimpleNamespace(jobs=SimpleNamespace(get=lambda *_: record))
    return JobProfile(SimpleNamespace(objects=objects, state=state), TENANT, record)  # type: ignore[arg-type]


def _keep_hour(objects: ObjectStore, made: Made, node: str, span: Span) -> None:
    place = HostPlace(TENANT, "training-job", made.job, node)
    for start in range(*span, 60 * SECOND):
        samples = made.system(node, (start, start + 60 * SECOND))
        columns = [Column(name, samples.units[name]) for name in samples.values]
        rows = np.zeros(len(samples.times), [("time", "<i8"), ("seconds", "<f4"), ("values", "<f4", len(columns))])
        rows["time"], rows["seconds"] = samples.times, samples.seconds
        rows["values"] = np.stack(list(samples.values.values()), axis=1)
        keep_minute(objects, place, HostMinute("1" * 32, "part", start // SECOND, columns, rows.tobytes()))
    compact(objects, place, span[0] // SECOND)
    events = pa.concat_tables(made.events(span)).unify_dictionaries().combine_chunks()
    profile = ProfilePlace(TENANT, "training-job", made.job, node)
    objects.put(f"{profile.hour(span[0] // SECOND)}/{SEALED}", _packed(events, {}))


def measured(what: str, act: Callable[[], Summary]) -> Summary:
    """Prints seconds of CPU and of the clock."""
    cpu, wall = time.process_time(), time.perf_counter()
    found = act()
    used, lasted = time.process_time() - cpu, time.perf_counter() - wall
    print(f"{what}: {used:.2f} s of CPU, {lasted:.2f} s")
    return found


def main(case: str) -> None:
    if case == "files":
        # 10.4 samples a second of five events each are 50,000 in 80 minutes.
        made = Made(80 / 60, 1, 2, 1, 20_000 / 4800, 0.576)
        with tempfile.TemporaryDirectory() as directory:
            write_pevents(made.events(made.span()), directory)
            write_system_files(
                made.system("algo-1", made.span(), lambda name: name != "gpu.0.power"), directory, "algo-1"
            )
            write_end(directory)
            report(lambda: open_profile(directory))
    elif case == "store":
        with tempfile.TemporaryDirectory() as directory:
            profile = stored(Made(float(sys.argv[2]), 1, 64, 8, 5.0, 0.1), directory)
            report(lambda: profile)
    else:
        report(lambda: Made(24, 8, 64, 8, 5.0, 0.1))
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def report(opened: Callable[[], Profile]) -> None:
    """Everything of a profile that was not read yet, then the page, then with SageMaker's rules."""
    summary = measured("summed up", lambda: summarised(opened()))
    print(f"{summary.training.steps:,} steps, {sum(node.samples for node in summary.nodes):,} samples were read")
    cpu = time.process_time()
    size = len(page(summary))
    print(f"page of {size / 1e6:.2f} MB: {time.process_time() - cpu:.2f} s of CPU")
    if "--rules" in sys.argv:
        measured("with SageMaker's rules", lambda: reported(opened()))


if __name__ == "__main__":
    main(sys.argv[1])
