"""Rules of composite alarms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.alarm.composite import MOST_ALARMS, Combination, Constant, InvalidRule, Reference, parse
from epochwatch.model.alarm.state import State

STATES = {"hot": State.ALARM, "calm": State.OK, "new": State.INSUFFICIENT_DATA, "a b": State.ALARM}
ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:hot"


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("TRUE", True),
        ("FALSE", False),
        ("ALARM(hot)", True),
        ("ALARM(calm)", False),
        ("OK(calm)", True),
        ("INSUFFICIENT_DATA(new)", True),
        ("INSUFFICIENT_DATA(hot)", False),
        ('ALARM("a b")', True),
        ('ALARM("hot")', True),
        ("ALARM (hot)", True),
        (" ALARM( hot ) ", True),
        ("NOT ALARM(hot)", False),
        ("NOT NOT ALARM(hot)", True),
        ("NOT(ALARM(hot))", False),
        ("ALARM(hot) AND OK(calm)", True),
        ("ALARM(hot) AND ALARM(calm)", False),
        ("ALARM(calm) OR OK(calm)", True),
        ("ALARM(calm) OR ALARM(new)", False),
        ("TRUE OR FALSE AND FALSE", True),
        ("(TRUE OR FALSE) AND FALSE", False),
        ("NOT FALSE AND FALSE", False),
        ("NOT (FALSE AND FALSE)", True),
        ("TRUE AND NOT FALSE", True),
        ("ALARM(hot)\n AND\t(OK(calm) OR ALARM(calm)) AND NOT OK(hot)", True),
        ("ALARM(deleted)", False),
        ("NOT OK(deleted)", True),
        (f"ALARM({ARN})", False),
        (f'ALARM("{ARN}") OR ALARM(hot)', True),
        ("ALARM(OR) OR NOT ALARM(AND)", True),
        ("ALARM(TRUE)", False),
        (r'ALARM("with \"quotes\" and (brackets)")', False),
    ],
)
def test_a_rule_holds_by_the_states_of_its_alarms(rule: str, *, holds: bool) -> None:
    assert parse(rule).holds(STATES) is holds


def test_a_rule_is_a_tree_of_its_parts() -> None:
    root = parse("ALARM(hot) AND NOT (OK(calm) OR TRUE)").root
    either = Combination("OR", (Reference(State.OK, "calm"), Constant(value=True)))
    assert root == Combination("AND", (Reference(State.ALARM, "hot"), Combination("NOT", (either,))))


@pytest.mark.parametrize(("rule", "place"), [("ALARM(a) ALARM(b)", 9), ("ALARM(a) AND", 9), ("", 0)])
def test_a_rule_that_is_none_says_where(rule: str, place: int) -> None:
    with pytest.raises(InvalidRule) as caught:
        parse(rule)
    assert caught.value.place == place


def test_a_rule_names_its_alarms() -> None:
    rule = parse(rf'ALARM({ARN}) OR OK("a b") OR NOT INSUFFICIENT_DATA("a b") OR ALARM("say \"x\"")')
    assert rule.alarms == {ARN, "a b", 'say "x"'}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("", "the rule ends too early"),
        ("AND", "near 'AND'"),
        ("ALARM(hot) AND", "near 'AND'"),
        ("ALARM()", r"near '\)'"),
        ("ALARM(hot) ALARM(calm)", r"near 'ALARM\(calm\)'"),
        ("alarm(hot)", r"near 'alarm\(hot\)'"),
        ("ALARM(hot", "syntax error"),
        ("ALARM(hot))", r"near '\)'"),
        ("ALARM(a b)", r"near 'b\)'"),
        ("hot", "near 'hot'"),
        ("TRUE" + " OR TRUE" * 300, "at most 500 elements, not 601"),
        ("x" * 10_241, "at most 10240 characters, not 10241"),
        ("(" * 200 + "TRUE" + ")" * 200, "at most 100 parentheses deep"),
        (" OR ".join(f"OK(a{n})" for n in range(MOST_ALARMS + 1)), "at most 100 alarms, not 101"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_place(rule: str, message: str) -> None:
    with pytest.raises(InvalidRule, match=message):
        parse(rule)


_RULES = st.recursive(
    st.sampled_from(["TRUE", "FALSE", "ALARM(hot)", "OK(hot)", 'ALARM("a b")', "INSUFFICIENT_DATA(new)"]),
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT {}".format, inner),
    ),
    max_leaves=12,
)


@given(one=_RULES, other=_RULES)
def test_rules_obey_the_laws_of_logic(one: str, other: str) -> None:
    both, negated = parse(f"NOT ({one} AND {other})"), parse(f"NOT {one} OR NOT {other}")
    assert both.holds(STATES) is negated.holds(STATES)
