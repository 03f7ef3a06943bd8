"""Keras with the PyTorch back end: its optimizers are looked at before and after each step."""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import torch

from epochwatch.debugger.hooks.keras.naming import variable_names
from epochwatch.debugger.hooks.later import Later
from epochwatch.debugger.hooks.patching import Patches
from epochwatch.debugger.hooks.torch import patches as torch_patches
from epochwatch.debugger.hooks.torch.tensors import Tensors
from epochwatch.debugger.hooks.torch.transfer import number
from epochwatch.debugger.mode_keys import ModeKeys

if TYPE_CHECKING:
    from epochwatch.debugger.hooks.keras.hook import KerasHook


class OnTorch:
    """See ``BackEnd``."""

    def __init__(self, hook: "KerasHook") -> None:
        self._hook = hook
        self._recorder = hook.recorder
        self._tensors = Tensors(hook.recorder)
        self._model: Any = None
        self._looking = False
        self._pending = False
        self._seen = False

    def patch(self, patches: Patches) -> None:
        """See ``BackEnd``."""
        patches.wrap(keras.optimizers.Optimizer, "apply", self._apply)
        patches.wrap(keras.optimizers.LossScaleOptimizer, "apply", self._apply_scaled)
        patches.wrap(keras.metrics.Mean, "update_state", self._update_state)

    def prepare(self, model: Any) -> None:
        """See ``BackEnd``. The hook for PyTorch, should it wait for a training, makes room for this one."""
        torch_patches.give_way()

    def number(self, value: Any) -> Later[float]:
        """See ``BackEnd``."""
        return number(value) if torch.is_tensor(value) else float(value)

    def make(self, original: Any, model: Any, name: str, mode: ModeKeys) -> None:
        """See ``BackEnd``."""
        original(model, force=True)
        function = getattr(model, name)

        @functools.wraps(function)
        def watched(*arguments: Any, **named: Any) -> Any:
            self._begin(model, mode)
            try:
                logs = function(*arguments, **named)
            finally:
                self._model = None
            if not self._pending:
                self._hook.end(None if mode is ModeKeys.PREDICT else logs)
            return logs

        setattr(model, name, watched)

    def _begin(self, model: Any, mode: ModeKeys) -> None:
        self._hook.begin(mode)
        self._model, self._pending, self._seen = model, False, False

    def _update_state(self, original: Any) -> Any:
        def update_state(metric: Any, values: Any, *arguments: Any, **named: Any) -> Any:
            self._see_loss(metric, values)
            return original(metric, values, *arguments, **named)

        return update_state

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _see_loss(self, metric: Any, value: Any) -> None:
        if self._model is not None and metric is getattr(self._model, "_loss_tracker", None):
            with self._recorder.guard:
                self._hook.saw_loss(self.number(value))

    def _apply(self, original: Any) -> Any:
        def apply(optimizer: Any, grads: Sequence[Any], trainable_variables: Any = None) -> Any:
            alone = self._model is None
            variables = self._before(optimizer, grads, trainable_variables)
            result = original(optimizer, grads, trainable_variables)
            self._after(variables, alone)
            return result

        return apply

    def _apply_scaled(self, original: Any) -> Any:
        """It calls the optimizer within, unless the gradients are not finite."""

        def apply(optimizer: Any, grads: Sequence[Any], trainable_variables: Any = None) -> Any:
            self._looking = False
            result = original(optimizer, grads, trainable_variables)
            self._skip(optimizer, grads, trainable_variables)
            return result

        return apply

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _before(self, optimizer: Any, grads: Sequence[Any], variables: Any) -> Any:
        """An optimizer is about to change variables; what is to be looked at afterwards, by name."""
        if self._model is None:
            self._begin(None, ModeKeys.TRAIN)
        self._looking = True
        found: dict[str, Any] = {}
        with torch.no_grad(), self._recorder.guard:
            pairs = self._pairs(optimizer, grads, variables)
            steps = optimizer.gradient_accumulation_steps
            if steps and (int(optimizer._iterations) + 1) % steps:
                self._pending = True
                return found
            found = self._record_gradients(optimizer, pairs, optimizer.loss_scale_factor)
        return found

    def _pairs(self, optimizer: Any, grads: Sequence[Any], variables: Any) -> dict[str, tuple[Any, Any]]:
        """(gradient, variable) by the variable's name, of those that have a gradient."""
        variables = list(optimizer._trainable_variables if variables is None else variables)
        names = variable_names(self._model or self._hook.model, variables)
        return {
            name: (gradient, variable)
            for name, gradient, variable in zip(names, grads, variables, strict=True)
            if gradient is not None
        }

    def _record_gradients(self, optimizer: Any, pairs: dict[str, tuple[Any, Any]], scale: Any) -> dict[str, Any]:
        """The variables by name; what an optimizer has added up is part of its gradients."""
        steps = optimizer.gradient_accumulation_steps
        gradients = {}
        for name, (gradient, variable) in pairs.items():
            whole = gradient if scale is None else gradient / scale
            if steps:
                index = optimizer._get_variable_index(variable)
                whole = (whole + optimizer._accumulated_gradients[index].value) / steps
            gradients[f"gradient/{name}"] = whole
        if not self._seen:
            self._seen = True
            rate = keras.ops.convert_to_tensor(optimizer.learning_rate)
            self._recorder.scalars({"learning_rate": number(rate)})
            norm = self._tensors.norm(gradients)
            if norm is not None:
                self._recorder.scalars({"gradient_norm": norm})
        found = {name: variable.value for name, (_, variable) in pairs.items()}
        if self._recorder.due():
            self._tensors.record(gradients)
            self._tensors.remember(found)
        return found

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _after(self, variables: dict[str, Any], alone: bool) -> None:
        """An optimizer has changed variables."""
        with torch.no_grad(), self._recorder.guard:
            if variables and self._recorder.due():
                self._tensors.record(variables, self._tensors.updates(variables))
            self._tensors.forget()
        if alone and not self._pending:
            self._hook.end()

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _skip(self, scaled: Any, grads: Sequence[Any], variables: Any) -> None:
        """Gradients that are not finite kept an optimizer from its step."""
        if self._looking:
            return
        alone = self._model is None
        with torch.no_grad(), self._recorder.guard:
            pairs = self._pairs(scaled.inner_optimizer, grads, variables)
            found = self._record_gradients(scaled.inner_optimizer, pairs, scaled.dynamic_scale.value)
            if self._recorder.due():
                self._tensors.record(found, {})
            self._recorder.scalars({"step_skipped": 1.0})
        self._after({}, alone)
