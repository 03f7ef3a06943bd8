"""How definitions fared, added up over several logs."""

import pytest

from epochwatch.model.batch import Ambiguity, DefinitionHealth
from epochwatch.model.health import is_shadowed, merged, problems


def test_counts_of_one_definition_are_added_up_and_others_kept_apart() -> None:
    one = DefinitionHealth("loss", "a", matched=3, non_numeric=1, non_finite=1, shadowed=1, refused=2)
    two = DefinitionHealth("loss", "a", matched=4, non_numeric=0, non_finite=2, shadowed=3, refused=5)
    other = DefinitionHealth("loss", "b", matched=7)
    assert merged([[one, other], [two]]) == [
        DefinitionHealth("loss", "a", matched=7, non_numeric=1, non_finite=3, shadowed=4, refused=7),
        other,
    ]
    assert one.matched == 3


def test_an_example_of_what_is_no_number_wins_over_one_that_matched() -> None:
    fine = DefinitionHealth("m", matched=1, example="m=1", shadowed_example="first")
    bad = DefinitionHealth("m", matched=1, non_numeric=1, example="m=x", shadowed_example="second")
    for order in ([fine, bad], [bad, fine]):
        assert merged([[one] for one in order])[0].example == "m=x"
    assert merged([[fine], [bad]])[0].shadowed_example == "first"
    assert merged([[DefinitionHealth("m")], [fine]])[0].example == "m=1"


def test_ambiguities_of_one_kind_and_other_definition_are_one() -> None:
    same = [Ambiguity("same-text", 2, 2, "x", "acc"), Ambiguity("several-matches", 1, 2, "y")]
    later = [Ambiguity("same-text", 3, 4, "z", "acc"), Ambiguity("same-text", 1, 4, "w", "err")]
    (health,) = merged([[DefinitionHealth("m", ambiguous=same)], [DefinitionHealth("m", ambiguous=later)]])
    assert health.ambiguous == [
        Ambiguity("same-text", 5, 6, "x", "acc"),
        Ambiguity("several-matches", 1, 2, "y"),
        Ambiguity("same-text", 1, 4, "w", "err"),
    ]


def test_a_definition_is_shadowed_when_it_never_gave_a_value_itself() -> None:
    assert is_shadowed(DefinitionHealth("m", matched=3, non_numeric=1, shadowed=2))
    assert not is_shadowed(DefinitionHealth("m", matched=3, shadowed=2))
    assert not is_shadowed(DefinitionHealth("m"))


@pytest.mark.parametrize(
    ("health", "says"),
    [
        (DefinitionHealth("m", "m=(.)", matched=1), []),
        (DefinitionHealth("m", "", "log"), []),
        (DefinitionHealth("m", "m=(.)"), ["never matched: m=(.)"]),
        (
            DefinitionHealth("m", "m=(.)", matched=2, non_numeric=2, example="m=x"),
            ["captured 2 texts that are no numbers, for example in: m=x"],
        ),
        (
            DefinitionHealth("m", "m=(.)", matched=2, shadowed=2, shadowed_example="m=1"),
            [
                "gave no value of its own: an earlier definition of that name gave one on each of its lines,"
                " for example: m=1"
            ],
        ),
        (
            DefinitionHealth(
                "m",
                "m=(.)",
                matched=9,
                ambiguous=[
                    Ambiguity("same-text", 9, 9, "m=1", "n"),
                    Ambiguity("several-matches", 3, 9, "m=1 m=2"),
                ],
            ),
            [
                "captured the same text as 'n' on all 9 lines looked at: m=1",
                "matched more than once in 3 of 9 lines looked at (the first match counts): m=1 m=2",
            ],
        ),
        (
            DefinitionHealth("m", "m=(.)", matched=9, refused=7),
            ["found 7 values that were not kept: it has had 1,000 different dimensions"],
        ),
        (
            DefinitionHealth("m", "m=(.)", matched=1, engine="disabled: 3 lines took longer than its budget"),
            ["is run no more: 3 lines took longer than its budget"],
        ),
        (DefinitionHealth("m", "m=(.)", matched=1, warning="has no group"), ["has no group"]),
    ],
)
def test_problems_are_told_in_words(health: DefinitionHealth, says: list[str]) -> None:
    assert problems(health) == says
