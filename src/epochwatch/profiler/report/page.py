"""The page of a report: one HTML file that asks for nothing from anywhere."""

import base64
import hashlib
from importlib.resources import files
from typing import Any, Final

import msgspec

from epochwatch.profiler.report import sections
from epochwatch.profiler.report.figures import Figures
from epochwatch.profiler.report.markup import Markup, duration, moment, percent, phase_bar, text
from epochwatch.profiler.report.summary import Summary

_HERE: Final = files("epochwatch.profiler.report")
_STYLE: Final = (_HERE / "report.css").read_text("utf-8")
_SCRIPT: Final = (_HERE / "report.js").read_text("utf-8")
_HASH: Final = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_HASH}';"
    " base-uri 'none'; form-action 'none'"
)
"""The Content-Security-Policy of a page: its own script runs, no other, and nothing is loaded or sent."""


def page(summary: Summary) -> str:
    """The whole page."""
    figures = Figures()
    parts = [(heading, body) for heading, body in sections.all_of(summary, figures) if body]
    links = "".join(f'<li><a href="#{_anchor(heading)}">{text(heading)}</a></li>' for heading, _ in parts)
    below = "".join(f'<h2 id="{_anchor(heading)}">{text(heading)}</h2>\n{body}\n' for heading, body in parts)
    title = text(f"Profile of {summary.job}")
    times = summary.times
    data = {"from": times.started, "to": max(times.ended, times.started + 1e-3), "figures": figures.shown}
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n<style>{_STYLE}</style></head>\n<body>'
        f'<header><h1>{title}</h1>\n<p class="facts">{text(_facts(summary))}</p></header>\n<main>{_first(summary)}'
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n'
        '<p class="hint muted">Curves share one time axis: drag over one to zoom into all; with the keyboard, move with'
        " the arrows, zoom with + and −, and go back with 0.</p>\n"
        '<button type="button" id="reset" class="reset" hidden>Show the whole time</button>\n'
        f"{below}</main>\n"
        f'<script type="application/json" id="figures">{_embedded(data)}</script>\n'
        f"<script>{_SCRIPT}</script>\n</body></html>\n"
    )


def _embedded(data: Any) -> str:
    """JSON that no word in it can end early."""
    return msgspec.json.encode(data).decode().replace("<", "\\u003c")


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-").replace("/", "-")


def _facts(summary: Summary) -> str:
    times, training = summary.times, summary.training
    state = "ended" if summary.complete else "still going on when this was written"
    words = [
        f"from {moment(times.started)}, {duration(times.total)}, {state}",
        f"nodes: {len(summary.nodes)}",
    ]
    if training.ranks:
        words += [f"processes: {training.ranks}", f"steps: {training.steps:,}"]
    return " · ".join(words)


def _first(summary: Summary) -> Markup:
    """What is seen before anything else: the verdict, the biggest losses, where the time went."""
    verdict = f'<p class="verdict">{text(summary.verdict)}</p>\n' if summary.verdict else ""
    losses = "".join(
        f"<li><b>{text(loss.name)}</b>{text(duration(loss.seconds))}, {percent(loss.share)} of the wall time"
        f"<p>{text(loss.remedy)}</p></li>"
        for loss in summary.losses
    )
    shown = f'<ol class="losses" aria-label="The biggest losses of time">{losses}</ol>\n' if losses else ""
    return Markup(f"{verdict}{shown}{_wall_time(summary)}")


def _wall_time(summary: Summary) -> Markup:
    times, training = summary.times, summary.training
    if not times.total:
        return Markup('<p class="verdict">Nothing was recorded of this training yet.</p>')
    parts = {
        "initialization": times.initialization,
        **training.phases,
        "outside": max(times.loop - sum(training.phases.values()), 0.0),
        "finalization": times.finalization,
    }
    goodput = f" {percent(summary.goodput.share)} of it went into learning." if summary.goodput else ""
    return Markup(f"<p>Where the wall time went.{goodput}</p>{phase_bar('Where the wall time went', parts)}")
