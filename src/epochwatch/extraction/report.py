"""What definitions find in a log: the pure part of ``epochwatch regex``."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from epochwatch.extraction.extractor import Extractor
from epochwatch.extraction.health import Health, Sighting
from epochwatch.model.batch import Ambiguity, Definition, DefinitionHealth
from epochwatch.model.health import doubts


class Example(msgspec.Struct):
    """A line of the log."""

    line: int
    """Its number from 1 in its file, counting newlines."""
    text: str
    """Cut to 200 characters."""
    value: float | None = None
    """The number taken from it; null where the captured text is none (or, in JSON, is not finite)."""
    file: str | msgspec.UnsetType = msgspec.UNSET
    """The file, where several are examined."""


class DefinitionReport(msgspec.Struct):
    """How one definition fared."""

    name: str
    regex: str
    origin: str
    engine: str
    warning: str
    matched: int
    non_numeric: int
    non_finite: int
    first: Example | None
    """The first match; null if it never matched."""
    not_a_number: Example | None
    """The first match whose captured text is no number."""
    shadowed: int
    """Values not taken because an earlier definition of the same name had given one on the line."""
    refused: int
    """Values not kept because their dimensions were one combination too many."""
    ambiguous: list[Ambiguity]
    doubts: list[str]
    """In words what shadowed, refused and ambiguous come to; they follow the name."""


class Report(msgspec.Struct):
    """How all definitions fared on a log."""

    lines: int
    """Lines, with each refresh of a progress bar as one."""
    bytes: int
    values: int
    """Numbers extracted."""
    definitions: list[DefinitionReport]
    """Those given, then those learnt from the log."""

    @property
    def never_matched(self) -> list[DefinitionReport]:
        """The definitions that matched no line."""
        return [definition for definition in self.definitions if not definition.matched]

    @property
    def non_numeric(self) -> list[DefinitionReport]:
        """The definitions that captured something that is no number."""
        return [definition for definition in self.definitions if definition.non_numeric]


def examine(
    files: Mapping[str, Iterable[bytes]],
    definitions: Sequence[Definition],
    automatic: bool,
    *,
    all_matches: bool = False,
) -> Report:
    """Runs the definitions over logs, each of which comes in chunks of any size; what is learnt, from all of them."""
    extractor = Extractor(definitions, automatic=automatic, all_matches=all_matches)
    numbering = _Numbering()
    lines = values = offset = 0
    try:
        for name, chunks in files.items():
            numbering.begin(name if len(files) > 1 else msgspec.UNSET)
            for chunk in chunks:
                extracted = extractor.feed(chunk, offset)
                numbering.see(extractor.tallies(), chunk, offset)
                offset += len(chunk)
                lines += len(extracted.lines)
                values += len(extracted.values)
            extracted = extractor.flush()
            numbering.see(extractor.tallies(), b"", offset)
            lines += len(extracted.lines)
            values += len(extracted.values)
        reports = [
            _report(tally, health, numbering)
            for tally, health in zip(extractor.tallies(), extractor.health(), strict=True)
        ]
    finally:
        extractor.close()
    return Report(lines, offset, values, reports)


def _report(tally: Health, record: DefinitionHealth, numbering: "_Numbering") -> DefinitionReport:
    return DefinitionReport(
        name=record.name,
        regex=record.regex,
        origin=record.origin,
        engine=record.engine,
        warning=record.warning,
        matched=record.matched,
        non_numeric=record.non_numeric,
        non_finite=record.non_finite,
        first=numbering.example(tally.first),
        not_a_number=numbering.example(tally.bad),
        shadowed=record.shadowed,
        refused=record.refused,
        ambiguous=record.ambiguous,
        doubts=doubts(record),
    )


class _Numbering:
    """Files and line numbers of examples: each is looked up in the chunk in which its line ended."""

    def __init__(self) -> None:
        self._file: str | msgspec.UnsetType = msgspec.UNSET
        self._newlines = 0
        self._places: dict[int, tuple[int, str | msgspec.UnsetType]] = {}

    def begin(self, file: str | msgspec.UnsetType) -> None:
        """The next file."""
        self._file, self._newlines = file, 0

    def see(self, tallies: Sequence[Health], chunk: bytes, base: int) -> None:
        """Notes the places of the examples that ``chunk`` gave."""
        for tally in tallies:
            for sighting in (tally.first, tally.bad):
                if sighting is not None and sighting.end not in self._places:
                    before = chunk.count(b"\n", 0, max(0, sighting.end - 1 - base))
                    self._places[sighting.end] = self._newlines + before + 1, self._file
        self._newlines += chunk.count(b"\n")

    def example(self, sighting: Sighting | None) -> Example | None:
        """The example for a sighting seen."""
        if sighting is None:
            return None
        line, file = self._places[sighting.end]
        return Example(line, sighting.text, sighting.value, file)
