"""Index files: which tensors a worker saved at a step, and where in the event file they are.

What an index says of tensors is the same text for most steps, for a training saves the same ones again and again. It is
made once, and read once.
"""

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import lru_cache
from itertools import accumulate
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from epochwatch.debugger.exceptions import IndexReaderException
from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.places import Range
from epochwatch.debugger.reductions import Reduction, parse_reduction_tensor_name
from epochwatch.debugger.source import Entries, Entry, SavedStep

_PAYLOADS_KEPT: Final = 64


def encode_index(
    mode: ModeKeys,
    mode_step: int,
    event_file: str | None,
    names: Sequence[str],
    lengths: Sequence[int],
    shapes: Sequence[Mapping[str, Any]],
) -> bytes:
    """An index file. The records of ``names`` follow each other in ``event_file``, which is None without any."""
    meta = {"mode": mode.name, "mode_step": mode_step}
    if event_file is not None:
        meta["event_file_name"] = event_file
    sections = {
        "meta": json.dumps(meta),
        "tensor_payload": _tensor_payload(tuple(names), tuple(lengths)),
        "shape_payload": json.dumps(shapes),
    }
    return ("{" + ", ".join(f'"{name}": {section}' for name, section in sections.items()) + "}").encode()


@lru_cache(maxsize=_PAYLOADS_KEPT)
def _tensor_payload(names: tuple[str, ...], lengths: tuple[int, ...]) -> str:
    starts = accumulate(lengths, initial=0)
    return json.dumps(
        [
            {"tensorname": name, "start_idx": start, "length": length}
            for name, start, length in zip(names, starts, lengths, strict=False)
        ]
    )


class EventLocation(NamedTuple):
    """A record in an event file."""

    path: str
    place: Range


class _Index(msgspec.Struct):
    meta: dict[str, Any]
    tensor_payload: msgspec.Raw = msgspec.Raw()
    shape_payload: msgspec.Raw = msgspec.Raw()


class _Tensor(msgspec.Struct):
    tensorname: str
    start_idx: int
    length: int


class _Shape(msgspec.Struct):
    tensorname: str
    originalname: str | None
    shape: tuple[Any, ...]


class _Saved(NamedTuple):
    """What an index says of a tensor."""

    place: Range | None = None
    shape: tuple[int, ...] | None = None
    original_name: str | None = None
    reductions: Mapping[Reduction, Range] = MappingProxyType({})


class _Payload(NamedTuple):
    """What an index says of all tensors; ``names`` are those of ``saved``, as one object."""

    saved: Mapping[str, _Saved]
    names: Set[str]
    in_event_file: bool


class _Entries(Entries):
    """The entries of a step, made when they are looked at."""

    def __init__(self, event_file: str, saved: Mapping[str, _Saved]) -> None:
        self._event_file, self._saved = event_file, saved

    def __len__(self) -> int:
        return len(self._saved)

    def __iter__(self) -> Iterator[str]:
        return iter(self._saved)

    def __contains__(self, name: object) -> bool:
        return name in self._saved

    def location(self, name: str) -> EventLocation | None:
        saved = self._saved.get(name)
        return None if saved is None or saved.place is None else EventLocation(self._event_file, saved.place)

    def __getitem__(self, name: str) -> Entry:
        place, shape, original_name, reductions = self._saved[name]
        file = self._event_file
        entry = Entry(None if place is None else EventLocation(file, place), shape, original_name)
        if reductions:
            entry.reductions = {reduction: EventLocation(file, at) for reduction, at in reductions.items()}
        return entry


_INDEX: Final = msgspec.json.Decoder(_Index)
_TENSORS: Final = msgspec.json.Decoder(list[_Tensor] | None)
_SHAPES: Final = msgspec.json.Decoder(list[_Shape] | None)


class IndexReader:
    """Reads the index files of a trial."""

    def __init__(self) -> None:
        self._payload = lru_cache(maxsize=_PAYLOADS_KEPT)(_payload)

    def saved_step(self, path: str, step: int, worker: str, content: bytes) -> SavedStep:
        """What the index at ``path`` says. Raises IndexReaderException for anything else."""
        try:
            index = _INDEX.decode(content)
            mode, mode_step = ModeKeys[index.meta["mode"].strip()], int(index.meta["mode_step"])
            payload = self._payload(bytes(index.tensor_payload), bytes(index.shape_payload))
            event_file = index.meta["event_file_name"] if payload.in_event_file else ""
        except (msgspec.DecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise IndexReaderException(f"Empty/Corrupt Index File {path}: {error!r}") from error
        return SavedStep(step, mode, mode_step, worker, payload.names, _Entries(event_file, payload.saved))


def _payload(tensors: bytes, shapes: bytes) -> _Payload:
    if not tensors and not shapes:
        raise KeyError("neither tensor_payload nor shape_payload sections are present")
    listed = _TENSORS.decode(tensors or b"null") or ()
    found: dict[str, _Saved] = {}
    for tensor in listed:
        place = tensor.start_idx, tensor.length
        reduction = parse_reduction_tensor_name(tensor.tensorname)
        name = tensor.tensorname if reduction is None else reduction[0]
        known = found.get(name, _Saved())
        if reduction is None:
            found[name] = known._replace(place=place)
        else:
            found[name] = known._replace(reductions={**known.reductions, reduction[1]: place})
    for shape in _SHAPES.decode(shapes or b"null") or ():
        known = found.get(shape.tensorname, _Saved())
        found[shape.tensorname] = known._replace(shape=shape.shape, original_name=shape.originalname)
    return _Payload(found, found.keys(), bool(listed))
