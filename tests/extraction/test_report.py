"""The tester's report."""

from epochwatch.extraction.definitions import parse_flags
from epochwatch.extraction.report import Example, examine

LOG = b"start\r\n\rbar 1\rbar 2\r\n\r\nloss=0.5\nloss=oops\nloss=0.25\nacc=nan"


def test_each_definition_is_reported_with_its_lines() -> None:
    report = examine(
        {"log": [LOG]}, parse_flags([r"loss=loss=(\S+)", r"never=x=(\d)", r"acc=acc=(.+)"]), automatic=False
    )
    loss, never, acc = report.definitions
    assert (report.bytes, report.lines, report.values) == (len(LOG), 8, 3)
    assert (loss.matched, loss.non_numeric, loss.engine) == (3, 1, "re2")
    assert loss.first == Example(4, "loss=0.5", 0.5)
    assert loss.not_a_number == Example(5, "loss=oops", None)
    assert never.first is None
    assert acc.non_finite == 1
    assert acc.first is not None
    assert acc.first.line == 7
    assert [definition.name for definition in report.never_matched] == ["never"]
    assert [definition.name for definition in report.non_numeric] == ["loss"]


def test_the_report_does_not_depend_on_the_chunks() -> None:
    definitions = parse_flags([r"loss=loss=(\S+)", r"bar=bar (\d)"])
    whole = examine({"log": [LOG]}, definitions, automatic=True)
    for size in (1, 2, 3, 7, 11):
        chunks = [LOG[start : start + size] for start in range(0, len(LOG), size)]
        assert repr(examine({"log": chunks}, definitions, automatic=True)) == repr(whole)


def test_learnt_metrics_are_reported_behind_the_given_ones() -> None:
    report = examine({"log": [b"loss=1 val_acc=0.5\n"]}, parse_flags([r"loss=loss=(\d)"]), automatic=True)
    assert [(definition.name, definition.origin) for definition in report.definitions] == [
        ("loss", "flag"),
        ("val_acc", "auto"),
    ]


def test_an_empty_log_gives_an_empty_report() -> None:
    report = examine({}, parse_flags(["a=b"]), automatic=True)
    assert (report.lines, report.bytes, report.values, len(report.definitions)) == (0, 0, 0, 1)


def test_several_logs_are_examined_as_one_and_examples_name_their_file() -> None:
    logs = {"a.log": [b"x\nloss=1"], "b.log": [b"=2\n", b"loss=", b"2\nacc=3\n"]}
    report = examine(logs, parse_flags([r"loss=loss=(\S+)", r"acc=acc=(\S+)"]), automatic=False)
    loss, acc = report.definitions
    assert (report.lines, report.values, loss.matched) == (5, 3, 2)
    assert loss.first == Example(2, "loss=1", 1.0, "a.log")
    assert acc.first == Example(3, "acc=3", 3.0, "b.log")
