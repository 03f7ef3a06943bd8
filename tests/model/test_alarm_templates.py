"""Templates of alarms: which there are, and which of a job's metrics they are about."""

import pytest

from epochwatch.model.alarm.phrase import parse as parse_phrase
from epochwatch.model.alarm.templates import BUILT_IN, InvalidTemplate, Template, parse, parse_actions


def test_all_are_the_built_in_ones() -> None:
    assert {one.name: one.phrase.text for one in parse("all")} == BUILT_IN


def test_a_phrase_replaces_a_built_in_one_and_makes_new_ones() -> None:
    found = parse("all; gpu-idle: GPUUtilization < 20% for 30m;; exploding: grad_norm > 100 for 3 ;")
    phrases = {one.name: one.phrase.text for one in found}
    assert phrases == BUILT_IN | {
        "gpu-idle": "GPUUtilization < 20% for 30m",
        "exploding": "grad_norm > 100 for 3",
    }


def test_nothing_is_no_template() -> None:
    assert parse(" ") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gpu-idel", "there is no template 'gpu-idel'; known are no-data, loss-nan"),
        ("Big One: loss > 2", "'Big One' is no name of a template"),
        ("big: loss", "big: the phrase ends where a condition"),
        ("validation:loss > 2", "there is no template 'validation:loss > 2'"),
    ],
)
def test_what_is_no_template_is_said(text: str, said: str) -> None:
    with pytest.raises(InvalidTemplate) as refusal:
        parse(text)
    assert str(refusal.value).startswith(said)


@pytest.mark.parametrize(
    ("wanted", "names", "settled", "found"),
    [
        ("loss", ["accuracy", "loss"], False, "loss"),
        ("loss", ["validation:loss", "train:loss"], False, "train:loss"),
        ("loss", ["val_loss", "train_loss", "loss_scale"], False, "train_loss"),
        ("loss", ["trainLoss"], False, "trainLoss"),
        ("loss", ["train-mlogloss"], False, "train-mlogloss"),
        ("loss", ["validation:loss"], False, None),
        ("loss", ["validation:loss"], True, "validation:loss"),
        ("loss", ["glossary", "accuracy"], True, None),
        ("throughput", ["samples_per_second", "loss"], False, "samples_per_second"),
        ("throughput", ["train_tokens/s", "step"], False, "train_tokens/s"),
        ("throughput", ["it/s"], False, "it/s"),
        ("throughput", ["steps", "its"], True, None),
        ("any", ["accuracy"], False, None),
        ("any", ["accuracy", "f1"], True, "f1"),
        ("any", ["accuracy", "train_loss"], False, "train_loss"),
        ("any", [], True, None),
        ("grad_norm", ["grad_norm", "loss"], False, "grad_norm"),
        ("grad_norm", ["loss"], True, None),
    ],
)
def test_a_template_is_about_the_metric_that_the_job_has(
    wanted: str, names: list[str], settled: bool, found: str | None
) -> None:
    template = Template("one", parse_phrase(f"{wanted} > 1"))
    assert template.metric_of(names, settled=settled) == found


def test_actions_are_arns_and_the_jobs_end() -> None:
    assert parse_actions("arn:aws:sns:us-east-1:123456789012:pager, stop-job") == [
        "arn:aws:sns:us-east-1:123456789012:pager",
        "stop-job",
    ]
    with pytest.raises(InvalidTemplate, match="'pager' is no action"):
        parse_actions("pager")
