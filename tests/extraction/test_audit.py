"""What definitions match first, looked at for what their authors cannot have meant."""

import json
from collections.abc import Sequence

import pytest

from epochwatch.extraction.audit import ENOUGH
from epochwatch.extraction.extractor import Extractor
from epochwatch.model.batch import Ambiguity, Definition, DefinitionHealth
from epochwatch.model.health import is_shadowed

LOSS = Definition("loss", "loss=([0-9.]+)")


def health(
    definitions: Sequence[Definition], log: str, *, size: int = 0, automatic: bool = False
) -> list[DefinitionHealth]:
    """How the definitions fared; the log comes in chunks of ``size``, with a restart between any two."""
    extractor = Extractor(definitions, automatic=automatic)
    data = log.encode()
    for start in range(0, len(data), size or len(data)):
        extractor.feed(data[start : start + (size or len(data))], start)
        extractor.close()
        extractor = Extractor.restore(json.loads(json.dumps(extractor.state())))
    found = extractor.health()
    extractor.close()
    return found


def test_a_definition_behind_one_of_its_name_is_shadowed() -> None:
    first, second = health([LOSS, Definition("loss", "oss=([0-9.]+)")], "loss=1\nnothing\nloss=2\n")
    assert not is_shadowed(first)
    assert is_shadowed(second)
    assert (second.shadowed, second.shadowed_example) == (2, "loss=1")


def test_a_definition_that_gives_a_value_now_and_then_is_not_shadowed() -> None:
    _, second = health([LOSS, Definition("loss", "oss[=:]([0-9.]+)")], "loss=1\nloss:2\n")
    assert (second.matched, second.shadowed) == (2, 1)
    assert not is_shadowed(second)


def test_two_names_for_one_text_are_ambiguous() -> None:
    both = health(
        [LOSS, Definition("accuracy", "oss=([0-9.]+)"), Definition("fine", "f=(.)")], "loss=1 f=1\nloss=2\n"
    )
    assert [one.ambiguous for one in both] == [
        [Ambiguity("same-text", 2, 2, "loss=1 f=1", "accuracy")],
        [Ambiguity("same-text", 2, 2, "loss=1 f=1", "loss")],
        [],
    ]


def test_one_line_that_tells_two_names_apart_is_enough() -> None:
    both = health([LOSS, Definition("any", "[a-z]+=([0-9.]+)")], "loss=1\nacc=1 loss=2\nloss=3\n")
    assert [one.kind for one in both[0].ambiguous] == []
    assert [one.kind for one in both[1].ambiguous] == ["several-matches"]


def test_several_matches_of_a_line_are_ambiguous_where_they_differ() -> None:
    (found,) = health([LOSS], "val_loss=1 loss=2\nloss=3 loss=3\nloss=4\n")
    assert found.ambiguous == [Ambiguity("several-matches", 1, 3, "val_loss=1 loss=2")]


def test_where_every_match_counts_several_are_meant() -> None:
    (found,) = health([Definition("loss", "loss=(?P<values>[0-9.]+)")], "val_loss=1 loss=2\n")
    assert found.ambiguous == []


def test_presets_are_written_with_such_lines_in_mind() -> None:
    (found,) = health([Definition("loss", "loss=([0-9.]+)", "preset:x")], "val_loss=1 loss=2\n")
    assert found.ambiguous == []


def test_only_the_first_lines_are_looked_at() -> None:
    (found,) = health([LOSS], "loss=1\n" * ENOUGH + "loss=1 loss=2\n" * 5)
    assert found.ambiguous == []
    (found,) = health([LOSS], "loss=1 loss=2\n" * 3 * ENOUGH)
    assert found.ambiguous == [Ambiguity("several-matches", ENOUGH, ENOUGH, "loss=1 loss=2")]


@pytest.mark.parametrize("automatic", [False, True])
@pytest.mark.parametrize("size", [1, 7, 30, 1000])
def test_how_the_log_arrives_changes_nothing(size: int, automatic: bool) -> None:
    definitions = [LOSS, Definition("acc", "[a-z]*=([0-9.]+)"), Definition("loss", "oss=([0-9.]+)$")]
    log = "".join(f"x=1#011loss={n} loss={n + n % 3}#015loss=7\nnoise\n" for n in range(40))
    assert health(definitions, log, size=size, automatic=automatic) == health(
        definitions, log, automatic=automatic
    )


def test_what_runs_in_the_worker_is_not_looked_at() -> None:
    (found,) = health([Definition("m", r"(?<=m=)(\d)")], "m=1 m=2\n")
    assert found.matched == 1
    assert found.ambiguous == []
