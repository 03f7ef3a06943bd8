"""Values in place of a dashboard's variables."""

import pytest

from epochwatch.model.dashboard.variables import UnknownVariable, with_variables

REGION = {"id": "r", "type": "property", "property": "region", "inputType": "select", "defaultValue": "eu-west-1"}
INSTANCE = {"id": "i", "type": "property", "property": "InstanceId", "inputType": "input"}
JOB = {"id": "j", "type": "pattern", "pattern": "resnet-7", "inputType": "input"}


def metric(*rows, **more):
    return {"type": "metric", "x": 0, "properties": {"metrics": list(rows)} | more}


def put_in(widget, *variables, **chosen):
    body = {"start": "-PT3H", "widgets": [widget], "variables": list(variables)}
    made = with_variables(body, chosen)
    assert made["start"] == "-PT3H"
    return made["widgets"][0]


CPU = ["AWS/EC2", "CPU", "InstanceId", "i-1"]


@pytest.mark.parametrize(
    ("widget", "variable", "chosen", "made"),
    [
        (metric(CPU, region="us-east-1"), REGION, {}, metric(CPU, region="eu-west-1")),
        (metric(CPU, region="us-east-1"), REGION, {"r": "us-west-2"}, metric(CPU, region="us-west-2")),
        (metric([*CPU, {"region": "x"}]), REGION, {}, metric([*CPU, {"region": "eu-west-1"}])),
        (metric(CPU), REGION, {}, metric(CPU)),
        (metric(CPU), INSTANCE, {}, metric(CPU)),
        (metric(CPU, ["...", "i-2"]), INSTANCE, {"i": "i-9"}, metric([*CPU[:3], "i-9"], ["...", "i-2"])),
        (metric([*CPU, {"stat": "Sum"}]), INSTANCE, {"i": "i-9"}, metric([*CPU[:3], "i-9", {"stat": "Sum"}])),
        (metric(["InstanceId", "InstanceId"]), INSTANCE, {"i": "i-9"}, metric(["InstanceId", "InstanceId"])),
        (
            metric(["N", "m", "Job", "resnet-7"], title="resnet-7!"),
            JOB,
            {"j": "b"},
            metric(["N", "m", "Job", "b"], title="b!"),
        ),
        (
            metric([{"expression": "SEARCH('resnet-7', 'Sum', 60)"}], period=60),
            JOB | {"defaultValue": "bert"},
            {},
            metric([{"expression": "SEARCH('bert', 'Sum', 60)"}], period=60),
        ),
        (
            {"type": "text", "properties": {"markdown": "resnet-7"}},
            JOB | {"defaultValue": "__FIRST", "values": [{"value": "first"}, {"value": "second"}]},
            {},
            {"type": "text", "properties": {"markdown": "first"}},
        ),
        (metric(CPU, title="resnet-7"), JOB | {"defaultValue": "__FIRST"}, {}, metric(CPU, title="resnet-7")),
    ],
    ids=repr,
)  # fmt: skip
def test_values_stand_in_place_of_variables(widget, variable, chosen, made):
    assert put_in(widget, variable, **chosen) == made


def test_several_variables_are_put_in_one_after_the_other():
    made = put_in(metric(CPU, region="x", title="resnet-7"), REGION, INSTANCE, JOB, i="resnet-7", j="z")
    assert made == metric([*CPU[:3], "z"], region="eu-west-1", title="z")


def test_a_value_for_a_variable_that_is_not_there_is_refused():
    with pytest.raises(UnknownVariable, match="the dashboard has no variable x: it has r"):
        put_in(metric(CPU), REGION, x="1")
    with pytest.raises(UnknownVariable, match="it has none"):
        put_in(metric(CPU), x="1")
