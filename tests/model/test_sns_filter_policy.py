"""Which messages a filter policy lets through, and which policies there cannot be."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.sns.filter_policy import (
    ATTRIBUTES,
    BODY,
    InvalidPolicy,
    NestedPolicy,
    accepts_attributes,
    accepts_body,
    parse,
)


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def number(value: str) -> dict[str, str]:
    return {"DataType": "Number", "StringValue": value}


def several(*values: Any) -> dict[str, str]:
    return {"DataType": "String.Array", "StringValue": json.dumps(values)}


@pytest.mark.parametrize(
    ("policy", "attributes", "accepted"),
    [
        ({}, {}, True),
        ({"a": ["x"]}, {"a": text("x")}, True),
        ({"a": ["x"]}, {"a": text("X")}, False),
        ({"a": ["x"]}, {}, False),
        ({"a": ["x", "y"]}, {"a": text("y")}, True),
        ({"a": ["x"], "b": ["y"]}, {"a": text("x")}, False),
        ({"a": ["x"], "b": ["y"]}, {"a": text("x"), "b": text("y"), "c": text("z")}, True),
        ({"a": ["x"]}, {"a": several("y", "x")}, True),
        ({"a": [True]}, {"a": several(True)}, True),
        ({"a": [None]}, {"a": several(None, 1)}, True),
        ({"a": [1]}, {"a": several(True)}, False),
        ({"a": [100]}, {"a": number("100")}, True),
        ({"a": [100]}, {"a": number("1.0e2")}, True),
        ({"a": [100]}, {"a": text("100")}, False),
        ({"a": ["100"]}, {"a": number("100")}, False),
        ({"a": ["x"]}, {"a": {"DataType": "Binary", "BinaryValue": "eA=="}}, False),
        ({"a": [{"exists": True}]}, {"a": {"DataType": "Binary", "BinaryValue": "eA=="}}, True),
        ({"a": [{"exists": True}]}, {}, False),
        ({"a": [{"exists": False}]}, {}, True),
        ({"a": [{"exists": False}]}, {"a": text("x")}, False),
        ({"a": [{"prefix": "re"}]}, {"a": text("resnet")}, True),
        ({"a": [{"prefix": "re"}]}, {"a": text("vit-re")}, False),
        ({"a": [{"suffix": "-7"}]}, {"a": text("resnet-7")}, True),
        ({"a": [{"suffix": "-7"}]}, {"a": text("resnet-71")}, False),
        ({"a": [{"wildcard": "*/train:*"}]}, {"a": text("a/train:loss")}, True),
        ({"a": [{"wildcard": "train:*"}]}, {"a": text("a/train:loss")}, False),
        ({"a": [{"wildcard": "a.c"}]}, {"a": text("abc")}, False),
        ({"a": [{"equals-ignore-case": "Loss"}]}, {"a": text("lOSS")}, True),
        ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": text("10.0.0.255")}, True),
        ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": text("10.0.1.0")}, False),
        ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": text("no address")}, False),
        ({"a": [{"numeric": ["=", 3.5]}]}, {"a": number("3.50")}, True),
        ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": number("5")}, True),
        ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": number("0")}, False),
        ({"a": [{"numeric": ["<", 0]}]}, {"a": text("-1")}, False),
        ({"a": [{"anything-but": ["x", "y"]}]}, {"a": text("z")}, True),
        ({"a": [{"anything-but": ["x", "y"]}]}, {"a": text("y")}, False),
        ({"a": [{"anything-but": "x"}]}, {}, False),
        ({"a": [{"anything-but": 7}]}, {"a": number("7.0")}, False),
        ({"a": [{"anything-but": {"prefix": "tmp-"}}]}, {"a": text("tmp-1")}, False),
        ({"a": [{"anything-but": {"prefix": "tmp-"}}]}, {"a": text("job-1")}, True),
        ({"a": [{"anything-but": {"suffix": ["-a", "-b"]}}]}, {"a": text("x-b")}, False),
        ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"b": text("y")}, True),
        ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"c": text("z")}, False),
        ({"c": ["z"], "$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"a": text("x")}, False),
    ],
)
def test_attributes_are_looked_at(policy: dict, attributes: dict, accepted: bool):
    assert accepts_attributes(parse(json.dumps(policy), ATTRIBUTES), attributes) is accepted


@pytest.mark.parametrize(
    ("policy", "body", "accepted"),
    [
        ({}, "no JSON", True),
        ({"a": ["x"]}, "no JSON", False),
        ({"a": ["x"]}, "[1]", False),
        ({"a": ["x"]}, '{"a": "x"}', True),
        ({"a": {"b": ["x"]}}, '{"a": {"b": "x"}}', True),
        ({"a": {"b": ["x"]}}, '{"a": {"c": "x"}}', False),
        ({"a": {"b": ["x"]}}, '{"a": [{"b": "y"}, {"b": "x"}]}', True),
        ({"a": {"b": [{"exists": False}]}}, '{"a": {"c": 1}}', True),
        ({"a": {"b": [{"exists": False}]}}, "{}", True),
        ({"a": ["x"]}, '{"a": ["y", ["x"]]}', True),
        ({"a": ["x"]}, '{"a": ' + "[" * 800 + '"x"' + "]" * 800 + "}", True),
        ({"a": [None]}, '{"a": null}', True),
        ({"a": [True]}, '{"a": 1}', False),
        ({"a": [{"numeric": [">=", 2]}]}, '{"a": 2.5}', True),
        ({"a": ["x"]}, '{"a": {"x": 1}}', False),
    ],
)
def test_the_body_is_looked_at(policy: dict, body: str, accepted: bool):
    assert accepts_body(parse(json.dumps(policy), BODY), body) is accepted


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("{", "failed to parse JSON."),
        ("[]", "Filter policy must be a JSON object"),
        ('{"a":"x"}', '"a" must be an object or an array'),
        ('{"a":[]}', "Empty arrays are not allowed"),
        ('{"a":{}}', "Empty objects are not allowed"),
        ('{"a":[["x"]]}', "Match value must be String, number, true, false, or null"),
        ('{"a":[{"wrong-operator":true}]}', "Unrecognized match type wrong-operator"),
        ('{"a":[{"suffix":"x","prefix":"y"}]}', "Only one key allowed in match expression"),
        ('{"a":[{"suffix":100}]}', "suffix match pattern must be a string"),
        ('{"a":[{"prefix":null}]}', "prefix match pattern must be a string"),
        ('{"a":[{"exists":"no"}]}', "exists match pattern must be either true or false."),
        ('{"a":[{"cidr":"10.0.0.0/99"}]}', "Malformed CIDR, one '/' required"),
        ('{"a":[{"numeric":[]}]}', "Invalid member in numeric match: ]"),
        ('{"a":[{"numeric":["operator"]}]}', "Unrecognized numeric range operator: operator"),
        ('{"a":[{"numeric":[1,"<="]}]}', "Invalid member in numeric match: 1"),
        ('{"a":[{"numeric":["=","000"]}]}', "Value of equals must be numeric"),
        ('{"a":[{"numeric":[">="]}]}', "Value of >= must be numeric"),
        ('{"a":[{"numeric":["<",100,">",10]}]}', "Too many elements in numeric expression"),
        ('{"a":[{"numeric":[">=",1,">",2]}]}', "Bad numeric range operator: >"),
        ('{"a":[{"numeric":[">",3,"<",1]}]}', "Bottom must be less than top"),
        ('{"a":[{"numeric":[">",20,"<="]}]}', "Value of <= must be numeric"),
        ('{"a":[{"numeric":[">",20,30]}]}', "Bad value in numeric range: 30"),
        ('{"a":[{"numeric":[">",20,"<",30,"<",50]}]}', "Too many terms in numeric range expression"),
        ('{"a":[1e10]}', "Numeric values must be between -1000000000 and 1000000000"),
        ('{"a":[{"anything-but":[]}]}', "Empty arrays are not allowed"),
        ('{"a":[{"anything-but":["x",1]}]}', "Inside anything but list, start|null|boolean is not supported."),
        ('{"a":[{"anything-but":{"exists":true}}]}', "Unsupported anything-but pattern"),
        (json.dumps({one: ["x"] for one in "abcdef"}), "Filter policy can not have more than 5 keys"),
        (json.dumps({"a": [str(one) for one in range(151)]}), "Filter policy is too complex"),
        (json.dumps({one: list(range(6)) for one in "abc"}), "Filter policy is too complex"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_in_SNSs_words(policy: str, message: str):
    with pytest.raises(InvalidPolicy) as refusal:
        parse(policy, BODY)
    assert str(refusal.value) == message


def test_a_policy_on_attributes_does_not_look_into_objects():
    with pytest.raises(NestedPolicy):
        parse('{"a":{"b":["x"]}}', ATTRIBUTES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(policy=JSON, body=JSON)
def test_every_policy_is_refused_or_says_yes_or_no_to_every_body(policy: object, body: object):
    try:
        parsed = parse(json.dumps(policy), BODY)
    except InvalidPolicy:
        return
    assert accepts_body(parsed, json.dumps(body)) in (True, False)


@given(value=st.text(max_size=20))
def test_what_is_named_is_accepted_and_what_is_excluded_is_not(value: str):
    body = json.dumps({"a": value})
    assert accepts_body(parse(json.dumps({"a": [value]}), BODY), body)
    assert not accepts_body(parse(json.dumps({"a": [{"anything-but": value}]}), BODY), body)
