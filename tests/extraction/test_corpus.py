"""Every log of the corpus gives what its definitions must find in it, however its bytes arrive."""

import random
from collections.abc import Iterable

import pytest

from epochwatch.extraction.definitions import validate
from epochwatch.extraction.extractor import Extracted, Extractor
from tests.extraction.corpus.cases import Case, Row, cases

CASES = [pytest.param(case, id=case.name) for case in cases()]


def found(case: Case, chunks: Iterable[bytes]) -> list[Row]:
    """(metric, value, step) of every value that the case's definitions give."""
    extractor = Extractor(case.definitions, automatic=False)
    try:
        rows: list[Row] = []
        for chunk in chunks:
            rows += _rows(extractor.feed(chunk, extractor.offset))
        return rows + _rows(extractor.flush())
    finally:
        extractor.close()


def _rows(extracted: Extracted) -> list[Row]:
    names = [extracted.names[number] for number in extracted.name_ids]
    return list(zip(names, extracted.values, extracted.steps, strict=True))


@pytest.mark.parametrize("case", CASES)
def test_definitions_find_what_was_printed(case: Case) -> None:
    assert case.comparable(found(case, [case.log])) == case.comparable(case.expected)


@pytest.mark.parametrize("case", cases(), ids=[case.name for case in cases()])
def test_how_the_bytes_arrive_changes_nothing(case: Case) -> None:
    whole = [(name, str(value), step) for name, value, step in found(case, [case.log])]
    for seed in range(3):
        chunks = _chunks(case.log, random.Random(f"{case.name} {seed}"))
        assert [(name, str(value), step) for name, value, step in found(case, chunks)] == whole


def _chunks(log: bytes, chance: random.Random) -> list[bytes]:
    chunks = []
    while log:
        size = chance.choice([1, 7, 100, 1500])
        chunks.append(log[:size])
        log = log[size:]
    return chunks


@pytest.mark.parametrize("case", cases(), ids=[case.name for case in cases()])
def test_a_case_is_sound(case: Case) -> None:
    assert case.log
    assert len(case.log) <= 8192
    assert case.source
    assert {name for name, _, _ in case.expected} == {definition.name for definition in case.definitions}
    assert all(count > 0 for count in {**case.metrics, **case.columns}.values())
    assert not set(case.metrics) & {*case.junk, *case.either}
    assert all(validate(definition) is definition for definition in case.definitions)
    assert b"".join(case.lines()) == case.log


def test_the_corpus_is_large_and_hard() -> None:
    logs = [case.log for case in cases()]
    assert len(logs) >= 200
    for trait in (b"\r", b"\x1b[", b"#011", b"Traceback (most recent call last)", b"nan"):
        assert any(trait in log for log in logs), trait
    assert any(b"\xff" in log for log in logs)
