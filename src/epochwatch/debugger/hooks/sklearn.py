"""scikit-learn: estimators that learn by ``partial_fit``; each call is a step."""

import functools
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
from sklearn.base import BaseEstimator

from epochwatch.debugger.exceptions import SMDebugTypeError
from epochwatch.debugger.hooks.arrays import ArrayHook, record, update_norms
from epochwatch.debugger.hooks.config import HookConfig
from epochwatch.debugger.source import Array

_LOG = logging.getLogger(__name__)
_ARGUMENTS: Final = {"X": "features", "y": "labels"}
_LOSSES: Final = ("loss_", "inertia_")
Loss = Callable[[Any, Any, Any], float]


class SklearnHook(ArrayHook):
    """Records what an estimator has learnt: all its fitted arrays of floats, such as ``SGDClassifier_coef_`` and
    ``MLPClassifier_coefs_.0``, what each call changed of them, and the loss where the estimator keeps it. ``loss`` is
    called with the estimator and the ``X`` and ``y`` of a call and gives it otherwise.
    """

    def __init__(
        self,
        estimator: Any,
        *,
        out_dir: str | None = None,
        config: HookConfig | None = None,
        loss: Loss | None = None,
    ) -> None:
        if not hasattr(estimator, "partial_fit"):
            raise SMDebugTypeError(
                f"{type(estimator).__name__} does not learn by partial_fit: only such estimators are watched"
            )
        super().__init__(out_dir, config)
        self._estimator = estimator
        self._loss = loss
        self._own = type(estimator)
        estimator.__class__ = _watched(self._own, self)

    def close(self) -> None:
        """Leave the estimator as it was, and write what waits."""
        self._estimator.__class__ = self._own
        super().close()

    def watches(self, estimator: Any) -> bool:
        """Whether it is this one, and no copy of it."""
        return estimator is self._estimator

    def step(self, call: Callable[[], Any], features: Any = None, labels: Any = None) -> Any:
        """Call what learns of these, and record what it did."""
        recorder = self.recorder
        before: dict[str, Array] = {}
        with recorder.guard:
            if recorder.due():
                before = {
                    name: np.array(array)
                    for name, array in fitted_arrays(self._estimator)
                    if recorder.wanted(name)
                }
        result = call()
        with recorder.guard:
            recorder.scalars(self._scalars(features, labels))
            if recorder.due():
                after = dict(fitted_arrays(self._estimator))
                record(recorder, after, update_norms(before, after))
        recorder.end_step()
        return result

    def _scalars(self, features: Any, labels: Any) -> Mapping[str, float]:
        if self._loss is not None:
            return {"loss": float(self._loss(self._estimator, features, labels))}
        known = [getattr(self._estimator, name, None) for name in _LOSSES]
        found = [float(value) for value in known if isinstance(value, float | np.floating)]
        return {"loss": found[0]} if found else {}


def _watched(own: type[Any], hook: SklearnHook) -> type[Any]:
    """A class like an estimator's own whose ``partial_fit`` is a step. Copies, pickled or not, are of its own again:
    they can be loaded where epochwatch is not.
    """

    @functools.wraps(own.partial_fit)
    def partial_fit(self: Any, *arguments: Any, **named: Any) -> Any:
        learn = functools.partial(own.partial_fit, self, *arguments, **named)
        if not hook.watches(self):
            return learn()
        return hook.step(
            learn, *arguments[:2], **{_ARGUMENTS[name]: named[name] for name in _ARGUMENTS if name in named}
        )

    own_reduce: Any = own.__reduce_ex__

    def reduce(self: Any, protocol: Any) -> Any:
        _, _, *state = own_reduce(self, protocol)
        return object.__new__, (own,), *state

    members = {
        "partial_fit": partial_fit,
        "__reduce_ex__": reduce,
        "__module__": own.__module__,
        "__doc__": own.__doc__,
    }
    return type(own.__name__, (own,), members)


def watch(config: HookConfig, model: Any, optimizer: Any = None, loss: Loss | None = None) -> SklearnHook:
    """Record each ``partial_fit`` of an estimator from now on. Raises SMDebugTypeError for one that has none."""
    return SklearnHook(model, config=config, loss=loss)


def find(config: HookConfig) -> None:
    """Save what the first estimator learns by ``partial_fit`` that predicts anything, whatever its class: the directory
    holds one training. Those that only prepare data are left out.
    """
    first = _First(config)
    for known in _subclasses(BaseEstimator):
        first.watch_class(known)
    own = BaseEstimator.__init_subclass__.__func__

    def init_subclass(cls: type[Any], /, **named: Any) -> None:
        own(cls, **named)
        first.watch_class(cls)

    BaseEstimator.__init_subclass__ = classmethod(init_subclass)


class _First:
    """Gives the first estimator that learns a hook."""

    def __init__(self, config: HookConfig) -> None:
        self._config = config
        self.is_open = True
        """Whether no estimator has learnt yet."""

    def watch_class(self, own: type[Any]) -> None:
        """See the ``partial_fit`` that a class has of its own."""
        original = vars(own).get("partial_fit")
        if original is not None:
            own.partial_fit = _Seen(original, self)

    def take(self, estimator: Any) -> bool:
        """An estimator is about to learn; whether it has a hook now."""
        if not self.is_open or not hasattr(estimator, "predict"):
            return False
        self.is_open = False
        try:
            SklearnHook(estimator, config=self._config)
        except Exception as error:  # noqa: BLE001 - the training goes on
            _LOG.warning("no tensors are saved: %s: %s", type(error).__name__, error)
            return False
        return True


class _Seen:
    """A class's ``partial_fit``, be it a function or, where not every estimator has it, something that decides. The
    first call to one of an estimator's makes the hook.
    """

    def __init__(self, original: Any, first: _First) -> None:
        self._original, self._first = original, first

    def __get__(self, estimator: Any, owner: type[Any] | None = None) -> Any:
        method = self._original.__get__(estimator, owner)
        if estimator is None or not self._first.is_open:
            return method

        @functools.wraps(method)
        def partial_fit(*arguments: Any, **named: Any) -> Any:
            if self._first.take(estimator):
                return type(estimator).partial_fit(estimator, *arguments, **named)
            return method(*arguments, **named)

        return partial_fit


def _subclasses(of: type[Any]) -> Iterator[type[Any]]:
    for one in of.__subclasses__():
        yield one
        yield from _subclasses(one)


def fitted_arrays(estimator: Any) -> Iterator[tuple[str, Array]]:
    """What an estimator has learnt: public attributes that end with an underscore, and lists of arrays by number."""
    for name, value in vars(estimator).items():
        if name.startswith("_") or not name.endswith("_"):
            continue
        several = isinstance(value, list)
        for number, array in enumerate(value if several else [value]):
            if isinstance(array, np.ndarray) and array.dtype.kind == "f" and array.ndim:
                yield f"{type(estimator).__name__}_{name}" + (f".{number}" if several else ""), array
