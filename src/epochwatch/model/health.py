"""How definitions fared, added up over several logs of a job."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from epochwatch.model.batch import Ambiguity, DefinitionHealth
from epochwatch.model.run_series import MOST_COMBINATIONS

_COUNTS = ("matched", "non_numeric", "non_finite", "shadowed", "refused")


def merged(reports: Iterable[Sequence[DefinitionHealth]]) -> list[DefinitionHealth]:
    """The reports of several logs as one: counts added up, of examples the first of what is worst."""
    found: dict[tuple[str, str], DefinitionHealth] = {}
    for health in (one for report in reports for one in report):
        known = found.get((health.name, health.regex))
        found[health.name, health.regex] = health if known is None else _both(known, health)
    return list(found.values())


def is_shadowed(health: DefinitionHealth) -> bool:
    """Whether each value that the definition found was given by an earlier one of the same name."""
    return 0 < health.shadowed == health.matched - health.non_numeric


def problems(health: DefinitionHealth) -> list[str]:
    """What the user should know of the definition, in words that follow its name; empty if all is well."""
    return [text for text in _problems(health) if text]


def _problems(health: DefinitionHealth) -> Iterator[str]:
    if health.regex and not health.matched:
        yield f"never matched: {health.regex}"
    if health.non_numeric:
        yield f"captured {health.non_numeric} texts that are no numbers, for example in: {health.example}"
    yield from doubts(health)
    if health.engine.startswith("disabled"):
        yield f"is run no more: {health.engine.partition(': ')[2]}"
    yield health.warning


def doubts(health: DefinitionHealth) -> list[str]:
    """Why the definition may not give what it was meant to, though it matches; in words that follow its name."""
    return list(_doubts(health))


def _doubts(health: DefinitionHealth) -> Iterator[str]:
    if is_shadowed(health):
        yield (
            "gave no value of its own: an earlier definition of that name gave one on each of its lines, for example: "
            + health.shadowed_example
        )
    for one in health.ambiguous:
        if one.kind == "same-text":
            yield f"captured the same text as '{one.other}' on all {one.of} lines looked at: {one.example}"
        else:
            yield (
                f"matched more than once in {one.lines} of {one.of} lines looked at (the first match counts): "
                + one.example
            )
    if health.refused:
        yield (
            f"found {health.refused} values that were not kept: it has had {MOST_COMBINATIONS:,} different dimensions"
        )


def _both(one: DefinitionHealth, other: DefinitionHealth) -> DefinitionHealth:
    worse = other.non_numeric and not one.non_numeric
    return replace(
        one,
        **{count: getattr(one, count) + getattr(other, count) for count in _COUNTS},
        example=(other.example if worse else one.example) or other.example,
        shadowed_example=one.shadowed_example or other.shadowed_example,
        ambiguous=_ambiguities([*one.ambiguous, *other.ambiguous]),
    )


def _ambiguities(given: Sequence[Ambiguity]) -> list[Ambiguity]:
    found: dict[tuple[str, str], Ambiguity] = {}
    for one in given:
        known = found.get((one.kind, one.other))
        both = one if known is None else replace(known, lines=known.lines + one.lines, of=known.of + one.of)
        found[one.kind, one.other] = both
    return list(found.values())
