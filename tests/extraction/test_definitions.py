"""Definitions as users write them."""

import json
from pathlib import Path

import pytest

from epochwatch.errors import UsageError
from epochwatch.extraction.definitions import load_file, parse_flag
from epochwatch.extraction.presets import PRESETS, describe, preset
from epochwatch.model.batch import Definition


def test_a_flag_is_a_name_and_a_regex() -> None:
    assert parse_flag("validation:accuracy=acc=([0-9.]+)") == Definition(
        "validation:accuracy", "acc=([0-9.]+)", "flag"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("loss", "NAME=REGEX"),
        ("=x(.)", "1 to 255"),
        (f"{'n' * 256}=x", "not 256"),
        ("loss=", "0 characters"),
        (f"loss={'x' * 501}", "501 characters"),
        ("loss=a(b", "missing ), unterminated subpattern at character 2: a(b"),
        ("loss=[a", "unterminated character set"),
        ("loss=*", "nothing to repeat at character 1"),
        ("loss=(?P<x>a)(?P<x>b)", "redefinition"),
        (r"n=(?P<TrainingJobName>\w+) (?P<value>\d)", "TrainingJobName, which is a dimension of every"),
        (r"n=(?P<größe>\w+) (?P<value>\d)", "called größe: the names of dimensions are ASCII"),
        ("n=(?P<value>.)" + "".join(f"(?P<g{n}>.)" for n in range(30)), "30 groups that become dimensions"),
        ("loss=(" + "(" * 240 + ")" * 241, ""),
    ],
)
def test_a_wrong_flag_is_refused_with_what_is_wrong(text: str, says: str) -> None:
    if not says:
        assert parse_flag(text).name == "loss"  # deep, but legal
        return
    with pytest.raises(UsageError) as error:
        parse_flag(text)
    assert says in error.value.message


def test_a_file_in_sagemakers_form(tmp_path: Path) -> None:
    entries = [{"Name": "loss", "Regex": "loss=(.+?);"}, {"Name": "acc", "Regex": "acc=(.+)"}]
    expected = [Definition("loss", "loss=(.+?);", "file"), Definition("acc", "acc=(.+)", "file")]
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(entries))
    assert load_file(path) == load_file(str(path)) == expected
    assert load_file(json.dumps({"MetricDefinitions": entries}).encode()) == expected
    assert load_file(json.dumps({"AlgorithmSpecification": {"MetricDefinitions": entries}}).encode()) == expected
    assert load_file(b"[]") == []


def test_a_file_may_say_in_which_unit_and_at_which_resolution_values_are_kept() -> None:
    entry = {"Name": "rate", "Regex": "rate=(.+)", "Unit": "Count/Second", "StorageResolution": 60}
    assert load_file(json.dumps([entry]).encode()) == [Definition("rate", "rate=(.+)", "file", "Count/Second", 60)]


def test_groups_are_no_dimensions_where_no_group_is_called_value() -> None:
    regex = "".join(f"(?P<g{n}>.)" for n in range(40))
    assert parse_flag(f"n={regex}").regex == regex


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            b'[{"Name": "x", "Regex": "(a)", "Unit": "Furlong"}]',
            "entry 1: metric 'x' cannot have the unit 'Furlong'",
        ),
        (b'[{"Name": "x", "Regex": "(a)", "Unit": 5}]', "'Unit' is a text"),
        (b'[{"Name": "x", "Regex": "(a)", "StorageResolution": 5}]', "cannot have the resolution 5: 1 or 60"),
        (b'[{"Name": "x", "Regex": "(a)", "StorageResolution": true}]', "'StorageResolution' is 1 or 60"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"a": 1}', "holds no list"),
        (b'"text"', "holds no list"),
        (b"[1]", "entry 1 needs"),
        (b'[{"Name": "x", "Regex": "(a)"}, {"Name": "x"}]', "entry 2 needs"),
        (b'[{"Name": "x", "Regex": 5}]', "entry 1 needs"),
        (b'[{"Name": "x", "Regex": "("}]', "entry 1: the regex of metric 'x' does not compile"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(content: bytes, says: str) -> None:
    with pytest.raises(UsageError) as error:
        load_file(content)
    assert says in error.value.message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*none\.json: No such file"):
        load_file(tmp_path / "none.json")


def test_every_preset_is_valid_and_described() -> None:
    for name in PRESETS:
        definitions = preset(name)
        assert definitions
        assert describe(name)
        for definition in definitions:
            assert definition.origin == f"preset:{name}"
            assert parse_flag(f"{definition.name}={definition.regex}").regex == definition.regex
        assert len({(definition.name, definition.regex) for definition in definitions}) == len(definitions)


def test_an_unknown_preset_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as error:
        preset("xgbost")
    assert "xgbost" in error.value.message
    assert all(name in (error.value.hint or "") for name in PRESETS)
