"""What was measured of tensors at a step, until the writing thread makes columns of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch

from epochwatch.debugger.hooks.later import now
from epochwatch.debugger.hooks.torch import statistics
from epochwatch.debugger.hooks.torch.shards import Ranks
from epochwatch.debugger.source import Array
from epochwatch.debugger.store.writer import Statistics

IN_STATISTICS: Final = frozenset(("mean", "std", "min", "max", "l2", "abs_mean", "abs_max"))
"""Reductions that are among the statistics."""


class Measured:
    """Rows that were taken of tensors at a step, until the writing thread makes columns of them."""

    def __init__(
        self,
        names: list[str],
        rows: Any,
        owners: Array,
        shared: Array,
        changed: list[bool] | None,
        changes: Any,
        scale: Any,
        ranks: Ranks | None,
    ) -> None:
        self._names, self._rows, self._owners, self._shared = names, rows, owners, shared
        self._changed, self._changes, self._scale, self._ranks = changed, changes, scale, ranks

    def statistics(self) -> Statistics:
        """The columns of all tensors; waits for the device and, where parts lie on them, for the other ranks."""
        rows, owners = np.asarray(now(self._rows), np.float64), self._owners
        if self._ranks is not None and self._shared.any():
            rows, owners = self._of_all_ranks(self._ranks, rows, owners)
        with np.errstate(all="ignore"):
            columns = statistics.columns_of(rows, owners, len(self._names))
            if self._scale is not None:
                columns = _unscaled(columns, now(self._scale))
        if self._changed is not None:
            columns["update_l2"] = np.full(len(self._names), np.nan)
            if self._changes is not None:
                columns["update_l2"][self._changed] = self._changes()
        return Statistics(self._names, columns)

    def _of_all_ranks(self, ranks: Ranks, rows: Array, owners: Array) -> tuple[Array, Array]:
        """With those of the other ranks, one of each tensor: a rank may have more pieces of it than another."""
        shared = np.unique(owners[self._shared])
        mine = statistics.merged(rows[self._shared], np.searchsorted(shared, owners[self._shared]), len(shared))
        gathered = ranks.gathered(mine)
        alone = ~self._shared
        return np.concatenate([rows[alone], *gathered]), np.concatenate([owners[alone], *[shared] * len(gathered)])


def _unscaled(columns: Mapping[str, Array], scale: float) -> dict[str, Array]:
    counts = ("size", "zeros", "nans", "infs")
    return {name: values if name in counts else values / scale for name, values in columns.items()}


def reductions(name: str, names: Sequence[str], values: Any) -> Statistics:
    """Those of one tensor."""
    return Statistics([name], {one: values[[position]] for position, one in enumerate(names)})


def norm_of(tensors: Sequence[Any]) -> Any:
    """The L2 norm of tensors together, on their device where that is one."""
    if not tensors:
        return torch.zeros(())
    norms: dict[Any, list[Any]] = {}
    for tensor in tensors:
        norms.setdefault(tensor.device, []).append(tensor)
    with torch.no_grad():
        found = [
            torch.linalg.vector_norm(torch.stack([n.float() for n in torch._foreach_norm(group)]))
            for group in norms.values()
        ]
        return found[0] if len(found) == 1 else torch.linalg.vector_norm(torch.stack([one.cpu() for one in found]))
