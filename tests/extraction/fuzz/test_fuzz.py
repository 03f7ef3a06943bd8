"""The fuzz target on inputs that are the same each time; a long run under coverage is made by hand."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.extraction.fuzz.target import check


@pytest.mark.parametrize("seed", range(8))
def test_random_definitions_bytes_and_chunks_lose_nothing(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(60):
        check(draw.randbytes(draw.randrange(400)))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_no_definitions_bytes_and_chunks_lose_anything(data: bytes) -> None:
    check(data)
