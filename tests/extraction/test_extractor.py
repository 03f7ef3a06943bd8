"""From bytes to columns: SageMaker's meaning of definitions, steps, forms, health, and saved state."""

import itertools
import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.extraction.extractor import Extracted, Extractor
from epochwatch.extraction.guard import Guard
from epochwatch.model.batch import Definition

XGBOOST = r".*\[[0-9]+\].*#011validation-auc:([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*"


def rows(*extracted: Extracted) -> list[tuple[str, float, int, float | None, int]]:
    """(metric, value, step, epoch, line end) of every value."""
    return [
        (out.names[name], value, step, None if math.isnan(epoch) else epoch, end)
        for out in extracted
        for name, value, step, epoch, end in zip(
            out.name_ids, out.values, out.steps, out.epochs, out.ends, strict=True
        )
    ]


def found(log: bytes, *definitions: tuple[str, str], automatic: bool = False, all_matches: bool = False):  # type: ignore[no-untyped-def]
    """(metric, value, step, epoch) of every value of a log."""
    extractor = Extractor(
        [Definition(name, regex) for name, regex in definitions], automatic=automatic, all_matches=all_matches
    )
    try:
        return [row[:4] for row in rows(extractor.feed(log, 0), extractor.flush())]
    finally:
        extractor.close()


def values(log: bytes, *definitions: tuple[str, str], all_matches: bool = False) -> list[tuple[str, float]]:
    return [row[:2] for row in found(log, *definitions, all_matches=all_matches)]


def test_the_first_match_of_a_line_gives_the_value() -> None:
    assert values(b"loss=1 loss=2\nloss=3\n", ("loss", r"loss=(\d)")) == [("loss", 1.0), ("loss", 3.0)]


def test_all_matches_of_a_line_on_request() -> None:
    assert values(b"loss=1 loss=2\n", ("loss", r"loss=(\d)"), all_matches=True) == [("loss", 1.0), ("loss", 2.0)]


def test_the_value_is_the_named_group_else_the_first_else_the_whole_match() -> None:
    log = b"a 1 b 2\n"
    assert values(log, ("m", r"a (\d) b (?P<value>\d)")) == [("m", 2.0)]
    assert values(log, ("m", r"a (\d) b (\d)")) == [("m", 1.0)]
    assert values(log, ("m", r"\d b")) == [("m", 1.0)]
    assert values(log, ("m", r"b \d")) == []
    assert values(log, ("m", r"\d")) == [("m", 1.0)]
    assert values(log, ("m", r"(?P<step>\d) b (\d)")) == [("m", 2.0)]
    assert values(log, ("m", r"x(\d)|b (\d)")) == [("m", 2.0)]


def test_a_group_named_values_asks_for_every_match_of_a_line() -> None:
    log = b"loss=1 loss=2 acc=3\n"
    assert values(log, ("loss", r"loss=(?P<values>\d)"), ("acc", r"=(\d)")) == [
        ("loss", 1.0),
        ("loss", 2.0),
        ("acc", 1.0),
    ]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("tokens: 12.5k", 12500.0),
        ("tokens: 3 M", 3e6),
        ("tokens: 2G", 2e9),
        ("tokens: 1.5B", 1.5e9),
        ("tokens: 25%", 0.25),
        ("tokens: 1,250", 1250.0),
        ("tokens: 7", 7.0),
        ("tokens: 4x", 4.0),
    ],
)
def test_a_group_named_scale_asks_for_the_suffix_to_count(line: str, value: float) -> None:
    definition = ("tokens", r"tokens: (?P<value>[0-9.,]+) ?(?P<scale>[kKMGBT%]?)")
    assert values(line.encode() + b"\n", definition) == [("tokens", value)]


def test_an_unknown_scale_is_counted_as_no_number() -> None:
    extractor = Extractor([Definition("t", r"t=(?P<value>\d+)(?P<scale>\w?)")], automatic=False)
    assert rows(extractor.feed(b"t=5q\nt=5k\n", 0)) == [("t", 5000.0, 1, None, 10)]
    assert (extractor.health()[0].matched, extractor.health()[0].non_numeric) == (2, 1)


def test_nested_groups_as_hugging_face_writes_them() -> None:
    assert values(b"'eval_loss': 2e-05,", ("m", r"'eval_loss': ([0-9]+(.|e\-)[0-9]+)")) == [("m", 2e-05)]


def test_a_match_never_spans_lines() -> None:
    assert values(b"loss=\n5\n", ("m", r"loss=\s*(\d)")) == []


def test_several_definitions_of_a_line_each_give_a_value_in_their_order() -> None:
    log = b"acc=0.5 loss=1\n"
    assert values(log, ("loss", r"loss=(\S+)"), ("acc", r"acc=(\S+)")) == [("loss", 1.0), ("acc", 0.5)]


def test_of_several_definitions_of_one_name_the_first_that_gives_a_number_counts() -> None:
    definitions = ("m", r"a=(\S+)"), ("m", r"b=(\S+)")
    assert values(b"a=1 b=2\nb=3\na=x b=4\n", *definitions) == [("m", 1.0), ("m", 3.0), ("m", 4.0)]


def test_sagemakers_escaped_definitions_match_tabs_and_escaped_tabs() -> None:
    definition = ("validation:auc", XGBOOST)
    printed = b"[3]\ttrain-auc:0.5\tvalidation-auc:0.25\n"
    assert found(printed, definition) == [("validation:auc", 0.25, 3, None)]
    assert found(printed.replace(b"\t", b"#011"), definition) == [("validation:auc", 0.25, 3, None)]


def test_definitions_for_printed_lines_match_logs_saved_by_sagemaker() -> None:
    definition = ("loss", r"\tloss=(\S+)")
    assert values(b"a#011loss=5#011x\n", definition) == [("loss", 5.0)]
    bar = b"1/3 - loss: 0.5#015 2/3 - loss: 0.4#015 3/3 - loss: 0.3\n"
    assert values(bar, ("loss", r"loss: (\S+)")) == [("loss", 0.5), ("loss", 0.4), ("loss", 0.3)]


def test_each_refresh_of_a_bar_gives_a_value() -> None:
    log = b"\r 50%|##  | loss=0.5\r100%|####| loss=0.4\n"
    assert values(log, ("loss", r"loss=(\S+)")) == [("loss", 0.5), ("loss", 0.4)]


def test_colours_do_not_hide_a_value() -> None:
    assert values(b"\x1b[1mloss\x1b[0m=\x1b[32m0.5\x1b[0m\n", ("loss", r"loss=(\S+)")) == [("loss", 0.5)]


def test_steps_come_from_named_groups_first() -> None:
    log = b"step 7: loss=1 at 90 of epoch 2\n"
    assert found(log, ("loss", r"loss=(\d) at (?P<step>\d+) of epoch (?P<epoch>\d)")) == [("loss", 1.0, 90, 2.0)]


@pytest.mark.parametrize(
    ("line", "step", "epoch"),
    [
        ("step=12 loss=1", 12, None),
        ("global_step: 12, loss=1", 12, None),
        ("Iteration 12, loss=1", 12, None),
        ("iter 12: loss=1", 12, None),
        ("Step [12/500] loss=1", 12, None),
        ("step 1,200: loss=1", 1200, None),
        ('{"step": 12, "epoch": 3, loss=1}', 12, 3.0),
        ("{'epoch': 0.5, loss=1}", 1, 0.5),
        ("epoch=3 loss=1", 3, 3.0),
        ("Epoch [3/10] loss=1", 3, 3.0),
        ("Epoch: [3][ 10/500] loss=1", 3, 3.0),
        ("Epoch[3] loss=1", 3, 3.0),
        ("[12]\ttrain-x:1\tloss=1", 12, None),
        ("[2026-01-01:00:00:00:INFO] [12]\tloss=1", 12, None),
        ("12:\tlearn: 0.5\tloss=1", 12, None),
        ("ITERATION 12 EPOCH 2 loss=1", 12, 2.0),
        ("Global_Step=12 step=90 loss=1", 12, None),
        ("iteration 12 step 90 loss=1", 12, None),
        ("step 90a step 12 loss=1", 12, None),
        ("[90]\tstep 12 loss=1", 12, None),
        ("epochs 7 epoch 3 loss=1", 3, 3.0),
        ("max_global_step=12 loss=1", 1, None),
        ("max_steps=500 num_epochs=7 loss=1", 1, None),
        ("25ms/step - loss=1", 1, None),
        ("batch_step: 5.5s loss=1", 1, None),
    ],
)
def test_a_line_tells_its_step_and_epoch(line: str, step: int, epoch: float | None) -> None:
    assert found(line.encode() + b"\n", ("loss", r"loss=(\d)")) == [("loss", 1.0, step, epoch)]


def test_a_definition_named_step_or_epoch_tells_it_too_and_is_a_metric_as_in_sagemaker() -> None:
    definitions = ("epoch", r"E(\d+)"), ("global_step", r"S(\d+)"), ("loss", r"loss=(\d)")
    assert found(b"E2 S30 loss=1\n", *definitions) == [
        ("epoch", 2.0, 30, 2.0),
        ("global_step", 30.0, 30, 2.0),
        ("loss", 1.0, 30, 2.0),
    ]


def test_steps_printed_on_lines_of_their_own() -> None:
    log = b"step 10\nloss=1\nacc=5\nstep 20\nloss=2\nacc=6\n"
    assert found(log, ("loss", r"loss=(\d)"), ("acc", r"acc=(\d)")) == [
        ("loss", 1.0, 10, None),
        ("acc", 5.0, 10, None),
        ("loss", 2.0, 20, None),
        ("acc", 6.0, 20, None),
    ]


@pytest.mark.parametrize("megabytes", [0, 1, 6])
@pytest.mark.parametrize("saved", [False, True])
def test_a_step_is_not_forgotten_however_long_nothing_else_is_told(megabytes: int, saved: bool) -> None:
    extractor = Extractor([Definition("loss", r"loss=(\d)")], automatic=False)
    noise = b"nothing to see here\n" * 50_000
    for chunk in [b"step 9 epoch 1\nepoch 2\n", *[noise] * megabytes, b"step 10\n", *[noise] * megabytes]:
        extractor.feed(chunk, extractor.offset)
    if saved:
        extractor = Extractor.restore(msgspec.json.decode(msgspec.json.encode(extractor.state())))
    given = extractor.feed(b"loss=1\nstep 11\nloss=2\n", extractor.offset)
    assert [row[:4] for row in rows(given)] == [("loss", 1.0, 10, 2.0), ("loss", 2.0, 11, 2.0)]


def test_a_metric_that_recurs_within_an_epoch_is_counted() -> None:
    log = b"Epoch 1/2\nloss=5\nloss=4\nval=9\nEpoch 2/2\nloss=3\nloss=2\nval=8\n"
    assert found(log, ("loss", r"loss=(\d)"), ("val", r"val=(\d)")) == [
        ("loss", 5.0, 1, 1.0),
        ("loss", 4.0, 2, 1.0),
        ("val", 9.0, 1, 1.0),
        ("loss", 3.0, 3, 2.0),
        ("loss", 2.0, 4, 2.0),
        ("val", 8.0, 2, 2.0),
    ]


def test_without_any_step_values_are_counted_by_metric() -> None:
    log = b"loss=5\nacc=1\nloss=4\n"
    assert [row[:3] for row in found(log, ("loss", r"loss=(\d)"), ("acc", r"acc=(\d)"))] == [
        ("loss", 5.0, 1),
        ("acc", 1.0, 1),
        ("loss", 4.0, 2),
    ]


def test_health_counts_matches_and_shows_the_line_that_was_no_number() -> None:
    extractor = Extractor(
        [Definition("loss", r"loss=(\S+)"), Definition("never", r"nothing=(\d)")], automatic=False
    )
    extractor.feed(b"loss=1\nloss=bad\nloss=nan\nloss=inf\nloss=worse\n", 0)
    loss, never = extractor.health()
    assert (loss.matched, loss.non_numeric, loss.non_finite, loss.example) == (5, 2, 2, "loss=bad")
    assert (never.matched, never.example, never.engine) == (0, "", "re2")


def test_nan_and_infinity_are_passed_on() -> None:
    first, second = values(b"loss=nan\nloss=-inf\n", ("loss", r"loss=(\S+)"))
    assert math.isnan(first[1])
    assert second[1] == -math.inf


def test_definitions_that_will_be_slow_or_surprising_say_so() -> None:
    extractor = Extractor(
        [Definition("a", r"([0-9]+)"), Definition("b", r"loss"), Definition("c", r"(?<=a)(b)")], automatic=False
    )
    everything, no_group, guarded = (record.warning for record in extractor.health())
    assert "every line" in everything
    assert "no group" in no_group
    assert "guarded worker" in guarded
    assert extractor.health()[2].engine == "python"


LOG = st.lists(
    st.sampled_from(
        [
            b"step 5\n", b"epoch 2\n", b"loss=1 acc=0.5\n", b"loss=x\n",
            b"[1]\ttrain-auc:0.5\tvalidation-auc:0.25\r\n",
            b"\r 10%|# | loss=0.5", b"\r", b"\n", b"\x1b[1mLoss: 0.25\x1b[0m\n", b"it's noise, nothing to see\n",
            b"lo",
            b"ss=7\n", b"#011loss=2#015loss=3\n", b"{'loss': 0.5, 'lr': 1e-05, 'epoch': 0.5}\n",
            b"lr=0.5 loss=nan\n",
            b"throughput=512.5\n", b"throughput=498.1\n", b"gain=nan\n", b"gain=1e999\n",
        ]
    ),
    max_size=30,
).map(b"".join)  # fmt: skip
DEFINITIONS = [
    Definition("loss", r"loss=(\S+)"),
    Definition("loss", r"(?i)\bloss: (\S+)"),
    Definition("validation:auc", XGBOOST),
    Definition("acc", r"acc=(?P<value>[0-9.]+)"),
    Definition("any", r"(\d)\.5"),
]


def outcome(chunks: list[bytes], *, automatic: bool, all_matches: bool, save_at: int = -1, prefilter: bool = True):  # type: ignore[no-untyped-def]
    extractor = Extractor(
        DEFINITIONS, automatic=automatic, all_matches=all_matches, prefilter=prefilter, max_line=64
    )
    offset, results = 0, []
    for number, chunk in enumerate(chunks):
        if number == save_at:
            extractor = Extractor.restore(msgspec.json.decode(msgspec.json.encode(extractor.state())))
        results.append(extractor.feed(chunk, offset))
        offset += len(chunk)
    results.append(extractor.flush())
    lines = [line for result in results for line in result.lines]
    return lines, [repr(row) for row in rows(*results)], extractor.health(), extractor.definitions()


@settings(max_examples=150, deadline=None)
@given(LOG, st.lists(st.integers(0, 400), max_size=8), st.integers(0, 8), st.booleans(), st.booleans())
def test_neither_chunks_nor_saving_nor_the_prefilter_changes_anything(
    log: bytes, cuts: list[int], save_at: int, automatic: bool, all_matches: bool
) -> None:
    whole = outcome([log], automatic=automatic, all_matches=all_matches)
    places = sorted({min(place, len(log)) for place in cuts} | {0, len(log)})
    chunks = [log[a:b] for a, b in itertools.pairwise(places)]
    assert outcome(chunks, automatic=automatic, all_matches=all_matches, save_at=save_at) == whole
    assert outcome(chunks, automatic=automatic, all_matches=all_matches, prefilter=False) == whole


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_taken(data: bytes) -> None:
    lines, _, _, _ = outcome([data], automatic=True, all_matches=True)
    assert b"".join(line.raw for line in lines) == data.replace(b"\r", b"").replace(b"\n", b"")


@pytest.mark.parametrize("regex", [r"(x+)+\1y=(\d)", r"(?:(x+)x*)+(?<!a)y=(\d)", r"(x*)*\1*y=(\d)"])
def test_a_pattern_with_a_back_reference_that_takes_for_ever_costs_its_own_value_only(regex: str) -> None:
    guard = Guard(budget=0.05)
    extractor = Extractor([Definition("m", regex), Definition("loss", r"loss=(\d)")], automatic=False, guard=guard)
    try:
        given = rows(extractor.feed((b"x" * 40 + b" y= loss=1\n") * 2, 0))
    finally:
        extractor.close()
    assert [row[:2] for row in given] == [("loss", 1.0), ("loss", 1.0)]
    assert extractor.health()[0].engine != "re2"


def test_positions_of_values_are_ends_of_their_lines_and_never_decrease() -> None:
    extractor = Extractor([Definition("loss", r"loss=(\d)")], automatic=False)
    extracted = extractor.feed(b"a\nloss=1\nloss=2\r\n", 100)
    assert list(extracted.ends) == [109, 116]
    assert [line.end for line in extracted.lines] == [102, 109, 116]


def test_a_state_of_another_version_is_refused() -> None:
    state = Extractor([], automatic=True).state() | {"version": 0}
    with pytest.raises(ValueError, match="version"):
        Extractor.restore(state)
