"""Tensors to the host's memory, without the training waiting for the device."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from epochwatch.debugger.source import Array
from epochwatch.debugger.store.safetensors import Bfloat16


def to_host(tensor: Any) -> Callable[[], Array | Bfloat16]:
    """Copy a tensor as it is now; what is returned gives it, and waits for the device if it must."""
    tensor = tensor.detach()
    if tensor.device.type != "cuda":
        copied = tensor.to("cpu", copy=True)
        return lambda: _array(copied)
    copied = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    copied.copy_(tensor, non_blocking=True)
    done = torch.cuda.Event()
    done.record(torch.cuda.current_stream(tensor.device))

    def arrived() -> Array | Bfloat16:
        done.synchronize()
        return _array(copied)

    return arrived


def number(value: Any) -> float | Callable[[], float]:
    """A tensor of one element as a number: at once from the host's memory, later from a device."""
    value = value.detach()
    if value.device.type == "cpu":
        return float(value)
    arrived = to_host(value.double() if value.device.type == "cuda" else value.float())
    return lambda: float(np.asarray(arrived()).reshape(()))


def _array(tensor: Any) -> Array | Bfloat16:
    tensor = tensor.contiguous()
    if tensor.dtype == torch.bfloat16:
        return Bfloat16(tensor.view(torch.int16).numpy().view(np.uint16))
    found: Array = tensor.numpy()
    return found
