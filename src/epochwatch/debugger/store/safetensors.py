"""Raw tensors of a step as one safetensors file, and each of them back from its own bytes."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from epochwatch.debugger.exceptions import SMDebugRuntimeError, SMDebugTypeError
from epochwatch.debugger.smdebug.records import widen_bfloat16
from epochwatch.debugger.source import Array
from epochwatch.debugger.store.checksum import crc32
from epochwatch.debugger.store.segment import TensorPlace

BFLOAT16: Final = "bfloat16"
_STRING: Final = "string"
_ALIGNMENT: Final = 8
_NAMES: Final = {
    "float64": "F64", "float32": "F32", "float16": "F16", BFLOAT16: "BF16", "int64": "I64", "int32": "I32",
    "int16": "I16", "int8": "I8", "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8", "bool": "BOOL",
}  # fmt: skip
_PARTS_OF_COMPLEX: Final = {"complex64": "float32", "complex128": "float64"}


class Bfloat16(NamedTuple):
    """An array of bfloat16, which NumPy does not have: its bits as uint16."""

    bits: Array


class _Content(NamedTuple):
    dtype: str
    shape: tuple[int, ...]
    stored_as: str
    stored_shape: tuple[int, ...]
    data: memoryview


def encode(
    file: str, tensors: Mapping[str, Array | Bfloat16]
) -> tuple[list[bytes | memoryview], list[TensorPlace]]:
    """(parts of the file, place of each tensor in it). Complex numbers are kept as pairs and strings as JSON: the
    format has neither. Raises SMDebugTypeError for what is no array of numbers or strings.
    """
    contents = {name: _content(name, value) for name, value in tensors.items()}
    described: dict[str, dict[str, Any]] = {}
    offset = 0
    for name, content in contents.items():
        end = offset + content.data.nbytes
        described[name] = {
            "dtype": content.stored_as,
            "shape": content.stored_shape,
            "data_offsets": [offset, end],
        }
        offset = end
    header = msgspec.json.encode(described)
    header += b" " * (-len(header) % _ALIGNMENT)
    start = 8 + len(header)
    places = [
        TensorPlace(
            name,
            content.dtype,
            content.shape,
            file,
            start + described[name]["data_offsets"][0],
            content.data.nbytes,
            crc32(content.data),
        )
        for name, content in contents.items()
    ]
    return [len(header).to_bytes(8, "little"), header, *(content.data for content in contents.values())], places


def _content(name: str, value: Array | Bfloat16) -> _Content:
    if isinstance(value, Bfloat16):
        return _Content(BFLOAT16, value.bits.shape, "BF16", value.bits.shape, _bytes(value.bits))
    dtype = _dtype_name(value.dtype)
    if dtype in _PARTS_OF_COMPLEX:
        stored = _NAMES[_PARTS_OF_COMPLEX[dtype]]
        return _Content(dtype, value.shape, stored, (*value.shape, 2), _bytes(value))
    if value.dtype.kind in "USO":
        texts = [text.decode() if isinstance(text, bytes) else str(text) for text in value.ravel()]
        data = memoryview(json.dumps(texts).encode())
        return _Content(_STRING, value.shape, "U8", (data.nbytes,), data)
    if dtype not in _NAMES:
        raise SMDebugTypeError(f"tensor {name} has type {dtype}, which cannot be kept")
    return _Content(dtype, value.shape, _NAMES[dtype], value.shape, _bytes(value))


@lru_cache(maxsize=64)
def _dtype_name(dtype: np.dtype[Any]) -> str:
    return str(dtype)  # takes NumPy longer than all else that is done with a tensor here


def _bytes(value: Array) -> memoryview:
    return np.ascontiguousarray(value).reshape(-1).view(np.uint8).data


def decode(place: TensorPlace, data: memoryview) -> Any:
    """The array of the bytes at ``place``; bfloat16 comes as float32, which holds each of its values. Raises
    SMDebugRuntimeError if they are not those that were written.
    """
    if len(data) != place.nbytes or crc32(data) != place.crc32:
        raise SMDebugRuntimeError(f"the bytes of tensor {place.tensor} in {place.file} are damaged")
    if place.dtype == BFLOAT16:
        return widen_bfloat16(data).reshape(place.shape)
    if place.dtype == _STRING:
        return np.array(json.loads(bytes(data)), dtype=np.str_).reshape(place.shape)
    return np.frombuffer(bytearray(data), dtype=place.dtype).reshape(place.shape)
