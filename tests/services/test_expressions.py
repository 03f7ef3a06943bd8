"""Expressions in GetMetricData, over real stores: metric math, SEARCH, Metrics Insights, labels, pages."""

import pytest

from epochwatch.services.cloudwatch import get_metric_data, put_metric_data
from tests.services.conftest import Caller

JOBS = {"alpha": (1.0, 2.0, 3.0), "beta": (10.0, 20.0, 30.0), "gamma": (100.0, 200.0, 300.0)}


@pytest.fixture
def filled(caller: Caller) -> Caller:
    """Three jobs' loss of the last three minutes, oldest first; two of them on the host h1."""
    minute = caller.now // 60 * 60
    for job, values in JOBS.items():
        for age, value in zip((180, 120, 60), values, strict=True):
            dimensions = [{"Name": "Job", "Value": job}]
            datum = {"MetricName": "loss", "Timestamp": minute - age, "Value": value, "Dimensions": dimensions}
            caller(put_metric_data, Namespace="train", MetricData=[datum])
            host = [*dimensions, {"Name": "Host", "Value": "h1" if job != "gamma" else "h2"}]
            caller(
                put_metric_data, Namespace="train", MetricData=[datum | {"Dimensions": host, "MetricName": "cpu"}]
            )
    return caller


def metric(name: str, job: str = "alpha", **more) -> dict:
    named = {"Namespace": "train", "MetricName": "loss", "Dimensions": [{"Name": "Job", "Value": job}]}
    return {"Id": name, "MetricStat": {"Metric": named, "Period": 60, "Stat": "Average"}, **more}


def hidden(name: str, job: str = "alpha") -> dict:
    return metric(name, job, ReturnData=False)


def expression(text: str, name: str = "e", **more) -> dict:
    return {"Id": name, "Expression": text, **more}


def ask(caller: Caller, *queries: dict, **more) -> dict:
    request = {"StartTime": caller.now - 600, "EndTime": caller.now, "ScanBy": "TimestampAscending"} | more
    return caller(get_metric_data, MetricDataQueries=list(queries), **request)


def results(caller: Caller, *queries: dict, **more) -> dict[str, list[float]]:
    """Values by label."""
    return {one["Label"]: one["Values"] for one in ask(caller, *queries, **more)["MetricDataResults"]}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a + b", [11, 22, 33]),
        ("b / a", [10, 10, 10]),
        ("(a + b) * 2 - 1", [21, 43, 65]),
        ("RATE(b)", [10 / 60, 10 / 60]),
        ("DIFF(b)", [10, 10]),
        ("RUNNING_SUM(a)", [1, 3, 6]),
        ("SUM([a, b])", [11, 22, 33]),
        ("AVG(METRICS())", [5.5, 11, 16.5]),
        ('SUM(METRICS("a"))', [1, 2, 3]),
        ("a * AVG(b)", [20, 40, 60]),
        ("IF(a > 1, b)", [20, 30]),
        ("PERIOD(a) * a", [60, 120, 180]),
        ("FIRST(SORT(METRICS(), MAX, DESC))", [10, 20, 30]),
        ("d + 1", [3, 5, 7]),
    ],
)
def test_math_over_what_is_stored(filled: Caller, text: str, values: list[float]) -> None:
    twice = expression("a * 2", "d", ReturnData=False)
    found = results(filled, expression(text), hidden("a"), hidden("b", "beta"), twice)
    assert found == {"e": pytest.approx(values)}


def test_a_search_finds_metrics_by_their_words_and_labels_tell_them_apart(filled: Caller) -> None:
    assert results(filled, expression("SEARCH('{train,Job} loss', 'Average', 60)")) == {
        job: list(values) for job, values in JOBS.items()
    }
    assert results(filled, expression("SUM(SEARCH('{train,Job} MetricName=\"loss\" NOT gamma', 'Sum', 60))")) == {
        "e": [11, 22, 33]
    }
    assert results(
        filled, expression("SEARCH('{train,Job,Host} h1', 'Maximum', 300)", Label="max ${PROP('Dim.Job')}")
    )["max beta"] == [30]
    assert results(filled, expression("SEARCH('nothing', 'Sum', 60)")) == {}


def test_a_search_without_a_period_has_that_of_its_query(filled: Caller) -> None:
    text = "SUM(SEARCH('{train,Job} loss', 'Sum'))"
    found = results(
        filled, expression(text, "a", Period=60), expression(text, "b", Period=3600), expression(text, "c")
    )
    assert found == {"a": [111, 222, 333], "b": [666], "c": [666]}


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ('SELECT SUM(loss) FROM "train"', {"e": [111, 222, 333]}),
        ("SELECT AVG(loss) FROM train WHERE Job != 'gamma'", {"e": [5.5, 11, 16.5]}),
        (
            "SELECT MAX(cpu) FROM SCHEMA(train, Host, Job) GROUP BY Host",
            {"h1": [10, 20, 30], "h2": [100, 200, 300]},
        ),
        (
            "SELECT MIN(cpu) FROM train GROUP BY Job ORDER BY MAX() DESC LIMIT 2",
            {"gamma": [100, 200, 300], "beta": [10, 20, 30]},
        ),
        ("SELECT COUNT(cpu) FROM train WHERE Host = 'h1'", {"e": [2, 2, 2]}),
        ("SELECT SUM(none) FROM train", {}),
    ],
)
def test_metrics_insights_queries(filled: Caller, sql: str, found: dict[str, list[float]]) -> None:
    answer = results(filled, expression(sql, Period=60))
    assert answer == found
    assert list(answer) == list(found)


def test_math_goes_on_from_a_metrics_insights_query(filled: Caller) -> None:
    select = expression("SELECT SUM(loss) FROM train GROUP BY Job", "q", Period=60, ReturnData=False)
    assert results(filled, select, expression("MAX(q)")) == {"e": [100, 200, 300]}


def test_labels_say_what_they_are_told(filled: Caller) -> None:
    label = "${PROP('Dim.Job')} ${LABEL}: ${LAST} of ${SUM}"
    assert results(filled, metric("a", "beta", Label=label)) == {"beta loss: 30 of 60": [10, 20, 30]}
    zoned = ask(filled, metric("a", Label="${LAST_TIME}"), LabelOptions={"Timezone": "+0130"})[
        "MetricDataResults"
    ][0]["Label"]
    assert zoned.endswith("UTC+01:30")


def test_pages_of_a_search_join_to_the_whole(filled: Caller) -> None:
    query = expression("SEARCH('{train,Job}', 'Average', 60)")
    whole = ask(filled, query)["MetricDataResults"]
    for size in (1, 2, 4, 9):
        joined: dict[str, list[float]] = {}
        token = None
        while True:
            more = {"NextToken": token} if token else {}
            answer = ask(filled, query, MaxDatapoints=size, **more)
            for one in answer["MetricDataResults"]:
                joined.setdefault(one["Label"], []).extend(one["Values"])
            token = answer.get("NextToken")
            if token is None:
                break
        assert joined == {one["Label"]: one["Values"] for one in whole}


def test_a_long_chain_of_expressions_is_computed_whatever_its_order(filled: Caller) -> None:
    chain = [expression(f"e{number - 1} + 1", f"e{number}", ReturnData=number == 498) for number in range(1, 499)]
    first = expression("a * 1", "e0", ReturnData=False)
    assert results(filled, *reversed(chain), first, hidden("a")) == {"e498": [499, 500, 501]}


def test_a_band_of_an_expression_follows_its_history(caller: Caller) -> None:
    minute = caller.now // 60 * 60
    for age in range(60, 60 * 200, 60):
        value = 10.0 + age // 60 % 5
        caller(
            put_metric_data,
            Namespace="n",
            MetricData=[{"MetricName": "m", "Value": value, "Timestamp": minute - age}],
        )
    stat = {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 60, "Stat": "Average"}
    twice = expression("m * 2", "t", ReturnData=False)
    plain = {"Id": "m", "MetricStat": stat, "ReturnData": False}
    answer = ask(caller, plain, twice, expression("ANOMALY_DETECTION_BAND(t, 3)"), expression("t", "shown"))
    *band, shown = answer["MetricDataResults"]
    assert [one["Id"] for one in band] == ["e", "e"]
    edges = sorted(one["Values"] for one in band)
    assert len(edges[0]) == len(shown["Values"]) > 5
    assert all(low <= value <= high for low, value, high in zip(edges[0], shown["Values"], edges[1], strict=True))


def test_a_request_for_more_than_fits_into_memory_is_refused(caller: Caller) -> None:
    for start in (0, 250):
        data = [{"MetricName": f"m{number}", "Value": 1.0} for number in range(start, start + 250)]
        caller(put_metric_data, Namespace="Kept/Forever", MetricData=data)
    query = expression("SEARCH('Namespace=\"Kept/Forever\"', 'Sum', 1)")
    code, text = caller.refused(
        get_metric_data, MetricDataQueries=[query], StartTime=caller.now - 86400, EndTime=caller.now
    )
    assert (code, "too many datapoints" in text) == ("ValidationException", True)


def test_an_expression_without_data_has_an_empty_result(caller: Caller) -> None:
    [found] = ask(caller, expression("a + 1"), hidden("a"))["MetricDataResults"]
    assert (found["Values"], found["StatusCode"], found["Label"]) == ([], "Complete", "e")


def test_a_search_for_too_many_metrics_says_so_and_gives_what_it_may(caller: Caller) -> None:
    for start in (0, 300):
        data = [{"MetricName": f"m{number}", "Value": 1.0} for number in range(start, start + 300)]
        caller(put_metric_data, Namespace="many", MetricData=data)
    answer = ask(caller, expression("SEARCH('{many}', 'Sum', 60)"))
    assert len(answer["MetricDataResults"]) == 500
    assert answer["Messages"] == [
        {"Code": "MaxMetricsExceeded", "Value": "Maximum number of allowed metrics exceeded"}
    ]


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ([expression("a +")], "Error in expression 'e'"),
        ([expression("nope + 1")], "Error in expression 'e': there is no query with the Id 'nope'"),
        ([expression("f + 1"), expression("e + 1", "f")], "refers to itself"),
        ([expression("e + 1")], "refers to itself: e -> e"),
        ([expression("AVG(a)"), hidden("a")], "scalar"),
        ([expression("SELECT AVG(a) FORM b")], "Error in expression 'e'"),
        (
            [expression("SELECT AVG(a) FROM b"), expression("SELECT AVG(a) FROM c", "f")],
            "Only one Metrics Insights",
        ),
        ([expression("SEARCH('{', 'Sum', 60)")], "Error in expression 'e'"),
        ([expression("SEARCH('x', 'sum', 60)")], "'sum' is not a statistic"),
        ([expression("SEARCH('x', 'Sum', 61)")], "SEARCH: 61 is no period"),
        (
            [expression("a", Period=61), hidden("a")],
            "The value 61 for parameter MetricDataQueries.member.1.Period",
        ),
        ([metric("a", Label="${NOPE}")], "MetricDataQueries.member.1.Label is invalid"),
        ([expression("TIME_SERIES(1)", Period=1)], "it makes too many datapoints"),
        ([expression(f"SEARCH('x{n}', 'Sum', 60)", f"s{n}") for n in range(101)], "100 SEARCH expressions"),
        ([expression("PERIOD(e2)"), expression("a * 1", "e2", ReturnData=False), hidden("a")], "PERIOD"),
        ([expression("SERVICE_QUOTA(a)"), hidden("a")], "SERVICE_QUOTA"),
    ],
)
def test_wrong_expressions_are_refused_with_their_id(filled: Caller, queries: list[dict], message: str) -> None:
    start = 0 if "too many" in message else filled.now - 600
    request = {"StartTime": start, "EndTime": filled.now}
    code, text = filled.refused(get_metric_data, MetricDataQueries=queries, **request)
    assert code == "ValidationException"
    assert message in text
