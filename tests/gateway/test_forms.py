"""Forms: their fields, the tree of their names, and how many layouts are kept."""

from urllib.parse import urlencode

import pytest

from epochwatch.gateway.form_layout import Layouts
from epochwatch.gateway.forms import MAX_FIELDS, form_field, form_fields, regular_form, tree_of
from epochwatch.gateway.models import service_model
from epochwatch.model.aws_error import AwsError

REGULAR = {
    b"a=1": (b"a", ["1"]),
    b"a=1&b=2": (b"a&b", ["1", "2"]),
    b"a=&b=": (b"a&b", ["", ""]),
    b"a=x%26y&b=%3D%3A": (b"a&b", ["x&y", "=:"]),
    b"a=1+2%2B3": (b"a", ["1 2+3"]),
    b"a=%C3%A9": (b"a", ["é"]),
    b"a=%zz": (b"a", ["%zz"]),
    b"a=%253A": (b"a", ["%3A"]),
    b"%61=1": (b"%61", ["1"]),
}
IRREGULAR = [b"", b"a", b"a&b=1", b"a=1&", b"&a=1", b"a=1=2", b"a&b=c=d&e=f", b"a=1&&b=2"]


@pytest.mark.parametrize("body", REGULAR)
def test_a_regular_form_gives_names_and_values(body: bytes) -> None:
    assert regular_form(body) == REGULAR[body]


@pytest.mark.parametrize("body", IRREGULAR)
def test_any_other_form_is_not_regular(body: bytes) -> None:
    assert regular_form(body) is None


FIELDS = {
    b"": {},
    b"a": {"a": ""},
    b"a=1&&b=2&": {"a": "1", "b": "2"},
    b"a=1=2": {"a": "1=2"},
    b"a=1&a=2": {"a": "2"},
    b"=x&a=1": {"a": "1"},
    b"%61=1&b&a=3": {"a": "3", "b": ""},
}


@pytest.mark.parametrize("body", FIELDS)
def test_fields_come_by_name_the_last_of_each(body: bytes) -> None:
    assert form_fields(body) == FIELDS[body]


@pytest.mark.parametrize("body", [b"a=%ff", b"%ff=a", b"a=\xff&b", b"a=1&b=%C3"])
def test_a_form_that_is_no_utf_8_is_refused(body: bytes) -> None:
    with pytest.raises(AwsError, match="UTF-8"):
        form_fields(body)


def test_a_form_of_too_many_fields_is_refused() -> None:
    body = b"&".join([b"a=1"] * (MAX_FIELDS + 1))
    assert regular_form(body) is None
    with pytest.raises(AwsError, match=f"{MAX_FIELDS} fields"):
        form_fields(body)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"Action=A", "A"),
        (b"x=1&Action=A&y=2", "A"),
        (b"Action=A&Action=B%20C", "B C"),
        (b"XAction=A&Action.x=B", None),
        (b"Action", None),
        (b"", None),
    ],
)
def test_one_field_is_found_without_reading_the_others(body: bytes, found: str | None) -> None:
    assert form_field(body, "Action") == found


def test_dotted_names_make_a_tree() -> None:
    fields = {"Action": "X", "a": "1", "b.c": "2", "b.d.1.e": "3", "b.d.1.f": "4", ".g": "5"}
    assert tree_of(fields) == {
        "a": "1",
        "b": {"c": "2", "d": {"1": {"e": "3", "f": "4"}}},
        "": {"g": "5"},
    }


@pytest.mark.parametrize(
    "names",
    [("a", "a.b"), ("a.b", "a"), ("a.b.c", "a.b"), ("a.b", "a.b.c.d"), ("a" + ".b" * 40,)],
)
def test_names_that_make_no_tree_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(AwsError, match=r"structure|deeply"):
        tree_of(dict.fromkeys(names, "x"))


def test_only_so_many_layouts_are_kept() -> None:
    shape = service_model("cloudwatch").operation_model("PutMetricData").input_shape
    layouts = Layouts(limit=10_000)
    for number in range(1, 100):
        names = [f"MetricData.member.{index}.MetricName" for index in range(1, number)] + ["Namespace"]
        regular = regular_form(urlencode(dict.fromkeys(names, "x")).encode())
        assert regular is not None
        layout = layouts.layout(shape, regular[0])
        assert layout is not None
        assert layouts.layout(shape, regular[0]) is layout
    assert 2 <= len(layouts) <= 5
