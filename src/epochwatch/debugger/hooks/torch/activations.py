"""Inputs and outputs of modules, where they are wanted; under compilation through an operator of its own, which does
not break the graph.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch

from epochwatch.debugger.hooks.recorder import Recorder

_points: list[Callable[[Any], None]] = []
"""What a tensor is handed to, by the number that compiled code knows."""


@torch.library.custom_op("epochwatch::observe", mutates_args=("seen",))  # type: ignore[untyped-decorator]
def observe(tensor: torch.Tensor, seen: torch.Tensor, point: int) -> None:
    """Show a tensor to a point. That ``seen`` is said to change keeps the compiler from leaving it out."""
    _points[point](tensor)


@observe.register_fake  # type: ignore[untyped-decorator]
def _(tensor: torch.Tensor, seen: torch.Tensor, point: int) -> None:
    return None


class Activations:
    """The modules of watched models that have something to save. ``take`` gets each tensor at a step that is due."""

    def __init__(self, recorder: Recorder, take: Callable[[str, Any], None]) -> None:
        self._recorder = recorder
        self._take = take
        self._watched: set[int] = set()
        self._handles: list[Any] = []
        self._numbers: list[int] = []

    def watch(self, modules: Iterable[tuple[str, Any]]) -> None:
        """Hook those modules whose inputs or outputs are in a collection that is saved."""
        for name, module in modules:
            if id(module) not in self._watched and self._recorder.has_member(
                f"{name}_output_0", f"{name}_input_0"
            ):
                self._watched.add(id(module))
                self._handles.append(module.register_forward_hook(self._hook(name), with_kwargs=True))

    def _hook(self, name: str) -> Callable[..., None]:
        seen = torch.zeros(())
        numbers: dict[str, int] = {}

        def hook(module: Any, args: Any, kwargs: Mapping[str, Any], output: Any) -> None:
            for kind, values in ("input", (*args, *kwargs.values())), ("output", _parts(output)):
                for position, value in enumerate(value for value in values if isinstance(value, torch.Tensor)):
                    key = f"{name}_{kind}_{position}"
                    if key not in numbers:
                        numbers[key] = self._point(key)
                    torch.ops.epochwatch.observe(value.detach(), seen, numbers[key])

        return hook

    def _point(self, name: str) -> int:
        def show(tensor: Any) -> None:
            with self._recorder.guard:
                if self._recorder.active and self._recorder.wanted(name):
                    self._take(name, tensor)

        _points.append(show)
        self._numbers.append(len(_points) - 1)
        return len(_points) - 1

    def close(self) -> None:
        """Take the hooks off; compiled code that still shows tensors shows them to nobody."""
        for handle in self._handles:
            handle.remove()
        for number in self._numbers:
            _points[number] = _nobody


def _nobody(_: Any) -> None:
    return None


def _parts(output: Any) -> Sequence[Any]:
    if isinstance(output, Mapping):
        return list(output.values())
    return output if isinstance(output, tuple | list) else [output]
