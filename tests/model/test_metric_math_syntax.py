"""What an expression refers to, and what is said of texts that are none."""

import subprocess
import sys

import pytest

from epochwatch.model.metric_math import InvalidExpression, SearchCall, parse

REFERENCES = [
    ("m1", ("m1",)),
    ("m1 + m2 * m1", ("m1", "m2")),
    ("b / a ^ -c", ("b", "a", "c")),
    ("SUM([z, y, FILL(x, w)])", ("z", "y", "x", "w")),
    ("IF(m1 > 3 AND m2 < 2 || m3, -m4, PERIOD(m5))", ("m1", "m2", "m3", "m4", "m5")),
    ("ANOMALY_DETECTION_BAND(m1, 3)", ("m1",)),
    ("SUM(METRICS('m1'))", ()),
    ("SEARCH('m1', 'Sum')", ()),
    ("a_B9 + TIME_SERIES(1e3)", ("a_B9",)),
    ("and + or", ("and", "or")),
]


@pytest.mark.parametrize(("text", "ids"), REFERENCES)
def test_an_expression_tells_the_ids_it_refers_to_in_order(text, ids):
    assert parse(text).identifiers == ids


def test_an_expression_tells_its_searches_metrics_calls_and_bands():
    expression = parse(
        "SUM(SEARCH('{A} b', 'Average', 60)) + SUM(SEARCH('{A} b', 'Average', 60)) + SUM(SEARCH(\"c\", 'tm90')) "
        "+ SUM(METRICS()) / SUM([METRICS('x'), METRICS(\"x\")]) + LAST(ANOMALY_DETECTION_BAND(m2)) + m1"
    )
    assert expression.searches == (SearchCall("{A} b", "Average", 60), SearchCall("c", "tm90"))
    assert expression.metrics_calls == (None, "x")
    assert expression.bands == ("m2",)
    assert expression.identifiers == ("m2", "m1")


QUOTED = [
    ("'plain'", "plain"),
    ('"double"', "double"),
    ("'say \"x\"'", 'say "x"'),
    (r"'it\'s'", "it's"),
    (r"'back\\slash \( \"x\"'", r"back\\slash \( \"x\""),
    ("'zwei\nZeilen ä'", "zwei\nZeilen ä"),
    ("'(((((((((((((((((((((((((((((((((((((('", "(" * 38),
]


@pytest.mark.parametrize(("literal", "text"), QUOTED)
def test_a_text_in_quotes_reaches_search_as_written(literal, text):
    [search] = parse(f"SEARCH({literal}, 'Sum')").searches
    assert search.query == text


WRONG = [
    ("", "the expression is empty"),
    ("   ", "the expression is empty"),
    ("m1 +", "column 5: the expression ends where a value was expected"),
    ("+ m1", r"column 1: '\+' stands where a value was expected"),
    ("m1 * / m2", "column 6: '/' stands where a value was expected"),
    ("(m1", r"column 4: the expression ends where '\)' was expected"),
    ("m1)", r"column 3: '\)' stands where the end was expected"),
    ("[m1", "column 4: the expression ends where .*was expected"),
    ("[m1,]", "column 5: '\\]' stands where a value was expected"),
    ("[]", "column 2: '\\]' stands where a value was expected"),
    ("m1 m2", "column 4: 'm2' stands where an operator was expected"),
    ("5m1", "column 2: 'm1' stands where an operator was expected"),
    ("m1, m2", "column 3: ',' stands where the end was expected"),
    ("m1 = 3", "column 4: '=' stands where an operator was expected"),
    ("m1 $ 3", r"column 4: '\$' stands where an operator was expected"),
    ("m1 <> 3", "column 5: '>' stands where a value was expected"),
    ("m1 & m2", "column 4: '&' stands where"),
    ("m1 and m2", "column 4: 'and' stands where an operator was expected"),
    ("NOT m1", "column 5: 'm1' stands where"),
    ("!m1", "column 1: '!' stands where a value was expected"),
    ("m1 % 2", "column 4: '%' stands where an operator was expected"),
    ("é + 1", "column 1: 'é' stands where a value was expected"),
    ("m1 + 'x", "column 6: the text that begins with ' is not closed"),
    ('SEARCH("x, 5', 'column 8: the text that begins with " is not closed'),
    ("'abc'", "the text 'abc' can stand only as an argument of a function"),
    ("m1 + 'x'", "the text 'x' can stand only as an argument"),
    ("-'x'", "the text 'x' can stand only as an argument"),
    ("2 ^ 'x'", "the text 'x' can stand only as an argument"),
    ("[m1, 'x']", "the text 'x' can stand only as an argument"),
    ("AVG", "'AVG' is neither an Id, which begins with a small letter, nor a function"),
    ("M1 + m2", "'M1' is neither an Id"),
    ("m1 ^ REPEAT", "'REPEAT' is neither an Id"),
    ("AND", "'AND' is neither an Id|column 1"),
    ("avg(m1)", r"column 4: '\(' stands where an operator was expected"),
    ("Avg(m1)", "column 1: there is no function Avg; did you mean AVG?"),
    ("m1 + AVERAGE(m1)", "column 6: there is no function AVERAGE"),
    ("MAX_OVER(m1)", "there is no function MAX_OVER"),
    ("SUM()", "column 1: SUM takes 1 argument, not 0"),
    ("SUM(m1, m2)", "SUM takes 1 argument, not 2"),
    ("1 + IF(m1)", "column 5: IF takes 2 to 3 arguments, not 1"),
    ("IF(m1, 1, 2, 3)", "IF takes 2 to 3 arguments, not 4"),
    ("FILL(m1)", "FILL takes 2 arguments, not 1"),
    ("LAMBDA()", "LAMBDA takes at least 1 argument, not 0"),
    ("METRICS('a', 'b')", "METRICS takes 0 to 1 argument, not 2"),
    ("FILL(m1, PREVIOUS)", "argument 2 of FILL must be an expression or REPEAT | LINEAR"),
    ("FILL(m1, 'REPEAT')", "argument 2 of FILL must be an expression or REPEAT | LINEAR"),
    ("SORT([m1], STDDEV, ASC)", r"argument 2 of SORT must be AVG \| MIN \| MAX \| SUM"),
    ("SORT([m1], AVG, UP)", r"argument 3 of SORT must be ASC \| DESC"),
    ("SORT([m1], AVG, m1)", r"argument 3 of SORT must be ASC \| DESC"),
    ("METRICS(m1)", "argument 1 of METRICS must be a text in quotes"),
    ("METRICS(5)", "argument 1 of METRICS must be a text in quotes"),
    ("PERIOD(m1 + 1)", "argument 1 of PERIOD must be the Id of a metric or expression"),
    ("PERIOD(5)", "argument 1 of PERIOD must be the Id"),
    ("ANOMALY_DETECTION_BAND(m1 / 2)", "argument 1 of ANOMALY_DETECTION_BAND must be the Id"),
    ("SUM('m1')", "argument 1 of SUM must be an expression"),
    ("SUM(AVG)", "argument 1 of SUM must be an expression"),
    ("SEARCH('a')", "SEARCH takes 2 to 3 arguments, not 1"),
    ("SEARCH('a', m1)", "argument 2 of SEARCH must be a text in quotes"),
    ("SEARCH('a', 'Sum', m1)", "argument 3 of SEARCH must be a number"),
    ("SEARCH('a', 'Median')", "column 1: SEARCH: 'Median' is not a statistic"),
    ("SEARCH('a', 'Sum', 7)", "SEARCH: 7 is no period"),
    ("SEARCH('a', 'Sum', 60.5)", "SEARCH: 60.5 is no period"),
    ("INSIGHT_RULE_METRIC('rule')", "INSIGHT_RULE_METRIC takes 2 arguments, not 1"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_a_text_that_is_no_expression_is_refused_with_the_place_and_what_was_expected(text, message):
    with pytest.raises(InvalidExpression, match=message):
        parse(text)


def test_an_expression_has_at_most_2048_characters():
    longest = "m1" + "+m1" * 682
    assert len(longest) == 2048
    assert parse(longest).identifiers == ("m1",)
    with pytest.raises(InvalidExpression, match="2049 characters; 2048 are allowed"):
        parse(longest + " ")


@pytest.mark.parametrize(
    ("opening", "closing"), [("(", ")"), ("[", "]"), ("SUM(", ")"), ("-(", ")"), ("2^(", ")")]
)
def test_brackets_nest_at_most_30_deep(opening, closing):
    assert parse(opening * 30 + "m1" + closing * 30).identifiers == ("m1",)
    with pytest.raises(InvalidExpression, match="nested more than 30 deep"):
        parse(opening * 31 + "m1" + closing * 31)


@pytest.mark.parametrize(
    "text", ["-" * 2000 + "m1", "m1" + "^m1" * 600, "m1" + "^-m1" * 500, "m1" + " AND m1" * 290]
)
def test_length_is_no_depth(text):
    assert parse(text).identifiers == ("m1",)


def test_parsing_is_loaded_only_when_used():
    code = "import sys, epochwatch.model.metric_math, epochwatch.model.search; sys.exit('lark' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
