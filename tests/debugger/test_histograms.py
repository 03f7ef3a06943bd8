"""How the values of tensors are spread, step by step."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.debugger import Histograms, SmdebugWriter, StoreWriter, Trial, create_trial, read_histograms
from epochwatch.debugger.exceptions import SMDebugValueError


def written(path: Path, *values: Any, kind: Any = StoreWriter) -> Trial:
    writer = kind(str(path))
    for step, value in enumerate(values):
        writer.write_step(step * 10, tensors={"fc.weight": value, "names": np.array(["a"])})
    writer.end_training()
    return create_trial(str(path))


def only(found: list[Histograms]) -> Histograms:
    (histograms,) = found
    return histograms


@pytest.mark.parametrize("kind", [StoreWriter, SmdebugWriter])
def test_exponents_are_counted_for_each_step_with_the_same_edges(tmp_path: Path, kind: Any) -> None:
    first = np.array([1.0, -1.5, 2.0, 0.0, 0.25], np.float32)
    found = only(read_histograms(written(tmp_path, first, first * 2, kind=kind)))
    assert (found.tensor, found.worker, found.kind) == ("fc.weight", "worker_0", "exponent")
    assert found.steps.tolist() == [0, 10]
    assert found.edges.tolist() == [0.25, 0.5, 1, 2, 4, 8]
    assert found.counts.tolist() == [[1, 0, 2, 1, 0], [0, 1, 0, 2, 1]]
    assert found.zeros.tolist() == [1, 1]


def test_what_is_not_finite_is_counted_beside(tmp_path: Path) -> None:
    value = np.array([np.nan, np.inf, -np.inf, 1.0, 3.0])
    trial = written(tmp_path, value, np.full(2, np.nan))
    for kind in ("exponent", "value"):
        found = only(read_histograms(trial, kind, bins=2))
        assert (found.nans.tolist(), found.infs.tolist()) == ([1, 2], [2, 0])
        assert found.counts.tolist() == [[1, 1], [0, 0]]


def test_values_are_counted_between_the_least_and_the_largest_of_all_steps(tmp_path: Path) -> None:
    trial = written(tmp_path, np.array([0.0, 1.0, 2.0]), np.array([[4.0, 4.0], [-4.0, 3.9]]))
    found = only(read_histograms(trial, "value", bins=4))
    assert found.edges.tolist() == [-4, -2, 0, 2, 4]
    assert found.counts.tolist() == [[0, 0, 2, 1], [1, 0, 0, 3]]


@pytest.mark.parametrize(
    "value",
    [np.zeros(3), np.full(3, 7), np.array([], np.float32), np.array(2**70.0), np.array([-1.7e308, 1.7e308])],
)
def test_what_hardly_varies_has_histograms_all_the_same(tmp_path: Path, value: Any) -> None:
    trial = written(tmp_path, value)
    exponents, values = only(read_histograms(trial)), only(read_histograms(trial, "value"))
    assert exponents.counts.sum() + exponents.zeros.sum() == values.counts.sum() == value.size
    assert exponents.edges.size == exponents.counts.shape[1] + 1


@given(st.lists(st.floats(width=32), min_size=1, max_size=50))
def test_each_element_is_counted_once(tmp_path_factory: pytest.TempPathFactory, elements: list[float]) -> None:
    trial = written(tmp_path_factory.mktemp("trial"), np.array(elements, np.float32))
    for kind in ("exponent", "value"):
        found = only(read_histograms(trial, kind, bins=7))
        assert found.counts.sum() + found.zeros.sum() + found.nans.sum() + found.infs.sum() == len(elements)


def test_a_table_has_a_row_for_each_step(tmp_path: Path) -> None:
    found = only(read_histograms(written(tmp_path, np.ones(3), np.ones(3) * 2), regex="weight"))
    table = found.to_arrow()
    assert table["step"].to_pylist() == [0, 10]
    assert table["counts"].to_pylist() == [[3, 0], [0, 3]]
    edges = np.frombuffer(table.schema.field("counts").metadata[b"edges"], "<f8")
    assert edges.tolist() == found.edges.tolist() == [1, 2, 4]


def test_another_kind_and_no_bins_are_refused(tmp_path: Path) -> None:
    trial = written(tmp_path, np.ones(3))
    unknown: Any = "other"
    with pytest.raises(SMDebugValueError, match="exponent or value"):
        read_histograms(trial, unknown)
    with pytest.raises(SMDebugValueError, match="from 1"):
        read_histograms(trial, "value", bins=0)
