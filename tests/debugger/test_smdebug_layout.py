"""smdebug's files: what is written is what its own code writes, byte by byte, and what was torn off is left out."""

import struct
from collections.abc import Callable
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.debugger import Collection, ModeKeys, SmdebugWriter, create_trial
from epochwatch.debugger.exceptions import IndexReaderException, SMDebugRuntimeError, SMDebugTypeError
from epochwatch.debugger.smdebug import layout
from epochwatch.debugger.smdebug.framing import CONSTANT_FOOTER, Check, frame, masked_crc32c
from epochwatch.debugger.smdebug.records import ValueReader, decode_tensors, decode_value, encode_tensor
from tests.debugger.judge import READ_ALL, read_all, smdebug

DTYPES = [
    "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "bool", "complex64", "complex128",
]  # fmt: skip

WRITE_SOME = """
import json, sys
import numpy as np
from smdebug.core.writer import FileWriter
from smdebug.core.modes import ModeKeys
directory = sys.argv[1]
for step, mode, mode_step in ((0, ModeKeys.GLOBAL, 0), (7, ModeKeys.TRAIN, 3), (123456, ModeKeys.EVAL, 300)):
    writer = FileWriter(directory, "worker_0", step)
    at = {"mode": mode, "mode_step": mode_step, "timestamp": 1.5e9 + step}
    for dtype in sys.argv[2:]:
        for shape in ((), (2, 3), (200, 1, 1)):
            value = np.arange(int(np.prod(shape))).reshape(shape).astype(dtype)
            writer.write_tensor(value, f"{dtype}/{len(shape)}:0", **at)
    writer.write_tensor(np.array(["one", "zwei", "três"]), "words", **at)
    writer.close()
print("{}")
"""


def some_tensors() -> dict[str, Any]:
    found: dict[str, Any] = {
        f"{dtype}/{len(shape)}:0": np.arange(int(np.prod(shape))).reshape(shape).astype(dtype)
        for dtype in DTYPES
        for shape in ((), (2, 3), (200, 1, 1))
    }
    return found | {"words": np.array(["one", "zwei", "três"])}


def test_event_and_index_files_are_smdebugs_own_to_the_byte(tmp_path: Path) -> None:
    smdebug(WRITE_SOME, tmp_path / "theirs", *DTYPES)
    writer = SmdebugWriter(str(tmp_path / "ours"))
    steps = ((0, ModeKeys.GLOBAL, 0), (7, ModeKeys.TRAIN, 3), (123456, ModeKeys.EVAL, 300))
    for step, mode, mode_step in steps:
        tensors = some_tensors()
        writer.write_step(step, tensors, mode=mode, mode_step=mode_step, time=1.5e9 + step)
        for path in (layout.event_path(step, "worker_0"), layout.index_path(step, "worker_0")):
            assert (tmp_path / "ours" / path).read_bytes() == (tmp_path / "theirs" / path).read_bytes()


def record_of(name: str, value: Any, step: int, mode: ModeKeys, mode_step: int, time: float) -> bytes:
    return b"".join(encode_tensor(name, value, step, mode, mode_step, time))


def test_the_lengths_of_a_recorded_index_are_met() -> None:
    """Of an index file that smdebug's PyTorch hook wrote."""
    mode = (2, ModeKeys.GLOBAL, 2, 1.6e9)
    scalar, matrix = np.float32(0.5).reshape(()), np.zeros((2, 3), np.float32)
    assert len(record_of("smdebug/reductions/mean/Net_fc.weight", scalar, *mode)) == 111
    assert len(record_of("smdebug/reductions/abs_l2/Net_fc.weight", scalar, *mode)) == 113
    assert len(record_of("Net_fc.weight", matrix, *mode)) == 149


@given(
    st.sampled_from(DTYPES),
    st.lists(st.integers(0, 5), max_size=4),
    st.integers(0, 2**40),
    st.sampled_from(ModeKeys),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300),
)
def test_a_tensor_is_read_as_it_was_written(
    dtype: str, shape: list[int], step: int, mode: ModeKeys, name: str
) -> None:
    value = np.arange(int(np.prod(shape)), dtype=np.int64).astype(dtype).reshape(shape)
    record = record_of(name, value, step, mode, step // 2, 1.5)
    (stored,) = decode_tensors(record)
    assert (stored.tag, stored.step, stored.mode, stored.mode_step) == (name, step, mode, step // 2)
    for found in (stored.value, decode_value(record)):
        assert (found.dtype, found.shape) == (value.dtype, value.shape)
        np.testing.assert_array_equal(found, value)


def outcome_of(read: Callable[[], Any]) -> tuple[Any, ...]:
    try:
        value = read()
    except (SMDebugRuntimeError, SMDebugTypeError, IndexError, ValueError) as error:
        return type(error), str(error)
    return value.dtype, value.shape, value.tobytes()


@given(
    st.sampled_from(["minimal", "none"]),
    st.lists(
        st.tuples(
            st.sampled_from(["float32", "int32", "int8"]),
            st.sampled_from([(), (4,), (2, 2), (3,), (0,)]),
            st.sampled_from(["t", "u", "tensor"]),
            st.sampled_from([0, 1, 2, 127, 128, 300]),
            st.none() | st.tuples(st.integers(0, 10_000), st.integers(1, 255)),
        ),
        min_size=2,
        max_size=6,
    ),
)
def test_a_record_that_is_compared_with_an_earlier_one_is_read_as_one_that_is_not(
    check: Check, records: list[tuple[str, tuple[int, ...], str, int, tuple[int, int] | None]]
) -> None:
    """Whatever differs between them, and whatever byte of it was damaged."""
    reader = ValueReader(check)
    for dtype, shape, name, step, damage in records:
        value = np.arange(prod(shape)).reshape(shape).astype(dtype) + np.ones((), dtype)
        record = bytearray(record_of(name, value, step, ModeKeys.TRAIN, step, 1.5))
        if damage is not None:
            record[damage[0] % len(record)] ^= damage[1]
        data = memoryview(bytes(record))
        expected = outcome_of(partial(decode_value, data, 0, check))
        assert outcome_of(partial(reader.value, data, (0, 0), step)) == expected


def test_what_was_torn_off_at_the_end_is_left_out() -> None:
    records = [record_of(f"t{n}", np.full(3, n), n, ModeKeys.GLOBAL, n, 1.0) for n in range(3)]
    whole = b"".join(records)
    for end in range(len(records[0]) + len(records[1]), len(whole)):
        assert [stored.tag for stored in decode_tensors(whole[:end])] == ["t0", "t1"]


def test_wrong_checksums_are_found_as_far_as_asked() -> None:
    record = record_of("t", np.ones(3), 1, ModeKeys.GLOBAL, 1, 1.0)
    payload = record[12:-4]
    assert struct.unpack("<I", record[-4:]) == (CONSTANT_FOOTER,) == (0x062DC0B3,)
    assert decode_value(frame(payload, "full"), 0, "full").tolist() == [1, 1, 1]
    assert decode_value(record[:-4] + b"none", 0, "none").tolist() == [1, 1, 1]
    with pytest.raises(SMDebugRuntimeError, match="checksum"):
        decode_value(record, 0, "full")
    with pytest.raises(SMDebugRuntimeError, match="checksum of its length"):
        decode_value(record[:8] + b"\0\0\0\0" + record[12:])
    assert masked_crc32c(b"") == 0xA282EAD8


def test_bfloat16_is_read_as_the_float32_of_the_same_value() -> None:
    value = np.array([1.0, -2.5, np.inf], np.float32)
    halves = (value.view("<u4") >> 16).astype("<u2")
    record = bytearray(record_of("t", halves, 0, ModeKeys.GLOBAL, 0, 1.0))
    at = record.index(b"\x08\x11")
    record[at + 1] = 14
    assert decode_value(bytes(record)).tolist() == value.tolist()


def test_what_the_format_cannot_hold_is_refused() -> None:
    for value in (np.zeros(2, "datetime64[s]"), np.array([["a"]])):
        with pytest.raises(SMDebugTypeError):
            record_of("t", value, 0, ModeKeys.GLOBAL, 0, 1.0)


def test_an_index_that_is_none_is_named(tmp_path: Path) -> None:
    SmdebugWriter(str(tmp_path))
    (tmp_path / "index" / "000000000").mkdir(parents=True)
    for content in (
        "",
        "{}",
        '{"meta": {"mode": "TRAIN", "mode_step": 1}}',
        '{"meta": {"mode": "X", "mode_step": 1}}',
    ):
        (tmp_path / layout.index_path(0, "worker_0")).write_text(content)
        with pytest.raises(IndexReaderException, match=r"000000000000_worker_0\.json"):
            create_trial(str(tmp_path))


def test_devices_of_tensorflow_are_workers() -> None:
    device = "/replica:0/task:1/device:GPU:0"
    path = layout.index_path(1203, device)
    assert path == "index/000000001/000000001203__replica-0_task-1_device-GPU-0.json"
    assert layout.step_and_worker(path) == (1203, device)
    assert layout.worker_of_collections(layout.collections_path(device)) == device
    assert layout.step_and_worker(layout.event_path(1203, "worker_2")) == (1203, "worker_2")


def test_smdebug_reads_what_is_written_here_as_we_do(tmp_path: Path) -> None:
    readable = ["float16", "float32", "float64", "int32", "int64", "uint8", "bool"]
    random = np.random.default_rng(1)
    for rank in range(2):
        writer = SmdebugWriter(
            str(tmp_path),
            f"worker_{rank}",
            [Collection("weights", [r"^(?!gradient).*weight"]), Collection("losses", [], {"loss:0"})],
            num_workers=2,
        )
        for step in (0, 1, 5, 999, 1000, 1203):
            mode = ModeKeys.EVAL if step == 5 else ModeKeys.TRAIN
            weight = random.normal(size=(2, 3)).astype(np.float32)
            writer.write_step(
                step,
                {"fc.weight": weight, "loss:0": np.float64(step / 3).reshape(())}
                | {name: random.integers(0, 100, (4,)).astype(name) for name in readable},
                mode=mode,
                mode_step=step + 1,
                reductions={
                    "fc.weight": {("mean", False): weight.mean(), ("l2", True): np.linalg.norm(weight)},
                    "gradient/fc.weight": {("max", True): np.float32(step)},
                },
                shapes={"gradient/fc.weight": (2, 3)},
            )
    writer.end_training()
    theirs = smdebug(READ_ALL, tmp_path)
    ours = read_all(create_trial(str(tmp_path)))
    assert ours["steps"] == [0, 1, 5, 999, 1000, 1203]
    assert ours == theirs
