"""Two trials side by side: what only one has, and where they part."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epochwatch.debugger import (
    Collection,
    Comparison,
    ModeKeys,
    SmdebugWriter,
    Statistics,
    StoreWriter,
    Trial,
    compare,
    create_trial,
)
from epochwatch.debugger.exceptions import SMDebugValueError

Step = Mapping[str, Any]
WEIGHT = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)


def ours(path: Path, steps: Mapping[int, Step], worker: str = "worker_0", num_workers: int = 1) -> Trial:
    writer = StoreWriter(str(path), worker, [Collection("weights", ["weight"])], num_workers)
    for step, tensors in steps.items():
        writer.write_step(step, tensors=tensors, mode=ModeKeys.TRAIN, mode_step=step // 10)
    writer.end_training()
    return create_trial(str(path))


def theirs(path: Path, steps: Mapping[int, Step]) -> Trial:
    writer = SmdebugWriter(str(path))
    for step, tensors in steps.items():
        writer.write_step(step, tensors, mode=ModeKeys.TRAIN, mode_step=step // 10)
    writer.end_training()
    return create_trial(str(path))


def measured(path: Path, steps: Mapping[int, Mapping[str, Mapping[str, float]]]) -> Trial:
    """Of statistics only."""
    writer = StoreWriter(str(path))
    for step, tensors in steps.items():
        names = list(next(iter(tensors.values())))
        columns = {name: np.array([values[name] for values in tensors.values()]) for name in names}
        writer.write_step(step, statistics=Statistics(list(tensors), columns))
    writer.end_training()
    return create_trial(str(path))


def changed(place: tuple[int, int], by: float) -> Any:
    weight = WEIGHT.copy()
    weight[place] += by
    return weight


@pytest.mark.parametrize("other", [ours, theirs])
def test_trials_that_have_the_same_are_the_same_in_whichever_format(tmp_path: Path, other: Any) -> None:
    steps = {step: {"fc.weight": WEIGHT * step, "names": np.array(["a", "b"])} for step in (0, 10, 20)}
    found = compare(ours(tmp_path / "a", steps), other(tmp_path / "b", steps))
    assert found.same
    assert found.first is None
    assert found.steps == (0, 10, 20)
    assert str(found).splitlines()[-1] == "no difference in 3 common steps"


def test_tensors_and_steps_of_one_trial_only_are_named(tmp_path: Path) -> None:
    a = ours(
        tmp_path / "a", {0: {"x": WEIGHT, "early": WEIGHT}, 10: {"x": WEIGHT}, 20: {"x": WEIGHT, "a": WEIGHT}}
    )
    b = ours(tmp_path / "b", {0: {"x": WEIGHT, "b": WEIGHT}, 10: {"x": WEIGHT, "early": WEIGHT}})
    found = compare(a, b)
    assert (found.only_a, found.only_b, found.unpaired) == (("a",), ("b",), ("early",))
    assert (found.steps, found.steps_only_a, found.steps_only_b) == ((0, 10), (20,), ())
    assert not found.same
    text = str(found)
    for line in ("1 tensor only in a: a", "1 tensor without a step in common: early", "1 step only in a: 20"):
        assert line in text.splitlines()


def test_the_first_difference_is_that_of_the_first_step_and_there_of_the_models_first_tensor(
    tmp_path: Path,
) -> None:
    a = ours(tmp_path / "a", {step: {"z.weight": WEIGHT, "b.weight": WEIGHT, "c": WEIGHT} for step in range(4)})
    late = {"z.weight": changed((2, 3), 0.5), "b.weight": changed((0, 1), 2e-3), "c": WEIGHT}
    b = ours(tmp_path / "b", {0: {"z.weight": WEIGHT, "b.weight": WEIGHT, "c": WEIGHT}, 1: late, 2: late})
    found = compare(a, b)
    assert [(one.tensor, one.step) for one in found.differences] == [("z.weight", 1), ("b.weight", 1)]
    first = found.first
    assert first is not None
    assert (first.what, first.a, first.b, first.elements) == ("value", 1.0, 1.5, 1)
    assert (first.absolute, first.relative) == pytest.approx((0.5, 1 / 3))
    assert str(first) == "z.weight, step 1, worker_0: value 1.0 in a, 1.5 in b (apart by 0.5, 33.33%)"
    assert found.differences[1].absolute == pytest.approx(2e-3, rel=1e-3)


@pytest.mark.parametrize(
    ("rtol", "atol", "by", "same"),
    [
        (0, 0, 1e-6, False),
        (1e-5, 0, 1e-6, True),
        (0, 1e-3, 9e-4, True),
        (0, 1e-3, 1.1e-3, False),
        (1e-2, 0, 0.1, False),
    ],
)
def test_what_is_apart_by_less_than_is_tolerated_is_the_same(
    tmp_path: Path, rtol: float, atol: float, by: float, same: bool
) -> None:
    a = ours(tmp_path / "a", {0: {"x": WEIGHT.astype(np.float64)}})
    b = ours(tmp_path / "b", {0: {"x": changed((2, 3), 0).astype(np.float64) + by * (WEIGHT == 1)}})
    assert compare(a, b, rtol=rtol, atol=atol).same == same


@pytest.mark.parametrize(
    ("a", "b", "what"),
    [
        (WEIGHT, WEIGHT.astype(np.float64), "type"),
        (WEIGHT, WEIGHT.reshape(4, 3), "shape"),
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), None),
        (np.array([1.0, np.nan]), np.array([1.0, 2.0]), "value"),
        (np.array([np.inf, 1.0]), np.array([np.inf, 1.0]), None),
        (np.array([np.inf]), np.array([-np.inf]), "value"),
        (np.array(["a", "b"]), np.array(["a", "c"]), "value"),
        (np.array([True, False]), np.array([True, True]), "value"),
        (np.array([1 + 2j]), np.array([1 - 2j]), "value"),
        (np.array([], np.float32), np.array([], np.float32), None),
    ],
)
def test_types_shapes_strings_and_what_is_not_finite_are_compared(
    tmp_path: Path, a: Any, b: Any, what: str | None
) -> None:
    found = compare(ours(tmp_path / "a", {0: {"x": a}}), ours(tmp_path / "b", {0: {"x": b}}))
    assert (found.first and found.first.what) == what
    assert str(found)


def test_tensors_without_values_are_compared_by_their_statistics(tmp_path: Path) -> None:
    def at(l2: float, mean: float = 1e-9) -> Mapping[str, Mapping[str, float]]:
        return {"fc.weight": {"l2": l2, "mean": mean, "std": 1.0}, "fc.bias": {"l2": 1.0, "mean": 0.0, "std": 0.0}}

    a = measured(tmp_path / "a", {0: at(2.0), 1: at(3.0), 2: at(4.0)})
    b = measured(tmp_path / "b", {0: at(2.0, 2e-9), 1: at(3.3), 2: at(5.0)})
    found = compare(a, b)
    assert [(one.tensor, one.step, one.what) for one in found.differences] == [("fc.weight", 1, "l2")]
    table = found.statistics.to_pandas().set_index(["tensor", "step", "worker"])
    assert table.loc[("fc.weight", 2, "worker_0"), ["l2_a", "l2_b"]].tolist() == [4.0, 5.0]
    assert len(table) == 6


def test_statistics_of_values_are_computed_where_the_other_trial_saved_them(tmp_path: Path) -> None:
    whole = ours(tmp_path / "a", {0: {"fc.weight": WEIGHT}, 1: {"fc.weight": WEIGHT}})
    norm = float(np.linalg.norm(WEIGHT))
    a_half = measured(tmp_path / "b", {0: {"fc.weight": {"l2": norm}}, 1: {"fc.weight": {"l2": norm * 1.1}}})
    for found in (compare(whole, a_half), compare(a_half, whole)):
        assert [(one.step, one.what) for one in found.differences] == [(1, "l2")]
        assert found.statistics["l2_a"].to_pylist()[0] == pytest.approx(norm)


def test_scalars_that_never_change_are_put_side_by_side(tmp_path: Path) -> None:
    def steps(rate: float) -> dict[int, Step]:
        return {s: {"learning_rate": np.array(rate), "loss": np.array(1.0 / (s + 1))} for s in range(3)}

    found = compare(theirs(tmp_path / "a", steps(0.1)), ours(tmp_path / "b", steps(0.01)))
    assert found.constants == (("learning_rate", 0.1, 0.01),)
    assert "learning_rate is always 0.1 in a, 0.01 in b" in str(found).splitlines()
    rows = {(row["tensor"], row["step"]): row for row in found.statistics.to_pylist()}
    assert (rows["loss", 2]["value_a"], rows["loss", 2]["value_b"]) == pytest.approx((1 / 3, 1 / 3))


def test_scalars_of_our_own_recordings_are_compared(tmp_path: Path) -> None:
    trials = []
    for name, rate in (("a", 0.1), ("b", 0.2)):
        writer = StoreWriter(str(tmp_path / name))
        for step in range(3):
            writer.write_step(step, scalars={"learning_rate": rate, "loss": 1.0})
        writer.end_training()
        trials.append(create_trial(str(tmp_path / name)))
    found = compare(*trials)
    assert found.constants == (("learning_rate", 0.1, 0.2), ("loss", 1.0, 1.0))
    assert len(found.statistics) == 6


def test_workers_are_compared_each_with_its_own(tmp_path: Path) -> None:
    for name, value in (("a", 1.0), ("b", 2.0)):
        for rank in range(2):
            ours_at = {0: {"x": np.full(3, value if rank else 0.0)}}
            writer = StoreWriter(str(tmp_path / name), f"worker_{rank}", num_workers=2)
            writer.write_step(0, tensors=ours_at[0])
            writer.close()
    found = compare(create_trial(str(tmp_path / "a")), create_trial(str(tmp_path / "b")))
    assert [(one.worker, one.elements) for one in found.differences] == [("worker_1", 3)]
    assert len(found.statistics) == 2


def test_steps_of_a_mode_and_a_choice_of_tensors_are_compared(tmp_path: Path) -> None:
    a = ours(tmp_path / "a", {0: {"x.weight": WEIGHT, "y": WEIGHT}, 10: {"x.weight": WEIGHT}})
    b = ours(tmp_path / "b", {5: {"x.weight": WEIGHT, "y": -WEIGHT}, 15: {"x.weight": -WEIGHT}})
    assert compare(a, b).steps == ()
    found: Comparison = compare(a, b, mode=ModeKeys.TRAIN, collection="weights")
    assert found.steps == (0, 1)
    assert [(one.tensor, one.step) for one in found.differences] == [("x.weight", 1)]
    assert compare(a, b, mode=ModeKeys.TRAIN, regex="^y$").differences[0].tensor == "y"


def test_a_tolerance_is_a_number_from_0(tmp_path: Path) -> None:
    trial = ours(tmp_path / "a", {0: {"x": WEIGHT}})
    for bad in ({"rtol": -1.0}, {"atol": float("nan")}):
        with pytest.raises(SMDebugValueError, match="number from 0"):
            compare(trial, trial, **bad)
