import itertools
import math

import pytest

from epochwatch.cli.chart import Curve, Frame, draw, duration, sparkline


def text_of(curves: list[Curve], **frame: object) -> list[str]:
    return ["".join(text for text, _ in row) for row in draw(curves, Frame(**frame)).rows]  # type: ignore[arg-type]


def line(name: str, values: list[float]) -> Curve:
    return Curve(name, [float(n) for n in range(len(values))], values, values)


def lit(rows: list[str]) -> list[tuple[int, int]]:
    """(row, column) of each character with dots, the axis's margin taken off."""
    cells = []
    for number, row in enumerate(rows[:-2]):
        body = row[max(row.find("┤"), row.find("│")) + 1 :]
        cells += [(number, column) for column, mark in enumerate(body) if mark != " "]
    return cells


def test_chart_has_the_size_that_was_asked() -> None:
    for width, height in itertools.product((20, 60, 133), (4, 10, 40)):
        rows = text_of([line("loss", [3, 1, 2, 0.5])], width=width, height=height)
        assert len(rows) == height
        assert max(len(row) for row in rows) <= width


def test_rising_line_goes_from_the_lower_left_to_the_upper_right() -> None:
    rows = text_of([line("accuracy", [n / 99 for n in range(100)])], width=60, height=12)
    cells = lit(rows)
    assert cells[0][0] == 0
    highest = {column: row for row, column in reversed(cells)}
    columns = sorted(highest)
    assert highest[columns[0]] == 9
    assert highest[columns[-1]] == 0
    assert all(highest[a] >= highest[b] for a, b in itertools.pairwise(columns))
    assert len(columns) == columns[-1] + 1, "the line has no gap"


def test_single_spike_among_many_points_is_seen() -> None:
    values = [1.0] * 10_000
    values[5000] = 100.0
    rows = text_of([line("loss", values)], width=80, height=20)
    top = [column for row, column in lit(rows) if row == 0]
    assert len(top) == 1
    body = rows[0].index("┤") + 1
    assert abs(top[0] - (80 - body) / 2) <= 1


def test_bucket_is_drawn_from_its_least_to_its_greatest_value() -> None:
    rows = text_of([Curve("loss", [0.0, 1.0, 2.0], [0.0, 4.9, 0.0], [0.0, 5.0, 10.0])], width=40, height=12)
    right = max(column for _, column in lit(rows))
    assert {row for row, column in lit(rows) if column == right} == set(range(10))


def test_axis_says_the_range_of_values_and_positions() -> None:
    rows = text_of([Curve("loss", [10.0, 2000.0], [0.125, 0.5], [0.125, 0.5])], width=60, height=12)
    assert rows[0].lstrip().startswith("0.5 ┤")
    assert rows[9].lstrip().startswith("0.125 ┤")
    assert rows[-1].split() == ["10", "step", "2000"]


def test_values_close_together_get_labels_that_differ() -> None:
    rows = text_of([line("loss", [1.00001, 1.00002])], width=60, height=12)
    labels = [row.split("┤")[0].strip() for row in rows if "┤" in row]
    assert len(labels) == len(set(labels)) >= 2


def test_logarithmic_axis_spaces_decades_evenly_and_leaves_out_what_is_not_above_zero() -> None:
    values = [1.0, 10.0, 100.0, 0.0, -5.0]
    rows = text_of([line("loss", values)], width=42, height=11, logarithmic=True)
    assert rows[0].lstrip().startswith("100 ┤")
    assert any(row.lstrip().startswith("10 ┤") for row in rows[3:6])
    assert rows[8].lstrip().startswith("1 ┤")
    with pytest.raises(ValueError, match="above zero"):
        text_of([line("loss", [0.0, -1.0])], logarithmic=True)


def test_values_that_are_not_finite_are_left_out() -> None:
    with_holes = [1.0, math.nan, 2.0, math.inf, 3.0, -math.inf]
    assert "3" in text_of([line("loss", with_holes)])[0]
    with pytest.raises(ValueError, match="no finite value"):
        text_of([line("loss", [math.nan, math.inf])])
    with pytest.raises(ValueError, match="no finite value"):
        text_of([])


def test_one_point_and_a_constant_are_drawn_in_the_middle() -> None:
    for values in ([7.0], [7.0] * 50):
        rows = {row for row, _ in lit(text_of([line("loss", values)], width=60, height=12))}
        assert len(rows) == 1
        assert rows <= {4, 5}


def test_huge_and_tiny_values_do_not_overflow() -> None:
    assert text_of([line("loss", [-1.7e308, 1.7e308])], width=40, height=10)
    assert text_of([line("loss", [5e-324, 1e-320])], width=40, height=10)


def test_each_curve_keeps_its_owner() -> None:
    chart = draw([line("a", [0.0, 0.0]), line("b", [1.0, 1.0])], Frame(40, 12))
    assert {owner for text, owner in chart.rows[0] if text.strip()} == {-1, 1}
    assert {owner for text, owner in chart.rows[9] if text.strip()} == {-1, 0}
    assert chart.names == ["a", "b"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.85, "850 ms"), (12.34, "12.3 s"), (245, "4m 05s"), (12000, "3h 20m"), (187200, "2d 04h")],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_duration_never_says_sixty() -> None:
    assert duration(59.96) == "1m 00s"
    assert duration(0.9996) == "1.0 s"
    assert duration(3599.7) == "1h 00m"


def test_sparkline_is_one_line_from_the_least_to_the_greatest_value() -> None:
    rising = sparkline(line("loss", [float(n) for n in range(96)]), 24)
    assert len(rising) == 24
    assert (rising[0], rising[-1]) == ("⣀", "⠉")
    assert sparkline(line("flat", [3.0, 3.0, 3.0]), 8) == "⠒" * 8
    assert sparkline(line("one", [3.0]), 8).strip()
    assert sparkline(line("none", [math.nan]), 8) == ""
