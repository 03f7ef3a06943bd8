"""Parameters that ranks share among them: each computes rows of its own part, and all add them up in the background."""

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

import numpy as np
import torch
import torch.distributed as dist

from epochwatch.debugger.source import Array

_PATIENCE: Final = timedelta(seconds=60)


class Part(NamedTuple):
    """What a rank has of a tensor."""

    tensor: Any
    sharded: bool
    """Whether the rows of all ranks are needed."""
    counted: bool
    """Whether this rank's rows count: of ranks that have the same part, those of one do."""


def part_of(tensor: Any) -> Part:
    """This rank's part of a tensor, which is a whole one where nothing is shared."""
    if not hasattr(tensor, "placements"):
        return Part(tensor, False, True)
    sharded = any(placement.is_shard() for placement in tensor.placements)
    place = tensor.device_mesh.get_coordinate()
    counted = place is not None and all(
        at == 0 or not placement.is_replicate() for at, placement in zip(place, tensor.placements, strict=True)
    )
    return Part(tensor.to_local(), sharded, counted or not sharded)


def has_shards(tensors: Sequence[Any]) -> bool:
    """Whether any of some tensors lies in parts on several ranks."""
    return any(
        placement.is_shard()
        for tensor in tensors
        if hasattr(tensor, "placements")
        for placement in tensor.placements
    )


class Ranks:
    """All ranks of the training, over a connection of their own that the training does not wait for."""

    def __init__(self) -> None:
        self._group = dist.new_group(backend="gloo", timeout=_PATIENCE)
        self._count = dist.get_world_size()

    def gathered(self, rows: Array) -> Array:
        """The rows of all ranks, of shape (ranks, ...); each calls it with as many, in the same order of steps."""
        mine = torch.from_numpy(np.ascontiguousarray(rows, np.float64))
        found = [torch.empty_like(mine) for _ in range(self._count)]
        dist.all_gather(found, mine, group=self._group)
        return np.stack([one.numpy() for one in found])


def rank_of_ranks() -> tuple[int, int]:
    """(number, count) of this process among those of the training."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    try:
        return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    except ValueError:
        return 0, 1
