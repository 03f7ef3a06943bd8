"""Cutting bytes into lines."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.extraction.lines import Framer, Line

PIECES = st.lists(
    st.sampled_from(
        [
            b"a",
            b"0.5",
            b"\r",
            b"\n",
            b"\r\n",
            b"\x1b[31m",
            b"\x1b[0m",
            b"\x08",
            b"\xc3\xa9",
            b"\xff",
            b"\xe2\x82",
            b"loss=1",
            b" " * 9,
        ]
    ),
    max_size=60,
)


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(place, len(data)) for place in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


def lines_of(chunks: list[bytes], max_line: int = 65536) -> list[Line]:
    framer = Framer(max_line)
    found, offset = [], 0
    for chunk in chunks:
        found += framer.feed(chunk, offset)
        offset += len(chunk)
    return [*found, *framer.flush()]


def texts(data: bytes) -> list[bytes]:
    return [line.text for line in lines_of([data])]


def test_newline_return_and_both_each_end_a_line() -> None:
    assert texts(b"a\nb\r\nc\rd\n") == [b"a", b"b", b"c", b"d"]


def test_offsets_point_at_the_line_in_the_source() -> None:
    data = b"ab\ncd\r\nef\rgh"
    lines = lines_of([data])
    assert [(line.start, line.end) for line in lines] == [(0, 3), (3, 6), (7, 10), (10, 12)]
    assert all(data[line.start : line.start + len(line.raw)] == line.raw for line in lines)


def test_blank_lines_are_kept_and_bare_returns_are_not_lines() -> None:
    assert texts(b"a\n\nb\n") == [b"a", b"", b"b"]
    assert texts(b"a\r\n\r\nb\r\n") == [b"a", b"", b"b"]
    assert texts(b"\r10%\r20%\r\r30%\n") == [b"10%", b"20%", b"30%"]


def test_control_sequences_are_stripped_from_the_text_and_kept_in_the_raw_line() -> None:
    (line,) = lines_of([b"\x1b[1;32mloss\x1b[0m=\x1b]8;;http://x\x070.5\x08\x08\n"])
    assert line.text == b"loss=0.5"
    assert line.raw.startswith(b"\x1b[1;32mloss")


def test_a_line_without_its_end_waits_and_comes_with_flush() -> None:
    framer = Framer()
    assert list(framer.feed(b"loss=0.", 0)) == []
    assert [line.text for line in framer.feed(b"5\nacc", 7)] == [b"loss=0.5"]
    assert [(line.text, line.end) for line in framer.flush()] == [(b"acc", 12)]
    assert list(framer.flush()) == []


def test_bytes_that_do_not_continue_the_source_are_refused() -> None:
    framer = Framer()
    framer.feed(b"abc", 0)
    with pytest.raises(ValueError, match="do not continue"):
        framer.feed(b"def", 5)


def test_a_long_line_comes_out_in_pieces_that_lose_nothing() -> None:
    data = b"loss=0.25 " + b"x" * 50 + "é".encode() * 30 + b"\nnext\n"
    lines = lines_of([data], max_line=32)
    assert b"".join(line.raw for line in lines) == data.replace(b"\n", b"")
    assert max(len(line.raw) for line in lines) <= 32
    assert lines[0].text.startswith(b"loss=0.25")
    assert [line.text for line in lines[1:-1]] == [b""] * (len(lines) - 2)
    assert lines[-1].text == b"next"
    for line in lines:
        line.raw.decode()  # no character was split


def test_a_number_that_the_cut_splits_is_not_seen() -> None:
    lines = lines_of([b"some words loss=0.12345678901234567890\n"], max_line=24)
    assert lines[0].text == b"some words loss="


def test_memory_is_bounded_by_the_line_limit_however_long_the_line() -> None:
    framer = Framer(max_line=1024)
    offset = 0
    for _ in range(200):
        framer.feed(b"y" * 1000, offset)
        offset += 1000
        assert len(framer.state()["carry"]) <= 1024 * 4 / 3 + 4


@given(PIECES, st.lists(st.integers(0, 300), max_size=12), st.sampled_from([16, 24, 65536]))
def test_how_the_bytes_are_cut_changes_nothing(pieces: list[bytes], cuts: list[int], max_line: int) -> None:
    data = b"".join(pieces)
    whole = lines_of([data], max_line)
    assert lines_of(cut(data, cuts), max_line) == whole
    assert lines_of([bytes([byte]) for byte in data], max_line) == whole


@given(PIECES, st.sampled_from([16, 65536]))
def test_columns_say_the_same_as_lines(pieces: list[bytes], max_line: int) -> None:
    data = b"".join(pieces)
    framer = Framer(max_line)
    for found in (framer.feed(data, 0), framer.flush()):
        lines = list(found)
        assert len(found) == len(lines)
        assert bool(found) == bool(lines)
        assert list(found.ends()) == [line.end for line in lines]
        assert found.messages() == [line.raw.decode("utf-8", "replace") for line in lines]
        newline = -1
        for line in lines:
            assert found.block.startswith(line.text + b"\n", newline + 1)
            newline = found.block.index(b"\n", newline + 1)
            assert found.end_of(newline) == line.end
        assert newline == len(found.block) - 1


@given(PIECES)
def test_every_byte_printed_is_in_exactly_one_line(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    lines = lines_of([data])
    assert b"".join(line.raw for line in lines) == data.replace(b"\r", b"").replace(b"\n", b"")
    ends = [line.end for line in lines]
    assert ends == sorted(set(ends))


@given(PIECES, st.integers(0, 300))
def test_saved_and_restored_it_goes_on_as_if_nothing_happened(pieces: list[bytes], place: int) -> None:
    data = b"".join(pieces)
    place = min(place, len(data))
    first = Framer(16)
    before = first.feed(data[:place], 0)
    second = Framer(16)
    second.restore(first.state())
    assert [*before, *second.feed(data[place:], place), *second.flush()] == lines_of([data], 16)
