"""Embedded metric format: documents, what they yield, and what is dropped of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.embedded_metric import (
    LONGEST_DOCUMENT,
    NEWEST_MS,
    OLDEST_MS,
    UNITS,
    EmbeddedMetric,
    extract,
    is_candidate,
)
from epochwatch.model.metric import MetricId

NOW = 1_795_200_000_123
SECOND = NOW // 1000
LATENCY = {"Name": "latency", "Unit": "Milliseconds"}


def directive(**members):
    return {"Namespace": "app", "Dimensions": [["run"]], "Metrics": [LATENCY], **members}


def document(*directives, timestamp=NOW, **members):
    metadata = {"Timestamp": timestamp, "CloudWatchMetrics": list(directives)}
    return {"_aws": metadata, "run": "r1", "host": "h1", "latency": 3, "rate": 0.5, **members}


def found(record):
    """Short: (namespace, name, dimensions, unit, resolution, values)."""
    message = record if isinstance(record, str) else json.dumps(record)
    metrics = list(extract(message, NOW, NOW))
    assert {metric.timestamp for metric in metrics} <= {SECOND}
    return [
        (
            one.metric.namespace,
            one.metric.name,
            dict(one.metric.dimensions),
            one.unit,
            one.resolution,
            list(one.values),
        )
        for one in metrics
    ]


def of(name="latency", unit="Milliseconds", resolution=60, values=(3,), namespace="app", **dimensions):
    return (namespace, name, dimensions, unit, resolution, list(values))


def numbered(name, count):
    return {f"{name}{number}": "v" for number in range(count)}


R1 = {"run": "r1"}
LONG = "x" * 255
DOCUMENTS = [
    ("one metric", document(directive()), [of(**R1)]),
    (
        "the documentation's example",
        {
            "_aws": {
                "Timestamp": NOW,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "lambda-function-metrics",
                        "Dimensions": [["functionVersion"]],
                        "Metrics": [{"Name": "time", "Unit": "Milliseconds", "StorageResolution": 60}],
                    }
                ],
            },
            "functionVersion": "$LATEST",
            "time": 100,
            "requestId": "989ffbf8-9ace-4817-a57c-e4dd734019ee",
        },
        [of("time", values=[100], namespace="lambda-function-metrics", functionVersion="$LATEST")],
    ),
    ("no dimensions", document(directive(Dimensions=[[]])), [of()]),
    ("several dimensions", document(directive(Dimensions=[["run", "host"]])), [of(run="r1", host="h1")]),
    ("several sets", document(directive(Dimensions=[["run"], ["host"], []])), [of(**R1), of(host="h1"), of()]),
    ("one set twice", document(directive(Dimensions=[["run", "host"], ["host", "run"]])), [of(run="r1", host="h1")]),
    ("no unit", document(directive(Metrics=[{"Name": "latency"}])), [of(unit="None", **R1)]),
    ("a strange unit", document(directive(Metrics=[{"Name": "latency", "Unit": "Parsec"}])), [of(unit="None", **R1)]),
    ("a unit that is no text", document(directive(Metrics=[{"Name": "latency", "Unit": 3}])), [of(unit="None", **R1)]),
    (
        "high resolution",
        document(directive(Metrics=[{"Name": "rate", "StorageResolution": 1}])),
        [of("rate", "None", 1, [0.5], **R1)],
    ),
    ("an array", document(directive(), latency=[1, 2.5, 2.5]), [of(values=[1, 2.5, 2.5], **R1)]),
    ("100 values", document(directive(), latency=[7] * 100), [of(values=[7] * 100, **R1)]),
    ("zero and below", document(directive(), latency=[0, -1.5e-300]), [of(values=[0, -1.5e-300], **R1)]),
    (
        "several metrics",
        document(directive(Metrics=[LATENCY, {"Name": "rate", "Unit": "Count/Second"}])),
        [of(**R1), of("rate", "Count/Second", values=[0.5], **R1)],
    ),
    (
        "several directives",
        document(directive(), directive(Namespace="other", Dimensions=[["host"]])),
        [of(**R1), of(namespace="other", host="h1")],
    ),
    ("no directive", document(), []),
    ("members not known", document(directive(Extra=1, Metrics=[{**LATENCY, "More": {}}]), more=[{}]), [of(**R1)]),
    ("a member with a dot", document(directive(Metrics=[{"Name": "A.a"}]), **{"A.a": 1}),
     [of("A.a", "None", values=[1], **R1)]),
    ("a member of a member", document(directive(Metrics=[{"Name": "A.a"}]), A={"a": 1}), []),
    ("spaces around it", f"  {json.dumps(document(directive()))}\n", [of(**R1)]),
    ("the longest names", document(directive(Namespace=LONG, Metrics=[{"Name": LONG}]), **{LONG: 1}),
     [of(LONG, "None", values=[1], namespace=LONG, **R1)]),
    ("30 dimensions", document(directive(Dimensions=[[*numbered("d", 30)]]), **numbered("d", 30)),
     [of(**numbered("d", 30))]),
    ("100 metrics", document(directive(Metrics=[{"Name": name} for name in numbered("m", 100)]),
                             **{f"m{n}": n for n in range(100)}),
     [of(f"m{n}", "None", values=[n], **R1) for n in range(100)]),
    # what is dropped: a metric
    ("a missing member", document(directive(Metrics=[{"Name": "none"}, LATENCY])), [of(**R1)]),
    ("text", document(directive(Metrics=[{"Name": "run"}, LATENCY])), [of(**R1)]),
    ("true", document(directive(), latency=True), []),
    ("null", document(directive(), latency=None), []),
    ("an object", document(directive(), latency={"Sum": 3}), []),
    ("an empty array", document(directive(), latency=[]), []),
    ("an array with text", document(directive(), latency=[1, "2"]), []),
    ("101 values", document(directive(), latency=[7] * 101), []),
    ("too large", document(directive(), latency=2.0**361), []),
    ("the largest", document(directive(), latency=2.0**360), [of(values=[2.0**360], **R1)]),
    ("a long integer", document(directive(), latency=10**400), []),
    ("a strange resolution", document(directive(Metrics=[{**LATENCY, "StorageResolution": 5}])), []),
    ("a metric without name", document(directive(Metrics=[{"Unit": "Count"}, {"Name": ""}, {"Name": 3}, 4])), []),
    ("a name too long", document(directive(Metrics=[{"Name": LONG + "x"}]), **{LONG + "x": 1}), []),
    # a set of dimensions
    ("a missing dimension", document(directive(Dimensions=[["none"], ["run"]])), [of(**R1)]),
    ("a dimension that is a number", document(directive(Dimensions=[["rate"], ["run"]])), [of(**R1)]),
    ("a dimension without text", document(directive(Dimensions=[["e"], ["run"]]), e=" "), [of(**R1)]),
    ("a dimension of other letters", document(directive(Dimensions=[["e"], ["run"]]), e="é"), [of(**R1)]),
    ("a dimension with a colon", document(directive(Dimensions=[[":e"], ["run"]]), **{":e": "1"}), [of(**R1)]),
    ("a value too long", document(directive(Dimensions=[["e"], ["run"]]), e="x" * 1025), [of(**R1)]),
    ("the longest value", document(directive(Dimensions=[["e"]]), e="x" * 1024), [of(e="x" * 1024)]),
    ("31 dimensions", document(directive(Dimensions=[[*numbered("d", 31)]]), **numbered("d", 31)), []),
    ("a set that is none", document(directive(Dimensions=["run", 3, None, ["run"], [["run"]]])), [of(**R1)]),
    ("no set", document(directive(Dimensions=[])), []),
    ("no sets", document(directive(Dimensions="run")), []),
    # a directive
    ("101 metrics", document(directive(Metrics=[LATENCY] * 101), directive()), [of(**R1)]),
    ("no namespace", document({"Dimensions": [[]], "Metrics": [LATENCY]}, directive()), [of(**R1)]),
    ("a reserved namespace", document(directive(Namespace="AWS/EC2"), directive()), [of(**R1)]),
    ("a namespace that begins with a colon", document(directive(Namespace=":a"), directive()), [of(**R1)]),
    ("an empty namespace", document(directive(Namespace=""), directive()), [of(**R1)]),
    ("a namespace too long", document(directive(Namespace=LONG + "x"), directive()), [of(**R1)]),
    ("metrics that are none", document(directive(Metrics="latency"), directive()), [of(**R1)]),
    ("directives that are none", document(None, 3, [], "x", directive()), [of(**R1)]),
    # the document
    ("no directives", {**document(), "_aws": {"Timestamp": NOW, "CloudWatchMetrics": directive()}}, []),
    ("no metadata", {**document(directive()), "_aws": None}, []),
    ("a strange time", document(directive(), timestamp="now"), []),
    ("a time that is true", document(directive(), timestamp=True), []),
    ("something before it", "INFO " + json.dumps(document(directive())), []),
    ("something behind it", json.dumps(document(directive())) + " INFO", []),
    ("half of it", json.dumps(document(directive()))[:-1], []),
    ("an array of it", json.dumps([document(directive())]), []),
    ("a number that JSON has not", document(directive(), latency=float("nan")), []),
    ("metadata deeper down", json.dumps({"in": document(directive())}), []),
    ("a document too long", document(directive(), filler="x" * LONGEST_DOCUMENT), []),
    ("a document without end", '{"_aws":{"CloudWatchMetrics":' + "[" * 100_000, []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("record", "metrics"), [case[1:] for case in DOCUMENTS], ids=[case[0] for case in DOCUMENTS]
)
def test_a_document_yields(record, metrics):
    assert found(record) == metrics


@pytest.mark.parametrize("unit", sorted(UNITS))
def test_each_unit_is_kept(unit):
    assert found(document(directive(Metrics=[{"Name": "latency", "Unit": unit}]))) == [of(unit=unit, **R1)]


def test_there_are_the_units_of_cloudwatch():
    import botocore.session

    model = botocore.session.get_session().get_service_model("cloudwatch")
    assert set(model.shape_for("StandardUnit").enum) == UNITS


@pytest.mark.parametrize(
    ("timestamp", "kept"),
    [
        (NOW - OLDEST_MS, True),
        (NOW - OLDEST_MS - 1, False),
        (NOW + NEWEST_MS, True),
        (NOW + NEWEST_MS + 1, False),
        (NOW - 1500.5, True),
        (-1, False),
        (10**400, False),
    ],
)
def test_a_document_carries_its_own_time_if_that_is_near_its_arrival(timestamp, kept):
    message = json.dumps(document(directive(), timestamp=timestamp))
    times = [one.timestamp for one in extract(message, NOW, NOW)]
    assert times == ([int(timestamp // 1000)] if kept else [])


def test_the_time_of_the_event_stands_in_for_one_that_is_missing():
    record = document(directive())
    del record["_aws"]["Timestamp"]
    [one] = extract(json.dumps(record), NOW - 60_000, NOW)
    assert one == EmbeddedMetric(
        MetricId("app", "latency", (("run", "r1"),)), "Milliseconds", 60, SECOND - 60, [3.0]
    )
    assert list(extract(json.dumps(record), NOW - OLDEST_MS - 1, NOW)) == []


OTHERS = ["", "loss=0.5", '{"loss": 0.5}', '{"_aws": {}}', "CloudWatchMetrics _aws {"]
OTHERS += ['x {"_aws": {"CloudWatchMetrics": []}}']


@pytest.mark.parametrize("line", OTHERS)
def test_other_lines_are_no_candidates(line):
    assert not is_candidate(line)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
    | st.sampled_from(["run", "latency", "host", NOW]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["Namespace", "Dimensions", "Metrics", "Name", "Unit", "StorageResolution", "Timestamp",
                         "CloudWatchMetrics", "x"]),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(st.one_of(JSON, st.builds(lambda inner: {"CloudWatchMetrics": [inner], "Timestamp": NOW}, JSON)), JSON)
def test_whatever_the_metadata_are_nothing_is_raised_and_the_same_comes_twice(metadata, latency):
    message = json.dumps({"_aws": metadata, "run": "r1", "latency": latency, "": '"CloudWatchMetrics"'})
    first = list(extract(message, NOW, NOW))
    assert list(extract(message, NOW, NOW)) == first
    assert all(one.values for one in first)


@given(st.text().map(lambda text: '{"_aws": "CloudWatchMetrics"' + text))
def test_any_text_yields_nothing_or_metrics(message):
    assert list(extract(message, NOW, NOW)) == []
