"""Where PyTorch is listened to. Each place calls the hook that is at work, and nothing once there is none."""

import functools
import sys
import weakref
from typing import TYPE_CHECKING, Any, Final

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from epochwatch.debugger.hooks.patching import Patches

if TYPE_CHECKING:
    from epochwatch.debugger.hooks.torch.hook import TorchHook

_current: "TorchHook | None" = None
_patches: Final = Patches()
_norm_types: list[tuple[Any, float]] = []
"""The norm that was computed last, as a weak reference, and its order."""
_seen: list[Any] = []
"""What was imported after the hook and is listened to."""
_scaled: list[tuple[Any, Any]] = []
"""The loss that was scaled last, as a weak reference, and what it was before."""


def install(hook: "TorchHook") -> None:
    """Let a hook hear; the one before it is closed."""
    global _current  # noqa: PLW0603
    if _current is not None:
        _current.close()
    _current = hook
    _patches.on_undo(register_optimizer_step_pre_hook(_before_step).remove)
    _patches.on_undo(register_optimizer_step_post_hook(_after_step).remove)
    _patches.wrap(torch.Tensor, "backward", _backward)
    _patches.wrap(torch.nn.modules.loss._Loss, "__call__", _loss_called)
    for name, made in (
        ("_get_total_norm", _total_norm),
        ("get_total_norm", _total_norm),
        ("_clip_grads_with_norm_", _clip_with_norm),
        ("clip_grads_with_norm_", _clip_with_norm),
    ):
        _patches.wrap(torch.nn.utils.clip_grad, name, made, torch.nn.utils)
    _patches.wrap(torch.amp.GradScaler, "scale", _scale)
    _patches.wrap(torch.amp.GradScaler, "_maybe_opt_step", _maybe_step)
    if torch.distributed.is_available():
        _patches.wrap(torch.distributed, "destroy_process_group", _destroy_group)


def remove(hook: "TorchHook") -> None:
    """Put everything back as it was, if this hook is the one at work."""
    global _current  # noqa: PLW0603
    if _current is hook:
        _current = None
        _patches.undo()
        _norm_types.clear()
        _scaled.clear()
        _seen.clear()


def give_way() -> None:
    """A training begins that another hook records: leave it, unless steps were seen here."""
    if _current is not None and not _current.recorder.begun:
        _current.leave()


def forward_begins(module: Any, _: Any) -> None:
    """A hook of models; by its name in this module, so that a model with it can be pickled and copied."""
    if _current is not None and not torch.compiler.is_compiling():
        with _current.recorder.guard:
            _current.forward_begins(module)


def loss_computed(module: Any, given: Any, output: Any) -> None:
    """A hook of modules that compute a loss."""
    if _current is not None and not torch.compiler.is_compiling():
        with _current.recorder.guard:
            _current.saw_loss(type(module).__name__, given, output)


def _before_step(optimizer: Any, args: Any, kwargs: Any) -> Any:
    """An optimizer that is given a closure, as Lightning's are, has the gradients when that was called first."""
    closure = args[1] if len(args) > 1 else kwargs.get("closure")
    if closure is None or _current is None:
        _saw_gradients(optimizer)
        return None
    waiting = [optimizer]

    @functools.wraps(closure)
    def seen() -> Any:
        result = closure()
        if waiting:
            _saw_gradients(waiting.pop())
        return result

    return ((args[0], seen, *args[2:]), kwargs) if len(args) > 1 else (args, {**kwargs, "closure": seen})


def _saw_gradients(optimizer: Any) -> None:
    if _current is not None:
        with torch.no_grad(), _current.recorder.guard:
            _current.before_step(optimizer)


def _after_step(optimizer: Any, *_: Any) -> None:
    if _current is not None:
        with _current.recorder.guard:
            _current.after_step(optimizer)


def _loss_called(original: Any) -> Any:
    def called(module: Any, *args: Any, **kwargs: Any) -> Any:
        output = original(module, *args, **kwargs)
        loss_computed(module, (*args, *kwargs.values()), output)
        return output

    return called


def _backward(original: Any) -> Any:
    def backward(tensor: Any, *args: Any, **kwargs: Any) -> Any:
        _see_flat_clipping()
        if _current is not None and not torch.compiler.is_compiling():
            with _current.recorder.guard:
                known = next((before for scaled, before in _scaled if scaled() is tensor), tensor)
                _current.backward_begins(known)
        return original(tensor, *args, **kwargs)

    return backward


def _scale(original: Any) -> Any:
    def scale(scaler: Any, outputs: Any) -> Any:
        found = original(scaler, outputs)
        if torch.is_tensor(outputs) and found is not outputs:
            _scaled[:] = [(weakref.ref(found), outputs.detach())]
        return found

    return scale


def _maybe_step(original: Any) -> Any:
    def step(scaler: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        if _current is None:
            return original(scaler, optimizer, *args, **kwargs)
        return _current.guarded_step(optimizer, lambda: original(scaler, optimizer, *args, **kwargs))

    return step


def _total_norm(original: Any) -> Any:
    def total_norm(tensors: Any, norm_type: float = 2.0, *args: Any, **kwargs: Any) -> Any:
        found = original(tensors, norm_type, *args, **kwargs)
        _norm_types[:] = [(weakref.ref(found), float(norm_type))]
        return found

    return total_norm


def _clip_with_norm(original: Any) -> Any:
    def clip(parameters: Any, max_norm: Any, total_norm: Any, *args: Any, **kwargs: Any) -> Any:
        other = any(norm() is total_norm and order != 2 for norm, order in _norm_types)
        if _current is not None and not other and torch.is_tensor(total_norm):
            with _current.recorder.guard:
                _current.clipped(total_norm.detach().clone())
        return original(parameters, max_norm, total_norm, *args, **kwargs)

    return clip


def _see_flat_clipping() -> None:
    """The first FSDP clips by itself. It is not imported only to be watched: that takes longer than PyTorch itself."""
    fsdp: Any = sys.modules.get("torch.distributed.fsdp")
    own = getattr(fsdp, "FullyShardedDataParallel", None)
    if _current is not None and own is not None and own not in _seen:
        _seen.append(own)
        _patches.wrap(own, "clip_grad_norm_", _flat_clip)


def _flat_clip(original: Any) -> Any:
    def clip(module: Any, max_norm: Any, norm_type: float = 2.0, *args: Any, **kwargs: Any) -> Any:
        found = original(module, max_norm, norm_type, *args, **kwargs)
        if _current is not None and float(norm_type) == 2:
            with _current.recorder.guard:
                _current.clipped(found.detach().clone())
        return found

    return clip


def _destroy_group(original: Any) -> Any:
    def destroy(*args: Any, **kwargs: Any) -> Any:
        if _current is not None:
            _current.recorder.drain()
        return original(*args, **kwargs)

    return destroy
