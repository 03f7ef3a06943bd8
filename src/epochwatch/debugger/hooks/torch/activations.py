"""Inputs and outputs of modules, where they are wanted; under compilation through an operator of its own, which does
not break the graph.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

from epochwatch.debugger.hooks.recorder import Recorder

_takers: list[Callable[[str, Any], None]] = []
"""What tensors are handed to, by the number that compiled code knows."""


@torch.library.custom_op("epochwatch::observe", mutates_args=("seen",))  # type: ignore[untyped-decorator]
def observe(tensor: torch.Tensor, seen: torch.Tensor, taker: int, name: str) -> None:
    """Show a tensor to a taker. That ``seen`` is said to change keeps the compiler from leaving it out."""
    _takers[taker](name, tensor)


@observe.register_fake  # type: ignore[untyped-decorator]
def _(tensor: torch.Tensor, seen: torch.Tensor, taker: int, name: str) -> None:
    return None


class Activations:
    """The modules of watched models that have something to save. ``take`` gets each tensor at a step that is due."""

    def __init__(self, recorder: Recorder, take: Callable[[str, Any], None]) -> None:
        self._recorder = recorder
        self._take = take
        self._watched: set[int] = set()
        self._handles: list[Any] = []
        self._number = len(_takers)
        _takers.append(self._show)

    def watch(self, modules: Iterable[tuple[str, Any]]) -> None:
        """Hook those modules whose inputs or outputs are in a collection that is saved."""
        for name, module in modules:
            if id(module) not in self._watched and self._recorder.has_member(
                f"{name}_output_0", f"{name}_input_0"
            ):
                self._watched.add(id(module))
                hook = _Hook(name, self._number)
                self._handles.append(module.register_forward_hook(hook, with_kwargs=True))

    def _show(self, name: str, tensor: Any) -> None:
        if torch._C._current_graph_task_id() >= 0:
            return  # computed once more within backward, as it was not kept
        with self._recorder.guard:
            if self._recorder.active and self._recorder.wanted(name):
                self._take(name, tensor)

    def close(self) -> None:
        """Take the hooks off; compiled code that still shows tensors shows them to nobody."""
        for handle in self._handles:
            handle.remove()
        _takers[self._number] = _nobody


class _Hook:
    """A module's hook, which can be pickled with it. It is traced when the module is compiled: nothing in it may depend
    on more than constants.
    """

    def __init__(self, name: str, taker: int) -> None:
        self._name, self._taker, self._seen = name, taker, torch.zeros(())

    def __call__(self, module: Any, args: Any, kwargs: Any, output: Any) -> None:
        for kind, values in ("input", (*args, *kwargs.values())), ("output", _parts(output)):
            tensors = [value for value in values if isinstance(value, torch.Tensor)]
            for position, tensor in enumerate(tensors):
                name = f"{self._name}_{kind}_{position}"
                torch.ops.epochwatch.observe(tensor.detach(), self._seen, self._taker, name)


def _nobody(name: str, tensor: Any) -> None:
    return None


def _parts(output: Any) -> Sequence[Any]:
    if isinstance(output, dict):
        return list(output.values())
    return output if isinstance(output, tuple | list) else [output]
