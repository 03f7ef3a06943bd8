"""The hook for PyTorch: what a step's optimizers, losses and models show is recorded, whatever wraps them.

Gradients are read when the optimizer begins its step: there they are reduced over the ranks, unscaled and accumulated,
under compilation, too. Nothing waits for a device on the training's thread.
"""

import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch

from epochwatch.debugger.collection import Collection
from epochwatch.debugger.hooks.config import HookConfig
from epochwatch.debugger.hooks.later import Later, mean
from epochwatch.debugger.hooks.recorder import Recorder
from epochwatch.debugger.hooks.torch import naming, patches
from epochwatch.debugger.hooks.torch.activations import Activations
from epochwatch.debugger.hooks.torch.shards import flat_shards, rank_of_ranks
from epochwatch.debugger.hooks.torch.tensors import Tensors
from epochwatch.debugger.hooks.torch.transfer import number, to_host
from epochwatch.debugger.mode_keys import ModeKeys

SCALARS: Final = "^(gradient_norm|learning_rate(_[0-9]+)?|loss|step_seconds|step_skipped|scalar/.*)$"
_NO_IO: Final = r"(?!.*_(in|out)put_[0-9]+$)"
COLLECTIONS: Final = (
    Collection("weights", [f"^(?!gradient|optimizer/){_NO_IO}.*(weight|_flat_param$)"]),
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
_BY_CALLS: Final = (ModeKeys.EVAL, ModeKeys.PREDICT)
"""Phases of which each call of the model is a step."""
_LOSSES_OF_A_STEP: Final = 4096
"""How many are kept: where no optimizer of PyTorch's is used, no step ends."""


class TorchHook:
    """Records the training of this process. One at a time is at work: a new one ends the one before.

    ``model`` gives its parameters their names at once; without it the models are found when an optimizer first steps.
    A step of the training ends when ``optimizer`` has stepped, or without it the first one that did; a step of an
    evaluation with the model's next call.
    """

    def __init__(self, config: HookConfig, model: Any = None, optimizer: Any = None, loss: Any = None) -> None:
        rank, ranks = rank_of_ranks()
        self.recorder = Recorder(config, worker=f"worker_{rank}", num_workers=ranks, defaults=COLLECTIONS)
        self._names: dict[int, str] = {}
        self._flat: dict[int, bool] = {}
        self._models: list[weakref.ref[Any]] = []
        self._handles: list[Any] = []
        self._leader = None if optimizer is None else weakref.ref(optimizer)
        self._losses: list[Later[float]] = []
        self._clipped: Any = None
        self._fed: set[str] = set()
        self._optimized: set[int] = set()
        self._ended_steps = False
        self._explicit_mode = False
        self._open = False
        self._stepped = False
        self._stepping: set[int] = set()
        self._identified = False
        self._tensors = Tensors(self.recorder)
        self._activations = Activations(self.recorder, lambda name, tensor: self._tensors.record({name: tensor}))
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

    def leave(self) -> None:
        """Leave the training alone, and its directory to another hook."""
        patches.remove(self)
        for handle in self._handles:
            handle.remove()
        self._activations.close()

    def close(self) -> None:
        """Write what waits and leave the training alone. Called by itself when the process ends."""
        self.leave()
        if self._open:
            self._end()
        self.recorder.close()

    # -- what the training does ------------------------------------------------------------------------

    def forward_begins(self, module: Any) -> None:
        """A watched model is called: its phase is known now."""
        if not any(known() is module for known in self._models):
            return
        mode = ModeKeys.TRAIN if module.training else ModeKeys.EVAL
        if self._explicit_mode:
            mode = self.recorder.mode
        if mode in _BY_CALLS and mode is self.recorder.mode and self._open:
            self._end()
        self._enter(mode)
        self._open = self._open or mode in _BY_CALLS

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
            self._tensors.record({f"{name}_input_{place}": one for place, one in enumerate(tensors)})
        if torch.is_tensor(output) and output.numel() == 1:
            self.recorder.scalars({f"{name}_output_0": number(output)})
            if self.recorder.mode is not ModeKeys.TRAIN:
                self.recorder.scalars({"loss": number(output)})

    def backward_begins(self, loss: Any) -> None:
        """``backward`` was called on this."""
        if loss.numel() == 1 and len(self._losses) < _LOSSES_OF_A_STEP:
            self._losses.append(number(loss))

    def clipped(self, norm: Any) -> None:
        """Gradients are clipped that had this L2 norm together."""
        if self._clipped is None:
            self._clipped = norm

    def before_step(self, optimizer: Any) -> None:
        """An optimizer is about to change the weights. One whose class calls that of its base says so twice."""
        if id(optimizer) in self._stepping:
            return
        self._stepping.add(id(optimizer))
        self._stepped = True
        if self._leader is None or self._leader() is None:
            self._leader = weakref.ref(optimizer)
        parameters = naming.optimizer_parameters(optimizer)
        if not self._identified:
            self._identify()
        if any(id(parameter) not in self._names for parameter in parameters):
            self._name(parameters)
        flat = {self._names[one]: counted for one, counted in self._flat.items() if one in self._names}
        self._tensors.share(parameters, flat)
        if not self.recorder.active:
            return
        self._optimized.update(id(parameter) for parameter in parameters)
        graded = {self._names[id(one)]: one for one in parameters if one.grad is not None or id(one) in self._flat}
        gradients = {
            f"gradient/{name}": one.new_empty(0) if one.grad is None else one.grad for name, one in graded.items()
        }
        scale = getattr(optimizer, "grad_scale", None)  # a fused optimizer divides by it itself
        if self._leader() is optimizer:
            self._scalars(optimizer, gradients, scale)
        if self.recorder.due():
            self._tensors.record(gradients, scale=scale)
            self._tensors.remember(graded)

    def after_step(self, optimizer: Any, *, skipped: bool = False) -> None:
        """An optimizer has changed the weights, or was kept from it by gradients that are not finite."""
        if id(optimizer) not in self._stepping:
            return
        self._stepping.remove(id(optimizer))
        if self.recorder.active:
            if self.recorder.due():
                parameters = naming.optimizer_parameters(optimizer)
                weights = {self._names[id(parameter)]: parameter for parameter in parameters}
                self._tensors.record(weights, self._tensors.updates({} if skipped else weights))
                self._tensors.record(self._state(optimizer, parameters))
                if self._leader is not None and self._leader() is optimizer:
                    self._record_forgotten()
            if skipped:
                self.recorder.scalars({"step_skipped": 1.0})
        self._tensors.forget()
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
        self._flat = flat_shards()
        rank, ranks = rank_of_ranks()
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

    def _scalars(self, optimizer: Any, gradients: Mapping[str, Any], scale: Any) -> None:
        rates = naming.learning_rates(optimizer).items()
        scalars = {name: number(rate) if torch.is_tensor(rate) else float(rate) for name, rate in rates}
        if self._losses:
            scalars["loss"] = mean(self._losses)
        norm = self._tensors.norm(gradients, self._clipped, scale)
        if norm is not None:
            scalars["gradient_norm"] = norm
        found_inf = getattr(optimizer, "found_inf", None)  # a fused optimizer leaves out its step itself
        if found_inf is not None and (callable(skipped := number(found_inf)) or skipped):
            scalars["step_skipped"] = skipped
        self.recorder.scalars(scalars)

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
            self._tensors.record(
                forgotten, {name: torch.zeros((), device=one.device) for name, one in forgotten.items()}
            )
            self._tensors.record(
                {f"gradient/{name}": one.grad for name, one in forgotten.items() if one.grad is not None}
            )

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


def find(config: HookConfig) -> None:
    """Save whatever trains in this process."""
    TorchHook(config)
