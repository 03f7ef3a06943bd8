"""Kubernetes' and Docker's envelopes around lines."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.agent.follow.formats import detect, unwrap

SECOND = 1704164645_000000
NOW = 5

CRI = b"""2024-01-02T03:04:05.123456789Z stdout F loss=1
2024-01-02T03:04:05.123956789Z stderr F warning
2024-01-02T05:04:05.5+02:00 stdout P a long
2024-01-02T03:04:05.6Z stdout P , very long
2024-01-02T03:04:05.7Z stdout F  line
2024-01-02T03:04:06Z stdout F
"""


@pytest.mark.parametrize(
    ("line", "form"),
    [
        (b"2024-01-02T03:04:05.123456789Z stdout F hello", "cri"),
        (b"2024-01-02T03:04:05+01:00 stderr P hello", "cri"),
        (b"2024-01-02T03:04:05.1Z stdout F", "cri"),
        (b'{"log":"hello\\n","stream":"stdout","time":"2024-01-02T03:04:05.1Z"}', "docker"),
        (b'{"log":"hello","stream":"stderr","attrs":{"tag":"x"},"time":"2024-01-02T03:04:05Z"}', "docker"),
        (b'{"loss": 1, "step": 2}', "plain"),
        (b'{"log":"hello","stream":"stdout","time":"today"}', "plain"),
        (b"2024-01-02T03:04:05Z INFO loss=1", "plain"),
        (b"2024-99-02T03:04:05Z stdout F hello", "plain"),
        (b"", "plain"),
        (b"\xff\xfe", "plain"),
    ],
)
def test_the_first_line_tells_the_format(line: bytes, form: str) -> None:
    assert detect(line) == form


def test_cri_lines_are_unwrapped_with_their_times_and_partial_ones_joined() -> None:
    out = unwrap("cri", CRI, NOW)
    assert out.taken == len(CRI)
    assert out.data == b"loss=1\nwarning\na long, very long line\n\n"
    assert out.times == [(15, SECOND + 123456), (38, SECOND + 500000), (39, SECOND + 1000000)]


def test_a_partial_line_waits_for_its_rest() -> None:
    block = (
        b"2024-01-02T03:04:05Z stdout F one\n2024-01-02T03:04:05Z stdout P two\n2024-01-02T03:04:05Z stderr F x\n"
    )
    out = unwrap("cri", block, NOW)
    assert (out.data, out.taken) == (b"one\n", block.index(b"\n") + 1)
    assert out.times == [(4, SECOND)]
    out = unwrap("cri", block, NOW, everything=True)
    assert (out.data, out.taken) == (b"one\nx\ntwo\n", len(block))


def test_the_parts_of_two_streams_stay_apart() -> None:
    moment = b"2024-01-02T03:04:05Z "
    block = b"".join(
        moment + line + b"\n" for line in (b"stdout P a", b"stderr P b", b"stdout F A", b"stderr F B")
    )
    assert unwrap("cri", block, NOW).data == b"aA\nbB\n"


def test_docker_lines_are_unwrapped_and_cut_ones_joined() -> None:
    records = [("one\n", "stdout", 5), ("tw", "stdout", 6), ("err\n", "stderr", 6), ("o\n", "stdout", 7)]
    block = b"".join(
        json.dumps({"log": log, "stream": stream, "time": f"2024-01-02T03:04:0{second}.25Z"}).encode() + b"\n"
        for log, stream, second in records
    )
    out = unwrap("docker", block, NOW)
    assert out.data == b"one\nerr\ntwo\n"
    assert out.times == [(4, SECOND + 250000), (12, SECOND + 1250000)]


def test_a_line_without_envelope_stays_as_it_is() -> None:
    out = unwrap("cri", b"what is this\n2024-01-02T03:04:05Z stdout F one\nand this\n", NOW)
    assert out.data == b"what is this\none\nand this\n"
    assert out.times == [(13, NOW), (26, SECOND)]


@given(st.lists(st.integers(0, len(CRI)), max_size=6))
def test_how_a_file_is_read_in_pieces_changes_nothing(cuts: list[int]) -> None:
    data, taken, times = b"", 0, []
    for cut in [*sorted(cuts), len(CRI)]:
        out = unwrap("cri", CRI[taken:cut], NOW)
        times += [(len(data) + end, time // 1000) for end, time in out.times]
        data += out.data
        taken += out.taken
    whole = unwrap("cri", CRI, NOW)
    assert data == whole.data
    assert dict(times).items() >= {(end, time // 1000) for end, time in whole.times}


@given(st.binary(max_size=200), st.booleans())
def test_plain_bytes_come_as_they_are(block: bytes, everything: bool) -> None:
    out = unwrap("plain", block, NOW, everything=everything)
    assert out.data == block[: out.taken]
    assert out.taken == len(block) if everything else not {*b"\r\n"} & {*block[out.taken :]}
