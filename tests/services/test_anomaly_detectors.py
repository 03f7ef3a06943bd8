"""CloudWatch's anomaly detectors over real stores, and by an unmodified boto3."""

import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from epochwatch.model.anomaly import Adaptation, Filtering, Training
from epochwatch.model.metric import DatapointColumns, MetricId
from epochwatch.model.statistics import parse
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.anomaly_detectors import (
    band_of,
    delete_anomaly_detector,
    describe_anomaly_detectors,
    detector_for,
    put_anomaly_detector,
)
from tests.servers import ServerProcess
from tests.services.conftest import Caller

LOSS = {"Namespace": "lab", "MetricName": "loss", "Stat": "Average"}
OF_RUN = [{"Name": "run", "Value": "r1"}]
METRIC = MetricId("lab", "loss", (("run", "r1"),))
AVERAGE = parse("Average")
RATIO = [
    {"Id": "a", "MetricStat": {"Metric": {"Namespace": "lab", "MetricName": "a"}, "Period": 60, "Stat": "Sum"},
     "ReturnData": False},
    {"Id": "b", "MetricStat": {"Metric": {"Namespace": "lab", "MetricName": "b"}, "Period": 60, "Stat": "p9"},
     "ReturnData": False},
    {"Id": "e", "Expression": "a / b"},
]  # fmt: skip


def put(caller, **request):
    return caller(put_anomaly_detector, **request)["AnomalyDetectorId"]


def described(caller, **request):
    return caller(describe_anomaly_detectors, **request)["AnomalyDetectors"]


def names(caller, **request):
    return [detector["MetricName"] for detector in described(caller, **request)]


def fill(caller, count, *, metric=METRIC, period=60, level=50.0, spread=1.0):
    """Datapoints up to the caller's now, ``period`` seconds apart."""
    values = np.random.default_rng(1).normal(level, spread, count)
    columns = DatapointColumns()
    for number, value in enumerate(values.tolist()):
        columns.add_value(metric, int(caller.now) // 60 * 60 - (count - 1 - number) * period, value)
    caller.stores.metrics.put(caller.tenant, columns)


def call(caller):
    return Call(caller.tenant, caller.stores, "request", caller.now)


def test_a_detector_of_one_metric_is_answered_as_cloudwatch_does(caller: Caller):
    name = put(caller, SingleMetricAnomalyDetector={**LOSS, "Dimensions": OF_RUN})
    account = caller.tenant.account
    assert described(caller) == [
        {
            "AnomalyDetectorId": name,
            **LOSS,
            "Dimensions": OF_RUN,
            "Configuration": {"ExcludedTimeRanges": []},
            "SingleMetricAnomalyDetector": {**LOSS, "Dimensions": OF_RUN, "AccountId": account},
            "StateValue": "PENDING_TRAINING",
        }
    ]


def test_what_watches_the_same_is_the_same_detector_and_takes_the_new_configuration(caller: Caller):
    first = put(caller, **LOSS, Dimensions=[{"Name": "b", "Value": "2"}, {"Name": "a", "Value": "1"}])
    ranges = [{"StartTime": 10.0, "EndTime": 20.0}]
    configuration = {"ExcludedTimeRanges": ranges, "MetricTimezone": "Europe/Berlin", "AdaptationSpeed": "FAST"}
    again = put(
        caller,
        SingleMetricAnomalyDetector={
            **LOSS,
            "AccountId": caller.tenant.account,
            "Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "b", "Value": "2"}],
        },
        Configuration=configuration,
        MetricCharacteristics={"PeriodicSpikes": True},
    )
    assert first == again
    [detector] = described(caller)
    assert detector["Configuration"] == configuration
    assert detector["MetricCharacteristics"] == {"PeriodicSpikes": True}
    assert put(caller, **LOSS) != first
    assert put(caller, **{**LOSS, "Stat": "p99"}, Dimensions=OF_RUN) != first


def test_a_detector_of_an_expression_is_kept_as_it_is_said(caller: Caller):
    name = put(caller, MetricMathAnomalyDetector={"MetricDataQueries": RATIO})
    assert described(caller) == []
    assert described(caller, AnomalyDetectorTypes=["METRIC_MATH"]) == [
        {
            "AnomalyDetectorId": name,
            "Configuration": {"ExcludedTimeRanges": []},
            "MetricMathAnomalyDetector": {"MetricDataQueries": RATIO},
            "StateValue": "PENDING_TRAINING",
        }
    ]
    search = [{"Id": "e", "Expression": "AVG(SEARCH('{lab} loss', 'Sum'))"}]
    put(caller, MetricMathAnomalyDetector={"MetricDataQueries": search})
    assert len(described(caller, AnomalyDetectorTypes=["METRIC_MATH", "SINGLE_METRIC"])) == 2
    assert len(described(caller, AnomalyDetectorTypes=["METRIC_MATH"], MetricName="b")) == 1
    assert described(caller, AnomalyDetectorTypes=["METRIC_MATH"], MetricName="c") == []


def test_detectors_are_found_by_namespace_name_and_dimensions_and_by_id(caller: Caller):
    run = {"Name": "run", "Value": "r1"}
    host = {"Name": "host", "Value": "h1"}
    ids = [
        put(caller, **{**LOSS, "MetricName": "a"}, Dimensions=[run]),
        put(caller, **{**LOSS, "MetricName": "b"}, Dimensions=[run, host]),
        put(caller, **{**LOSS, "MetricName": "c", "Namespace": "other"}),
    ]
    assert sorted(names(caller)) == ["a", "b", "c"]
    assert sorted(names(caller, Namespace="lab")) == ["a", "b"]
    assert names(caller, MetricName="c") == ["c"]
    assert names(caller, Namespace="lab", MetricName="c") == []
    assert sorted(names(caller, Dimensions=[run])) == ["a", "b"]
    assert names(caller, Dimensions=[host]) == ["b"]
    assert names(caller, AnomalyDetectorIds=[ids[2], "nobody"]) == ["c"]


def test_pages_join_to_the_whole(caller: Caller):
    for number in range(7):
        put(caller, **{**LOSS, "MetricName": f"m{number}"})
    whole, pages, token = described(caller), [], {}
    while True:
        answer = caller(describe_anomaly_detectors, MaxResults=3, **token)
        pages.append(answer["AnomalyDetectors"])
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [detector for page in pages for detector in page] == whole
    assert caller.refused(describe_anomaly_detectors, Namespace="lab", **token)[0] == "InvalidNextToken"


def test_a_deleted_detector_is_gone_by_id_and_by_what_it_watches(caller: Caller):
    name = put(caller, **LOSS)
    put(caller, SingleMetricAnomalyDetector={**LOSS, "Dimensions": OF_RUN})
    put(caller, MetricMathAnomalyDetector={"MetricDataQueries": RATIO})
    assert caller(delete_anomaly_detector, AnomalyDetectorId=name) == {}
    assert len(described(caller)) == 1
    caller(delete_anomaly_detector, **LOSS, Dimensions=OF_RUN)
    assert described(caller) == []
    caller(delete_anomaly_detector, MetricMathAnomalyDetector={"MetricDataQueries": RATIO})
    assert described(caller, AnomalyDetectorTypes=["METRIC_MATH"]) == []
    assert caller.refused(delete_anomaly_detector, **LOSS) == (
        "ResourceNotFoundException",
        "The specified anomaly detector does not exist.",
    )


def test_detectors_belong_to_their_tenant(caller: Caller):
    name = put(caller, **LOSS)
    other = Caller(caller.stores)
    assert described(other) == []
    assert other.refused(delete_anomaly_detector, AnomalyDetectorId=name)[0] == "ResourceNotFoundException"


VALUE, MISSING, BOTH = (
    "InvalidParameterValueException",
    "MissingRequiredParameterException",
    "InvalidParameterCombinationException",
)


def math(*changes):
    """The queries of RATIO with members changed: (index, member, value or None to leave it out)."""
    queries = [dict(query) for query in RATIO]
    for index, member, value in changes:
        queries[index].pop(member, None)
        if value is not None:
            queries[index][member] = value
    return {"MetricMathAnomalyDetector": {"MetricDataQueries": queries}}


def span(start, end):
    return [{"StartTime": start, "EndTime": end}]


def stat(metric, period, name):
    return {"Metric": metric, "Period": period, "Stat": name}


REFUSED = [
    ({}, MISSING, "One of the parameters SingleMetricAnomalyDetector and MetricMathAnomalyDetector"),
    ({"Namespace": "n"}, MISSING, "The parameter MetricName is required."),
    ({"Namespace": "n", "MetricName": "m"}, MISSING, "The parameter Stat is required."),
    ({"SingleMetricAnomalyDetector": {}}, MISSING, "The parameter SingleMetricAnomalyDetector.Namespace is required."),
    ({**LOSS, "SingleMetricAnomalyDetector": LOSS}, BOTH, "Detector and Namespace are mutually exclusive"),
    ({"SingleMetricAnomalyDetector": LOSS, **math()}, BOTH, "Detector and MetricMathAnomalyDetector"),
    ({"Stat": "Sum", **math()}, BOTH, "MetricMathAnomalyDetector and Stat are mutually exclusive"),
    ({**LOSS, "Stat": "o99"}, VALUE, "The value o99 for parameter Stat is not supported."),
    ({**LOSS, "Dimensions": OF_RUN * 2}, VALUE, "duplicate dimension names: run"),
    ({"SingleMetricAnomalyDetector": {**LOSS, "AccountId": "1"}}, VALUE, "AccountId is no linked account"),
    ({**LOSS, "Configuration": {"MetricTimezone": "Mars/Base"}}, VALUE, "The value Mars/Base for parameter"),
    ({**LOSS, "Configuration": {"MetricTimezone": "../passwd"}}, VALUE, "must be a name of the tz database"),
    ({**LOSS, "Configuration": {"MetricTimezone": "Europe"}}, VALUE, "must be a name of the tz database"),
    ({**LOSS, "Configuration": {"ExcludedTimeRanges": span(2.0, 2.0)}}, VALUE, "must be less than"),
    ({**LOSS, "Configuration": {"ExcludedTimeRanges": span(1.0, 2.0) * 11}}, VALUE, "greater than 10"),
    ({"MetricMathAnomalyDetector": {}}, MISSING, "MetricMathAnomalyDetector.MetricDataQueries is required"),
    (math((0, "ReturnData", True)), VALUE, "must have ReturnData true, not 2"),
    (math((2, "ReturnData", False)), VALUE, "must have ReturnData true, not 0"),
    (math((0, "ReturnData", True), (2, "ReturnData", False)), VALUE, "must be an Expression"),
    (math((1, "Id", "a")), VALUE, "the same Id more than once"),
    (math((1, "Id", "B")), VALUE, "The value B for parameter MetricMathAnomalyDetector.MetricDataQueries.member.2.Id"),
    (math((0, "Expression", "b")), BOTH, "member.1 must have either MetricStat or Expression"),
    (math((0, "MetricStat", None)), BOTH, "member.1 must have either MetricStat or Expression"),
    (math((1, "AccountId", "7")), VALUE, "is no linked account"),
    (math((0, "MetricStat", stat({"MetricName": "m"}, 60, "Sum"))), MISSING, "Metric.Namespace is required"),
    (math((0, "MetricStat", stat({"Namespace": "n", "MetricName": "m"}, 61, "Sum"))), VALUE, "The value 61"),
    (math((0, "MetricStat", stat({"Namespace": "n", "MetricName": "m"}, 60, "p"))), VALUE, "The value p for"),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "code", "message"), REFUSED)
def test_what_cannot_be_watched_is_refused(caller: Caller, request_, code, message):
    found, text = caller.refused(put_anomaly_detector, **request_)
    assert (found, message in text) == (code, True), text
    assert described(caller, AnomalyDetectorTypes=["SINGLE_METRIC", "METRIC_MATH"]) == []


def test_other_requests_are_refused_where_members_exclude_each_other(caller: Caller):
    assert caller.refused(describe_anomaly_detectors, AnomalyDetectorIds=["a"], Namespace="n")[0] == BOTH
    assert caller.refused(delete_anomaly_detector, AnomalyDetectorId="a", Stat="Sum")[0] == BOTH
    assert caller.refused(delete_anomaly_detector)[0] == MISSING
    assert caller.refused(describe_anomaly_detectors, MaxResults=101)[0] == VALUE
    assert caller.refused(describe_anomaly_detectors, NextToken="x")[0] == "InvalidNextToken"


@pytest.mark.parametrize(
    ("count", "state"), [(0, "PENDING_TRAINING"), (1, "TRAINED_INSUFFICIENT_DATA"), (40, "TRAINED")]
)
def test_the_state_says_how_much_there_is_to_learn_from(caller: Caller, count, state):
    put(caller, **LOSS, Dimensions=OF_RUN)
    if count:
        fill(caller, count, period=300)
    [detector] = described(caller)
    assert detector["StateValue"] == state


def test_an_expression_is_trained_when_all_its_metrics_are(caller: Caller):
    put(caller, MetricMathAnomalyDetector={"MetricDataQueries": RATIO})
    types = {"AnomalyDetectorTypes": ["METRIC_MATH"]}
    fill(caller, 40, period=300, metric=MetricId("lab", "a"))
    assert described(caller, **types)[0]["StateValue"] == "PENDING_TRAINING"
    fill(caller, 40, period=300, metric=MetricId("lab", "b"))
    assert described(caller, **types)[0]["StateValue"] == "TRAINED"


def test_a_detector_says_how_its_model_is_trained(caller: Caller):
    assert detector_for(call(caller), METRIC, AVERAGE) == Training()
    put(
        caller,
        **LOSS,
        Dimensions=OF_RUN,
        Configuration={
            "ExcludedTimeRanges": [{"StartTime": 10.0, "EndTime": 20.0}],
            "MetricTimezone": "Asia/Tokyo",
            "AdaptationSpeed": "SLOW",
            "OutlierFilteringStrength": "STRICT",
        },
        MetricCharacteristics={"PeriodicSpikes": True},
    )
    assert detector_for(call(caller), METRIC, AVERAGE) == Training(
        ((10.0, 20.0),), ZoneInfo("Asia/Tokyo"), Adaptation.SLOW, Filtering.STRICT, periodic_spikes=True
    )
    assert detector_for(call(caller), METRIC, parse("p99")) == Training()


@pytest.mark.parametrize(("stat", "period"), [("Average", 60), ("p90", 60), ("Sum", 300), ("Average", 1)])
def test_a_band_follows_the_history(caller: Caller, stat, period):
    fill(caller, 600, period=period)
    stamps = np.array([int(caller.now) // 300 * 300])
    lower, upper = band_of(call(caller), METRIC, parse(stat), None, period, stamps, 3)
    assert lower[0] < 50 < upper[0]
    assert upper[0] - lower[0] < 12
    wider = band_of(call(caller), METRIC, parse(stat), None, period, stamps, 6)
    assert wider[1][0] - wider[0][0] == pytest.approx(2 * (upper[0] - lower[0]))


def test_there_is_no_band_without_history(caller: Caller):
    def band(unit=None):
        return np.array(band_of(call(caller), METRIC, AVERAGE, unit, 60, np.array([int(caller.now)])))

    assert np.isnan(band()).all()
    fill(caller, 10)
    caller.now += 61
    assert np.isnan(band()).all()
    fill(caller, 30)
    caller.now += 61
    assert np.isfinite(band()).all()
    assert np.isnan(band("Seconds")).all()


def test_a_model_is_kept_for_a_while_and_learns_anew_later_or_when_it_is_configured_anew(caller: Caller):
    fill(caller, 300, level=50)
    stamps = np.array([int(caller.now)])

    def middle():
        lower, upper = band_of(call(caller), METRIC, AVERAGE, None, 60, stamps)
        return float(lower[0] + upper[0]) / 2

    assert middle() == pytest.approx(50, abs=1)
    fill(caller, 2000, level=90)
    assert middle() == pytest.approx(50, abs=1)
    caller.now += 3601
    assert middle() > 60
    before = middle()
    excluded = span(caller.now - 40 * 3600, caller.now - 7 * 3600)
    put(caller, **LOSS, Dimensions=OF_RUN, Configuration={"ExcludedTimeRanges": excluded})
    assert middle() != before


def test_boto3_puts_describes_and_deletes(tmp_path: Path):
    with ServerProcess(tmp_path / "home") as server:
        cloudwatch = server.boto3("cloudwatch")
        start = datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC)
        excluded = span(start, start + datetime.timedelta(hours=1))
        configuration = {"ExcludedTimeRanges": excluded, "MetricTimezone": "Europe/Berlin"}
        name = cloudwatch.put_anomaly_detector(
            SingleMetricAnomalyDetector={**LOSS, "Dimensions": OF_RUN}, Configuration=configuration
        )["AnomalyDetectorId"]
        cloudwatch.put_anomaly_detector(MetricMathAnomalyDetector={"MetricDataQueries": RATIO})
        [found] = cloudwatch.describe_anomaly_detectors(Namespace="lab")["AnomalyDetectors"]
        assert found["AnomalyDetectorId"] == name
        assert found["Configuration"] == configuration
        types = ["SINGLE_METRIC", "METRIC_MATH"]
        pages = cloudwatch.get_paginator("describe_anomaly_detectors").paginate(
            AnomalyDetectorTypes=types, PaginationConfig={"PageSize": 1}
        )
        assert [len(page["AnomalyDetectors"]) for page in pages] == [1, 1]
        cloudwatch.delete_anomaly_detector(AnomalyDetectorId=name)
        with pytest.raises(cloudwatch.exceptions.ResourceNotFoundException) as error:
            cloudwatch.delete_anomaly_detector(**LOSS, Dimensions=OF_RUN)
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
        with pytest.raises(cloudwatch.exceptions.InvalidParameterCombinationException):
            cloudwatch.put_anomaly_detector(**LOSS, SingleMetricAnomalyDetector=LOSS)
