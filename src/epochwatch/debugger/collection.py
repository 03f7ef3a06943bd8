"""Collections: named groups of tensors, and the file in which each worker lists them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from epochwatch.debugger.exceptions import SMDebugTypeError, SMDebugValueError


@dataclass
class Collection:
    """Tensors by name, and by patterns that match anywhere in a name.

    ``reduction_config`` and ``save_config`` are as the collections file has them, or None.
    """

    name: str
    include_regex: list[str] = field(default_factory=list)
    tensor_names: set[str] = field(default_factory=set)
    reduction_config: Mapping[str, Any] | None = None
    save_config: Mapping[str, Any] | None = None
    save_histogram: bool = True

    def __hash__(self) -> int:
        return hash(self.name)

    def include(self, pattern: str | list[str]) -> None:
        """Add a pattern, or several."""
        if not isinstance(pattern, str | list):
            raise SMDebugTypeError("Can only include str or list")
        self.include_regex += [pattern] if isinstance(pattern, str) else pattern

    def add_tensor_name(self, tname: str) -> None:
        """Add a tensor by its name."""
        self.tensor_names.add(tname)

    @classmethod
    def from_dict(cls, params: Mapping[str, Any]) -> "Collection":
        """A collection as the collections file has it."""
        return cls(
            name=params["name"],
            include_regex=list(params.get("include_regex") or []),
            tensor_names=set(params.get("tensor_names") or []),
            reduction_config=params.get("reduction_config"),
            save_config=params.get("save_config"),
            save_histogram=params.get("save_histogram", True),
        )

    def to_json_dict(self) -> dict[str, Any]:
        """The same, to write."""
        return {
            "name": self.name,
            "include_regex": self.include_regex,
            "tensor_names": sorted(self.tensor_names),
            "reduction_config": self.reduction_config,
            "save_config": self.save_config,
            "save_histogram": self.save_histogram,
        }


@dataclass
class CollectionManager:
    """All collections of a worker, and how many workers the training has."""

    collections: dict[str, Collection] = field(default_factory=dict)
    num_workers: int = 1

    @classmethod
    def of(cls, collections: Iterable[Collection], num_workers: int) -> "CollectionManager":
        """Of some collections, by their names."""
        return cls({collection.name: collection for collection in collections}, num_workers)

    def get(self, name: str) -> Collection:
        """The collection of this name, empty if the training had none."""
        return self.collections.setdefault(name, Collection(name))

    @classmethod
    def load(cls, text: bytes) -> "CollectionManager":
        """Read a collections file. Raises SMDebugValueError for anything else."""
        try:
            content = json.loads(text)
        except ValueError as error:
            raise SMDebugValueError(f"the collections file is no JSON: {error}") from error
        if not isinstance(content, dict) or set(content) - {"collections", "_meta"}:
            raise SMDebugValueError("allowed params for collection manager can only be one of collections,_meta")
        found = [Collection.from_dict(params) for params in content.get("collections", {}).values()]
        return cls.of(found, int(content.get("_meta", {}).get("num_workers", 1)))

    def dump(self) -> bytes:
        """Write a collections file."""
        collections = {name: collection.to_json_dict() for name, collection in self.collections.items()}
        return json.dumps({"collections": collections, "_meta": {"num_workers": self.num_workers}}).encode()
