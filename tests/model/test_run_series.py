"""Series of run points: their labels, and what a batch may say of them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.batch import RunPoints
from epochwatch.model.run_series import RunSeries, metric_name, series_of

POINTS = RunPoints("s", b"", ["norm", "norm"], b"", b"", b"", b"", b"")


@pytest.mark.parametrize(
    ("series", "label"),
    [
        (RunSeries("loss"), "loss"),
        (RunSeries("loss", unit="Percent", resolution=60), "loss"),
        (RunSeries("norm", (("layer", "3"), ("rank", "0"))), 'norm{layer="3",rank="0"}'),
        (RunSeries("norm", (("layer", 'a"b\\c'),)), r'norm{layer="a\"b\\c"}'),
    ],
)
def test_a_label_is_the_name_and_the_dimensions(series: RunSeries, label: str) -> None:
    assert series.label == label


@given(
    st.text("ab{}=,\\", min_size=1),
    st.dictionaries(st.sampled_from(["layer", "rank", "x_1"]), st.text(min_size=1), min_size=1),
)
def test_the_name_can_be_told_from_a_label(name: str, dimensions: dict[str, str]) -> None:
    assert metric_name(RunSeries(name, tuple(sorted(dimensions.items()))).label) == name


def test_a_name_without_dimensions_is_its_own_label() -> None:
    for name in ("loss", "train{x}", "a}", '{"a"}'):
        assert metric_name(name) == name


def test_a_batch_of_an_agent_that_knows_no_dimensions_is_understood() -> None:
    old = {
        name: value for name, value in msgspec.to_builtins(POINTS).items() if name not in ("dimensions", "units")
    }
    assert series_of(msgspec.convert(old, RunPoints)) == [RunSeries("norm"), RunSeries("norm")]
    assert b"dimensions" not in msgspec.msgpack.encode(POINTS)


def test_a_batch_says_dimensions_units_and_resolutions_of_each_series() -> None:
    points = msgspec.structs.replace(
        POINTS, dimensions=[[("b", "2"), ("a", "1")], []], units=["Percent", "None"], resolutions=[60, 1]
    )
    assert series_of(points) == [RunSeries("norm", (("a", "1"), ("b", "2")), "Percent", 60), RunSeries("norm")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"dimensions": [[]]},
        {"units": ["None"]},
        {"resolutions": [1, 1, 1]},
        {"units": ["None", "Furlong"]},
        {"resolutions": [1, 5]},
        {"dimensions": [[("TrainingJobName", "other")], []]},
        {"dimensions": [[("a", "1"), ("a", "2")], []]},
        {"dimensions": [[("a", "")], []]},
        {"dimensions": [[(f"d{n}", "x") for n in range(30)], []]},
    ],
)
def test_what_no_series_can_have_is_refused(wrong: dict[str, list[object]]) -> None:
    with pytest.raises(ValueError, match=r"dimensions|no unit"):
        series_of(msgspec.structs.replace(POINTS, **wrong))
