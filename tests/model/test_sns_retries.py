"""When a message that could not be delivered is tried again."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.sns.retries import (
    BACKOFFS,
    HTTP_DEFAULT,
    MAIL_DEFAULT,
    InvalidDeliveryPolicy,
    Retries,
    effective_subscription_policy,
    effective_topic_policy,
    parse_subscription_policy,
    parse_topic_policy,
)


def pauses(policy: dict) -> list[float]:
    retries = Retries.of(policy)
    found = []
    while (pause := retries.pause(len(found) + 1)) is not None:
        found.append(round(pause, 6))
    return found


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({}, [20, 20, 20]),
        ({"numRetries": 0}, []),
        (
            {
                "numRetries": 6, "numNoDelayRetries": 1, "numMinDelayRetries": 2, "numMaxDelayRetries": 1,
                "minDelayTarget": 2, "maxDelayTarget": 8,
            },
            [0, 2, 2, 2, 8, 8],
        ),
        ({"numRetries": 4, "minDelayTarget": 10, "maxDelayTarget": 40}, [10, 20, 30, 40]),
        (
            {"numRetries": 3, "minDelayTarget": 10, "maxDelayTarget": 1000, "backoffFunction": "exponential"},
            [10, 100, 1000],
        ),
        (
            {"numRetries": 3, "minDelayTarget": 10, "maxDelayTarget": 50, "backoffFunction": "geometric"},
            [10, 20, 50],
        ),
        (
            {"numRetries": 3, "minDelayTarget": 10, "maxDelayTarget": 50, "backoffFunction": "arithmetic"},
            [10, 25, 50],
        ),
    ],
)  # fmt: skip
def test_the_pauses_of_a_policy(policy: dict, expected: list[float]):
    assert pauses(policy) == expected


def test_mail_is_tried_fifty_times_in_more_than_six_hours():
    found = pauses(dict(MAIL_DEFAULT))
    assert (len(found), found[:3], found[-1]) == (50, [10, 10, 10], 600)
    assert sum(found) > 6 * 3600


@given(
    counts=st.tuples(*[st.integers(0, 10)] * 4),
    shortest=st.integers(1, 100),
    more=st.integers(0, 3500),
    function=st.sampled_from(BACKOFFS),
)
def test_every_policy_pauses_as_often_as_it_says_within_its_bounds(
    counts: tuple[int, int, int, int], shortest: int, more: int, function: str
):
    at_once, first, _, last = counts
    policy = {
        "numRetries": sum(counts), "numNoDelayRetries": at_once, "numMinDelayRetries": first,
        "numMaxDelayRetries": last, "minDelayTarget": shortest, "maxDelayTarget": shortest + more,
        "backoffFunction": function,
    }  # fmt: skip
    parse_subscription_policy(json.dumps({"healthyRetryPolicy": policy}))
    found = pauses(policy)
    assert len(found) == sum(counts)
    assert found == sorted(found)
    assert all(shortest <= pause <= shortest + more for pause in found[at_once:])


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("x", "failed to parse JSON."),
        ("[]", "it must be a JSON object"),
        ('{"http":{}}', "Unexpected JSON member: http"),
        ('{"healthyRetryPolicy":[]}', "healthyRetryPolicy must be a JSON object"),
        ('{"healthyRetryPolicy":{"numRetries":-1}}', "numRetries must be a whole number that is not negative"),
        ('{"healthyRetryPolicy":{"numRetries":101}}', "numRetries must be from 0 to 100"),
        (
            '{"healthyRetryPolicy":{"numRetries":1,"numNoDelayRetries":2}}',
            "numRetries must be at least the sum of numNoDelayRetries, numMinDelayRetries and numMaxDelayRetries",
        ),
        (
            '{"healthyRetryPolicy":{"minDelayTarget":30}}',
            "minDelayTarget must be from 1 to maxDelayTarget, and that at most 3600 seconds",
        ),
        (
            '{"healthyRetryPolicy":{"backoffFunction":"wild"}}',
            "backoffFunction must be one of linear, arithmetic, geometric, exponential",
        ),
        (
            '{"throttlePolicy":{"maxReceivesPerSecond":0}}',
            "maxReceivesPerSecond must be a whole number of at least 1",
        ),
        ('{"requestPolicy":{"headerContentType":"image/png"}}', "headerContentType is not supported"),
        (
            '{"requestPolicy":{"headerContentType":"text/plain; a\\r\\nb: c"}}',
            "headerContentType is not supported",
        ),
    ],
)
def test_a_policy_that_cannot_be_is_refused(policy: str, message: str):
    with pytest.raises(InvalidDeliveryPolicy) as refusal:
        parse_subscription_policy(policy)
    assert str(refusal.value) == message


def test_a_subscriptions_policy_goes_before_the_topics_unless_that_forbids_it():
    topic = {"http": {"defaultHealthyRetryPolicy": {"numRetries": 7}}}
    own = {"healthyRetryPolicy": {"numRetries": 9}}
    parse_topic_policy(json.dumps(topic))
    assert effective_topic_policy({})["http"]["defaultHealthyRetryPolicy"] == HTTP_DEFAULT
    assert effective_subscription_policy(topic, {})["healthyRetryPolicy"]["numRetries"] == 7
    assert effective_subscription_policy(topic, own)["healthyRetryPolicy"]["numRetries"] == 9
    topic["http"]["disableSubscriptionOverrides"] = True  # type: ignore[assignment]
    assert effective_subscription_policy(topic, own)["healthyRetryPolicy"]["numRetries"] == 7
