"""Curves of several jobs on common places, against a baseline and over groups; fields of nested configurations."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.comparison import (
    Columns,
    Grid,
    against,
    at_places,
    combined,
    flattened,
    mean_of,
    windowed,
)

NAN = math.nan


def series(*points: tuple[float, float]) -> Any:
    return np.array([x for x, _ in points], float), np.array([value for _, value in points], float)


BASE = series((0, 1), (10, 3), (20, 5))
numbers = st.floats(-1e6, 1e6, allow_nan=False)
anything = st.lists(st.tuples(st.integers(0, 300), numbers), min_size=1, max_size=60).map(
    lambda points: series(*sorted(points, key=lambda point: point[0]))
)


@pytest.mark.parametrize(
    ("of", "place", "value"),
    [
        (BASE, 0, 1),
        (BASE, 5, 2),
        (BASE, 20, 5),
        (BASE, -1, NAN),
        (BASE, 20.5, NAN),
        (series((0, 1), (10, 3), (10, 7)), 10, 7),
        (series((0, 1), (10, NAN), (20, 3)), 5, NAN),
        (series((0, 1), (10, NAN), (20, 3)), 0, 1),
        (series((0, 1), (10, math.inf), (20, 3)), 15, NAN),
        (series((4, 2)), 4, 2),
        (series((4, 2)), 5, NAN),
        (series(), 5, NAN),
    ],
)
def test_a_series_is_known_between_its_own_neighbouring_points(of: Any, place: float, value: float) -> None:
    assert at_places(of, np.array([float(place)])).tolist() == pytest.approx([value], nan_ok=True)


@pytest.mark.parametrize(
    ("relation", "of", "expected"),
    [
        ("difference", series((0, 4), (5, 4), (30, 4)), [(0, 3), (5, 2)]),
        ("ratio", series((0, 4), (5, 4), (30, 4)), [(0, 4), (5, 2)]),
        ("difference", series((5, NAN), (10, 3)), [(10, 0)]),
    ],
)
def test_a_job_stands_against_the_baseline_where_both_are_known(relation: Any, of: Any, expected: Any) -> None:
    x, value = against(of, BASE, relation)
    assert list(zip(x.tolist(), value.tolist(), strict=True)) == expected


def test_a_ratio_to_nothing_is_left_out() -> None:
    assert against(series((0, 1), (1, 1)), series((0, 0), (1, 2)), "ratio")[0].tolist() == [1]


@given(anything)
def test_a_series_does_not_differ_from_itself(one: Any) -> None:
    x, value = against((np.unique(one[0]), at_places(one, np.unique(one[0]))), one, "difference")
    assert len(x) == len(np.unique(one[0]))
    assert np.abs(value).max() == 0


@given(anything, anything)
def test_interpolation_stays_within_the_neighbours(one: Any, other: Any) -> None:
    found = at_places(one, other[0])
    inside = (other[0] >= one[0][0]) & (other[0] <= one[0][-1])
    assert (np.isnan(found) == ~inside).all()
    assert (found[inside] >= one[1].min() - 1e-6).all()
    assert (found[inside] <= one[1].max() + 1e-6).all()


def test_the_mean_of_hosts_is_over_those_that_are_known() -> None:
    x, value = mean_of([series((0, 0), (2, 2)), series((1, 5), (3, 5))])
    assert list(zip(x.tolist(), value.tolist(), strict=True)) == [(0, 0), (1, 3), (2, 3.5), (3, 5)]


@given(st.lists(anything, min_size=1, max_size=4), st.integers(1, 80))
def test_a_grid_has_at_most_its_width_and_keeps_every_extreme(several: Any, width: int) -> None:
    grid = Grid.over([x for x, _ in several], width)
    assert len(grid.places) <= width
    assert (np.diff(grid.places) > 0).all()
    for x, value in several:
        columns = grid.columns(x, value, value)
        assert np.nanmin(columns.low) == value.min()
        assert np.nanmax(columns.high) == value.max()


def test_few_places_are_those_of_the_points() -> None:
    grid = Grid.over([np.array([1.0, 4.0]), np.array([1.0, 9.0])], 3)
    assert grid.places.tolist() == [1, 4, 9]
    assert grid.columns(*series((1, 5), (9, 6)), np.array([5.0, 6.0])).mean.tolist() == pytest.approx(
        [5, NAN, 6], nan_ok=True
    )


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ((-math.inf, math.inf), [(0, 0), (10, 10), (20, 20)]),
        ((5, 15), [(5, 5), (10, 10), (15, 15)]),
        ((10, 20), [(10, 10), (20, 20)]),
        ((12, 13), [(12, 12), (13, 13)]),
        ((30, 40), []),
    ],
)
def test_a_line_reaches_the_edges_of_the_window(window: Any, expected: Any) -> None:
    line = series((0, 0), (10, 10), (20, 20))
    x, value, smooth = windowed(line[0], line[1], line[1] * 2, window)
    assert list(zip(x.tolist(), value.tolist(), strict=True)) == expected
    assert smooth.tolist() == (value * 2).tolist()


def test_a_group_is_the_mean_and_the_range_of_its_jobs() -> None:
    grid = Grid(np.array([0.0, 1.0, 2.0, 3.0]))
    jobs = [series((0, 1), (2, 3)), series((0, 3), (1, 3), (2, 3), (3, 7))]
    found = combined(grid, [grid.columns(x, value, value) for x, value in jobs])
    assert found.mean.tolist() == [2, 2.5, 3, 7]
    assert found.low.tolist() == [1, 2, 3, 7]
    assert found.high.tolist() == [3, 3, 3, 7]


@given(st.lists(anything, min_size=1, max_size=4), st.integers(2, 50))
def test_the_mean_of_a_group_lies_in_its_range(several: Any, width: int) -> None:
    grid = Grid.over([x for x, _ in several], width)
    found: Columns = combined(grid, [grid.columns(x, value, value) for x, value in several])
    known = ~np.isnan(found.mean)
    assert (found.low[known] <= found.mean[known] + 1e-6).all()
    assert (found.high[known] >= found.mean[known] - 1e-6).all()
    assert np.nanmin(found.low) <= min(value.min() for _, value in several)


@pytest.mark.parametrize(
    ("nested", "fields"),
    [
        ({"lr": 0.1, "layers": [1, 2]}, {"lr": 0.1, "layers": "[1, 2]"}),
        ({"optimizer": {"name": "sgd", "lr": None}}, {"optimizer.name": "sgd", "optimizer.lr": None}),
        ({"stages": [{"steps": 3}, {"steps": 4}]}, {"stages.0.steps": 3, "stages.1.steps": 4}),
        ({"empty": {}, "flag": True, "odd": []}, {"flag": True, "odd": "[]"}),
    ],
)
def test_nested_values_become_fields_by_dots(nested: Any, fields: Any) -> None:
    assert flattened(nested) == fields


def test_fields_are_bounded() -> None:
    assert len(flattened({str(number): number for number in range(6000)})) == 5000
