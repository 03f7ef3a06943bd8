"""JAX: an Optax transformation that computes statistics within the compiled step, and a hook that reads them later.

Nothing is called back out of the compiled step, and the training waits for none of it: the statistics are part of the
optimizer's state, and are copied on the device when they are due.
"""

import functools
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from epochwatch.debugger.exceptions import SMDebugTypeError
from epochwatch.debugger.hooks.arrays import ArrayHook
from epochwatch.debugger.hooks.config import HookConfig, SaveConfig
from epochwatch.debugger.hooks.jax_arrays import Looked, later, look, norm, nothing, record_arrays, record_looked
from epochwatch.debugger.mode_keys import ModeKeys


class Seen(NamedTuple):
    """What the wrapped optimizer keeps: its own state, how many steps it made, and what was seen at the last one that
    was due. ``scalars`` are of each step.
    """

    inner: Any
    count: Any
    scalars: Any
    looked: Looked


class JaxHook(ArrayHook):
    """Records a training with Optax. Use ``optimizer`` in the place of the one that was given, and call ``step`` after
    each step, outside of what is compiled::

        hook = JaxHook(optax.adam(1e-3), out_dir="tensors")
        state = hook.optimizer.init(params)
        ...
        params, state, loss = train_step(params, state, batch)
        hook.step(state, loss=loss)

    Statistics are those of whole arrays, however they are sharded; ``model`` is put before the parameters' names.
    """

    def __init__(
        self, optimizer: Any, *, out_dir: str | None = None, config: HookConfig | None = None, model: str = ""
    ) -> None:
        super().__init__(out_dir, config)
        self._prefix = f"{model}_" if model else ""
        self._names: list[str] = []
        self._sizes: list[int] = []
        self._ahead: int | None = None
        recorded = self.recorder.config
        saves = [recorded.save_of(one, ModeKeys.TRAIN) for one in recorded.collections]
        self._due: Callable[[Any], Any] = lambda step: functools.reduce(
            operator.or_, [_due(save, step) for save in saves], False
        )
        self.optimizer = _watched(optax.with_extra_args_support(optimizer), self._due, self._name)

    def step(
        self,
        state: Any = None,
        *,
        loss: Any = None,
        learning_rate: Any = None,
        params: Any = None,
        gradients: Any = None,
    ) -> None:
        """A step is over. ``state`` is the optimizer's, or what holds it, such as Flax's ``TrainState``; none where
        nothing was learnt. ``params`` and ``gradients`` are needed only where they, or reductions, are to be saved.
        """
        recorder = self.recorder
        with recorder.guard:
            if not recorder.begun and jax.process_count() > 1:
                recorder.identify(f"worker_{jax.process_index()}", jax.process_count())
            given = {"loss": loss, "learning_rate": learning_rate}
            if state is not None:
                self._read(state)
            recorder.scalars({name: later(value) for name, value in given.items() if value is not None})
            if recorder.due():
                self._arrays(params, "")
                self._arrays(gradients, "gradient/")
        recorder.end_step()

    def _name(self, params: Any) -> None:
        found = named(params, self._prefix)
        self._names, self._sizes = list(found), [int(np.prod(leaf.shape)) for leaf in found.values()]

    def _read(self, state: Any) -> None:
        seen = _seen(state)
        scalars = jnp.copy(_leaf(seen.scalars, 1))  # the state itself may be given away to the next step
        self.recorder.scalars({"gradient_norm": later(scalars, 0)})
        if _rate(seen.inner) is not None:
            self.recorder.scalars({"learning_rate": later(scalars, 1)})
        mode_step = self.recorder.mode_step
        if self._ahead is None:  # a state that was restored is ahead of the steps of this process
            self._ahead = int(_leaf(seen.count, 0)) - 1 - mode_step
        if self._due(mode_step + self._ahead):
            found = Looked(
                jnp.copy(_leaf(seen.looked.numbers, 2)),
                jnp.copy(_leaf(seen.looked.counts, 2)),
                jnp.copy(_leaf(seen.looked.updates, 1)),
            )
            record_looked(self.recorder, self._names, self._sizes, found, shifted=self._ahead != 0)

    def _arrays(self, tree: Any, prefix: str) -> None:
        if tree is not None:
            record_arrays(self.recorder, named(tree, prefix + self._prefix))


def watch(config: HookConfig, model: Any = None, optimizer: Any = None, loss: Any = None) -> JaxHook:
    """Wrap an Optax optimizer: the hook's ``optimizer`` is used in its place. Raises SMDebugTypeError for others."""
    given = model if optimizer is None else optimizer
    if not isinstance(given, optax.GradientTransformation):
        raise SMDebugTypeError(f"an Optax optimizer can be watched, not {type(given).__name__}")
    return JaxHook(given, config=config)


def named(tree: Any, prefix: str = "") -> dict[str, Any]:
    """The arrays of a tree of parameters by name, such as ``Dense_0.kernel``; without the ``params`` and ``value`` that
    Flax puts around them.
    """
    found: dict[str, Any] = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        keys = [str(getattr(key, "key", getattr(key, "name", getattr(key, "idx", key)))) for key in path]
        keys = keys[1:] if keys[:1] == ["params"] else keys
        keys = keys[:-1] if keys[-1:] == ["value"] else keys
        if jnp.issubdtype(leaf.dtype, jnp.inexact):
            found[prefix + (".".join(keys) or "parameter")] = leaf
    return found


def _watched(inner: Any, due: Callable[[Any], Any], name: Callable[[Any], None]) -> Any:
    """An optimizer that keeps what it saw; it changes nothing of what the inner one does."""

    def init(params: Any) -> Seen:
        name(params)
        count = len(named(params))
        scalars = jnp.full(2, jnp.nan, jnp.float32)
        return Seen(inner.init(params), jnp.zeros((), jnp.int32), scalars, nothing(count))

    def update(gradients: Any, state: Seen, params: Any = None, **extra: Any) -> tuple[Any, Seen]:
        name(gradients)  # of a state that was restored
        updates, inner_state = inner.update(gradients, state.inner, params, **extra)
        seen, changes = list(named(gradients).values()), list(named(updates).values())

        def seen_now() -> Looked:
            weights = (
                list(named(params).values())
                if params is not None
                else [jnp.full_like(one, jnp.nan) for one in seen]
            )
            after = [(old + change).astype(old.dtype) for old, change in zip(weights, changes, strict=True)]
            return look(seen, after, changes)

        looked = jax.lax.cond(due(state.count), seen_now, lambda: state.looked)
        rate = _rate(inner_state)
        scalars = jnp.stack([norm(seen), jnp.asarray(jnp.nan if rate is None else rate, jnp.float32)])
        return updates, Seen(inner_state, state.count + 1, scalars, looked)

    return optax.GradientTransformationExtraArgs(init, update)


def _due(save: SaveConfig, step: Any) -> Any:
    """As ``SaveConfig.due``, of a step within what is compiled, too."""
    due = (step >= save.start_step) & (step % save.save_interval == 0)
    if save.end_step is not None:
        due = due & (step < save.end_step)
    return functools.reduce(operator.or_, [step == one for one in save.save_steps], due)


def _seen(state: Any) -> Seen:
    found = [one for one in jax.tree_util.tree_leaves(state, is_leaf=_is_seen) if _is_seen(one)]
    if not found:
        raise SMDebugTypeError(
            "the state is not one of the hook's optimizer: use hook.optimizer for init and update"
        )
    return found[0]  # type: ignore[no-any-return]


def _is_seen(one: Any) -> bool:
    return isinstance(one, Seen)


def _rate(state: Any) -> Any:
    """The learning rate, where ``optax.inject_hyperparams`` keeps it."""
    for one in jax.tree_util.tree_leaves(state, is_leaf=lambda one: hasattr(one, "hyperparams")):
        rates = jax.tree_util.tree_leaves(getattr(one, "hyperparams", {}).get("learning_rate"))
        if rates:
            return rates[0]
    return None


def _leaf(part: Any, rank: int) -> Any:
    """The array itself, of the first device where ``pmap`` keeps one of each."""
    array = jax.tree_util.tree_leaves(part)[0]
    return array if array.ndim == rank else array[0]
