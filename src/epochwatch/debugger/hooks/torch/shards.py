"""Parameters that ranks share among them: each computes rows of its own part, and all add them up in the background."""

import gc
import os
import sys
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


def part_of(tensor: Any, counted_shard: bool | None = None) -> Part:
    """This rank's part of a tensor, which is a whole one where nothing is shared. Of one that is a shard and does not
    show it, ``counted_shard`` says whether it counts.
    """
    if counted_shard is not None:
        return Part(tensor, True, counted_shard)
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


def flat_shards() -> dict[int, bool]:
    """By their ``id`` the parameters that FullyShardedDataParallel (the first FSDP) keeps flat and in shards, and
    whether this rank's shard counts: of ranks that have the same one, the first does.
    """
    fsdp: Any = sys.modules.get("torch.distributed.fsdp")
    found: dict[int, bool] = {}
    for module in gc.get_objects() if fsdp is not None else ():
        if type(module) is fsdp.FullyShardedDataParallel and (handle := module._handle) is not None:
            alike = getattr(module, "_inter_node_pg", None)
            counted = alike is None or dist.get_rank(alike) == 0
            flat = handle.flat_param
            if handle.uses_sharded_strategy:
                found |= {id(parameter): counted for parameter in (flat, *(flat._params or ()))}
    return found


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
