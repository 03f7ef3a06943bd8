"""The language of Logs Insights: what texts mean, which are refused, and what the page on it tells."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from epochwatch.model.logs_insights import MalformedQuery, parse
from epochwatch.model.logs_insights.functions import FUNCTIONS, UNITS
from epochwatch.model.logs_insights.grammar import MOST_COMMANDS
from epochwatch.model.logs_insights.reader import DEEPEST
from epochwatch.model.logs_insights.syntax import (
    Arithmetic,
    Call,
    Comparison,
    Field,
    Fields,
    Filter,
    Junction,
    Limit,
    Literal,
    Matching,
    Membership,
    Negation,
    Negative,
    Parse,
    Period,
    Query,
)

PAGE = (Path(__file__).parents[2] / "docs" / "logs-insights.md").read_text()
COMMANDS = PAGE.partition("## Commands")[2].partition("## Fields")[0]


def meaning(expression):
    """An expression as nested tuples, without its places."""
    match expression:
        case Field(name):
            return name
        case Literal(value):
            return value if isinstance(value, float) else (value,)
        case Period(count, unit):
            return f"{count}{unit}"
        case Call(function, arguments):
            return (function, *map(meaning, arguments))
        case Arithmetic(operator, left, right) | Comparison(operator, left, right):
            return (operator, meaning(left), meaning(right))
        case Negative(operand):
            return ("-", meaning(operand))
        case Negation(operand):
            return ("not", meaning(operand))
        case Junction(operator, operands):
            return (operator, *map(meaning, operands))
        case Membership(operand, values, negated):
            return ("not in" if negated else "in", meaning(operand), *map(meaning, values))
        case Matching(operand, pattern, is_regex, negated):
            return ("not " * negated + ("matches" if is_regex else "contains"), meaning(operand), pattern)


def only(text):
    (command,) = parse(text).commands
    return command


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b * c", ("+", "a", ("*", "b", "c"))),
        ("(a + b) * c", ("*", ("+", "a", "b"), "c")),
        ("a - b - c", ("-", ("-", "a", "b"), "c")),
        ("a/b, c/d", ("/", "a", "b")),
        ("a ^ b ^ c", ("^", "a", ("^", "b", "c"))),
        ("a * -b", ("*", "a", ("-", "b"))),
        ("-2.5e1", ("-", 25.0)),
        (".5", 0.5),
        ("a.b.0.c", "a.b.0.c"),
        ("`a b`.c", "a b.c"),
        ("@message", "@message"),
        ("true", 1.0),
        ("`true`", "true"),
        ('"a \\"b\\" \\\\ \\n"', ('a "b" \\ \\n',)),
        ("'it''", None),
        ("bin(5m)", ("bin", "5m")),
        ("bin(5 minutes)", ("bin", "5m")),
        ("bin(1MO)", ("bin", "1mo")),
        ("StrLen( a )", ("strlen", "a")),
        ("notes", "notes"),
        ("order, limits, inside", "order"),
    ],
)
def test_an_expression_is_read_as_arithmetic_is(text, expected):
    if expected is None:
        with pytest.raises(MalformedQuery):
            parse(f"fields {text}")
        return
    command = only(f"fields {text}")
    assert isinstance(command, Fields)
    assert meaning(command.items[0].expression) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1 or b = 2 and c = 3", ("or", ("=", "a", 1.0), ("and", ("=", "b", 2.0), ("=", "c", 3.0)))),
        ("not a = 1 and b", ("and", ("not", ("=", "a", 1.0)), "b")),
        ("not (a and b)", ("not", ("and", "a", "b"))),
        ("a <= b + 1", ("<=", "a", ("+", "b", 1.0))),
        ("a in [1, 'x']", ("in", "a", 1.0, ("x",))),
        ("a not in (1)", ("not in", "a", 1.0)),
        ("a like 'x*'", ("contains", "a", "x*")),
        ("a not like /x/", ("not matches", "a", "(?-s)x")),
        (r"a =~ /a\/(?<n>b)\(?</", ("matches", "a", r"(?-s)a/(?P<n>b)\(?<")),
        ("a LIKE 'x' AND b", ("and", ("contains", "a", "x"), "b")),
        ("a = 'b # c' # d | filter e", ("=", "a", ("b # c",))),
    ],
)
def test_a_condition_binds_not_before_and_before_or(text, expected):
    command = only(f"filter {text}")
    assert isinstance(command, Filter)
    assert meaning(command.condition) == expected


@pytest.mark.parametrize(
    ("text", "regex", "names", "groups"),
    [
        ("parse @message 'a=*, b: *' as x, y", r"(?s)a\=(.*?)\,\ b\:\ (.*)", ("x", "y"), (1, 2)),
        ("parse @message '[*]' as x", r"(?s)\[(.*?)\]", ("x",), (1,)),
        ("parse /(?<k>a)(b)/", "(?-s)(?P<k>a)(b)", ("k",), (1,)),
        ("parse f /(a)(?<k>b)/ as x, y", "(?-s)(a)(?P<k>b)", ("x", "y"), (1, 2)),
    ],
)
def test_patterns_to_parse_become_regular_expressions(text, regex, names, groups):
    command = only(text)
    assert isinstance(command, Parse)
    assert (command.regex, command.names, command.groups) == (regex, names, groups)


def test_results_are_named_as_they_are_written_unless_told_otherwise():
    command = only("fields a, strlen( a ) , b  as c, 1+2, `x y` as `z w`")
    assert [item.name for item in command.items] == ["a", "strlen( a )", "c", "1+2", "z w"]


@pytest.mark.parametrize(
    ("text", "start", "end", "reason"),
    [
        ("", 0, 0, "expected a command"),
        ("   ", 3, 3, "expected a command"),
        ("select a", 0, 6, "expected a command"),
        ("unmask a", 0, 6, "'unmask' is not supported"),
        ("fields a | Anomaly b", 11, 18, "'Anomaly' is not supported"),
        ("fields", 6, 6, "but the query ends"),
        ("fields a |", 10, 10, "but the query ends"),
        ("fields a || limit 1", 10, 11, "expected a command"),
        ("fields a$", 8, 9, "found '\\$'"),
        ("fields 'a", 7, 8, "found"),
        ("filter a = ", 11, 11, "but the query ends"),
        ("filter a like b", 14, 15, "a regular expression or a text in quotes"),
        ("filter a in []", 13, 14, "expected"),
        ("filter a = 1 b", 13, 14, "expected"),
        ("filter a =~ /(?=b)/", 12, 19, "no regular expression"),
        ("filter a =~ /(/", 12, 15, "no regular expression"),
        (r"filter a =~ /(.)\1/", 12, 19, "no regular expression"),
        ("fields nope(1)", 7, 11, "no function 'nope'"),
        ("fields strlen()", 7, 15, "strlen does not take 0 arguments"),
        ("fields strlen(*)", 7, 16, "strlen does not take \\*"),
        ("fields substr(a, 1, 2, 3)", 7, 25, "substr does not take 4 arguments"),
        ("stats count(a, b)", 6, 17, "count does not take 2"),
        ("stats by a", 9, 10, "expected"),
        ("stats count(*) by", 17, 17, "but the query ends"),
        ("parse a 'b' as c", 8, 11, "1 to 50"),
        ("parse a '* *' as c", 8, 13, "2 parts to parse, but there are 1 names"),
        ("parse a /(b)/", 8, 13, "say 'as'"),
        ("limit 0", 6, 7, "1 to 100000"),
        ("limit 100001", 6, 12, "1 to 100000"),
        ("limit 1.5", 6, 9, "1 to 100000"),
        ("limit a", 6, 7, "a number"),
        ("fields 1e999", 7, 12, "too large"),
        ("fields bin(0m)", 11, 13, "between 1"),
        ("sort a up", 7, 9, "expected"),
    ],
)
def test_what_is_no_query_is_refused_with_its_place_and_what_was_expected(text, start, end, reason):
    with pytest.raises(MalformedQuery, match=reason) as refusal:
        parse(text)
    assert (refusal.value.start, refusal.value.end) == (start, end)


@pytest.mark.parametrize(
    "text",
    [
        "filter " + "not " * 2400 + "a",
        "fields " + "-" * 9000 + "1",
        "fields " + "a + " * 2400 + "a",
        "fields " + "abs(" * 1600 + "a" + ")" * 1600,
    ],
)
def test_an_expression_has_so_many_levels_at_most(text):
    with pytest.raises(MalformedQuery, match=f"{DEEPEST} levels deep"):
        parse(text)


def test_what_is_long_but_not_deep_is_taken():
    assert isinstance(only("filter " + " or ".join(["a = 1"] * 1000)), Filter)
    assert isinstance(only("filter " + "(" * 4000 + "a" + ")" * 4000), Filter)


def test_a_query_has_so_many_commands_at_most():
    assert len(parse(" | ".join(["limit 1"] * MOST_COMMANDS)).commands) == MOST_COMMANDS
    with pytest.raises(MalformedQuery, match="50 commands"):
        parse(" | ".join(["limit 1"] * (MOST_COMMANDS + 1)))
    with pytest.raises(MalformedQuery, match="10 stats"):
        parse(" | ".join(["stats count(*)"] * 11))


WORDS = """fields filter parse stats sort limit dedup display by as and or not like in asc desc count a @b `c` ( ) [ ] é
    , | = != < =~ + - * / ^ % 1 5m 'x' "y*" /z(?<n>.)/ # ' strlen("""
"""What queries are made of, and what they are not."""


@given(some.lists(some.sampled_from([*WORDS.split(), "\n"]), max_size=12).map(" ".join) | some.text(max_size=30))
def test_any_text_is_a_query_or_refused_with_a_place_in_it(text):
    try:
        query = parse(text)
    except MalformedQuery as refusal:
        place = refusal.start, refusal.end
    else:
        assert isinstance(query, Query)
        return
    assert 0 <= place[0] <= place[1] <= len(text)


@given(some.integers(1, 100_000))
def test_any_limit_in_bounds_is_taken(count):
    assert only(f"limit {count}") == Limit(count)


@pytest.mark.parametrize("name", sorted(signature.name for signature in FUNCTIONS.values()))
def test_every_function_is_described(name):
    assert re.search(rf"`{name}\(", PAGE)


def test_only_functions_there_are_are_described():
    table = PAGE.partition("## Functions")[2].partition("Periods are")[0]
    described = {name.lower() for name in re.findall(r"`(\w+)\(", table)}
    assert described == set(FUNCTIONS)


@pytest.mark.parametrize("text", re.findall(r"^\| `([a-z]+ [^`]*)`", COMMANDS, re.MULTILINE))
def test_every_command_described_is_one(text):
    assert parse(text).commands


def test_every_unit_described_is_one():
    assert {"ms", "s", "m", "h", "d", "w", "mo", "q", "y"} == set(UNITS.values())
