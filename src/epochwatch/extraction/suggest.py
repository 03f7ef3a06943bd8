"""Definitions written for a log: what was learnt from it, as a person would write it down, and tried on it."""

import math
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from epochwatch.extraction.automatic import Detector
from epochwatch.extraction.definitions import LONGEST_NAME, LONGEST_REGEX
from epochwatch.extraction.extractor import Extracted, Extractor
from epochwatch.extraction.fields import NUMBER, THOUSANDS, Field, fields, text_regex
from epochwatch.extraction.forms import as_printed
from epochwatch.extraction.lines import Framer
from epochwatch.extraction.names import channelled
from epochwatch.extraction.shapes import shape_of
from epochwatch.extraction.steps import TELLINGS, Place, told
from epochwatch.model.batch import Definition

Log = Callable[[], Iterable[bytes]]
"""Gives the log in chunks of any size, from its beginning, each time it is called."""

_MOST_FORMS = 4
_MOST_SHAPES = 4096
_CONTEXT = re.compile(rb"[^0-9]{2,24}$")
_NUMBERS = (NUMBER, THOUSANDS, r"[^\s;|]+")
_CLAUSE = 40
_TELLS = re.compile(rb"(?i)step|iter|epoch|\]\t|:\t|^\[")


class Suggestion(msgspec.Struct):
    """A definition for a metric that was learnt."""

    name: str
    """By SageMaker's convention (``validation:loss``) where the log has a split of the data."""
    regex: str
    learnt: str
    """The name as learnt."""
    values: int
    """Values that were learnt."""
    found: int
    """Values that the definition finds in the log."""
    same: bool
    """They are the same values, in the same order."""

    def definition(self) -> dict[str, str]:
        """The definition in SageMaker's form."""
        return {"Name": self.name, "Regex": self.regex}


class Suggestions(msgspec.Struct):
    """What is suggested for some logs."""

    lines: int
    bytes: int
    suggestions: list[Suggestion]
    """In the order of the metrics' first sighting."""
    too_long: list[str]
    """Learnt metrics of which the name or the regular expression would be longer than a definition's may be."""


@dataclass(slots=True)
class _Form:
    """One way in which a field is printed."""

    before: str
    """The character before the name; empty at the beginning of a line."""
    context: str
    """The text before the name, as far as it holds no digit."""
    clause: str
    """A longer text before the name, with numbers."""
    printed: str
    number: str
    """The first of the patterns for numbers that its number matches."""
    scaled: bool


@dataclass(slots=True)
class _Learnt:
    """What is known of a learnt metric."""

    values: "array[float]" = field(default_factory=lambda: array("d"))
    forms: list[_Form] = field(default_factory=list)


def suggest(logs: Sequence[Log], taken: Iterable[str] = ()) -> Suggestions:
    """Learns the metrics of logs and writes definitions for them; ``taken`` are names that need none.

    The logs are read twice: the second time each definition is tried on them, and the shortest that finds just
    what was learnt is taken. Where none does, the one that comes nearest is, and says so.
    """
    learner = _Learner(frozenset(taken))
    for log in logs:
        for chunk in log():
            learner.feed(chunk)
        learner.flush()
    names = channelled(list(learner.metrics))
    choices: dict[str, list[str]] = {}
    for learnt, metric in learner.metrics.items():
        regexes = [*_regexes(metric), learner.detector.definition(learnt).regex]
        choices[learnt] = [regex for regex in dict.fromkeys(regexes) if len(regex) <= LONGEST_REGEX]
    good = [learnt for learnt in choices if choices[learnt] and len(names[learnt]) <= LONGEST_NAME]
    tried = _tried(logs, [(learnt, regex) for learnt in good for regex in choices[learnt]])
    suggestions = [
        _best(names[learnt], learnt, learner.metrics[learnt].values, choices[learnt], tried) for learnt in good
    ]
    too_long = [learnt for learnt in choices if learnt not in good]
    return Suggestions(learner.lines, learner.bytes, suggestions, too_long)


class _Learner:
    """The learning, with the ways in which each field is printed."""

    def __init__(self, taken: frozenset[str]) -> None:
        self.detector = Detector(taken)
        self.metrics: dict[str, _Learnt] = {}
        self.lines = self.bytes = 0
        self._framer = Framer()
        self._shapes: set[bytes] = set()
        self._waiting: dict[str, list[_Form]] = {}  # forms of names that are no metrics yet
        self._last = Place()

    def feed(self, chunk: bytes) -> None:
        """The next bytes of the log."""
        self._see(line.text for line in self._framer.feed(chunk, self.bytes))
        self.bytes += len(chunk)

    def flush(self) -> None:
        """The unfinished last line."""
        self._see(line.text for line in self._framer.flush())

    def _see(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self.lines += 1
            for text in as_printed(line):
                if text:
                    self._learn(text)

    def _learn(self, text: bytes) -> None:
        place = Place(*told(text, TELLINGS)) if _TELLS.search(text) else Place()
        found = self.detector.observe(text, place)
        if self.detector.idle(text):
            return
        shape = shape_of(text)
        if shape not in self._shapes and len(self._shapes) < _MOST_SHAPES:
            self._shapes.add(shape)
            for item in fields(text):
                _note(self._waiting.setdefault(item.name, []), _form(text, item))
        for name, value, _ in found:
            metric = self.metrics.get(name)
            if metric is None:
                metric = self.metrics[name] = _Learnt(forms=self._waiting.setdefault(name, []))
            metric.values.append(value)


def _form(text: bytes, item: Field) -> _Form:
    start = text.rfind(item.printed.encode("utf-8", "replace"), 0, item.span[0])
    before = text[max(0, start - 1) : max(0, start)].decode("utf-8", "replace")
    context = _CONTEXT.search(text[max(0, start - _CLAUSE) : max(0, start)])
    clause = text[max(0, start - _CLAUSE) : max(0, start)]
    if start > _CLAUSE:
        clause = clause.partition(b" ")[2]
    number = text[item.span[0] : item.span[1]].decode("utf-8", "replace")
    if item.scaled:
        number = number[:-1]
    return _Form(
        before,
        context[0].decode("utf-8", "replace") if context else "",
        clause.decode("utf-8", "replace"),
        item.printed,
        next(known for known in _NUMBERS if re.fullmatch(known, number)),
        item.scaled,
    )


def _note(forms: list[_Form], form: _Form) -> None:
    if form not in forms and len(forms) < 2 * _MOST_FORMS:
        forms.append(form)


def _regexes(metric: _Learnt) -> Iterator[str]:
    """Definitions that may do, from the shortest to the most exact."""
    forms = metric.forms
    if not forms:
        return
    number = max((form.number for form in forms), key=_NUMBERS.index)
    captured = f"({number})"
    if any(form.scaled for form in forms):
        captured = rf"(?P<value>{number})(?P<scale>[kKMGBT]?)"
    head = _any_of(text_regex(form.printed) for form in forms)
    anchor = _anchor([form.before for form in forms])
    yield anchor + head + captured
    for around in ([form.context for form in forms], [form.clause for form in forms]):
        if all(around):
            wider = (text_regex(text) + text_regex(form.printed) for text, form in zip(around, forms, strict=True))
            yield _any_of(wider) + captured
    yield rf"(?:^|[^\w./-]){head}{captured}"
    yield rf"(?:^|[^\w./-]){head}{captured}(?:[^\w.]|$)"
    yield rf"{anchor}{head}{captured}(?:[^\w.]|$)"


def _any_of(texts: Iterable[str]) -> str:
    """One pattern for several, which may differ in their blanks alone."""
    choices = list(dict.fromkeys(texts))
    if len({re.sub(" [+]?", " ", text) for text in choices}) == 1:
        choices = [max(choices, key=len)]
    return choices[0] if len(choices) == 1 else f"(?:{'|'.join(choices)})"


def _anchor(before: Sequence[str]) -> str:
    """What stands before the name: the very character, or one of those seen."""
    characters = sorted(set(before) - {""})
    if not characters:
        return "^"
    if characters == ["\t"]:
        anchor = r"(?:\t|#011)"
    elif len(characters) == 1:
        anchor = text_regex(characters[0])
    else:
        anchor = "[" + "".join(_in_class(character) for character in characters) + "]"
    return f"(?:^|{anchor})" if "" in before else anchor


def _in_class(character: str) -> str:
    return r"\t" if character == "\t" else f"\\{character}" if character in "\\]^-[" else character


def _tried(logs: Sequence[Log], regexes: Sequence[tuple[str, str]]) -> "dict[tuple[str, str], array[float]]":
    """The values that each regular expression finds in the logs."""
    found: dict[tuple[str, str], array[float]] = {key: array("d") for key in regexes}
    names = [str(number) for number in range(len(regexes))]
    definitions = [Definition(name, regex) for name, (_, regex) in zip(names, regexes, strict=True)]
    extractor = Extractor(definitions, automatic=False)
    columns = [found[key] for key in regexes]

    def take(part: Extracted) -> None:
        numbers = [int(name) for name in part.names]
        for name_id, value in zip(part.name_ids, part.values, strict=True):
            columns[numbers[name_id]].append(value)

    try:
        for log in logs:
            for chunk in log():
                take(extractor.feed(chunk, extractor.offset))
            take(extractor.flush())
    finally:
        extractor.close()
    return found


def _best(
    name: str,
    learnt: str,
    values: "array[float]",
    regexes: Sequence[str],
    tried: "dict[tuple[str, str], array[float]]",
) -> Suggestion:
    """The first that finds just the values, else the one that finds most nearly as many."""
    for regex in regexes:
        if _same(values, tried[learnt, regex]):
            return Suggestion(name, regex, learnt, len(values), len(values), True)
    regex = min(regexes, key=lambda regex: abs(len(tried[learnt, regex]) - len(values)))
    return Suggestion(name, regex, learnt, len(values), len(tried[learnt, regex]), False)


def _same(some: "array[float]", others: "array[float]") -> bool:
    return len(some) == len(others) and all(
        one == other or (math.isnan(one) and math.isnan(other)) for one, other in zip(some, others, strict=True)
    )
