"""Names of a Keras model's variables and of what its functions log."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from epochwatch.debugger.collection import Collection

_SCALARS: Final = "gradient_norm|learning_rate|loss|step_seconds|step_skipped|scalar/.*"
_VARIABLE: Final = r"^(?!gradient/)[^/]+\.(?!(?i:\w*bias|beta)\w*(_[0-9]+)?$)[A-Za-z_]\w*$"
_BIAS: Final = r"^(?!gradient/)[^/]+\.(?i:\w*bias|beta)\w*$"
COLLECTIONS: Final = (
    Collection("weights", [_VARIABLE]),
    Collection("biases", [_BIAS]),
    Collection("gradients", ["^gradient/"]),
    Collection("losses", ["^([^/.]*_)?loss$"]),
    Collection("metrics", [rf"^({_SCALARS})$|^[^/.]+(\.[0-9]+)?$"]),
    Collection("all", [".*"]),
)


def variable_names(model: Any, variables: Iterable[Any]) -> list[str]:
    """``<Model>_<layer>.<variable>`` of each variable, such as ``Sequential_dense.kernel``; those that Keras gave the
    same path are numbered.
    """
    prefix = "" if model is None else f"{type(model).__name__}_"
    own = "" if model is None else f"{model.name}/"
    seen: dict[str, int] = {}
    names = []
    for variable in variables:
        name = prefix + str(variable.path).removeprefix(own).replace("/", ".")
        number = seen.get(name, 0)
        seen[name] = number + 1
        names.append(f"{name}_{number}" if number else name)
    return names


def logged(logs: Any) -> Mapping[str, Any]:
    """The numbers among what a function of a model logs, by their names; ``loss`` is the mean since the epoch began."""
    if not isinstance(logs, Mapping):
        return {}
    return {str(name): value for name, value in logs.items() if not getattr(value, "shape", ())}
