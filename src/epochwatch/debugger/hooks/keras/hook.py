"""The hook for Keras: what the functions do that a model makes to fit, evaluate and predict is recorded.

A call of one of them is a step. Gradients are looked at where the back end has them: within the compiled step of JAX,
before and after the optimizer of PyTorch.
"""

from functools import partial
from typing import Any, Final, Protocol
from weakref import WeakSet, ref

import keras

from epochwatch.debugger.exceptions import SMDebugTypeError
from epochwatch.debugger.hooks.arrays import ArrayHook
from epochwatch.debugger.hooks.config import HookConfig
from epochwatch.debugger.hooks.keras.naming import COLLECTIONS, logged
from epochwatch.debugger.hooks.later import Later, mean
from epochwatch.debugger.hooks.patching import Patches
from epochwatch.debugger.mode_keys import ModeKeys

_BACK_ENDS: Final = ("jax", "torch")
_FUNCTIONS: Final = {
    "train_function": ModeKeys.TRAIN,
    "test_function": ModeKeys.EVAL,
    "predict_function": ModeKeys.PREDICT,
}
_current: "KerasHook | None" = None


class BackEnd(Protocol):
    """What looks at a step."""

    def patch(self, patches: Patches) -> None:
        """Look at the optimizers and the loss."""

    def prepare(self, model: Any) -> None:
        """A model is about to train."""

    def make(self, original: Any, model: Any, name: str, mode: ModeKeys) -> None:
        """Let a model make its function by ``original``, so that each of its steps is seen."""

    def number(self, value: Any) -> Later[float]:
        """A number that a model logged."""


class KerasHook(ArrayHook):
    """Records all models that train in this process. ``model`` is the one whose variables an optimizer changes that is
    called by a loop of the user's own. A new hook ends the one before it.
    """

    def __init__(self, config: HookConfig, model: Any = None) -> None:
        global _current  # noqa: PLW0603
        used = keras.backend.backend()
        if used not in _BACK_ENDS:
            raise SMDebugTypeError(
                f"Keras is watched with the back ends {' and '.join(_BACK_ENDS)}, not with {used}: set KERAS_BACKEND"
            )
        if used == "jax":
            from epochwatch.debugger.hooks.keras.on_jax import OnJax as Used
            from epochwatch.debugger.hooks.keras.on_jax import rank_of_ranks
        else:
            from epochwatch.debugger.hooks.keras.on_torch import OnTorch as Used  # type: ignore[assignment]
            from epochwatch.debugger.hooks.torch.shards import rank_of_ranks
        super().__init__(None, config, *rank_of_ranks(), COLLECTIONS)
        self._explicit_mode = False
        self._model = None if model is None else ref(model)
        self._losses: list[Later[float]] = []
        self._functions: WeakSet[Any] = WeakSet()
        self._patches = Patches()
        self._back_end: BackEnd = Used(self)
        if _current is not None:
            _current.close()
        _current = self
        self._back_end.patch(self._patches)
        for name, mode in _FUNCTIONS.items():
            self._patches.wrap(keras.Model, f"make_{name}", partial(self._maker, name, mode))

    def set_mode(self, mode: ModeKeys) -> None:
        """The phase from now on; from then on it is not taken from what a model does any more."""
        self._explicit_mode = True
        super().set_mode(mode)

    def close(self) -> None:
        """Write what waits and leave the models alone."""
        global _current  # noqa: PLW0603
        if _current is self:
            _current = None
        self._patches.undo()
        super().close()

    def _maker(self, name: str, mode: ModeKeys, original: Any) -> Any:
        def make(model: Any, force: bool = False) -> Any:
            if mode is ModeKeys.TRAIN:
                with self.recorder.guard:
                    self._back_end.prepare(model)
            known = getattr(model, name, None)
            if force or known is None or known not in self._functions:
                self._back_end.make(original, model, name, mode)
                self._functions.add(getattr(model, name))
            return getattr(model, name)

        return make

    # -- what a back end sees --------------------------------------------------------------------------

    @property
    def model(self) -> Any:
        """The model that was given, if it is still there."""
        return None if self._model is None else self._model()

    def begin(self, mode: ModeKeys) -> None:
        """A step begins."""
        if not self._explicit_mode:
            self.recorder.set_mode(mode)

    def saw_loss(self, value: Later[float]) -> None:
        """A batch had this loss."""
        self._losses.append(value)

    def end(self, logs: Any = None) -> None:
        """A step is over, of which a model logged this."""
        with self.recorder.guard:
            scalars = {name: self._back_end.number(value) for name, value in logged(logs).items()}
            if self._losses:
                scalars = {"loss": mean(self._losses)} | {k: one for k, one in scalars.items() if k != "loss"}
            self.recorder.scalars(scalars)
        self._losses = []
        self.recorder.end_step()


def watch(config: HookConfig, model: Any = None, optimizer: Any = None, loss: Any = None) -> KerasHook:
    """See ``hooks.watch``: whatever trains is seen, also what was not given."""
    return KerasHook(config, model)


def find(config: HookConfig) -> None:
    """Save whatever trains in this process."""
    KerasHook(config)
