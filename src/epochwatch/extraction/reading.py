"""Reads lines of known templates, many at once: their values are cut out and go into the columns."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import compress
from operator import or_
from typing import cast

from epochwatch.extraction.extracted import Extracted
from epochwatch.extraction.lookback import BOTH
from epochwatch.extraction.matcher import Span
from epochwatch.extraction.steps import COUNTED, LAST, Place, Steps
from epochwatch.extraction.templates import Template


@dataclass(slots=True)
class Rows:
    """Some lines of a log, in order."""

    templates: Sequence[Template | None]
    texts: Sequence[bytes]
    """In ``plain_form``."""
    ends: Sequence[int]
    spans: Sequence[Span] = ()
    """Where they are in the block, if they are not all of its lines."""
    told: int = BOTH
    """Which of step and epoch (as bits) lines among them tell wherever the block does before one that needs it."""

    def without_idle(self) -> "Rows":
        """Those that may give or tell something."""
        kept = [template is None or not template.idle for template in self.templates]
        if all(kept):
            return self
        return Rows(
            list(compress(self.templates, kept)),
            list(compress(self.texts, kept)),
            list(compress(self.ends, kept)),
            list(compress(self.spans, kept)),
        )

    def telling(self, tellers: Mapping[int, Sequence[Span]]) -> int:
        """Of the kinds sought, those that each of the lines found for it tells."""
        if not tellers:
            return 0
        templates = dict(zip(self.spans, self.templates, strict=True))
        return sum(
            kind
            for kind, spans in tellers.items()
            if all((template := templates.get(span)) is not None and template.tells & kind for span in spans)
        )

    def wanted(self) -> int:
        """Which of step and epoch some lines with values do not tell."""
        return reduce(or_, [template.untold for template in set(self.templates) if template is not None], 0)

    def last_with_values(self, begin: int, until: int) -> int:
        """The last line of ``spans`` in this range that has values; -1 if there is none."""
        for number in range(until - 1, begin - 1, -1) if self.spans else ():
            template = self.templates[number]
            if template is not None and template.values:
                return number
        return -1


class Reader:
    """Adds what lines of templates hold; ``place`` and ``steps`` go on from line to line."""

    def __init__(self, place: Place, steps: Steps) -> None:
        self._place = place
        self._steps = steps
        self._read: list[Template] = []

    def read(self, out: Extracted, rows: Rows, begin: int, until: int) -> None:
        """Adds the values of the lines from ``begin`` to ``until``, of which the templates are known."""
        templates = cast("Sequence[Template]", rows.templates[begin:until])
        texts, ends = rows.texts[begin:until], rows.ends[begin:until]
        self._read += templates
        out.values.fromlist(
            [
                float(text[where])
                for template, text in zip(templates, texts, strict=True)
                for where in template.values
            ]
        )
        out.name_ids.frombytes(b"".join([template.name_ids for template in templates]))
        place, untold = self._place, self._steps.untold
        place.step = place.epoch = None
        epoch = math.nan if place.last_epoch is None else place.last_epoch
        steps: list[int] = []
        epochs: list[float] = []
        line_ends: list[int] = []
        add_step, add_epoch, add_end = steps.append, epochs.append, line_ends.append
        for template, text, end in zip(templates, texts, ends, strict=True):
            step = None
            if template.step is not None:
                place.last_step = step = int(text[template.step])
            if template.epoch is not None:
                place.last_epoch = epoch = float(text[template.epoch])
            for entry in template.entries:
                if step is not None:
                    entry[1] = step
                elif entry[0] == COUNTED and entry[1] < LAST:  # as untold() does
                    entry[1] += 1
                else:
                    untold(entry, place)
                add_step(entry[1])
                add_epoch(epoch)
                add_end(end)
        out.steps.fromlist(steps)
        out.epochs.fromlist(epochs)
        out.ends.fromlist(line_ends)

    def count(self) -> None:
        """Counts the values read since the last call for the health of their definitions."""
        for template, times in Counter(self._read).items():
            for health in template.healths:
                health.matched += times
        self._read.clear()
