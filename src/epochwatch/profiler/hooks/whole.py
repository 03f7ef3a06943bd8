"""Frameworks whose step is one piece: XGBoost, LightGBM and Keras. Of a step is told how it waited for data, what was
evaluated and saved, and the piece, which is its ``forward``.
"""

import sys
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from epochwatch.debugger.hooks.patching import Patches
from epochwatch.profiler.hooks.recorder import Recorder
from epochwatch.profiler.hooks.tracers import tracer_of
from epochwatch.profiler.hooks.windows import Windows
from epochwatch.profiler.phases import Phase

_LOADING, _EVALUATION, _CHECKPOINT = Phase.DATA_LOADING, Phase.EVALUATION, Phase.CHECKPOINT
_STEPS: Final = {
    "xgboost": (("xgboost.core", "Booster", "update"), ("xgboost.core", "Booster", "boost")),
    "lightgbm": (("lightgbm.basic", "Booster", "update"),),
}
_PHASES: Final = {
    "xgboost": (
        ("xgboost.core", "DMatrix", "__init__", _LOADING),
        ("xgboost.core", "QuantileDMatrix", "__init__", _LOADING),
        ("xgboost.core", "Booster", "eval_set", _EVALUATION),
        ("xgboost.core", "Booster", "save_model", _CHECKPOINT),
    ),
    "lightgbm": (
        ("lightgbm.basic", "Dataset", "construct", _LOADING),
        ("lightgbm.basic", "Booster", "eval_train", _EVALUATION),
        ("lightgbm.basic", "Booster", "eval_valid", _EVALUATION),
        ("lightgbm.basic", "Booster", "save_model", _CHECKPOINT),
    ),
    "keras": (
        ("keras.src.trainers.epoch_iterator", "EpochIterator", "__next__", _LOADING),
        ("keras.src.models.model", "Model", "evaluate", _EVALUATION),
        ("keras.src.models.model", "Model", "save", _CHECKPOINT),
        ("keras.src.models.model", "Model", "save_weights", _CHECKPOINT),
    ),
}
FRAMEWORKS: Final = tuple(_PHASES)
_TIMED: Final = "__epochwatch_timed__"


class WholeHook:
    """Times the trainings of such a framework in this process. Steps are counted of the model that learns first."""

    def __init__(self, recorder: Recorder, framework: str, config: Path | None = None) -> None:
        self.recorder = recorder
        self.windows = Windows(recorder, config, partial(tracer_of, framework))
        self._patches = Patches()
        self._leader: weakref.ref[Any] | None = None
        self._depth = 0
        for module, owner, name in _STEPS.get(framework, ()):
            self._wrap(module, owner, name, self._step)
        for module, owner, name, phase in _PHASES[framework]:
            self._wrap(module, owner, name, partial(self._during, phase))
        if framework == "keras":
            self._wrap("keras.src.models.model", "Model", "make_train_function", self._made)
            self._wrap("keras.src.backend.jax.trainer", "JAXEpochIterator", "_get_iterator", self._iterated)

    def close(self) -> None:
        """Write what waits and leave the framework as it was. Called by itself when the process ends."""
        self._patches.undo()
        self.windows.close()
        self.recorder.close()

    def _wrap(self, module: str, owner: str, name: str, made: Callable[[Any], Any]) -> None:
        found = getattr(sys.modules.get(module), owner, None)
        if found is not None:
            self._patches.wrap(found, name, made)

    def _during(self, phase: Phase, original: Any) -> Any:
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.recorder.phase(phase):
                return original(*args, **kwargs)

        return timed

    def _iterated(self, original: Any) -> Any:
        """Keras with JAX takes its batches within the step."""

        def batches(*args: Any, **kwargs: Any) -> Iterator[Any]:
            given = iter(original(*args, **kwargs))
            while True:
                try:
                    with self.recorder.phase(Phase.DATA_LOADING):
                        batch = next(given)
                except StopIteration:
                    return
                yield batch

        return batches

    def _step(self, original: Any) -> Any:
        """What a model learns by; one call of it may be within another."""

        def step(model: Any, *args: Any, **kwargs: Any) -> Any:
            return self._learn(model, lambda: original(model, *args, **kwargs))

        return step

    def _learn(self, model: Any, call: Callable[[], Any]) -> Any:
        if self._leader is None or self._leader() is None:
            self._leader = weakref.ref(model)
            self.recorder.trains_here()
        self._depth += 1
        try:
            with self.recorder.phase(Phase.FORWARD):
                result = call()
        finally:
            self._depth -= 1
        if not self._depth and self._leader() is model:
            self.recorder.end_step()
            self.windows.step_ended()
        return result

    def _made(self, original: Any) -> Any:
        """Keras's models make the function that they learn by."""

        def make(model: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(model, *args, **kwargs)
            function = model.train_function
            if function is not None and not hasattr(function, _TIMED):
                known = weakref.ref(model)

                def learn(*given: Any, **named: Any) -> Any:
                    return self._learn(known(), lambda: function(*given, **named))

                setattr(learn, _TIMED, True)
                model.train_function = learn
            return result

        return make
