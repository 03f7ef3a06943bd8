"""The end of a run, told: a table of the metrics, what never matched, and what to do next."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from epochwatch.agent.tally import MetricTally
from epochwatch.model.batch import DefinitionHealth
from epochwatch.model.health import problems


@dataclass(slots=True)
class Summary:
    """What is known of a run when it has ended."""

    name: str
    exit_code: int
    seconds: float
    metrics: Sequence[MetricTally]
    health: Sequence[DefinitionHealth] = field(default_factory=list)
    console_url: str = ""
    delivered: bool = True
    spool: str = ""
    outputs: Sequence[str] = ("output.log",)
    auto: bool = False
    ending: str = ""
    """How it ended, where the exit code does not tell."""

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(
            {
                "name": self.name,
                "exit_code": self.exit_code,
                "seconds": round(self.seconds, 3),
                "delivered": self.delivered,
                "console_url": self.console_url,
                "metrics": [metric.to_json() for metric in self.metrics],
                "definitions": [
                    {
                        "name": health.name,
                        "regex": health.regex,
                        "origin": health.origin,
                        "matched": health.matched,
                        "non_numeric": health.non_numeric,
                        "example": health.example,
                    }
                    for health in self.health
                ],
                "next": self.next_steps(),
            }
        )

    def next_steps(self) -> list[str]:
        """Commands worth trying now, the most useful three."""
        job = shlex.quote(self.name)
        unmatched = [health for health in self.health if _is_given(health) and not health.matched]
        steps = [] if self.delivered else ["epochwatch sync"]
        if unmatched:
            definition = shlex.quote(f"{unmatched[0].name}={unmatched[0].regex}")
            steps.append(f"epochwatch regex {shlex.quote(self.spool)}/{self.outputs[0]} -m {definition}")
        if self.metrics:
            names = " ".join(shlex.quote(metric.name) for metric in self.metrics[:2])
            steps.append(f"epochwatch plot {job} {names}")
            steps.append(f"epochwatch metrics {job} --format csv")
        steps += [f"epochwatch logs {job}", 'eval "$(epochwatch env)"  # then aws, boto3 and the SageMaker SDK']
        return steps[:3]

    def show(self) -> None:
        """Prints to standard error."""
        from rich.console import Console
        from rich.text import Text

        console = Console(stderr=True, highlight=False, soft_wrap=True)
        ended = self.ending or ("completed" if self.exit_code == 0 else f"ended with exit code {self.exit_code}")
        console.print(Text(f"\n{self.name}: {ended} after {_duration(self.seconds)}", style="bold"))
        if self.metrics:
            console.print(self._table())
        else:
            console.print(Text("no metric values were found in the output"))
            if not self.health and not self.auto:
                console.print(Text("hint: define some with -m NAME=REGEX, or leave out --no-auto"))
        for line in self.complaints():
            console.print(Text(line, style="yellow"))
        if not self.delivered:
            console.print(Text("not everything is at the server yet: it is kept and can be sent", style="yellow"))
        if self.console_url:
            console.print(Text(f"console: {self.console_url}"))
        console.print(Text("next:"))
        for step in self.next_steps():
            console.print(Text(f"  {step}"))

    def complaints(self) -> list[str]:
        """What the user should know of the definitions that they gave."""
        given = filter(_is_given, self.health)
        return [f"warning: definition '{one.name}' {problem}" for one in given for problem in problems(one)]

    def _table(self) -> object:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE, pad_edge=False)
        table.add_column("metric", overflow="fold")
        for heading in ("final", "best", "at step", "min", "max", "points"):
            table.add_column(heading, justify="right", no_wrap=True)
        for metric in self.metrics:
            seen = metric.points > metric.non_finite
            best_step = "" if metric.best_step is None else str(metric.best_step)
            points = f"{metric.points:,}" + (f" ({metric.non_finite} not finite)" if metric.non_finite else "")
            values = [metric.final, *([metric.best, metric.minimum, metric.maximum] if seen else [])]
            texts = [f"{value:.6g}" for value in values] + ["-"] * (4 - len(values))
            cells = [metric.name, texts[0], texts[1], best_step, texts[2], texts[3], points]
            table.add_row(*(Text(cell) for cell in cells))
        return table


def _is_given(health: DefinitionHealth) -> bool:
    """Whether the user wrote it: presets and learnt ones may well find nothing."""
    return health.origin in ("flag", "file")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min {rest} s" if hours else f"{minutes} min {rest} s"
