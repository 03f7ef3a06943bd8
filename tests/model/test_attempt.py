"""Which attempt of a call a request is."""

import pytest

from epochwatch.model.attempt import FIRST_ATTEMPT, Attempt, attempt_of


@pytest.mark.parametrize(
    ("headers", "attempt"),
    [
        ({}, FIRST_ATTEMPT),
        ({"amz-sdk-request": "attempt=2"}, FIRST_ATTEMPT),
        ({"amz-sdk-invocation-id": "x" * 129}, FIRST_ATTEMPT),
        ({"amz-sdk-invocation-id": "a"}, Attempt("a", 1)),
        ({"amz-sdk-invocation-id": "a", "amz-sdk-request": "attempt=1"}, Attempt("a", 1)),
        (
            {"amz-sdk-invocation-id": "a", "amz-sdk-request": "ttl=20200101T000000Z; attempt=3; max=5"},
            Attempt("a", 3),
        ),
        ({"amz-sdk-invocation-id": "a", "amz-sdk-request": "reattempt=3"}, Attempt("a", 1)),
        ({"amz-sdk-invocation-id": "a", "amz-sdk-request": "attempt=0"}, Attempt("a", 1)),
    ],
)
def test_headers_of_sdks(headers: dict[str, str], attempt: Attempt) -> None:
    assert attempt_of(headers) == attempt


def test_only_a_later_attempt_of_a_known_call_repeats() -> None:
    assert Attempt("a", 2).repeats
    assert not Attempt("a", 1).repeats
    assert not Attempt("", 2).repeats
