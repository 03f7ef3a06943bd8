"""The fuzz target on inputs that are the same each time; a long run under coverage is made by hand."""

import random
from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.extraction.fuzz.target import check

FOUND = {
    "a glimpse of a line changed the example that an audit had saved": (
        "CAADAADJBwcHBwcHBwcHBwcHBwcHBwcHKCidBwcHBwcHBwcHBwcHBwcHBwcoKJ2BgQ8AAACBgYGBPAAAAAAAgYEAAA"
        "fJAAAAAMnJCADJgYEPAAAAgYGBgTwAAAAAAIGBAAAHyQAAAADJyQgAyQA7"
    ),
    "a pattern was looked for by the escape that one of its alternatives holds, others not": (
        "+AL+egD2CwEAGwgAAAANK/gbTws0AAsBTws0AAsrMaP/pqamAAAregB6AAAyer8y"
    ),
}
"""What long runs found, by what was wrong."""


@pytest.mark.parametrize("data", FOUND.values(), ids=FOUND)
def test_what_was_found_stays_mended(data: str) -> None:
    check(b64decode(data))


@pytest.mark.parametrize("seed", range(8))
def test_random_definitions_bytes_and_chunks_lose_nothing(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(60):
        check(draw.randbytes(draw.randrange(400)))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_no_definitions_bytes_and_chunks_lose_anything(data: bytes) -> None:
    check(data)
