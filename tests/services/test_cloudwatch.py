"""CloudWatch's metric operations over real stores."""

import math

import pytest

from epochwatch.services.cloudwatch import (
    get_metric_data,
    get_metric_statistics,
    list_metrics,
    put_metric_data,
)
from tests.services.conftest import Caller

DAY = 86400


def put(caller, *data, namespace="train", **more):
    return caller(
        put_metric_data, Namespace=namespace, MetricData=[{"MetricName": "loss", **d} for d in data], **more
    )


def statistics(caller, wanted=("Sum",), period=60, since=600, until=0, **more):
    answer = caller(
        get_metric_statistics,
        Namespace="train",
        MetricName="loss",
        StartTime=caller.now - since,
        EndTime=caller.now + 1 - until,
        Period=period,
        Statistics=list(wanted),
        **more,
    )
    assert answer["Label"] == "loss"
    return answer["Datapoints"]


def query(name="m", stat="Sum", period=60, metric="loss", **more):
    return {
        "Id": name,
        "MetricStat": {"Metric": {"Namespace": "train", "MetricName": metric}, "Period": period, "Stat": stat},
        **more,
    }


def data(caller, *queries, since=600, **more):
    return caller(
        get_metric_data,
        MetricDataQueries=list(queries),
        StartTime=caller.now - since,
        EndTime=caller.now + 1,
        **more,
    )


def test_values_sets_and_counts_join_in_the_statistics(caller: Caller):
    put(caller, {"Values": [1.0, 10.0], "Counts": [2.0, 4.0]}, {"Value": 0.0})
    put(caller, {"StatisticValues": {"SampleCount": 3.0, "Sum": 30.0, "Minimum": -5.0, "Maximum": 40.0}})
    [point] = statistics(caller, ("SampleCount", "Sum", "Average", "Minimum", "Maximum"))
    assert point == {
        "Timestamp": caller.now - 30,
        "Unit": "None",
        "SampleCount": 10,
        "Sum": 72,
        "Average": 7.2,
        "Minimum": -5,
        "Maximum": 40,
    }


def test_units_stay_apart_in_statistics_and_are_named_in_data(caller: Caller):
    put(caller, {"Value": 1.0, "Unit": "Seconds"}, {"Value": 60000.0, "Unit": "Milliseconds"}, {"Value": 7.0})
    assert [(p["Unit"], p["Sum"]) for p in statistics(caller)] == [
        ("Milliseconds", 60000),
        ("None", 7),
        ("Seconds", 1),
    ]
    assert [p["Sum"] for p in statistics(caller, Unit="Seconds")] == [1]
    assert statistics(caller, Unit="Bytes") == []
    [result] = data(caller, query())["MetricDataResults"]
    assert result["Values"] == [60000]
    assert result["Messages"] == [
        {"Code": "MultipleUnits", "Value": "Multiple units returned: '[Milliseconds, None, Seconds]'"}
    ]
    asked = query()
    asked["MetricStat"]["Unit"] = "Seconds"
    [result] = data(caller, asked)["MetricDataResults"]
    assert result["Values"] == [1]
    assert "Messages" not in result


def test_dimensions_name_another_metric_whatever_their_order(caller: Caller):
    a, b = {"Name": "a", "Value": "1"}, {"Name": "b", "Value": "2"}
    put(caller, {"Value": 1.0, "Dimensions": [a, b]}, {"Value": 2.0, "Dimensions": [b, a]}, {"Value": 4.0})
    assert [p["Sum"] for p in statistics(caller, Dimensions=[a, b])] == [3]
    assert [p["Sum"] for p in statistics(caller)] == [4]
    assert statistics(caller, Dimensions=[a]) == []


def test_periods_start_at_the_rounded_start(caller: Caller):
    minute = caller.now - 30
    put(caller, *({"Value": float(n), "Timestamp": minute - 60 * n} for n in range(6)))
    points = statistics(caller, period=180, since=330)
    assert [(p["Timestamp"], p["Sum"]) for p in points] == [(minute - 300, 12), (minute - 120, 3)]


def test_a_minute_is_whole_to_its_end_but_seconds_are_not(caller: Caller):
    put(caller, {"Value": 1.0, "Timestamp": caller.now}, {"Value": 2.0, "Timestamp": caller.now + 10})
    assert [p["Sum"] for p in statistics(caller)] == [3]
    assert [p["Sum"] for p in statistics(caller, period=10, since=60)] == [1]


def test_extended_statistics(caller: Caller):
    put(caller, {"Values": [float(n) for n in range(1, 101)]})
    answer = caller(
        get_metric_statistics,
        Namespace="train",
        MetricName="loss",
        StartTime=caller.now - 60,
        EndTime=caller.now + 1,
        Period=60,
        ExtendedStatistics=["p99", "tm90", "PR(:50)", "IQM"],
    )
    [point] = answer["Datapoints"]
    assert point["ExtendedStatistics"] == {"p99": 99, "tm90": 45.5, "PR(:50)": 50, "IQM": 50.5}
    put(caller, {"StatisticValues": {"SampleCount": 3.0, "Sum": 30.0, "Minimum": 5.0, "Maximum": 15.0}})
    [result] = data(caller, query(stat="p99"))["MetricDataResults"]
    assert result["Values"] == []


def test_old_data_is_there_only_at_periods_that_fit_its_age(caller: Caller):
    put(caller, {"Value": 1.0, "Timestamp": caller.now - 4 * 3600})
    assert len(statistics(caller, since=4 * 3600 + 60)) == 1
    assert statistics(caller, period=30, since=4 * 3600 + 30, until=4 * 3600 - 30) == []
    [result] = data(caller, query(period=10), since=5 * 3600)["MetricDataResults"]
    assert (result["Values"], result["StatusCode"]) == ([], "Complete")


def nest(**datum):
    return {"MetricData": [{"MetricName": "m", **datum}]}


SET = {"SampleCount": 1.0, "Sum": 1.0, "Minimum": 1.0, "Maximum": 1.0}
DIMENSION = {"Name": "a", "Value": "b"}
VALUE = "InvalidParameterValueException"
COMBINATION = "InvalidParameterCombinationException"
MISSING = "MissingRequiredParameterException"
BAD_PUTS = [
    ({}, MISSING, "The parameter MetricData is required."),
    ({"MetricData": []}, MISSING, "The parameter MetricData is required."),
    (nest(), MISSING, "At least one"),
    (nest(Values=[]), MISSING, "At least one"),
    (
        nest(Value=1.0, Values=[1.0]),
        COMBINATION,
        "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive "
        "and you have specified both.",
    ),
    (
        nest(Value=1.0, StatisticValues=SET),
        COMBINATION,
        "The parameters MetricData.member.1.Value and MetricData.member.1.StatisticValues are mutually exclusive "
        "and you have specified both.",
    ),
    (nest(Values=[1.0], StatisticValues=SET), COMBINATION, "mutually exclusive"),
    (nest(Value=1.0, Counts=[1.0]), COMBINATION, "Counts"),
    (
        nest(Values=[1.0, 2.0], Counts=[1.0]),
        VALUE,
        "The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the same size.",
    ),
    (nest(Values=[1.0] * 151), VALUE, "must not have a size greater than 150"),
    (nest(Values=[1.0], Counts=[0.0]), VALUE, "Counts.member.1"),
    (nest(Values=[1.0], Counts=[-1.0]), VALUE, "Counts.member.1"),
    (nest(Value=math.nan), VALUE, "The value NaN for parameter MetricData.member.1.Value is invalid."),
    (nest(Value=math.inf), VALUE, "The value Infinity for parameter MetricData.member.1.Value is invalid."),
    (nest(Value=-math.inf), VALUE, "The value -Infinity for"),
    (nest(Value=2.0**361), VALUE, "is invalid"),
    (nest(Value=-(2.0**361)), VALUE, "is invalid"),
    (nest(Values=[1.0, math.nan]), VALUE, "Values.member.2"),
    (nest(StatisticValues={**SET, "Sum": math.nan}), VALUE, "StatisticValues.Sum"),
    (nest(StatisticValues={**SET, "SampleCount": 0.0}), VALUE, "SampleCount"),
    (nest(StatisticValues={**SET, "Minimum": 2.0}), VALUE, "Minimum"),
    (nest(Value=1.0, StorageResolution=5), VALUE, "StorageResolution"),
    (nest(Value=1.0, Timestamp=-15 * DAY), VALUE, "no more than two weeks in the past"),
    (nest(Value=1.0, Timestamp=2 * 3600 + 60), VALUE, "no more than two hours in the future"),
    (nest(Value=1.0, Dimensions=[DIMENSION, DIMENSION]), VALUE, "duplicate"),
    (nest(Value=1.0, Dimensions=[{"Name": ":a", "Value": "b"}]), VALUE, "Dimensions.member.1.Name"),
    (nest(Value=1.0, Dimensions=[{"Name": "ä", "Value": "b"}]), VALUE, "Dimensions.member.1.Name"),
    (nest(Value=1.0, Dimensions=[{"Name": "a", "Value": " "}]), VALUE, "Dimensions.member.1.Value"),
    ({"Namespace": "AWS/EC2", **nest(Value=1.0)}, VALUE, "The value AWS/EC2 for parameter Namespace is invalid."),
    ({"MetricData": nest(Value=1.0)["MetricData"] * 1001}, VALUE, "greater than 1000"),
    ({"EntityMetricData": [nest(Value=1.0)] * 3}, VALUE, "EntityMetricData"),
    ({"EntityMetricData": [nest(Value=math.nan)]}, VALUE, "EntityMetricData.member.1.MetricData.member.1.Value"),
]


@pytest.mark.parametrize(("request_", "code", "message"), BAD_PUTS)
def test_bad_datapoints_are_refused_and_nothing_is_stored(caller: Caller, request_, code, message):
    good = {"MetricName": "good", "Value": 1.0}
    request = {"Namespace": "train", **request_}
    if request.get("MetricData"):
        request["MetricData"] = [dict(datum) for datum in request["MetricData"]]
        for datum in request["MetricData"]:
            if "Timestamp" in datum:
                datum["Timestamp"] += caller.now
        request["MetricData"].append(good)
    found_code, found = caller.refused(put_metric_data, **request)
    assert found_code == code
    assert message in found
    assert caller(list_metrics)["Metrics"] == []


def test_the_edges_of_what_is_allowed_are_stored(caller: Caller):
    put(
        caller,
        {"Value": 2.0**360, "Timestamp": caller.now - 14 * DAY},
        {"Value": 1.0, "Timestamp": caller.now + 7200, "StorageResolution": 1},
        {"Values": [1.0] * 150},
        {"Value": 1.0, "Dimensions": [{"Name": f"d{n}", "Value": "v" * 1024} for n in range(30)]},
    )
    put(caller, *[{"Value": 1.0}] * 1000)
    entity = {"KeyAttributes": {"Type": "Service", "Name": "x"}}
    caller(
        put_metric_data,
        Namespace="train",
        EntityMetricData=[{"Entity": entity, "MetricData": [{"MetricName": "loss", "Value": 5.0}]}],
        StrictEntityValidation=True,
    )
    assert [p["Sum"] for p in statistics(caller)] == [150 + 1000 + 5]


BAD_STATISTICS = [
    ({"Statistics": ["Sum"], "ExtendedStatistics": ["p99"]}, COMBINATION, "not both"),
    ({}, MISSING, "Must specify"),
    ({"Statistics": ["Sum"], "Period": 45}, VALUE, "Period"),
    ({"Statistics": ["Sum"], "Period": 90}, VALUE, "Period"),
    ({"Statistics": ["Sum"], "Period": 86460}, VALUE, "Period"),
    ({"ExtendedStatistics": ["p99", "p101"]}, VALUE, "ExtendedStatistics.member.2"),
    ({"ExtendedStatistics": ["Sum"]}, VALUE, "ExtendedStatistics.member.1"),
    (
        {"Statistics": ["Sum"], "since": -1},
        VALUE,
        "The parameter StartTime must be less than the parameter EndTime.",
    ),
    (
        {"Statistics": ["Sum"], "Period": 1, "since": DAY},
        COMBINATION,
        "You have requested up to 86400 datapoints, which exceeds the limit of 1440. You may reduce the datapoints "
        "requested by increasing Period, or decreasing the time range.",
    ),
]


@pytest.mark.parametrize(("request_", "code", "message"), BAD_STATISTICS)
def test_bad_requests_for_statistics_are_refused(caller: Caller, request_, code, message):
    request = {"Period": 60, **request_}
    since = request.pop("since", 60)
    found_code, found = caller.refused(
        get_metric_statistics,
        Namespace="train",
        MetricName="loss",
        StartTime=caller.now - since,
        EndTime=caller.now,
        **request,
    )
    assert found_code == code
    assert message in found


def test_a_day_of_minutes_is_allowed(caller: Caller):
    put(caller, {"Value": 1.0})
    assert len(statistics(caller, since=DAY - 1)) == 1


def test_metric_data_in_either_order(caller: Caller):
    minute = caller.now - 30
    put(caller, *({"Value": float(n), "Timestamp": minute - 60 * n} for n in range(3)))
    [result] = data(caller, query())["MetricDataResults"]
    assert result == {
        "Id": "m",
        "Label": "loss",
        "Timestamps": [minute, minute - 60, minute - 120],
        "Values": [0, 1, 2],
        "StatusCode": "Complete",
    }
    [result] = data(caller, query(), ScanBy="TimestampAscending")["MetricDataResults"]
    assert result["Values"] == [2, 1, 0]


def test_an_unknown_metric_has_an_empty_result(caller: Caller):
    assert data(caller, query()) == {
        "MetricDataResults": [
            {"Id": "m", "Label": "loss", "Timestamps": [], "Values": [], "StatusCode": "Complete"}
        ],
        "Messages": [],
    }


@pytest.mark.parametrize(
    ("queries", "labels"),
    [
        ([query("a"), query("b")], ["loss", "loss"]),
        ([query("a"), query("b", metric="acc")], ["loss", "acc"]),
        ([query("a"), query("b", stat="Average")], ["loss Sum", "loss Average"]),
        ([query("a"), query("b", period=300)], ["loss 60", "loss 300"]),
        ([query("a"), query("b", stat="p99", period=300)], ["loss Sum 60", "loss p99 300"]),
        ([query("a", Label="mine"), query("b", Label="")], ["mine", ""]),
    ],
)
def test_labels_tell_queries_apart(caller: Caller, queries, labels):
    assert [r["Label"] for r in data(caller, *queries)["MetricDataResults"]] == labels


def test_hidden_queries_are_not_returned(caller: Caller):
    found = data(caller, query("a", ReturnData=False), query("b"))["MetricDataResults"]
    assert [r["Id"] for r in found] == ["b"]


@pytest.mark.parametrize("scan", ["TimestampAscending", "TimestampDescending"])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 100])
def test_pages_join_to_the_whole(caller: Caller, scan, size):
    minute = caller.now - 30
    put(caller, *({"Value": float(n), "Timestamp": minute - 60 * n} for n in range(5)))
    put(caller, *({"MetricName": "acc", "Value": float(n), "Timestamp": minute - 60 * n} for n in range(3)))
    queries = [query("none", metric="none"), query("a"), query("b", metric="acc"), query("c", metric="void")]
    [whole] = [data(caller, *queries, ScanBy=scan)]
    assert "NextToken" not in whole
    joined: dict = {}
    token: dict = {}
    complete = []
    for _ in range(20):
        page = data(caller, *queries, ScanBy=scan, MaxDatapoints=size, **token)
        assert sum(len(r["Values"]) for r in page["MetricDataResults"]) <= size
        for result in page["MetricDataResults"]:
            joined.setdefault(result["Id"], []).extend(zip(result["Timestamps"], result["Values"], strict=True))
            complete += [result["Id"]] if result["StatusCode"] == "Complete" else []
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert joined == {
        r["Id"]: list(zip(r["Timestamps"], r["Values"], strict=True)) for r in whole["MetricDataResults"]
    }
    assert sorted(complete) == ["a", "b", "c", "none"]


def test_foreign_tokens_are_refused(caller: Caller):
    minute = caller.now - 30
    put(caller, *({"Value": float(n), "Timestamp": minute - 60 * n} for n in range(5)))
    token = data(caller, query(), MaxDatapoints=2)["NextToken"]
    request = {"StartTime": caller.now - 600, "EndTime": caller.now + 1}
    for queries, strange in (
        ([query("other")], token),
        ([query()], "x"),
        ([query()], token[:-2]),
        ([query()], "é"),
    ):
        code, _ = caller.refused(get_metric_data, MetricDataQueries=queries, NextToken=strange, **request)
        assert code == "InvalidNextToken"


BAD_QUERIES = [
    ([], {}, "ValidationException", "required"),
    ([query(f"m{n}") for n in range(501)], {}, "ValidationException", "500"),
    ([query("a"), query("a")], {}, "ValidationException", "not unique"),
    ([query("A")], {}, "ValidationException", "pattern"),
    ([query("1a")], {}, "ValidationException", "pattern"),
    ([{"Id": "a"}], {}, "ValidationException", "must be specified"),
    ([query("a", Expression="b")], {}, "ValidationException", "mutually exclusive"),
    ([query("a", stat="Avg")], {}, "ValidationException", "Stat"),
    ([query("a", period=7)], {}, "ValidationException", "Period"),
    ([query("a", ReturnData=False)], {}, "ValidationException", "ReturnData"),
    ([query("a")], {"MaxDatapoints": 0}, "ValidationException", "MaxDatapoints"),
    ([query("a")], {"MaxDatapoints": 100_801}, "ValidationException", "MaxDatapoints"),
    ([query("a")], {"LabelOptions": {"Timezone": "CET"}}, "ValidationException", "Timezone"),
]


@pytest.mark.parametrize(("queries", "more", "code", "message"), BAD_QUERIES)
def test_bad_queries_are_refused(caller: Caller, queries, more, code, message):
    found_code, found = caller.refused(
        get_metric_data, MetricDataQueries=queries, StartTime=caller.now - 60, EndTime=caller.now, **more
    )
    assert found_code == code
    assert message in found


def test_another_account_is_forbidden(caller: Caller):
    put(caller, {"Value": 1.0})
    [result] = data(caller, query(AccountId="999999999999"))["MetricDataResults"]
    assert (result["StatusCode"], result["Values"]) == ("Forbidden", [])
    [result] = data(caller, query(AccountId=caller.tenant.account))["MetricDataResults"]
    assert (result["StatusCode"], result["Values"]) == ("Complete", [1])


def test_metrics_are_listed_by_namespace_name_and_dimensions(caller: Caller):
    job, host = {"Name": "Job", "Value": "a"}, {"Name": "Host", "Value": "h"}
    put(caller, {"Value": 1.0}, {"Value": 1.0, "Dimensions": [job]}, {"Value": 1.0, "Dimensions": [job, host]})
    put(
        caller, {"MetricName": "acc", "Value": 1.0, "Dimensions": [{"Name": "Job", "Value": "b"}]}, namespace="val"
    )

    def listed(**request):
        return [
            (m["Namespace"], m["MetricName"], "".join(d["Value"] for d in m["Dimensions"]))
            for m in caller(list_metrics, **request)["Metrics"]
        ]

    everything = [("train", "loss", ""), ("train", "loss", "ha"), ("train", "loss", "a"), ("val", "acc", "b")]
    assert sorted(listed()) == sorted(everything)
    assert listed(Namespace="val") == [("val", "acc", "b")]
    assert listed(MetricName="acc") == [("val", "acc", "b")]
    assert listed(Namespace="train", MetricName="acc") == []
    assert sorted(listed(Dimensions=[{"Name": "Job"}])) == sorted(everything[1:])
    assert sorted(listed(Dimensions=[job])) == sorted(everything[1:3])
    assert listed(Dimensions=[job, {"Name": "Host"}]) == [("train", "loss", "ha")]
    assert listed(Dimensions=[{"Name": "Host", "Value": "x"}]) == []


def test_idle_metrics_leave_the_list(caller: Caller):
    put(caller, {"MetricName": "new", "Value": 1.0})
    put(caller, {"MetricName": "old", "Value": 1.0, "Timestamp": caller.now - 4 * 3600})

    def names(**request):
        return [m["MetricName"] for m in caller(list_metrics, **request)["Metrics"]]

    assert names() == ["new", "old"]
    assert names(RecentlyActive="PT3H") == ["new"]
    caller.now += 14 * DAY - 3600
    assert names() == ["new"]
    caller.now += 2 * 3600
    assert names() == []


def test_metrics_are_listed_500_a_page(caller: Caller):
    put(caller, *({"MetricName": f"m{n:04}", "Value": 1.0} for n in range(1000)))
    put(caller, {"MetricName": "z", "Value": 1.0})
    names, token = [], {}
    while True:
        page = caller(list_metrics, Namespace="train", **token)
        assert len(page["Metrics"]) <= 500
        names += [m["MetricName"] for m in page["Metrics"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert names == [*(f"m{n:04}" for n in range(1000)), "z"]
    code, _ = caller.refused(list_metrics, Namespace="other", **token)
    assert code == VALUE
    assert caller.refused(list_metrics, NextToken="x")[0] == VALUE


def test_an_account_alone_is_its_own_linked_account(caller: Caller):
    put(caller, {"Value": 1.0})
    assert caller(list_metrics, IncludeLinkedAccounts=True)["OwningAccounts"] == [caller.tenant.account]
    found = caller(list_metrics, IncludeLinkedAccounts=True, OwningAccount="999999999999")
    assert (found["Metrics"], found["OwningAccounts"]) == ([], [])
    assert caller.refused(list_metrics, OwningAccount=caller.tenant.account)[0] == VALUE


def test_tenants_do_not_see_each_other(caller: Caller, stores):
    put(caller, {"Value": 1.0})
    other = Caller(stores)
    assert other(list_metrics)["Metrics"] == []
    assert statistics(other) == []
