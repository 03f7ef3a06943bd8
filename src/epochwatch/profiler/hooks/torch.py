"""PyTorch: where the phases of its steps begin and end, whatever trains.

What is replaced calls the original first to last; a step ends where the optimizer that stepped first has stepped.
"""

import functools
import logging
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from epochwatch.debugger.hooks.patching import Patches
from epochwatch.debugger.hooks.torch.naming import models_of, optimizer_parameters
from epochwatch.profiler.hooks.recorder import Recorder
from epochwatch.profiler.hooks.trace import MARK
from epochwatch.profiler.hooks.windows import Windows
from epochwatch.profiler.phases import Phase

_COLLECTIVES: Final = (
    "all_reduce", "all_gather", "all_gather_into_tensor", "all_gather_object", "all_to_all", "all_to_all_single",
    "barrier", "broadcast", "broadcast_object_list", "gather", "gather_object", "monitored_barrier", "recv", "reduce",
    "reduce_scatter", "reduce_scatter_tensor", "scatter", "scatter_object_list", "send",
)  # fmt: skip
_CHECKPOINTS: Final = (
    ("torch.distributed.checkpoint", "save"),
    ("torch.distributed.checkpoint", "async_save"),
    ("safetensors.torch", "save_file"),
    ("safetensors.torch", "save_model"),
    ("transformers.modeling_utils.PreTrainedModel", "save_pretrained"),
    ("accelerate.accelerator.Accelerator", "save_state"),
    ("lightning.pytorch.trainer.trainer.Trainer", "save_checkpoint"),
    ("pytorch_lightning.trainer.trainer.Trainer", "save_checkpoint"),
)
"""Replaced once they have been imported."""
_NOTHING: Final = logging.getLogger("epochwatch.nothing")
_current: "TorchHook | None" = None


class TorchHook:
    """Times the training of this process. One at a time is at work: a new one ends the one before."""

    def __init__(self, recorder: Recorder, config: Path | None = None) -> None:
        global _current  # noqa: PLW0603
        if _current is not None:
            _current.close()
        self.recorder = recorder
        self.windows = Windows(recorder, config, TorchTracer)
        self._patches = Patches()
        self._leader: weakref.ref[Any] | None = None
        self._met: weakref.WeakSet[Any] = weakref.WeakSet()
        self._models: list[weakref.ref[Any]] = []
        self._stepping = self._stepped = False
        self._parallel = False
        self._replaced: set[tuple[str, str]] = set()
        _current = self
        self._install()

    def close(self) -> None:
        """Write what waits and leave PyTorch as it was. Called by itself when the process ends."""
        global _current  # noqa: PLW0603
        if _current is self:
            _current = None
        self._patches.undo()
        self.windows.close()
        self.recorder.close()

    # -- what PyTorch says -----------------------------------------------------------------------------

    def before_step(self, optimizer: Any) -> None:
        """An optimizer is about to change the weights."""
        if optimizer not in self._met:
            self._meet(optimizer)
        self._stepping = True
        self.recorder.begin(Phase.OPTIMIZER)

    def after_step(self, optimizer: Any) -> None:
        """It has. One whose class calls that of its base says so twice."""
        again, self._stepping, self._stepped = not self._stepping, False, True
        self.recorder.end(Phase.OPTIMIZER)
        if not again and self._leader is not None and self._leader() is optimizer:
            self._end_step()
            if self.recorder.step in (1, 2):
                self._late()

    def scaled_step(self, optimizer: Any, step: Callable[[], Any]) -> Any:
        """Call what steps unless the gradients are not finite: a step of the training has ended all the same."""
        self._stepped = False
        result = step()
        if not self._stepped and self._leader is not None and self._leader() is optimizer:
            self._end_step()
        return result

    def forward_begins(self, module: Any) -> None:
        """A model is called."""
        self.recorder.forward(training=module.training, graded=torch.is_grad_enabled())

    def backward(self, tensors: Any, call: Callable[[], Any]) -> Any:
        """Call what computes gradients. Where models are trained in parallel it ends with waiting for the others:
        from when the last gradient of this process is there.
        """
        handle = None
        self.recorder.begin(Phase.BACKWARD)
        try:
            handle = _at_its_start(tensors, self._computed) if self._parallel else None
        except Exception as error:  # noqa: BLE001 - the training goes on
            self.recorder.fail(error)
        try:
            return call()
        finally:
            if handle is not None:
                handle.remove()
            self.recorder.end(Phase.BACKWARD)

    def _computed(self) -> None:
        self.recorder.begin(Phase.COMMUNICATION, elsewhere=True)

    def loaded(self) -> None:
        """Batches are about to be loaded: by now everything is imported that is."""
        try:
            self._late()
        except Exception as error:  # noqa: BLE001
            self.recorder.fail(error)

    def _end_step(self) -> None:
        self.recorder.end_step()
        self.windows.step_ended()

    # -- within ----------------------------------------------------------------------------------------

    def _meet(self, optimizer: Any) -> None:
        """The first step of an optimizer: its models are seen from now on; its steps count, if no other's do."""
        self._met.add(optimizer)
        if self._leader is None or self._leader() is None:
            self._leader = weakref.ref(optimizer)
        recorder = self.recorder
        recorder.trains_here()
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            recorder.identify(torch.distributed.get_rank())
        if torch.cuda.is_available() and torch.cuda.is_initialized() and recorder.timeline is None:
            from epochwatch.profiler.hooks.cuda import CudaTimeline

            recorder.timeline = CudaTimeline()
        for model in models_of(optimizer_parameters(optimizer)):
            if not any(known() is model for known in self._models):
                self._models.append(weakref.ref(model))
                self._watch(model)

    def _watch(self, model: Any) -> None:
        self._parallel = self._parallel or isinstance(model, torch.nn.parallel.DistributedDataParallel)
        compiled = model.__dict__.get("_compiled_call_impl")
        if compiled is not None:  # hooks would be compiled with it
            self._patches.wrap(model, "_compiled_call_impl", functools.partial(_timed_model, model))
            return
        for handle in (
            model.register_forward_pre_hook(_Begins()),
            model.register_forward_hook(_Ends(), always_call=True),
        ):
            self._patches.on_undo(handle.remove)

    def _install(self) -> None:
        for handle in (
            register_optimizer_step_pre_hook(_before_step),
            register_optimizer_step_post_hook(_after_step),
        ):
            self._patches.on_undo(handle.remove)
        wrap = self._patches.wrap
        data = torch.utils.data
        wrap(torch.autograd, "backward", _backward)
        wrap(torch.autograd, "grad", _backward)
        wrap(torch.amp.GradScaler, "step", _scaled)
        wrap(torch, "save", _during(Phase.CHECKPOINT))
        wrap(data.DataLoader, "__iter__", _loading)
        wrap(data.dataloader._BaseDataLoaderIter, "__next__", _during(Phase.DATA_LOADING))
        for fetcher in (data._utils.fetch._MapDatasetFetcher, data._utils.fetch._IterableDatasetFetcher):
            wrap(fetcher, "fetch", _fetched)
        if torch.distributed.is_available():
            distributed = torch.distributed
            for name in _COLLECTIVES:
                wrap(distributed, name, _during(Phase.COMMUNICATION), distributed.distributed_c10d)
            wrap(distributed.Work, "wait", _during(Phase.COMMUNICATION))
            # In the forward, where all ranks get the buffers of one.
            parallel = torch.nn.parallel.DistributedDataParallel
            wrap(parallel, "_distributed_broadcast_coalesced", _during(Phase.COMMUNICATION))

    def _late(self) -> None:
        for place, name in _CHECKPOINTS:
            if (place, name) in self._replaced:
                continue
            module, _, owner_name = place.rpartition(".")
            owner = sys.modules.get(place) or getattr(sys.modules.get(module), owner_name, None)
            if owner is not None:
                self._replaced.add((place, name))
                self._patches.wrap(owner, name, _during(Phase.CHECKPOINT))


class TorchTracer:
    """PyTorch's own profiler, of the processor and of what devices there are."""

    def __init__(self) -> None:
        activities = [torch.profiler.ProfilerActivity.CPU]
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            activities.append(torch.profiler.ProfilerActivity.CUDA)
        self._profile = torch.profiler.profile(activities=activities)

    def start(self) -> float:
        """See ``Tracer``."""
        self._profile.start()
        began = time.time()
        with torch.profiler.record_function(MARK):
            return began

    def stop(self) -> None:
        """See ``Tracer``."""
        self._profile.stop()

    def save(self, path: Path) -> None:
        """See ``Tracer``."""
        self._profile.export_chrome_trace(str(path))


def _at_its_start(tensors: Any, then: Callable[[], None]) -> Any:
    """Have something called when the gradients of these are computed, before what others wait for at that point."""
    first = tensors[0] if isinstance(tensors, tuple | list) and tensors else tensors
    if not torch.is_tensor(first) or not first.requires_grad:
        return None
    engine: Any = torch.autograd.Variable._execution_engine
    return first.register_hook(lambda _: engine.queue_callback(then))


def _at_work() -> "TorchHook | None":
    hook = _current
    return hook if hook is not None and hook.recorder.active and not torch.compiler.is_compiling() else None


def _during(phase: Phase) -> Callable[[Any], Any]:
    """Times what it is given."""

    def made(original: Any) -> Any:
        def timed(*args: Any, **kwargs: Any) -> Any:
            hook = _at_work()
            if hook is None:
                return original(*args, **kwargs)
            hook.recorder.begin(phase)
            try:
                return original(*args, **kwargs)
            finally:
                hook.recorder.end(phase)

        return timed

    return made


def _loading(original: Any) -> Any:
    timed = _during(Phase.DATA_LOADING)(original)

    def begun(*args: Any, **kwargs: Any) -> Any:
        hook = _at_work()
        if hook is not None:
            hook.loaded()
        return timed(*args, **kwargs)

    return begun


def _fetched(original: Any) -> Any:
    """A batch made by a process for nothing else; where the training's own process makes it, it waits for it."""

    def fetch(*args: Any, **kwargs: Any) -> Any:
        hook = _at_work()
        worker = torch.utils.data.get_worker_info() if hook is not None else None
        if hook is None or worker is None:
            return original(*args, **kwargs)
        began = time.monotonic_ns()
        try:
            return original(*args, **kwargs)
        finally:
            hook.recorder.event(Phase.WORKER, began, time.monotonic_ns() - began, f"worker {worker.id}")

    return fetch


def _backward(original: Any) -> Any:
    def backward(*args: Any, **kwargs: Any) -> Any:
        hook = _at_work()
        if hook is None:
            return original(*args, **kwargs)
        tensors = args[0] if args else kwargs.get("tensors", kwargs.get("outputs"))
        return hook.backward(tensors, lambda: original(*args, **kwargs))

    return backward


def _scaled(original: Any) -> Any:
    def step(scaler: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        hook = _at_work()
        if hook is None:
            return original(scaler, optimizer, *args, **kwargs)
        return hook.scaled_step(optimizer, lambda: original(scaler, optimizer, *args, **kwargs))

    return step


def _timed_model(model: Any, original: Any) -> Any:
    def called(*args: Any, **kwargs: Any) -> Any:
        hook = _at_work()
        if hook is None:
            return original(*args, **kwargs)
        hook.forward_begins(model)
        try:
            return original(*args, **kwargs)
        finally:
            hook.recorder.forward_ends()

    return called


def _before_step(optimizer: Any, *_: Any) -> None:
    hook = _current
    if hook is not None and hook.recorder.active:
        try:
            hook.before_step(optimizer)
        except Exception as error:  # noqa: BLE001 - the training goes on
            hook.recorder.fail(error)


def _after_step(optimizer: Any, *_: Any) -> None:
    hook = _current
    if hook is not None and hook.recorder.active:
        try:
            hook.after_step(optimizer)
        except Exception as error:  # noqa: BLE001
            hook.recorder.fail(error)


class _OfModel:
    """A hook of a model. Copied or pickled with it, it becomes a function of Python's own that does nothing, so that
    the model can be loaded where epochwatch is not.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return functools.partial, (_NOTHING.log, -1)


class _Begins(_OfModel):
    def __call__(self, module: Any, *_: Any) -> None:
        hook = _at_work()
        if hook is not None:
            hook.forward_begins(module)


class _Ends(_OfModel):
    def __call__(self, *_: Any) -> None:
        hook = _at_work()
        if hook is not None:
            hook.recorder.forward_ends()
