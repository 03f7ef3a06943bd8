"""What any definitions, bytes and cuts into chunks must keep to: no crash, no lost line, the answers of the slow way.

``check`` takes bytes that a fuzzer makes up; ``under_coverage`` lets Atheris do so.
"""

import itertools
import re
from collections.abc import Sequence

from epochwatch.extraction.extractor import Extractor
from epochwatch.extraction.pattern import Pattern
from epochwatch.model.batch import Definition

MAX_LINE = 64
MOST_DEFINITIONS = 4
PIECES = [
    b"loss=", b"loss1=", b"(", b"(?P<value>", b"(?P<step>", b"(?i)", b")", b"[0-9.]+", b"\\S+", b"\\d", b".*", b"|",
    b"#011", b"#015", b"\n", b"\r", b"\r\n", b"\t", b"\x1b[1m", b"\x08", b"step 1", b"epoch: 2", b"[12]\t", b"0.5",
    b"1e999", b"nan", b"'", b"\xc3\xa9", b"\0", b"$", b"^", b"?", b"{2}", b"\xff", b"=", b"x" * 70,
]  # fmt: skip
"""Texts that matter, so that few bytes of input say much."""


class Taken:
    """Reads choices from a fuzzer's bytes; what is not there is zero."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def number(self, below: int) -> int:
        """A number below 256."""
        byte = self._data[self._place] if self._place < len(self._data) else 0
        self._place += 1
        return byte % below

    def text(self) -> bytes:
        """Bytes, made of pieces and single ones."""
        made = b""
        for _ in range(self.number(40)):
            choice = self.number(256)
            made += PIECES[choice % len(PIECES)] if choice < 160 else bytes([self.number(256)])
        return made

    @property
    def over(self) -> bool:
        return self._place >= len(self._data)


def check(data: bytes) -> None:
    """Raises AssertionError where the extractor breaks a promise on what these bytes say."""
    taken = Taken(data)
    definitions = list(filter(_usable, (_definition(taken, n) for n in range(taken.number(MOST_DEFINITIONS + 1)))))
    automatic, all_matches = taken.number(2) == 1, taken.number(2) == 1
    texts = [taken.text()]
    while not taken.over and len(texts) < 12:
        texts.append(taken.text())
    log = b"".join(texts) * (1 + taken.number(4))
    cuts = sorted({0, len(log), *(taken.number(256) * len(log) // 256 for _ in range(taken.number(6)))})
    chunks = [log[begin:end] for begin, end in itertools.pairwise(cuts)]
    expected = outcome(definitions, [log], automatic=automatic, all_matches=all_matches, prefilter=False)
    assert outcome(definitions, chunks, automatic=automatic, all_matches=all_matches) == expected
    assert b"".join(expected[0]) == re.sub(b"[\r\n]", b"", log)


def outcome(
    definitions: Sequence[Definition],
    chunks: Sequence[bytes],
    *,
    automatic: bool,
    all_matches: bool,
    prefilter: bool = True,
) -> tuple[list[bytes], list[str]]:
    """The lines as printed; and the values, and how the definitions fared. The state is saved half-way, and unfinished
    lines are looked at.
    """
    extractor = Extractor(
        definitions, automatic=automatic, all_matches=all_matches, max_line=MAX_LINE, prefilter=prefilter
    )
    lines: list[bytes] = []
    rows: list[str] = []
    for number in range(len(chunks) + 1):
        if prefilter and number == (len(chunks) + 1) // 2:
            extractor = Extractor.restore(extractor.state())
        out = extractor.feed(chunks[number], extractor.offset) if number < len(chunks) else extractor.flush()
        lines += [line.raw for line in out.lines]
        assert len(out.lines) == len(out.lines.ends()) == len(out.lines.messages())
        if prefilter:  # a glimpse changes nothing
            assert set(extractor.glimpse().ends) <= {extractor.offset - 1}
        names = [out.names[name_id] for name_id in out.name_ids]
        rows += map(repr, zip(names, out.values, out.steps, out.epochs, out.ends, strict=True))
    return lines, [*rows, *map(repr, extractor.health())]


def _definition(taken: Taken, number: int) -> Definition:
    regex = taken.text().decode("utf-8", "replace")
    return Definition(f"m{number - taken.number(2)}", regex)


def _usable(definition: Definition) -> bool:
    """Whether it compiles, and runs here: the guarded worker is slow to start, and has tests of its own."""
    try:
        return Pattern(definition).engine == "re2"
    except re.error:
        return False
