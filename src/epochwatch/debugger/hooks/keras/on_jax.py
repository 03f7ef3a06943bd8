"""Keras with the JAX back end: what is computed of a step's gradients is computed within what is compiled.

A model's own ``train_step`` is traced within one that gives away what was seen beside what it logs; whether the step is
due is an argument, so that nothing is compiled again.
"""

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import jax
import jax.numpy as jnp
import keras
import numpy as np

from epochwatch.debugger.exceptions import SMDebugTypeError
from epochwatch.debugger.hooks.jax_arrays import Looked, later, look, norm, nothing, record_arrays, record_looked
from epochwatch.debugger.hooks.keras.naming import variable_names
from epochwatch.debugger.hooks.later import Later
from epochwatch.debugger.hooks.patching import Patches
from epochwatch.debugger.mode_keys import ModeKeys

if TYPE_CHECKING:
    from epochwatch.debugger.hooks.keras.hook import KerasHook

_STEPS: Final = {"train_function": "train_step", "test_function": "test_step"}


def rank_of_ranks() -> tuple[int, int]:
    """(number, count) of this process among those of the training."""
    return jax.process_index(), jax.process_count()


class OnJax:
    """See ``BackEnd``."""

    def __init__(self, hook: "KerasHook") -> None:
        if getattr(keras.config, "is_nnx_enabled", bool)():
            raise SMDebugTypeError("Keras is not watched where its variables are Flax's: unset KERAS_NNX_ENABLED")
        if not hasattr(keras.Model, "_make_function"):
            raise SMDebugTypeError(f"Keras {keras.__version__} is not watched with JAX: 3.8 or later is needed")
        self._hook = hook
        self._counted: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._traced: list[_Step | None] = []

    def patch(self, patches: Patches) -> None:
        """See ``BackEnd``."""
        for kind in keras.optimizers.Optimizer, keras.optimizers.LossScaleOptimizer:
            patches.wrap(kind, "stateless_apply", self._stateless_apply)
        patches.wrap(keras.metrics.Mean, "update_state", self._update_state)

    def prepare(self, model: Any) -> None:
        """See ``BackEnd``. How many batches an optimizer has added up that keeps their gradients."""
        steps = _accumulated_steps(model.optimizer)
        if steps:
            self._counted[model] = int(np.asarray(_inner(model.optimizer)._iterations)) % steps

    def number(self, value: Any) -> Later[float]:
        """See ``BackEnd``."""
        return later(value)

    def make(self, original: Any, model: Any, name: str, mode: ModeKeys) -> None:
        """See ``BackEnd``. The model takes its own functions from itself, which for this moment has ours."""
        step, own = _Step(self._hook, model), vars(model)
        make_function = model._make_function

        def make_seen(function: Any, **named: Any) -> Any:
            return make_function(self._seen(function, step, model, mode), **named)

        own["_make_function"] = make_seen
        if name in _STEPS:
            own[_STEPS[name]] = self._tracing(getattr(model, _STEPS[name]), step)
        try:
            original(model, force=True)
        finally:
            for replaced in ("_make_function", *_STEPS.values()):
                own.pop(replaced, None)

    def _tracing(self, own_step: Any, step: "_Step") -> Any:
        """What is compiled: the model's own step, which gives away what was seen in it."""

        def traced(state: Any, given: Any) -> Any:
            data, due = given
            self._traced.append(step)
            step.begin(due)
            try:
                logs, state = own_step(state, data)
            finally:
                self._traced.pop()
            return (logs, step.take()), state

        return traced

    def _seen(self, function: Any, step: "_Step", model: Any, mode: ModeKeys) -> Any:
        """What is called for each batch."""
        recorder = self._hook.recorder

        def seen(state: Any, data: Any) -> Any:
            self._hook.begin(mode)
            if mode is ModeKeys.PREDICT:
                logs, state = function(state, data)
                self._hook.end()
                return logs, state
            whole = mode is not ModeKeys.TRAIN or self._is_whole(model)
            due = whole and recorder.due()
            (logs, found), state = function(state, (data, np.bool_(due)))
            with recorder.guard:
                step.record(found, state, due)
            if whole:
                self._hook.end(logs)
            return logs, state

        return seen

    def _is_whole(self, model: Any) -> bool:
        """Whether the optimizer changes the weights with this batch, and does not only keep its gradients."""
        steps = _accumulated_steps(model.optimizer)
        if not steps:
            return True
        self._counted[model] = (self._counted.get(model, 0) + 1) % steps
        return self._counted[model] == 0

    def _update_state(self, original: Any) -> Any:
        def update_state(metric: Any, values: Any, *arguments: Any, **named: Any) -> Any:
            if self._traced and self._traced[-1] is not None:
                self._traced[-1].saw_mean(metric, values)
            return original(metric, values, *arguments, **named)

        return update_state

    def _stateless_apply(self, original: Any) -> Any:
        def stateless_apply(
            optimizer: Any, optimizer_variables: Any, grads: Any, trainable_variables: Any
        ) -> tuple[Any, Any]:
            step = self._traced[-1] if self._traced else None
            self._traced.append(None)  # an optimizer may have another within
            try:
                after, state = original(optimizer, optimizer_variables, grads, trainable_variables)
            finally:
                self._traced.pop()
            if step is not None:
                with self._hook.recorder.guard:
                    step.saw_update(optimizer, optimizer_variables, grads, trainable_variables, after)
            return after, state

        return stateless_apply


class _Step:
    """What is seen of a step of a model while it is traced, and recorded of each of its calls."""

    def __init__(self, hook: "KerasHook", model: Any) -> None:
        self._hook = hook
        self._model = weakref.ref(model)
        self._found: dict[str, Any] = {}
        self._due: Any = False
        self._names: list[tuple[list[str], list[int]]] = []
        config = hook.recorder.config
        self._whole = config.save_all or any(
            one.save_raw_tensor or one.save_shape or one.reductions for one in config.collections
        )

    def begin(self, due: Any) -> None:
        """It is traced, or called where nothing is compiled."""
        self._found, self._due, self._names = {}, due, []

    def take(self) -> dict[str, Any]:
        """What was seen, as arrays by what they are."""
        found, self._found = self._found, {}
        return found

    def saw_mean(self, metric: Any, value: Any) -> None:
        """A metric that is a mean is given this: that of the loss is given the batch's."""
        if metric is getattr(self._model(), "_loss_tracker", None):
            self._found["loss"] = value

    def saw_update(
        self,
        optimizer: Any,
        state: Sequence[Any],
        grads: Sequence[Any],
        before: Sequence[Any],
        after: Sequence[Any],
    ) -> None:
        """An optimizer made one of the other by these gradients."""
        variables = optimizer._trainable_variables
        names = variable_names(self._model(), variables)
        with keras.StatelessScope(state_mapping=list(zip(optimizer.variables, state, strict=True))):
            gradients = _whole_gradients(optimizer, variables, grads)
            rate = keras.ops.convert_to_tensor(_inner(optimizer).learning_rate)
        kept = [number for number, gradient in enumerate(gradients) if gradient is not None]
        gradients = [gradients[number] for number in kept]
        weights = [after[number] for number in kept]
        changes = [after[number] - before[number] for number in kept]
        self._names.append(([names[number] for number in kept], [int(np.prod(one.shape)) for one in weights]))
        if "gradient_norm" not in self._found:
            self._found |= {"gradient_norm": norm(gradients), "learning_rate": rate}
            if optimizer is not _inner(optimizer):
                finite = jnp.stack([jnp.isfinite(one).all() for one in gradients]).all()
                self._found["step_skipped"] = jnp.logical_not(finite)
        looked = _if(self._due, partial(look, gradients, weights, changes), partial(nothing, len(kept)))
        self._found.setdefault("looked", []).append(looked)
        if self._whole:
            self._found.setdefault("gradients", []).append(gradients)

    def record(self, found: dict[str, Any], state: Any, due: bool) -> None:
        """A call of the step gave this and the model's state."""
        recorder = self._hook.recorder
        if "loss" in found:
            self._hook.saw_loss(later(found["loss"]))
        scalars = ("gradient_norm", "learning_rate", "step_skipped")
        recorder.scalars({name: later(found[name]) for name in scalars if name in found})
        if not due:
            return
        for (names, sizes), looked in zip(self._names, found.get("looked", ()), strict=False):
            record_looked(recorder, names, sizes, Looked(*looked))
        if "gradients" in found:
            for (names, _), gradients in zip(self._names, found["gradients"], strict=True):
                record_arrays(
                    recorder, {f"gradient/{one}": array for one, array in zip(names, gradients, strict=True)}
                )
            model = self._model()
            names = variable_names(model, model.trainable_variables) if model is not None else []
            record_arrays(recorder, dict(zip(names, state[0], strict=True)))


def _if(due: Any, look_now: Callable[[], Looked], look_not: Callable[[], Looked]) -> Looked:
    """Decided when the step is called, also where it is not compiled."""
    if isinstance(due, jax.core.Tracer):
        found: Looked = jax.lax.cond(due, look_now, look_not)
        return found
    return look_now() if due else look_not()


def _inner(optimizer: Any) -> Any:
    """The optimizer within one that scales the loss."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def _accumulated_steps(optimizer: Any) -> int:
    """Of how many batches an optimizer adds up the gradients; 0 where it takes each by itself."""
    return getattr(_inner(optimizer), "gradient_accumulation_steps", None) or 0


def _whole_gradients(optimizer: Any, variables: Sequence[Any], grads: Sequence[Any]) -> list[Any]:
    """Unscaled, and with those that were added up before."""
    inner, steps = _inner(optimizer), _accumulated_steps(optimizer)
    scale = optimizer.loss_scale_factor if inner is optimizer else optimizer.dynamic_scale.value
    found = []
    for variable, gradient in zip(variables, grads, strict=True):
        whole = gradient if gradient is None or scale is None else gradient / scale
        if whole is not None and steps:
            whole = (whole + inner._accumulated_gradients[inner._get_variable_index(variable)].value) / steps
        found.append(whole)
    return found
