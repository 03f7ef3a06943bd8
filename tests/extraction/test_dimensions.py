"""Named groups as dimensions, units and resolutions: which series a value goes to."""

import json
from collections.abc import Sequence

import pytest

from epochwatch.extraction.columns import run_points
from epochwatch.extraction.dimensions import dimension_groups, dimensions
from epochwatch.extraction.extractor import Extractor
from epochwatch.model.batch import Definition, RunPoints
from epochwatch.model.run_series import LONGEST_DIMENSION, MOST_COMBINATIONS, RunSeries, series_of

NORM = Definition("norm", r"layer=(?P<layer>\S*) norm=(?P<value>\S+)")


def rows(definitions: Sequence[Definition], log: str, *, cut: int = 0) -> list[tuple[str, float, int]]:
    """(label, value, step) of every value; saved and restored at ``cut``."""
    extractor = Extractor(definitions, automatic=False)
    data = log.encode()
    found = _rows(extractor, data[:cut]) if cut else []
    extractor.close()
    extractor = Extractor.restore(json.loads(json.dumps(extractor.state())))
    found += _rows(extractor, data[cut:])
    extractor.close()
    return found


def _rows(extractor: Extractor, data: bytes) -> list[tuple[str, float, int]]:
    out = extractor.feed(data, extractor.offset)
    labels = [out.series[number].label for number in out.name_ids]
    return list(zip(labels, out.values, out.steps, strict=True))


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        ({}, []),
        ({"layer": 1, "value": 2}, ["layer"]),
        ({"z": 1, "a": 2, "values": 3}, ["a", "z"]),
        ({"layer": 1}, []),
        ({"value": 1, "step": 2, "epoch": 3, "scale": 4}, []),
    ],
)
def test_which_groups_become_dimensions(names: dict[str, int], groups: list[str]) -> None:
    assert list(dimension_groups(names)) == groups


def test_what_groups_captured_is_made_a_dimension() -> None:
    assert dimensions(["a", "b", "c"], [b" x  y\t", None, b"  "]) == (("a", "x y"),)
    assert dimensions(["a"], [b"\xff"]) == (("a", "\ufffd"),)
    ((_, value),) = dimensions(["a"], [b"x" * 5000])
    assert len(value) == LONGEST_DIMENSION


def test_each_combination_is_a_series_that_counts_its_own_steps() -> None:
    log = "layer=a norm=1\nlayer=b norm=2\nlayer=a norm=3\nlayer= norm=4\n"
    expected = [('norm{layer="a"}', 1, 1), ('norm{layer="b"}', 2, 1), ('norm{layer="a"}', 3, 2), ("norm", 4, 1)]
    for cut in (0, 1, 20, 40):
        assert rows([NORM], log, cut=cut) == expected


def test_dimensions_go_with_steps_scales_and_every_match_of_a_line() -> None:
    every = Definition("t", r"(?P<unit>[a-z]+)=(?P<values>[0-9.]+)(?P<scale>k?) at (?P<step>\d+)")
    assert rows([every], "x=1k at 7 y=2 at 8\n") == [('t{unit="x"}', 1000, 7), ('t{unit="y"}', 2, 8)]


def test_a_pattern_for_the_guarded_worker_has_dimensions_too() -> None:
    guarded = Definition("m", r"(?<=<)(?P<kind>\w+)>(?P<value>\d)")
    assert rows([guarded], "<a>1 <b>2\n") == [('m{kind="a"}', 1, 1)]


def test_a_definition_without_a_group_called_value_is_sagemaker_s() -> None:
    assert rows([Definition("m", r"(?P<loss>[0-9.]+) of (?P<all>\d+)")], "0.5 of 7\n") == [("m", 0.5, 1)]


def test_one_combination_too_many_is_counted_and_not_kept() -> None:
    extractor = Extractor([NORM], automatic=False)
    lines = [f"layer={number} norm=1" for number in range(MOST_COMBINATIONS + 5)]
    out = extractor.feed("\n".join([*lines, "layer=3 norm=2", ""]).encode(), 0)
    assert len(out.values) == MOST_COMBINATIONS + 1
    (health,) = extractor.health()
    assert (health.matched, health.refused) == (MOST_COMBINATIONS + 6, 5)
    restored = Extractor.restore(json.loads(json.dumps(extractor.state())))
    assert len(restored.feed(b"layer=new norm=1\n", restored.offset).values) == 0
    assert restored.health()[0].refused == 6


def test_definitions_of_one_name_in_different_units_are_different_series() -> None:
    definitions = [Definition("t", "t=(.+)s", unit="Seconds"), Definition("t", "t=(.+)m", resolution=60)]
    extractor = Extractor(definitions, automatic=False)
    out = extractor.feed(b"t=1s\nt=2m\nt=3s\n", 0)
    assert [out.series[number] for number in out.name_ids] == [
        RunSeries("t", unit="Seconds"),
        RunSeries("t", resolution=60),
        RunSeries("t", unit="Seconds"),
    ]
    assert list(out.steps) == [1, 2, 3]  # of one metric


def columns(definitions: Sequence[Definition], log: bytes) -> RunPoints:
    out = Extractor(definitions, automatic=False).feed(log, 0)
    return run_points(out, "s", out.ends.tobytes(), out.ends.tobytes())


def test_what_travels_says_the_series() -> None:
    points = columns([NORM, Definition("t", "t=(.+)", unit="Seconds", resolution=60)], b"layer=a norm=1\nt=2\n")
    assert sorted(series_of(points)) == [RunSeries("norm", (("layer", "a"),)), RunSeries("t", (), "Seconds", 60)]


def test_what_needs_no_more_travels_as_before() -> None:
    points = columns([Definition("t", "t=(.+)")], b"t=2\n")
    assert (points.names, points.dimensions, points.units, points.resolutions) == (["t"], [], [], [])
