"""A diagnosis names causes before what follows from them, of a stream and of a trial on the disk."""

import json
import math
from pathlib import Path

import numpy as np

from epochwatch.debugger import ModeKeys, SmdebugWriter, Statistics, StoreWriter, Trial, create_trial
from epochwatch.debugger.rules.diagnosis import diagnose, explained
from epochwatch.debugger.rules.finding import Finding, Kind
from epochwatch.debugger.rules.follow import follow
from epochwatch.debugger.rules.own.numbers import NonFinite
from epochwatch.debugger.rules.stream import StepStatistics, StreamRule
from tests.debugger.rules.own.streams import Row, training


def finding(rule: str, began: int, confidence: float = 0.8, kind: Kind = "problem") -> Finding:
    return Finding(rule, kind, began, began, "", "", "", confidence)


def order(found: list[Finding], leads_to: dict[str, set[str]]) -> list[tuple[str, list[str]]]:
    groups = explained(found, {rule: frozenset(effects) for rule, effects in leads_to.items()})
    return [(cause.rule, [one.rule for one in effects]) for cause, effects in groups]


def test_what_follows_from_a_cause_is_put_below_it() -> None:
    found = [finding("C", 30), finding("B", 20), finding("A", 10), finding("other", 0, 0.5)]
    assert order(found, {"A": {"B"}, "B": {"C"}}) == [("A", ["B", "C"]), ("other", [])]


def test_what_began_long_before_does_not_follow() -> None:
    assert order([finding("A", 200), finding("B", 10)], {"A": {"B"}}) == [("B", []), ("A", [])]


def test_a_remark_explains_no_problem() -> None:
    found = [finding("A", 0, kind="information"), finding("B", 10)]
    assert order(found, {"A": {"B"}}) == [("B", []), ("A", [])]


def test_a_ring_of_findings_has_its_earliest_as_cause() -> None:
    found = [finding("C", 30), finding("A", 10), finding("B", 20)]
    assert order(found, {"A": {"B"}, "B": {"C"}, "C": {"A"}}) == [("A", ["B", "C"])]


def unnormalised(step: int, scalars: dict[str, float], rows: dict[str, Row]) -> None:
    rows["Net_input_0"] |= {"mean": 110.0, "std": 70.0}
    scalars["loss"] += 30 * np.exp(-step / 5)
    scalars["CrossEntropyLoss_output_0"] = scalars["loss"]


def test_inputs_that_are_not_normalised_explain_a_high_first_loss() -> None:
    diagnosis = diagnose(training(unnormalised))
    first = diagnosis.causes[0]
    assert first.finding.rule == "InputScale"
    assert [one.rule for one in first.consequences] == ["PoorInitialLoss"]
    assert [cause.finding.kind for cause in diagnosis.causes[1:]] == ["information"] * (len(diagnosis.causes) - 1)
    assert (diagnosis.steps, diagnosis.last_step) == (300, 299)


def test_a_diagnosis_is_json() -> None:
    shown = diagnose(training(unnormalised)).to_json()
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    assert shown["findings"][0]["consequences"][0]["rule"] == "PoorInitialLoss"


def written(path: Path) -> Trial:
    """Forty steps with statistics of each, scalars apart, and labels whole; the first half sealed."""
    writer = StoreWriter(str(path), steps_per_segment=40)
    for step in range(40):
        names = ["Net_z.weight", "Net_a.bias"]
        columns = {"size": np.array([6.0, 2.0]), "l2": np.array([step, 1.0])}
        numbered = {"mode": ModeKeys.TRAIN, "mode_step": step, "time": 100.0 + step}
        writer.write_step(step, statistics=Statistics(names, columns), shapes={"Net_z.weight": (2, 3)}, **numbered)
        labels = {"labels_0": np.array([0, 1, step])}
        writer.write_step(
            step, statistics=Statistics(["loss"], {"value": np.array([step])}), tensors=labels, **numbered
        )
    writer.end_training()
    return create_trial(str(path))


def test_a_trial_is_followed_step_by_step_in_the_order_of_the_model(tmp_path: Path) -> None:
    steps = list(follow(written(tmp_path)))
    assert [step.step for step in steps] == list(range(40))
    one = steps[30]
    assert (one.mode, one.mode_step, one.time, one.worker) == (ModeKeys.TRAIN, 30, 130.0, "worker_0")
    assert one.names == ("Net_z.weight", "Net_a.bias", "labels_0")
    assert one.names is steps[5].names
    assert one.scalars == {"loss": 30.0}
    assert one.column("l2").tolist() == [30.0, 1.0, np.hypot(1, 30)]
    assert np.isnan(one.column("update_l2")).all()
    assert one.shapes == {"Net_z.weight": (2, 3), "labels_0": (3,)}
    assert {name: value.tolist() for name, value in one.raw.items()} == {"labels_0": [0, 1, 30]}


class Fails(StreamRule):
    name = "Fails"

    def see(self, step: StepStatistics) -> list[Finding]:
        raise ZeroDivisionError

    def end(self) -> list[Finding]:
        raise AssertionError("it is asked no more")


def test_a_rule_that_fails_leaves_the_others_to_go_on() -> None:
    columns = {name: np.array([]) for name in ("size",)}
    steps = [
        StepStatistics(step, ModeKeys.TRAIN, step, float(step), "worker_0", (), columns, {"loss": math.nan}, {})
        for step in range(3)
    ]
    (cause,) = diagnose(steps, (Fails, NonFinite)).causes
    assert cause.finding.rule == "NonFinite"


def test_steps_that_come_later_are_followed_when_they_come(tmp_path: Path) -> None:
    writer = StoreWriter(str(tmp_path))
    writer.write_step(0, statistics=Statistics(["loss"], {"value": np.ones(1)}))
    followed = follow(create_trial(str(tmp_path)), idle=lambda now: writer.end_training())
    assert next(followed).step == 0
    writer.write_step(1, statistics=Statistics(["loss"], {"value": np.zeros(1)}))
    assert [step.scalars for step in followed] == [{"loss": 0.0}]


def test_tensors_of_smdebug_are_measured_where_they_were_saved_whole(tmp_path: Path) -> None:
    writer = SmdebugWriter(str(tmp_path))
    for step in range(3):
        weight = np.array([[1.0, 0.0], [np.nan, -3.0]])
        writer.write_step(step, {"Net_fc.weight": weight, "loss": np.array([2.0])})
    writer.end_training()
    *_, last = follow(create_trial(str(tmp_path)))
    assert (last.names, last.scalars) == (("Net_fc.weight",), {"loss": 2.0})
    row = {name: column.item() for name, column in last.columns.items()}
    assert row["l2"] == np.sqrt(10)
    assert [row[name] for name in ("size", "zeros", "nans", "infs", "min", "max", "abs_max")] == [
        4,
        1,
        1,
        0,
        -3,
        1,
        3,
    ]
