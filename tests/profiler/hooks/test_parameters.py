"""ProfilingParameters, in the ways in which they are written."""

import json
from pathlib import Path

import pytest

from epochwatch.profiler.hooks.parameters import Asked, Range, asked_in, asked_of


def asked(**parameters: object) -> Asked:
    return asked_of({"ProfilingParameters": parameters})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"StartStep": 5, "NumSteps": 3}', Range(3, 5)),
        ('{"StartStep": "5", "NumSteps": "3"}', Range(3, 5)),
        ('{"StartStep": 5, "NumSteps": 3, "MetricsRegex": ".*", }', Range(3, 5)),
        ('{\n  "StartStep": 5, # from here\n  "NumSteps": 3 # so many\n}', Range(3, 5)),
        ("{'StartStep': 5}", Range(1, 5)),
        ('{"NumSteps": 4}', Range(4)),
        ("{}", Range(1)),
        ({"StartStep": 5}, Range(1, 5)),
        ('{"StartTimeInSecSinceEpoch": 1700000000, "DurationInSeconds": 10}', Range(1, None, 1.7e9, 10.0)),
        ('{"DurationInSeconds": 10}', Range(1, None, None, 10.0)),
        ('{"StartStep": 5, "cProfileTimer": "off_cpu_time", "ProfilerName": "cprofile"}', Range(1, 5, timer="off_cpu")),
    ],
)  # fmt: skip
def test_a_range_is_read(text: object, expected: Range) -> None:
    assert asked(DetailedProfilingConfig=text) == Asked(operators=expected)
    assert asked(PythonProfilingConfig=text) == Asked(python=expected)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("StartStep=5", "object in JSON"),
        ("[1]", "object in JSON"),
        ("__import__('os').getpid()", "object in JSON"),
        ("{" * 1000, "object in JSON"),
        ('{"StartStep": -1}', "StartStep"),
        ('{"NumSteps": "many"}', "NumSteps"),
        ('{"FirstStep": 1}', "FirstStep"),
        ('{"cProfileTimer": "moon"}', "cProfileTimer"),
    ],
)
def test_what_is_no_range_is_refused_by_its_name(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"DetailedProfilingConfig.*{said}"):
        asked(DetailedProfilingConfig=text)


def test_a_profiler_that_is_turned_off_asks_for_nothing() -> None:
    parameters = {"DetailedProfilingConfig": "{}"}
    assert asked_of({"DisableProfiler": True, "ProfilingParameters": parameters}) == asked_of({}) == Asked()


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "profilerconfig.json"
    path.write_text(json.dumps({"ProfilingParameters": {"PythonProfilingConfig": '{"StartStep": 2}'}}))
    assert asked_in(path) == Asked(python=Range(1, 2))
    path.write_text("[]")
    with pytest.raises(ValueError, match="no object"):
        asked_in(path)


def span(asked: Range, seconds_a_step: float = 1.0) -> list[int]:
    """The steps of a training that are looked into."""
    found: list[int] = []
    first, began = -1, 0.0
    for step in range(1000):
        now = step * seconds_a_step
        if first < 0 and not found and asked.begins(step, now):
            first, began = step, now
        if first >= 0:
            found.append(step)
            if asked.ends(first, step, began, now + seconds_a_step):
                return found
    return found


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Range(3, 5), [5, 6, 7]),
        (Range(2), [0, 1]),
        (Range(1000), list(range(100))),
        (Range(first_time=10.0, seconds=3.0), [10, 11, 12]),
        (Range(seconds=2.0), [0, 1]),
    ],
)
def test_a_range_begins_and_ends(asked: Range, expected: list[int]) -> None:
    assert span(asked) == expected


def test_a_range_that_is_over_does_not_begin() -> None:
    assert not Range(3, 5).begins(8, 0.0)
    assert Range(3, 5).begins(7, 0.0)  # noticed late: what is left of it
    assert not Range(first_time=10.0, seconds=3.0).begins(0, 13.0)
