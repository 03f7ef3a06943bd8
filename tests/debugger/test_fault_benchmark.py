"""What the benchmark of faults counts, and what its catalogue holds. The training needs PyTorch and is run alone."""

import math

from benchmarks.faults.catalogue import FAULTS, HEALTHY, PROGRAMS, Run, runs, small
from benchmarks.faults.detectors import DETECTORS
from benchmarks.faults.judging import Outcome, figures, harmed, learns_little, overfits
from epochwatch.debugger.rules.builtin import BUILTIN_RULES
from epochwatch.debugger.rules.own import DEFAULT_RULES

HEALTHY_RUN = Run("mlp_digits", "plain", 0, 0, False)
FAULTY_RUN = Run("mlp_digits", "rate_jumps", 2, 0, False, begins=120)


def outcome(run, *alarms, harmed=True):
    """Of (step, right) pairs."""
    steps, right = tuple(step for step, _ in alarms), tuple(right for _, right in alarms)
    return Outcome(run, ("rule",) * len(alarms), steps, right, harmed)


def test_programs_lie_on_both_sides_of_the_split_and_runs_have_names_of_their_own():
    assert {program.held_out for program in PROGRAMS} == {True, False}
    wanted = list(runs(seeds=(0, 1)))
    assert len({run.name for run in wanted}) == len(wanted)
    assert len(PROGRAMS) >= 10
    assert len(FAULTS) >= 30


def test_each_program_has_ten_healthy_variants():
    for program in PROGRAMS:
        assert sum(not run.faulty for run in runs(programs=[program.name])) >= 10


def test_a_fault_begins_where_it_says_or_at_its_severity():
    begins = {(run.change, run.severity): run.begins for run in runs(programs=["mlp_digits"])}
    assert begins["rate_jumps", 1] == begins["rate_jumps", 3] == 120
    assert [begins["steps_skipped", severity] for severity in (1, 2, 3)] == [180, 120, 60]


def test_a_small_selection_is_the_same_each_time_and_spread():
    chosen = small(list(runs()))
    assert chosen == small(list(runs()))
    assert {run.program for run in chosen} == {program.name for program in PROGRAMS}


def test_detectors_mean_faults_that_there_are_by_rules_that_there_are():
    known = {fault.name for fault in FAULTS}
    for detector in DETECTORS:
        assert set().union(*detector.names.values()) <= known
    ours, sagemaker = ({*detector.names} for detector in DETECTORS[:2])
    assert ours <= {rule.name for rule in DEFAULT_RULES}
    assert sagemaker <= {*BUILTIN_RULES}
    assert not known & {variant.name for variant in HEALTHY}


def test_an_alarm_before_the_injection_finds_nothing():
    assert not outcome(FAULTY_RUN, (119, True)).fired
    found = outcome(FAULTY_RUN, (130, False), (119, True))
    assert found.fired
    assert found.detected_at == 130


def test_figures_of_a_detector():
    found = figures(
        [
            outcome(HEALTHY_RUN),
            outcome(HEALTHY_RUN, (10, False), (20, False)),
            outcome(FAULTY_RUN, (150, False), (130, True)),
            outcome(FAULTY_RUN, (140, True)),
            outcome(FAULTY_RUN),
            outcome(FAULTY_RUN, harmed=False),
        ]
    )
    assert (found.healthy, found.faulty) == (2, 4)
    assert math.isclose(found.precision, 2 / 3)
    assert math.isclose(found.recall, 2 / 3)
    assert found.recall_of_all == 0.5
    assert found.false_alarm_rate == 0.5
    assert found.alarms_per_healthy_run == 1.0
    assert math.isclose(found.balanced_accuracy, (2 / 3 + 0.5) / 2)
    assert found.right_first == 0.5
    assert found.right_any == 1.0
    assert found.median_latency == 15


def test_figures_of_nothing_are_not_numbers():
    assert math.isnan(figures([]).precision)


def test_harm_is_a_lower_quality_than_the_plain_run_has():
    plain = {"quality": 0.9}
    assert harmed({"quality": 0.87}, plain)
    assert harmed({"quality": math.nan}, plain)
    assert not harmed({"quality": 0.89}, plain)
    assert harmed({"quality": 0.89}, None)


def test_a_healthy_run_whose_held_back_loss_ends_far_above_its_best_overfits():
    def noted(*losses):
        return {"epochs": [{"held_back_loss": loss} for loss in losses]}

    assert overfits(noted(2.0, 0.5, 1.0))
    assert not overfits(noted(2.0, 0.5, 0.54))
    assert not overfits(noted(2.0, 0.01, 0.02))


def test_a_healthy_run_that_learns_little_is_known_by_the_plain_one():
    assert learns_little({"quality": 0.3}, {"quality": 0.9})
    assert not learns_little({"quality": 0.5}, {"quality": 0.9})
    assert not learns_little({"quality": 0.1}, None)
