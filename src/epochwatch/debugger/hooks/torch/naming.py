"""Names of a model's tensors as smdebug has them, also of a model that nobody showed us."""

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import torch

_WRAPPERS: Final = ("module", "_orig_mod")
"""Where DistributedDataParallel and its like, and ``torch.compile``, keep the model."""
_WITHIN: Final = ("_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module")
"""Where wrappers of parts of a model keep the part, whose name they have."""


def unwrapped(module: Any, wrappers: Sequence[str] = _WRAPPERS) -> Any:
    """The user's own model within what parallelism and compilation put around it."""
    while True:
        children = dict(module.named_children())
        inner = next((children[name] for name in wrappers if list(children) == [name]), None)
        if inner is None:
            return module
        module = inner


def models_of(parameters: Iterable[Any]) -> list[Any]:
    """The outermost modules that hold any of these parameters, found among all objects of the process."""
    wanted = {id(parameter) for parameter in parameters}
    modules = [found for found in gc.get_objects() if issubclass(type(found), torch.nn.Module)]
    inner = {id(child) for module in modules for child in module.__dict__.get("_modules", {}).values()}
    outermost = [module for module in modules if id(module) not in inner and "_parameters" in module.__dict__]
    return [module for module in outermost if any(id(one) in wanted for one in module.parameters())]


def parameter_names(models: Iterable[Any]) -> dict[int, str]:
    """``<Class>_<parameter>`` by the parameter's ``id``; a second model of a class is ``<Class>_1`` and so on."""
    names: dict[int, str] = {}
    for prefix, model in prefixed(models):
        for name, parameter in model.named_parameters():
            names.setdefault(id(parameter), f"{prefix}_{_plain(name)}")
    return names


def module_names(models: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """(name, module) of everything in some models; a model itself is called by its class."""
    for prefix, model in prefixed(models):
        for name, module in model.named_modules():
            if not any(inner in module._modules for inner in _WITHIN):
                yield _plain(name) or prefix, module


def prefixed(models: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """(class, numbered where it is there already; user's own model) of each."""
    seen: dict[str, int] = {}
    for model in map(unwrapped, models):
        own = unwrapped(model, (*_WRAPPERS, *_WITHIN))  # the first FSDP has parameters beside it
        name = type(own).__name__.removeprefix("FSDP")  # fully_shard makes a class of its own of the model's
        number = seen.get(name, 0)
        seen[name] = number + 1
        yield (f"{name}_{number}" if number else name), model


def _plain(name: str) -> str:
    """Without what wrappers of parts of a model add."""
    return ".".join(part for part in name.split(".") if part not in _WITHIN)


def optimizer_parameters(optimizer: Any) -> list[Any]:
    """All parameters of an optimizer's groups."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def learning_rates(optimizer: Any) -> Mapping[str, Any]:
    """``learning_rate``, and ``learning_rate_1`` and on where groups have others than the first."""
    rates = [group.get("lr") for group in optimizer.param_groups]
    found = {
        "learning_rate" + (f"_{number}" if number else ""): rate
        for number, rate in enumerate(rates)
        if rate is not None and (not number or torch.is_tensor(rate) or rate != rates[0])
    }
    return found
