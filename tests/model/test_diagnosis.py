"""What a record holds of a diagnosis, and what SageMaker's words for it are."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.debugger.rules.finding import Finding
from epochwatch.model.diagnosis import Cause, Diagnosis, Evaluation, Found, cut, evaluated, of_json, thinned

SPIKE = Found("LossSpike", "problem", 12, 11, "loss 9.1 where the last 50 had a median of 0.08")
EXPLODING = Cause("ExplodingGradients", "problem", 9, 5, "gradient norm 18.2", consequences=[SPIKE])
PLATEAU = Cause("Plateau", "information", 90, 60, "no trend")


@pytest.mark.parametrize(
    ("diagnosis", "status", "details"),
    [
        (Diagnosis(), "InProgress", ""),
        (Diagnosis(5, 4, [PLATEAU]), "InProgress", "Plateau (remark) since step 60: no trend"),
        (Diagnosis(5, 4, [EXPLODING]), "IssuesFound", "ExplodingGradients since step 5: gradient norm 18.2"),
        (Diagnosis(5, 4, ended=True), "NoIssuesFound", ""),
        (Diagnosis(ended=True), "NoIssuesFound", "No step of the training was saved."),
        (Diagnosis(5, 4, ended=True, failure="its process was killed"), "Error", "its process was killed"),
        (
            Diagnosis(5, 4, [EXPLODING, PLATEAU], ended=True, failure="its process was killed"),
            "IssuesFound",
            "ExplodingGradients since step 5: gradient norm 18.2\nPlateau (remark) since step 60: no trend",
        ),
    ],
)
def test_how_it_stands_is_said_as_sagemaker_says_it_of_a_rule(
    diagnosis: Diagnosis, status: str, details: str
) -> None:
    found = evaluated(diagnosis, None, 7.0)
    assert (found.status, found.details, found.changed) == (status, details, 7.0)
    assert evaluated(diagnosis, found, 8.0) is found


def test_it_has_changed_when_what_is_said_has() -> None:
    before = Evaluation("InProgress", "", 7.0)
    assert evaluated(Diagnosis(9, 9, [EXPLODING]), before, 8.0).changed == 8.0


def test_details_are_no_longer_than_sagemaker_allows() -> None:
    long = Cause("LossSpike", "problem", 1, 1, "x" * 900)
    assert len(evaluated(Diagnosis(findings=[long, long]), None, 0.0).details) == 1024


def test_what_rules_tell_is_cut_to_what_a_record_holds() -> None:
    curve = [(step, float(step)) for step in range(5000)]
    series = {f"loss {number}": curve for number in range(9)}
    one = Finding("LossSpike", "problem", 1, 1, "e" * 5000, "c", "r", 0.5, tuple("abcdefghijklmnop"), series)
    told = one.to_json() | {"times": 3, "consequences": [one.to_json()]}

    whole = of_json({"steps": 7, "last_step": 6, "findings": [told] * 60})

    assert len(whole.findings) == 50
    assert cut(whole) == whole
    cause = whole.findings[0]

    assert (cause.rule, cause.times, len(cause.evidence), cause.tensors) == ("LossSpike", 3, 1000, [*"abcdefghij"])
    assert [len(points) for points in cause.series.values()] == [200] * 4
    assert cause.consequences[0].series == {}
    assert len(msgspec.json.encode(cause)) < 20_000


def test_the_members_of_a_finding_are_those_that_rules_tell() -> None:
    told: dict[str, Any] = json.loads(json.dumps(Finding("A", "problem", 1, 1, "", "", "", 1.0).to_json()))
    assert list(told) == list(Found.__struct_fields__)


POINTS = st.lists(st.none() | st.floats(-1e9, 1e9), max_size=300).map(lambda values: list(enumerate(values)))


@given(POINTS, st.integers(2, 50).map(lambda half: 2 * half))
def test_a_thinned_curve_keeps_its_extremes_and_its_order(
    points: list[tuple[int, float | None]], most: int
) -> None:
    kept = thinned(points, most)
    assert len(kept) <= most
    assert set(kept) <= set(points)
    assert [step for step, _ in kept] == sorted({step for step, _ in kept})
    known = [value for _, value in points if value is not None]
    if known:
        assert min(known) in [value for _, value in kept]
    if len(known) < len(points):
        assert None in [value for _, value in kept]
