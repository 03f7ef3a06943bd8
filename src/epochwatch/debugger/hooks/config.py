"""What a hook saves, and when: by collection and phase, in code or as SageMaker's ``debughookconfig.json`` has it."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.reductions import REDUCTIONS

CONFIG_VARIABLE: Final = "EPOCHWATCH_DEBUG_CONFIG"
DIRECTORY_VARIABLE: Final = "EPOCHWATCH_DEBUG_DIR"
_SAGEMAKER_DIRECTORY: Final = "/opt/ml/output/tensors"
SAGEMAKER_INTERVAL: Final = 500
SAGEMAKER_BOOSTING_INTERVAL: Final = 10
"""How many steps lie between two that SageMaker's configuration saves where it does not say: of trees fewer."""
_SAVE_KEYS: Final = ("save_interval", "save_steps", "start_step", "end_step")
_REDUCTION_KEYS: Final = ("reductions", "save_raw_tensor", "save_shape")
_HOOK_KEYS: Final = ("include_regex", "include_workers", "save_all", "export_tensorboard", "tensorboard_dir")
_COLLECTION_KEYS: Final = ("include_regex", "statistics", "save_histogram")


@dataclass(frozen=True)
class SaveConfig:
    """Which steps of a phase are saved: every ``save_interval``-th from ``start_step`` on and before ``end_step``
    (None: to the end), and those of ``save_steps``.
    """

    save_interval: int = 10
    start_step: int = 0
    end_step: int | None = None
    save_steps: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.save_interval < 1:
            raise SMDebugValueError(f"save_interval is a number of steps from 1 on, not {self.save_interval}")
        if self.start_step < 0 or (self.end_step is not None and self.end_step < self.start_step):
            raise SMDebugValueError(
                f"start_step and end_step are 0 <= start_step <= end_step, not {self.start_step} and {self.end_step}"
            )

    def due(self, step: int) -> bool:
        """Whether this step of the phase is saved."""
        within = self.start_step <= step and (self.end_step is None or step < self.end_step)
        return (within and step % self.save_interval == 0) or step in self.save_steps


Saves = Mapping[ModeKeys, SaveConfig]
_EVERY_TENTH: Final[Saves] = MappingProxyType(dict.fromkeys(ModeKeys, SaveConfig()))


@dataclass(frozen=True)
class CollectionConfig:
    """A collection that is saved. ``include_regex`` are patterns that match anywhere in a name (none: those that the
    framework's collection of this name has); a phase that ``save`` lacks is saved as the hook's.

    ``reductions`` are names such as ``mean``, ``l2`` or ``abs_max``; ``save_raw_tensor`` and ``save_shape`` add the
    tensor itself and its shape; ``statistics`` are those that our rules read.
    """

    name: str
    include_regex: tuple[str, ...] = ()
    save: Saves = field(default_factory=dict)
    reductions: tuple[str, ...] = ()
    save_raw_tensor: bool = False
    save_shape: bool = False
    statistics: bool = True

    def __post_init__(self) -> None:
        for name in self.reductions:
            if name.removeprefix("abs_") not in REDUCTIONS:
                raise SMDebugValueError(
                    f"collection {self.name}: {name} is no reduction; {', '.join(REDUCTIONS)} are, "
                    "each also with abs_ before it"
                )


DEFAULT_NAMES: Final = ("weights", "biases", "gradients", "losses", "criterion", "metrics")
"""What a hook saves by itself, of those that its framework has."""
DEFAULT_COLLECTIONS: Final = tuple(CollectionConfig(name) for name in DEFAULT_NAMES)


@dataclass(frozen=True)
class HookConfig:
    """What a hook saves and where: a directory or ``s3://bucket/prefix``. ``save_all`` takes every tensor the framework
    shows, ``include_workers`` is "one" (the first) or "all". Scalars of each step are always saved.
    """

    out_dir: str
    collections: tuple[CollectionConfig, ...] = DEFAULT_COLLECTIONS
    save: Saves = field(default_factory=lambda: _EVERY_TENTH)
    save_all: bool = False
    include_workers: str = "one"

    def __post_init__(self) -> None:
        if not self.out_dir:
            raise SMDebugValueError("out_dir, the directory of the tensors, is empty")
        if self.include_workers not in ("one", "all"):
            raise SMDebugValueError(f"include_workers is one or all, not {self.include_workers}")

    def save_of(self, collection: CollectionConfig, mode: ModeKeys) -> SaveConfig:
        """Which steps of a phase are saved of a collection."""
        found = collection.save.get(mode) or self.save.get(mode)
        return SaveConfig() if found is None else found

    @classmethod
    def from_json(
        cls, path: str | Path, *, out_dir: str | None = None, interval: int = SAGEMAKER_INTERVAL
    ) -> "HookConfig":
        """Read SageMaker's ``debughookconfig.json``; ``out_dir`` stands for its ``LocalPath``. As there, ``interval``
        steps lie between two that are saved unless it says another number, and a collection without ``reductions`` is
        saved whole; without ``CollectionConfigurations`` it is what a hook saves by itself. Raises
        SMDebugValueError that names the field.
        """
        try:
            content = json.loads(Path(path).read_text())
        except OSError as error:
            raise SMDebugValueError(f"cannot read {path}: {error.strerror}") from error
        except ValueError as error:
            raise SMDebugValueError(f"{path} is no JSON: {error}") from error
        if not isinstance(content, dict):
            raise SMDebugValueError(f"{path} is no JSON object")
        return _Parser(str(path), interval).hook(content, out_dir)

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, *, interval: int = SAGEMAKER_INTERVAL
    ) -> "HookConfig":
        """Of the file that ``EPOCHWATCH_DEBUG_CONFIG`` names, or the defaults, into ``EPOCHWATCH_DEBUG_DIR``. Raises
        SMDebugValueError where neither is set.
        """
        environment = os.environ if environment is None else environment
        directory = environment.get(DIRECTORY_VARIABLE)
        if environment.get(CONFIG_VARIABLE):
            return cls.from_json(environment[CONFIG_VARIABLE], out_dir=directory, interval=interval)
        if not directory:
            raise SMDebugValueError(
                f"no directory for the tensors: give out_dir, or set {DIRECTORY_VARIABLE} or {CONFIG_VARIABLE}"
            )
        return cls(directory)


class _Parser:
    """Reads the JSON of one file; values are strings there, and what they mean is accepted as well."""

    def __init__(self, path: str, interval: int) -> None:
        self._path = path
        self._saves = {mode: {"save_interval": interval} for mode in ModeKeys}

    def hook(self, content: Mapping[str, Any], out_dir: str | None) -> HookConfig:
        parameters = self._parameters(content, "HookParameters", (*_HOOK_KEYS, *_REDUCTION_KEYS))
        if self._boolean(parameters, "export_tensorboard"):
            raise self._error("export_tensorboard", "is not supported: the trial is read by itself")
        save = self._save(parameters, self._saves)
        reductions = self._reductions(parameters)
        given = content.get("CollectionConfigurations")
        if not isinstance(given, list | None):
            raise self._error("CollectionConfigurations", "is no list")
        collections = tuple(self._collection(one, parameters) for one in given or ())
        if not given:
            collections = tuple(CollectionConfig(one.name, reductions=reductions) for one in DEFAULT_COLLECTIONS)
        patterns = self._words(parameters, "include_regex")
        if patterns:
            whole = not reductions or self._boolean(parameters, "save_raw_tensor")
            collections += (CollectionConfig("default", patterns, reductions=reductions, save_raw_tensor=whole),)
        return HookConfig(
            out_dir or str(content.get("LocalPath") or _SAGEMAKER_DIRECTORY),
            collections,
            {mode: SaveConfig(**values) for mode, values in save.items()},
            save_all=self._boolean(parameters, "save_all"),
            include_workers=str(parameters.get("include_workers", "one")),
        )

    def _collection(self, content: Any, hook: Mapping[str, Any]) -> CollectionConfig:
        if not isinstance(content, dict) or not content.get("CollectionName"):
            raise self._error("CollectionConfigurations", "has an entry without CollectionName")
        name = str(content["CollectionName"])
        parameters = self._parameters(content, "CollectionParameters", (*_COLLECTION_KEYS, *_REDUCTION_KEYS))
        inherited = {key: hook[key] for key in _REDUCTION_KEYS if key in hook} | parameters
        reductions = self._reductions(inherited)
        base = self._save(hook, self._saves)
        return CollectionConfig(
            name,
            self._words(parameters, "include_regex"),
            {mode: SaveConfig(**values) for mode, values in self._save(parameters, base).items()},
            reductions,
            save_raw_tensor=not reductions or self._boolean(inherited, "save_raw_tensor"),
            save_shape=self._boolean(inherited, "save_shape"),
            statistics=self._boolean(parameters, "statistics", True),
        )

    def _parameters(self, content: Mapping[str, Any], field_name: str, known: Sequence[str]) -> dict[str, Any]:
        found = content.get(field_name) or {}
        if not isinstance(found, dict):
            raise self._error(field_name, "is no object")
        for key in found:
            phase, _, last = key.rpartition(".")
            named = phase.upper() in ModeKeys.__members__ and last in _SAVE_KEYS
            if key not in known and key not in _SAVE_KEYS and not named:
                raise self._error(key, f"is no parameter of {field_name}; {', '.join([*_SAVE_KEYS, *known])} are")
        return found

    def _save(self, parameters: Mapping[str, Any], base: Mapping[ModeKeys, Any]) -> dict[ModeKeys, dict[str, Any]]:
        """The arguments of a SaveConfig by phase: those of a phase stand before those of all, both before ``base``."""
        return {
            mode: {
                **base[mode],
                **self._save_values(parameters, ""),
                **self._save_values(parameters, mode.name.lower() + "."),
            }
            for mode in ModeKeys
        }

    def _save_values(self, parameters: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key in _SAVE_KEYS:
            if prefix + key in parameters:
                value = parameters[prefix + key]
                words = value if isinstance(value, list) else str(value).split(",")
                numbers = tuple(self._number(prefix + key, word) for word in words if str(word).strip())
                if key != "save_steps" and len(numbers) != 1:
                    raise self._error(prefix + key, f"is one number, not {value!r}")
                found[key] = numbers if key == "save_steps" else numbers[0]
        return found

    def _number(self, key: str, value: Any) -> int:
        try:
            return int(str(value).strip())
        except ValueError:
            raise self._error(key, f"is a whole number, not {value!r}") from None

    def _reductions(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(name.removesuffix("_norm") for name in self._words(parameters, "reductions"))

    def _words(self, parameters: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = parameters.get(key, "")
        words = value if isinstance(value, list) else str(value).split(",")
        return tuple(word.strip() for word in words if word.strip())

    def _boolean(self, parameters: Mapping[str, Any], key: str, default: bool = False) -> bool:
        value = str(parameters.get(key, default)).lower()
        if value not in ("true", "false"):
            raise self._error(key, f"is true or false, not {parameters[key]!r}")
        return value == "true"

    def _error(self, key: str, what: str) -> SMDebugValueError:
        return SMDebugValueError(f"{self._path}: {key} {what}")
