"""BatchSize and LowGPUUtilization: GPUs that could do more."""

from collections import defaultdict
from typing import Any

from epochwatch.debugger.rules.builtin import parameter
from epochwatch.model.host_samples import Samples
from epochwatch.profiler.rules.builtin.recent import Recent, mean_of
from epochwatch.profiler.rules.builtin.rule import ProfilerRule, by_device, device_of


class BatchSize(ProfilerRule):
    """The 95th percentiles of the CPU of a node, of a GPU and of its memory over the last ``window`` points are all
    below their thresholds: a larger batch, or a smaller instance, would do.
    """

    coded = {"patience": 1000}
    cpu_threshold_p95 = parameter.number(70.0, 0, 100)
    gpu_threshold_p95 = parameter.number(70.0, 0, 100)
    gpu_memory_threshold_p95 = parameter.number(70.0, 0, 100)
    patience = parameter.integer(100)
    window = parameter.integer(500, 1)

    def __init__(self, **given: Any) -> None:
        """See ``ProfilerRule``."""
        super().__init__(**given)
        self._cpu = defaultdict[str, Recent](self._recent)
        self._gpus = defaultdict[tuple[str, str], tuple[Recent, Recent]](lambda: (self._recent(), self._recent()))
        self._small: set[tuple[str, str]] = set()

    def _recent(self) -> Recent:
        return Recent(self.window)

    def wants(self, column: str) -> bool:
        """See ``ProfilerRule``."""
        measured = (("cpu", "busy"), ("gpu", "busy"), ("gpu", "memory.percent"))
        return any(device_of(column, *one) is not None for one in measured)

    def see_samples(self, node: str, samples: Samples) -> None:
        """See ``ProfilerRule``."""
        cores = by_device(samples, "cpu", "busy")
        if cores:
            self._cpu[node].add(mean_of(cores))
        memory = by_device(samples, "gpu", "memory.percent")
        for gpu, busy in by_device(samples, "gpu", "busy").items():
            used, in_memory = self._gpus[node, gpu]
            self.datapoints += len(used.add(busy))
            if gpu in memory:
                in_memory.add(memory[gpu])

    def judge(self, until: int) -> bool:
        """See ``ProfilerRule``."""
        self._small = {place for place in self._gpus if self._is_small(place)}
        self.violations += len(self._small)
        return bool(self._small)

    def _is_small(self, place: tuple[str, str]) -> bool:
        busy, memory = self._gpus[place]
        return (
            busy.seen > self.patience
            and busy.quantile(0.95) < self.gpu_threshold_p95
            and memory.quantile(0.95) < self.gpu_memory_threshold_p95
            and self._cpu[place[0]].quantile(0.95) < self.cpu_threshold_p95
        )

    def details(self) -> dict[str, Any]:
        """By node: boxes of the CPU and of each GPU."""
        found: dict[str, Any] = {}
        for (node, gpu), (busy, memory) in sorted(self._gpus.items()):
            boxes = found.setdefault(node, {"cpu": self._cpu[node].box(), "gpus": {}})["gpus"]
            boxes[gpu] = {"gpu": busy.box(), "gpu_memory": memory.box(), "small": (node, gpu) in self._small}
        return found

    def summary(self) -> str:
        """See ``ProfilerRule``."""
        return ", ".join(
            f"{gpu} of {node}: p95 of the GPU {self._gpus[node, gpu][0].quantile(0.95):.3g} %, of its memory"
            f" {self._gpus[node, gpu][1].quantile(0.95):.3g} %, of the CPU {self._cpu[node].quantile(0.95):.3g} %"
            for node, gpu in sorted(self._small)
        )


class LowGPUUtilization(ProfilerRule):
    """The 95th percentile of a GPU over the last ``window`` points is below ``threshold_p95``: it does little. Or it is
    not, and the 5th is below ``threshold_p5``: it does much and little in turn.
    """

    threshold_p95 = parameter.number(70.0, 0, 100)
    threshold_p5 = parameter.number(10.0, 0, 100)
    patience = parameter.integer(1000)
    window = parameter.integer(500, 1)

    def __init__(self, **given: Any) -> None:
        """See ``ProfilerRule``."""
        super().__init__(**given)
        self._gpus = defaultdict[tuple[str, str], Recent](lambda: Recent(self.window))
        self._found: dict[tuple[str, str], str] = {}

    def check_parameters(self) -> None:
        """See ``ProfilerRule``."""
        self.ordered("threshold_p5", "threshold_p95")

    def wants(self, column: str) -> bool:
        """See ``ProfilerRule``."""
        return device_of(column, "gpu", "busy") is not None

    def see_samples(self, node: str, samples: Samples) -> None:
        """See ``ProfilerRule``."""
        for gpu, busy in by_device(samples, "gpu", "busy").items():
            self.datapoints += len(self._gpus[node, gpu].add(busy))

    def judge(self, until: int) -> bool:
        """See ``ProfilerRule``."""
        states = {place: self._state(recent) for place, recent in self._gpus.items()}
        self._found = {place: state for place, state in states.items() if state}
        self.violations += len(self._found)
        return bool(self._found)

    def _state(self, gpu: Recent) -> str:
        if gpu.seen <= self.patience:
            return ""
        p95 = gpu.quantile(0.95)
        if p95 < self.threshold_p95:
            return "low"
        return "fluctuating" if p95 > self.threshold_p95 and gpu.quantile(0.05) < self.threshold_p5 else ""

    def details(self) -> dict[str, Any]:
        """By node and GPU: the box, and ``low`` or ``fluctuating``."""
        found: dict[str, Any] = {}
        for (node, gpu), recent in sorted(self._gpus.items()):
            found.setdefault(node, {})[gpu] = recent.box() | {"state": self._found.get((node, gpu), "")}
        return found

    def summary(self) -> str:
        """See ``ProfilerRule``."""
        return ", ".join(
            f"{gpu} of {node} is {state}: p95 {self._gpus[node, gpu].quantile(0.95):.3g} %, p5"
            f" {self._gpus[node, gpu].quantile(0.05):.3g} %"
            for (node, gpu), state in sorted(self._found.items())
        )
