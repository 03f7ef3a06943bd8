"""What is wanted of tensors at a step: measured where they are, changes of weights included, and recorded."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch

from epochwatch.debugger.hooks.later import Later, now
from epochwatch.debugger.hooks.recorder import Recorder, Wanted
from epochwatch.debugger.hooks.torch import statistics
from epochwatch.debugger.hooks.torch.measured import IN_STATISTICS, Measured, norm_of, reductions
from epochwatch.debugger.hooks.torch.shards import Part, Ranks, has_shards, part_of
from epochwatch.debugger.hooks.torch.transfer import number, to_host
from epochwatch.debugger.store.writer import Statistics

_COPY_BYTES: Final = 512 * 2**20
"""How much of the weights is copied over a step to see what the step changed."""


class Tensors:
    """Records tensors by their names, whole ones and those that ranks hold in shards."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._before: dict[str, Any] = {}
        self._ranks: Ranks | None = None
        self._flat: Mapping[str, bool] = {}

    def share(self, parameters: Sequence[Any], flat: Mapping[str, bool]) -> None:
        """Let all ranks take part if these lie in shards on them. ``flat`` has by name what is a shard and does not
        show it, and whether it counts.
        """
        self._flat = flat
        if self._ranks is None and (flat or has_shards(parameters)):
            self._ranks = Ranks()
            self._recorder.take_part()

    def _part(self, name: str, tensor: Any) -> Part:
        return part_of(tensor, self._flat.get(name.removeprefix("gradient/")))

    def forget(self) -> None:
        """The step is over: what was remembered is not needed any more."""
        self._before = {}

    def norm(self, gradients: Mapping[str, Any], clipped: Any = None, scale: Any = None) -> Any:
        """The L2 norm of all gradients together, as clipping found it or else computed; they are ``scale`` times what
        they ought to be.
        """
        if clipped is not None and not hasattr(clipped, "placements"):
            return number(clipped)
        if not gradients:
            return None
        if clipped is not None:
            mine = number(clipped.to_local())
        else:
            parts = [self._part(name, gradient) for name, gradient in gradients.items()]
            mine = number(norm_of([part.tensor for part in parts if part.counted]))
            mine = mine if scale is None else _quotient(mine, number(scale))
        ranks = self._ranks
        if ranks is None:
            return mine
        return lambda: float(np.sqrt((ranks.gathered(np.array([now(mine)])) ** 2).sum()))

    def record(
        self, tensors: Mapping[str, Any], updates: Mapping[str, Any] | None = None, scale: Any = None
    ) -> None:
        """What is wanted of some tensors at this step, which are ``scale`` times what they ought to be."""
        measured: dict[str, Part] = {}
        for name, tensor in tensors.items():
            wanted = self._recorder.wanted(name)
            if not wanted:
                continue
            part = self._part(name, tensor)
            if wanted.statistics:
                measured[name] = part
            if wanted._replace(statistics=False):
                self._take(name, part.tensor if scale is None else part.tensor / scale, wanted)
        if measured:
            self._measure(measured, updates, scale)

    def _take(self, name: str, tensor: Any, wanted: Wanted) -> None:
        """The tensor itself, reductions and its shape."""
        if wanted.raw and self._recorder.writes:
            self._recorder.tensors({name: to_host(tensor)}, tensor.nbytes)
        names = [one for one in wanted.reductions if not (wanted.statistics and one in IN_STATISTICS)]
        if names and self._recorder.writes:
            values = to_host(statistics.reduced(tensor, names))
            self._recorder.statistics(lambda: reductions(name, names, values()))
        if wanted.shape:
            self._recorder.statistics(Statistics([], {}), {name: tuple(tensor.shape)})

    def _measure(self, measured: Mapping[str, Part], updates: Mapping[str, Any] | None, scale: Any) -> None:
        """One row for each piece, all of them copied to the host together."""
        flats, owners, shared = [], [], []
        for position, part in enumerate(measured.values()):
            tensor = part.tensor if part.counted else part.tensor.new_empty(0)
            own = statistics.pieces(tensor)
            flats += own
            owners += [position] * len(own)
            shared += [part.sharded] * len(own)
        rows = statistics.rows_of(flats)
        changed = None
        if updates is not None:
            known = [updates[name] for name in measured if name in updates]
            changed = to_host(torch.stack(known)) if known else None
        later = Measured(
            list(measured),
            rows if isinstance(rows, np.ndarray) else to_host(rows),
            np.array(owners),
            np.array(shared, bool),
            [name in (updates or {}) for name in measured] if updates is not None else None,
            changed,
            None if scale is None else number(scale),
            self._ranks,
        )
        self._recorder.statistics(later.statistics)

    def remember(self, weights: Mapping[str, Any]) -> None:
        """Remember weights, as many as there is room for, until the step has changed them."""
        room = _COPY_BYTES
        for name, weight in weights.items():
            part = self._part(name, weight.detach())
            if part.tensor.device.type == "cuda":
                room = min(room, torch.cuda.mem_get_info(part.tensor.device)[0] // 8)
            if part.tensor.nbytes <= room and self._recorder.wanted(name).statistics and not part.sharded:
                self._before[name] = part.tensor.clone()
                room -= part.tensor.nbytes

    def updates(self, weights: Mapping[str, Any]) -> Mapping[str, Any]:
        """The L2 norm of what the step changed, by name, of weights that were remembered."""
        before, self._before = self._before, {}
        kept = [name for name in weights if name in before]
        if not kept:
            return {}
        with torch.no_grad():
            changes = torch._foreach_sub(
                [self._part(name, weights[name].detach()).tensor for name in kept], [before[name] for name in kept]
            )
            norms = torch._foreach_norm([change.float() for change in changes])
        return dict(zip(kept, norms, strict=True))


def _quotient(value: Later[float], by: Later[float]) -> Later[float]:
    return lambda: now(value) / now(by)
