"""Learning at work: the values of fields that no definition names, and how the metrics learnt have fared."""

from typing import Any, cast

from epochwatch.extraction.automatic import Detector
from epochwatch.extraction.extracted import Extracted
from epochwatch.extraction.health import Health
from epochwatch.extraction.plan import Columns
from epochwatch.extraction.steps import Place, Steps
from epochwatch.extraction.templates import Template, plain_number
from epochwatch.model.batch import Definition
from epochwatch.model.run_series import RunSeries


class Learning:
    """Adds the values of learnt metrics; ``taken`` are the names of definitions."""

    def __init__(self, taken: frozenset[str], columns: Columns, steps: Steps) -> None:
        self._detector = Detector(taken)
        self._columns = columns
        self._steps = steps
        self._healths: dict[str, Health] = {}

    def learn(self, out: Extracted, text: bytes, place: Place, end: int) -> None:
        """Adds what is learnt from a line (as printed) that stands there and ends there."""
        for name, value, where in self._detector.observe(text, place):
            health = self._healths.get(name)
            if health is None:
                health = self._healths[name] = Health(self._detector.definition(name))
            health.count(value, text, end)
            column = self._columns.of(RunSeries(name))
            epoch = where.epoch if where.epoch is not None else where.last_epoch
            out.add(column.name_id, value, self._steps.step(column.entry, None, where), epoch, end)

    def complete(self, template: Template, text: bytes) -> bool:
        """Adds to the template of a line what lines of its kind give; False if that is not certain yet."""
        found = self._detector.settled(text)
        if found is None:
            return False
        wheres = [plain_number(text, span) for _, span in found]
        if None in wheres:
            return False
        for (name, _), where in zip(found, wheres, strict=True):
            template.add(cast("slice", where), self._columns.of(RunSeries(name)), self._healths[name])
        return True

    @property
    def tabled(self) -> bool:
        """Whether a table's header has come: lines that told nothing before may be rows of one behind it."""
        return self._detector.tabled

    def definitions(self) -> list[Definition]:
        """Those learnt."""
        return self._detector.definitions()

    def tallies(self) -> list[Health]:
        """How each of ``definitions()`` has fared."""
        return [self._healths[definition.name] for definition in self.definitions()]

    def state(self) -> dict[str, Any]:
        """For ``restore``; JSON-able."""
        return {
            "learnt": {name: health.state() for name, health in self._healths.items()},
            "detector": self._detector.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on where ``state`` was taken."""
        self._detector.restore(state["detector"])
        for definition in self.definitions():
            self._healths[definition.name] = Health(definition)
            self._healths[definition.name].restore(state["learnt"][definition.name])
