"""The hook for PyTorch: what a step's optimizers, losses and models show is recorded, whatever wraps them.

Gradients are read when the optimizer begins its step: there they are reduced over the ranks, unscaled and accumulated,
under compilation, too. Nothing waits for a device on the training's thread.
"""

import os
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch

from epochwatch.debugger.collection import Collection
from epochwatch.debugger.hooks.config import HookConfig
from epochwatch.debugger.hooks.recorder import Recorder, Wanted
from epochwatch.debugger.hooks.torch import naming, patches, statistics
from epochwatch.debugger.hooks.torch.activations import Activations
from epochwatch.debugger.hooks.torch.measured import IN_STATISTICS, Measured, mean, norm_of, now, reductions
from epochwatch.debugger.hooks.torch.shards import Part, Ranks, has_shards, part_of
from epochwatch.debugger.hooks.torch.transfer import number, to_host
from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.store.writer import Statistics

SCALARS: Final = "^(gradient_norm|learning_rate(_[0-9]+)?|loss|step_seconds|step_skipped|scalar/.*)$"
_NO_IO: Final = r"(?!.*_(in|out)put_[0-9]+$)"
COLLECTIONS: Final = (
    Collection("weights", [f"^(?!gradient|optimizer/){_NO_IO}.*weight"]),
    Collection("biases", [f"^(?!gradient|optimizer/){_NO_IO}.*bias"]),
    Collection("gradients", ["^gradient/"]),
    Collection("losses", ["[Ll]oss_(?!input).*output", "^loss$"]),
    Collection("criterion", ["[Ll]oss_input_[0-9]+$"]),
    Collection("metrics", [SCALARS]),
    Collection("inputs", ["_input_[0-9]+$"]),
    Collection("outputs", ["_output_[0-9]+$"]),
    Collection("layers", ["_(in|out)put_[0-9]+$"]),
    Collection("optimizer_variables", ["^optimizer/"]),
    Collection("all", [".*"]),
)
_COPY_BYTES: Final = 512 * 2**20
"""How much of the weights is copied over a step to see what the step changed."""


class TorchHook:
    """Records the training of this process. One at a time is at work: a new one ends the one before.

    ``model`` gives its parameters their names at once; without it the models are found when an optimizer first steps.
    A step of the training ends when ``optimizer`` has stepped, or without it the first one that did; a step of an
    evaluation with the model's next call.
    """

    def __init__(self, config: HookConfig, model: Any = None, optimizer: Any = None, loss: Any = None) -> None:
        rank, ranks = _rank()
        self.recorder = Recorder(config, worker=f"worker_{rank}", num_workers=ranks, defaults=COLLECTIONS)
        self._names: dict[int, str] = {}
        self._models: list[weakref.ref[Any]] = []
        self._handles: list[Any] = []
        self._leader = None if optimizer is None else weakref.ref(optimizer)
        self._losses: list[Any] = []
        self._clipped: Any = None
        self._fed: set[str] = set()
        self._optimized: set[int] = set()
        self._ended_steps = False
        self._before: dict[str, Any] = {}
        self._explicit_mode = False
        self._open = False
        self._stepped = False
        self._identified = False
        self._ranks: Ranks | None = None
        self._activations = Activations(self.recorder, lambda name, tensor: self._record({name: tensor}))
        if model is not None:
            self.register_module(model)
        if loss is not None:
            self.register_loss(loss)
        patches.install(self)

    # -- what a user may call --------------------------------------------------------------------------

    def register_module(self, module: Any) -> None:
        """Watch a model: its parameters get their names, its phases are seen, its inputs and outputs if wanted."""
        if any(known() is module for known in self._models):
            return
        self._models.append(weakref.ref(module))
        self._names = naming.parameter_names(self._alive())
        self._handles.append(module.register_forward_pre_hook(patches.forward_begins))
        self._activations.watch(naming.module_names(self._alive()))

    def register_loss(self, loss: Any) -> None:
        """Watch a module that computes the loss; those of ``torch.nn`` are known without it."""
        if not isinstance(loss, torch.nn.modules.loss._Loss):
            self._handles.append(loss.register_forward_hook(patches.loss_computed))

    def set_mode(self, mode: ModeKeys) -> None:
        """The phase from now on; from then on it is not taken from the model any more."""
        self._explicit_mode = True
        self._enter(mode)

    def save_scalar(self, name: str, value: Any) -> None:
        """A number of the step that is now, as ``scalar/<name>``."""
        with self.recorder.guard:
            given = number(value) if torch.is_tensor(value) else float(value)
            self.recorder.scalars({f"scalar/{name}": given})

    def save_tensor(self, name: str, value: Any) -> None:
        """A tensor or array of the step that is now."""
        with self.recorder.guard:
            given = to_host(value) if torch.is_tensor(value) else np.array(value)
            self.recorder.tensors({name: given}, value.nbytes if hasattr(value, "nbytes") else 0)

    def close(self) -> None:
        """Write what waits and leave the training alone. Called by itself when the process ends."""
        patches.remove(self)
        for handle in self._handles:
            handle.remove()
        self._activations.close()
        if self._open:
            self._end()
        self.recorder.close()

    # -- what the training does ------------------------------------------------------------------------

    def forward_begins(self, module: Any) -> None:
        """A watched model is called: its phase is known now."""
        if self._explicit_mode or not any(known() is module for known in self._models):
            return
        mode = ModeKeys.TRAIN if module.training else ModeKeys.EVAL
        if mode is ModeKeys.EVAL and mode is self.recorder.mode and self._open:
            self._end()
        self._enter(mode)
        self._open = self._open or mode is ModeKeys.EVAL

    def _enter(self, mode: ModeKeys) -> None:
        if mode is not self.recorder.mode:
            if self._open:
                self._end()
            self.recorder.set_mode(mode)

    def saw_loss(self, name: str, given: Sequence[Any], output: Any) -> None:
        """A module that computes a loss was given this and returned that."""
        if name not in self._fed and self.recorder.active and self.recorder.due():
            self._fed.add(name)  # what is given at the first of a step's calls stands for all
            tensors = [one.detach() for one in given if torch.is_tensor(one)]
            self._record({f"{name}_input_{place}": one for place, one in enumerate(tensors)})
        if torch.is_tensor(output) and output.numel() == 1:
            self.recorder.scalars({f"{name}_output_0": number(output)})
            if self.recorder.mode is not ModeKeys.TRAIN:
                self.recorder.scalars({"loss": number(output)})

    def backward_begins(self, loss: Any) -> None:
        """``backward`` was called on this."""
        if loss.numel() == 1:
            self._losses.append(number(loss))

    def clipped(self, norm: Any) -> None:
        """Gradients are clipped that had this L2 norm together."""
        if self._clipped is None:
            self._clipped = norm

    def before_step(self, optimizer: Any) -> None:
        """An optimizer is about to change the weights."""
        self._stepped = True
        if self._leader is None or self._leader() is None:
            self._leader = weakref.ref(optimizer)
        parameters = naming.optimizer_parameters(optimizer)
        if not self._identified:
            self._identify()
        if any(id(parameter) not in self._names for parameter in parameters):
            self._name(parameters)
        if self._ranks is None and has_shards(parameters):
            self._ranks = Ranks()
            self.recorder.take_part()
        if not (self.recorder.active or self._ranks):
            return
        self._optimized.update(id(parameter) for parameter in parameters)
        graded = [parameter for parameter in parameters if parameter.grad is not None]
        gradients = {f"gradient/{self._names[id(one)]}": one.grad for one in graded}
        if self._leader() is optimizer:
            self._scalars(optimizer, list(gradients.values()))
        if self.recorder.due():
            scale = getattr(optimizer, "grad_scale", None)  # a fused optimizer divides by it itself
            self._record(gradients, scale=scale)
            self._copy_weights({self._names[id(one)]: one for one in graded})

    def after_step(self, optimizer: Any, *, skipped: bool = False) -> None:
        """An optimizer has changed the weights, or was kept from it by gradients that are not finite."""
        if self.recorder.active or self._ranks:
            if self.recorder.due():
                parameters = naming.optimizer_parameters(optimizer)
                weights = {self._names[id(parameter)]: parameter for parameter in parameters}
                self._record(weights, self._updates({} if skipped else weights))
                self._record(self._state(optimizer, parameters))
                if self._leader is not None and self._leader() is optimizer:
                    self._record_forgotten()
            if skipped:
                self.recorder.scalars({"step_skipped": 1.0})
        self._before = {}
        if self._leader is not None and self._leader() is optimizer:
            self._ended_steps = True
            self._end()

    def guarded_step(self, optimizer: Any, step: Any) -> Any:
        """Call what steps unless the gradients are not finite, and note where it did not."""
        self._stepped = False
        result = step()
        if not self._stepped:
            with self.recorder.guard:
                self.before_step(optimizer)
                self.after_step(optimizer, skipped=True)
        return result

    # -- within ----------------------------------------------------------------------------------------

    def _alive(self) -> list[Any]:
        return [model for known in self._models if (model := known()) is not None]

    def _identify(self) -> None:
        self._identified = True
        rank, ranks = _rank()
        self.recorder.identify(f"worker_{rank}", ranks)

    def _name(self, parameters: Sequence[Any]) -> None:
        """Find the models of parameters that have no name; what is in none is numbered."""
        for model in naming.models_of(parameters):
            self.register_module(model)
        self._names = naming.parameter_names(self._alive())
        for position, parameter in enumerate(parameters):
            self._names.setdefault(id(parameter), f"parameter_{position}")

    def _end(self) -> None:
        self._open = False
        self.recorder.end_step()
        self._losses, self._clipped = [], None
        self._fed.clear()

    def _scalars(self, optimizer: Any, gradients: Sequence[Any]) -> None:
        rates = naming.learning_rates(optimizer).items()
        scalars = {name: number(rate) if torch.is_tensor(rate) else float(rate) for name, rate in rates}
        if self._losses:
            losses = self._losses
            scalars["loss"] = losses[0] if len(losses) == 1 else lambda: mean(losses)
        norm = self._norm(gradients)
        if norm is not None:
            scalars["gradient_norm"] = norm
        self.recorder.scalars(scalars)

    def _norm(self, gradients: Sequence[Any]) -> Any:
        """The L2 norm of all gradients together, as clipping found it or else computed."""
        if self._clipped is not None and not hasattr(self._clipped, "placements"):
            return number(self._clipped)
        if not gradients:
            return None
        if self._clipped is not None:
            mine, ranks = number(self._clipped.to_local()), self._ranks
        else:
            parts = [part_of(gradient) for gradient in gradients]
            mine, ranks = number(norm_of([part.tensor for part in parts if part.counted])), self._ranks
        if ranks is None:
            return mine
        return lambda: float(np.sqrt((ranks.gathered(np.array([now(mine)])) ** 2).sum()))

    def _record(
        self, tensors: Mapping[str, Any], updates: Mapping[str, Any] | None = None, scale: Any = None
    ) -> None:
        """What is wanted of some tensors at this step."""
        measured: dict[str, Part] = {}
        for name, tensor in tensors.items():
            wanted = self.recorder.wanted(name)
            if not wanted:
                continue
            part = part_of(tensor)
            if wanted.statistics:
                measured[name] = part
            if wanted.raw and self.recorder.writes:
                self.recorder.tensors({name: to_host(part.tensor)}, part.tensor.nbytes)
            self._reduce(name, part, wanted)
        if measured:
            self._measure(measured, updates, scale)

    def _reduce(self, name: str, part: Part, wanted: Wanted) -> None:
        names = [one for one in wanted.reductions if not (wanted.statistics and one in IN_STATISTICS)]
        if names and self.recorder.writes:
            values = to_host(statistics.reduced(part.tensor, names))
            self.recorder.statistics(lambda: reductions(name, names, values()))
        if wanted.shape:
            self.recorder.statistics(Statistics([], {}), {name: tuple(part.tensor.shape)})

    def _measure(self, measured: Mapping[str, Part], updates: Mapping[str, Any] | None, scale: Any) -> None:
        """One row for each piece, all of them copied to the host together."""
        flats, owners, shared = [], [], []
        for position, part in enumerate(measured.values()):
            tensor = part.tensor if part.counted else part.tensor.new_empty(0)
            own = statistics.pieces(tensor)
            flats += own
            owners += [position] * len(own)
            shared += [part.sharded] * len(own)
        rows = statistics.rows_of(flats)
        changed = None
        if updates is not None:
            known = [updates[name] for name in measured if name in updates]
            changed = to_host(torch.stack(known)) if known else None
        later = Measured(
            list(measured),
            rows if isinstance(rows, np.ndarray) else to_host(rows),
            np.array(owners),
            np.array(shared, bool),
            [name in (updates or {}) for name in measured] if updates is not None else None,
            changed,
            None if scale is None else number(scale),
            self._ranks,
        )
        self.recorder.statistics(later.statistics)

    def _copy_weights(self, weights: Mapping[str, Any]) -> None:
        """Remember weights, as many as there is room for, until the step has changed them."""
        room = _COPY_BYTES
        for name, weight in weights.items():
            part = part_of(weight.detach())
            if part.tensor.device.type == "cuda":
                room = min(room, torch.cuda.mem_get_info(part.tensor.device)[0] // 8)
            if part.tensor.nbytes <= room and self.recorder.wanted(name).statistics and not part.sharded:
                self._before[name] = part.tensor.clone()
                room -= part.tensor.nbytes

    def _updates(self, weights: Mapping[str, Any]) -> Mapping[str, Any]:
        """The L2 norm of what the step changed, by name, of weights that were remembered."""
        before, self._before = self._before, {}
        kept = [name for name in weights if name in before]
        if not kept:
            return {}
        with torch.no_grad():
            changes = torch._foreach_sub(
                [part_of(weights[name].detach()).tensor for name in kept], [before[name] for name in kept]
            )
            norms = torch._foreach_norm([change.float() for change in changes])
        return dict(zip(kept, norms, strict=True))

    def _record_forgotten(self) -> None:
        """Parameters that want a gradient and that no optimizer has: no step changes them. At the first step another
        optimizer may still be about to begin.
        """
        if not self._ended_steps:
            return
        forgotten = {
            self._names[id(parameter)]: parameter
            for model in self._alive()
            for parameter in model.parameters()
            if parameter.requires_grad and id(parameter) in self._names and id(parameter) not in self._optimized
        }
        if forgotten:
            self._record(forgotten, {name: torch.zeros((), device=one.device) for name, one in forgotten.items()})
            self._record({f"gradient/{name}": one.grad for name, one in forgotten.items() if one.grad is not None})

    def _state(self, optimizer: Any, parameters: Sequence[Any]) -> dict[str, Any]:
        """What an optimizer remembers of its parameters, where that is saved."""
        if not self.recorder.due("optimizer_variables") and not self.recorder.due("all"):
            return {}
        return {
            f"optimizer/{self._names[id(parameter)]}/{name}": value
            for parameter in parameters
            for name, value in optimizer.state.get(parameter, {}).items()
            if torch.is_tensor(value)
        }


def watch(config: HookConfig, model: Any = None, optimizer: Any = None, loss: Any = None) -> TorchHook:
    """See ``hooks.watch``."""
    return TorchHook(config, model, optimizer, loss)


def _rank() -> tuple[int, int]:
    """(number, count) of this process among those of the training."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    try:
        return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    except ValueError:
        return 0, 1
