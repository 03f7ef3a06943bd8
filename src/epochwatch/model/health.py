"""How definitions fared, added up over several logs of a job."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from epochwatch.model.batch import Ambiguity, DefinitionHealth

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
