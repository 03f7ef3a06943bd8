"""Filters of the table of jobs: what they let through, what is wrong with them and where; its order and groups."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model import job_filter
from epochwatch.model.job_filter import InvalidFilter, JobRow, Narrowing, TableRow
from epochwatch.model.job_filter.attributes import curve, metric, param, tag
from epochwatch.model.job_filter.conditions import duration_seconds
from epochwatch.model.job_table import Order, groups, ordered

NOW = 1_800_000_000.0
DAY = 86_400
JOB = JobRow(
    name="ResNet-50",
    status="Failed",
    secondary_status="Failed",
    created=NOW - 2 * DAY,
    started=NOW - 2 * DAY,
    ended=NOW - DAY,
    updated=NOW - DAY,
    exit_code=137,
    command=["python", "train.py"],
    config={"lr": 1e-3, "batch": "32", "amp": True, "optimizer": {"name": "adam"}, "layers": [1, 2], "a.b": 5},
    summary={"accuracy": 0.9},
    tags={"team": "vision", "a b": "x y"},
)
VALUES = SimpleNamespace(final=0.5, final_step=90, best=0.2, min=0.2, max=float("inf"), points=100)
ROW = TableRow(
    JOB, NOW, {"validation:loss": VALUES, "loss.best": VALUES, "nan": SimpleNamespace(final=float("nan"))}
)


def lets_through(text: str, row: TableRow = ROW) -> bool:
    return job_filter.parse(text, NOW).matches(row)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "resnet 50",
        "'resnet-50'",
        "name = ResNet-50",
        "name ~ 'Res.*50$'",
        "name !~ vgg",
        "status = failed",
        "status in (Completed, FAILED)",
        "status != 'In progress'",
        'metrics."validation:loss".best < 0.3 and metrics.validation:loss = 0.5',
        "metrics.validation:loss.step = 90 and metrics.validation:loss.points >= 100",
        "metrics.validation:loss.max = inf",
        "metrics.nan = nan",
        "metrics.loss.best.last = 0.5",
        "not has(metrics.loss)",
        "params.lr >= 1e-3 and params.lr < 0.01",
        "params.batch > 5",
        "params.amp = true",
        "params.optimizer.name = adam",
        "params.a.b = 5",
        "params.layers = '[1, 2]'",
        "summary.accuracy > 0.5",
        "tags.team in (vision, nlp)",
        'tags."a b" = "x y"',
        "tags.other != x",
        "tags.other not in (x)",
        "tags.other is null and tags.team is not null",
        "duration > 23h59m and duration <= 1d",
        "created > -3d and created < -1d and ended = -1d",
        "created >= 2027-01-13",
        "exit_code = 137 and hosts = 1",
        "command ~ train",
        "user is null",
        "vgg or (resnet and not not 50)",
        "NOT vgg AND resnet",
        "resnet or vgg vgg",
    ],
)
def test_a_filter_lets_through(text: str) -> None:
    assert lets_through(text)
    assert not text or not lets_through(f"not ({text})")


@pytest.mark.parametrize(
    ("text", "column", "told"),
    [
        ("statsu = Failed", 1, "did you mean status?"),
        ("lr > 3", 1, "a hyperparameter is params.lr"),
        ("a and", 6, "the filter ends where a condition should be"),
        ("a or and b", 6, "'and' stands where a condition should be"),
        ("(a", 1, "this parenthesis is not closed"),
        ("a)", 2, "where and, or, or the end should be"),
        ('metrics."x', 9, "has no end"),
        ("tags.a in (b c)", 14, "a comma or )"),
        ("tags.a in ()", 12, "a value of the list"),
        ("name ~ '('", 8, "no regular expression"),
        ("duration ~ 5", 12, "looks into texts"),
        ("exit_code = one", 13, "is a number"),
        ("duration > long", 12, "no duration"),
        ("created > yesterday", 11, "is no time"),
        ("status = running", 10, "status is one of"),
        ("name =", 7, "a value"),
        ("name is not", 6, "null"),
        ("metrics = 3", 1, "metrics needs a name"),
        ("a and metrics.loss.curve > 1", 7, "compare metrics.loss.last, .best, .min or .max"),
        ("has(metrics.'a b'.curve)", 5, 'compare metrics."a b".last'),
        ("a ! b", 3, "write not"),
        ("(" * 41 + "a" + ")" * 41, 42, "40 deep"),
        ("a " * 501, 1001, "at most 500"),
        ("a" * 4001, 4001, "at most 4000"),
    ],
)
def test_what_is_wrong_is_told_with_its_column(text: str, column: int, told: str) -> None:
    with pytest.raises(InvalidFilter) as raised:
        job_filter.parse(text, NOW)
    assert raised.value.column == column
    assert told in raised.value.message


@pytest.mark.parametrize(
    ("text", "narrowings"),
    [
        ("res status = failed", (Narrowing("name", "holds", "res"), Narrowing("status", "in", ("Failed",)))),
        (
            "name in (a, b) and created > -1d",
            (Narrowing("name", "in", ("a", "b")), Narrowing("created", ">", NOW - DAY)),
        ),
        ("status = failed or res", ()),
        ("not res", ()),
        ("status != failed", ()),
    ],
)
def test_a_database_is_asked_for_no_less_than_what_is_let_through(
    text: str, narrowings: tuple[Narrowing, ...]
) -> None:
    assert job_filter.parse(text, NOW).narrowings == narrowings


def test_only_filters_of_metrics_need_them() -> None:
    assert job_filter.parse("a or not metrics.loss > 1", NOW).of_metrics
    assert not job_filter.parse("params.lr > 1", NOW).of_metrics


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_has_a_place_that_is_wrong(text: str) -> None:
    column = 1
    try:
        lets_through(text)
    except InvalidFilter as error:
        column = error.column
    assert 1 <= column <= len(text) + 1


@given(st.text(min_size=1, max_size=20), st.sampled_from(["last", "best", "min", "max", "step", "points"]))
def test_what_a_column_is_called_can_be_read_again(name: str, told: str) -> None:
    for made in (metric(name, told), curve(name), param(name), tag(name)):
        assert job_filter.column(made.text).text == made.text


def test_a_curve_is_a_column_and_nothing_to_order_by() -> None:
    found = job_filter.column("metrics.loss.best.curve")
    assert (found.kind, found.metric, found.of_metrics) == ("curve", "loss.best", True)
    assert job_filter.column("metrics.curve").kind == job_filter.column("metrics.'loss.curve'").kind == "number"
    assert job_filter.key("metrics.loss.best").metric == "loss"
    with pytest.raises(InvalidFilter, match="a shape to look at"):
        job_filter.key("metrics.loss.curve")


@given(
    st.sampled_from(["a", "tags.team = vision", "params.lr > 5"]),
    st.sampled_from(["res", "hosts = 1", "has(user)"]),
)
def test_de_morgan(one: str, other: str) -> None:
    assert lets_through(f"not ({one} or {other})") == lets_through(f"not {one} and not {other}")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1h30m", 5400), ("1.5d", 129_600), ("500ms", 0.5), ("h", None), ("5 m", None)],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert duration_seconds(text) == seconds


def rows(*values: object) -> list[TableRow]:
    made = []
    for number, value in enumerate(values):
        config = {} if value is None else {"x": value}
        job = JobRow(str(number), "Completed", "", NOW + number, NOW, NOW, NOW, config=config)
        made.append(TableRow(job, NOW))
    return made


@pytest.mark.parametrize(
    ("descending", "expected"), [(False, [1, 2, 3, "a", "b", None]), (True, [3, 2, 1, "b", "a", None])]
)
def test_numbers_come_before_texts_and_nothing_comes_last(descending: bool, expected: list[object]) -> None:
    found = ordered(rows("b", 2, None, 1, "a", 3), [Order(param("x"), descending)])
    assert [row.job.config.get("x") for row in found] == expected


def test_groups_stay_together_in_order_with_the_newest_first() -> None:
    found = ordered(rows("b", "a", None, "b", "a"), [], param("x"))
    assert [row.job.name for row in found] == ["4", "1", "3", "0", "2"]
    made = groups(found, param("x"), [job_filter.column("hosts")])
    assert [(group.value, group.count) for group in made] == [("a", 2), ("b", 2), (None, 1)]
    assert made[0].aggregates["hosts"].mean == 1
