"""HTML of a report's parts. Whatever comes in as a word is escaped here, and nowhere else."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from epochwatch.profiler.report.distribution import Distribution, Histogram

PHASE_NAMES: Final = {
    "data_loading": "data loading",
    "forward": "forward",
    "backward": "backward",
    "optimizer": "optimizer",
    "communication": "communication",
    "checkpoint": "checkpoint",
    "evaluation": "evaluation",
    "idle": "idle or the script's own",
    "outside": "outside of steps",
    "initialization": "initialization",
    "finalization": "finalization",
}
RANKS: Final = ("max", "p99", "p95", "p90", "p50", "min")
"""The columns of ``row_of``."""
BOX: Final = ("p5", "p25", "p50", "p75", "p95")


class Markup(str):
    """HTML that is safe: made here, of words that were escaped."""

    __slots__ = ()


def text(value: object) -> str:
    """A word from outside, or HTML of ours as it is."""
    return value if isinstance(value, Markup) else escape(str(value))


def joined(*parts: str) -> Markup:
    """One after the other: HTML of ours."""
    return Markup("".join(parts))


def note(words: str) -> Markup:
    """A paragraph; nothing where there are no words."""
    return Markup(f"<p>{text(words)}</p>\n" if words else "")


def table(label: str, head: Sequence[str], rows: Iterable[Sequence[object]], words: int = 1) -> Markup:
    """A table that scrolls by itself where the page is narrow; its first ``words`` columns are text."""

    def cell(place: int, value: object) -> str:
        kind = ' class="text"' if place < words else ""
        return f'<th scope="row"{kind}>{text(value)}</th>' if place == 0 else f"<td{kind}>{text(value)}</td>"

    titles = "".join(
        f'<th scope="col"{" class=text" if place < words else ""}>{text(title)}</th>'
        for place, title in enumerate(head)
    )
    body = "\n".join("<tr>" + "".join(cell(*one) for one in enumerate(row)) + "</tr>" for row in rows)
    return Markup(
        f'<div class="scroll" role="region" tabindex="0" aria-label="{text(label)}"><table><thead><tr>{titles}</tr>'
        f"</thead><tbody>{body}</tbody></table></div>\n"
    )


def phase_bar(label: str, parts: Mapping[str, float]) -> Markup:
    """A bar that is divided as seconds are; with their names and shares below it."""
    total = sum(parts.values())
    shown = [(name, seconds) for name, seconds in parts.items() if total and seconds / total >= 0.0005]
    bar = "".join(
        f'<span class="{name}" style="width:{seconds / total:.3%}" title="{_words(name, seconds, total)}"></span>'
        for name, seconds in shown
    )
    keys = "".join(
        f'<li><i class="{name}" aria-hidden="true"></i>{_words(name, seconds, total)}</li>'
        for name, seconds in shown
    )
    return Markup(
        f'<div class="bar" role="img" aria-label="{text(label)}">{bar}</div><ul class="keys">{keys}</ul>\n'
    )


def _words(name: str, seconds: float, total: float) -> str:
    return text(f"{PHASE_NAMES.get(name, name)} {percent(seconds / total)} ({duration(seconds)})")


def figure(number: int, title: str, facts: str, keys: Sequence[str] = ()) -> Markup:
    """A chart that the page's script draws: the ``number``-th of its figures."""
    shown = "".join(f'<li><i class="{key}" aria-hidden="true"></i>{PHASE_NAMES[key]}</li>' for key in keys)
    legend = f'<ul class="keys">{shown}</ul>' if keys else ""
    return Markup(
        f'<figure data-figure="{number}"><figcaption><b>{text(title)}</b><span>{text(facts)}</span></figcaption>'
        f'<canvas tabindex="0" role="img" aria-label="{text(f"{title}: {facts}")}"></canvas>'
        f"{legend}<figcaption><output></output></figcaption></figure>\n"
    )


def boxes(title: str, rows: Mapping[str, Distribution], unit: str = "%", top: float = 100.0) -> Markup:
    """A box for each name: from the 25th to the 75th of a hundred, whiskers from the 5th to the 95th."""
    high = len(rows) * 26 + 24
    drawn = [_box(place * 26 + 12, name, one, top) for place, (name, one) in enumerate(rows.items())]
    ticks = "".join(
        f'<text x="{160 + share * 6}" y="{high - 4}" text-anchor="middle">{share * top / 100:g} {unit}</text>'
        for share in (0, 25, 50, 75, 100)
    )
    return Markup(
        f"<figure><figcaption><b>{text(title)}</b><span>5th, 25th, 50th, 75th and 95th of a hundred</span>"
        f'</figcaption><svg viewBox="0 0 790 {high}" role="img" aria-label="{text(title)}">'
        f"{''.join(drawn)}{ticks}</svg></figure>\n"
    )


def _box(y: int, name: str, one: Distribution, top: float) -> str:
    p5, p25, p50, p75, p95 = (160 + min(max(getattr(one, part), 0.0), top) / top * 600 for part in BOX)
    told = ", ".join(f"{part} {getattr(one, part):.1f}" for part in BOX)
    return (
        f'<g><title>{text(f"{name}: {told}")}</title><text x="150" y="{y + 4}" text-anchor="end">{text(name)}</text>'
        f'<line class="rule" x1="{p5:.1f}" y1="{y}" x2="{p95:.1f}" y2="{y}"/>'
        f'<rect class="box" x="{p25:.1f}" y="{y - 8}" width="{max(p75 - p25, 1):.1f}" height="16"/>'
        f'<line class="middle" x1="{p50:.1f}" y1="{y - 8}" x2="{p50:.1f}" y2="{y + 8}"/></g>'
    )


def bars(title: str, facts: str, histogram: Histogram, ends: tuple[str, str]) -> Markup:
    """A histogram; ``ends`` are written below its first and last bar."""
    most = max(histogram.counts, default=0) or 1
    wide = 600 / max(len(histogram.counts), 1)
    step = (histogram.high - histogram.low) / max(len(histogram.counts), 1)
    drawn = "".join(
        f'<rect class="fill" x="{place * wide:.2f}" y="{120 - count / most * 116:.2f}" width="{wide * 0.9:.2f}"'
        f' height="{count / most * 116:.2f}"><title>from {histogram.low + place * step:.4g}: {count:,}</title></rect>'
        for place, count in enumerate(histogram.counts)
        if count
    )
    return Markup(
        f"<figure><figcaption><b>{text(title)}</b><span>{text(facts)}</span></figcaption>"
        f'<svg viewBox="0 0 600 140" role="img" aria-label="{text(f"{title}: {facts}")}">{drawn}'
        f'<text x="0" y="136">{text(ends[0])}</text><text x="600" y="136" text-anchor="end">{text(ends[1])}</text>'
        "</svg></figure>\n"
    )


def percent(share: float | None) -> str:
    """A share of 1 as percent."""
    return "–" if share is None or share != share else f"{share:.1%}".replace("%", " %")  # noqa: PLR0124


def duration(seconds: float | None) -> str:
    """Seconds as ``850 µs``, ``12.3 ms``, ``4.21 s``, ``3 m 05 s``, ``2 h 10 m``."""
    if seconds is None or seconds != seconds:  # noqa: PLR0124
        return "–"
    if seconds == 0:
        return "0 s"
    if seconds < 60:
        scale, unit = next((one for one in ((1.0, "s"), (1e-3, "ms")) if seconds >= one[0]), (1e-6, "µs"))
        return f"{seconds / scale:.3g} {unit}"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} m"


def quantity(value: float, unit: str) -> str:
    """A value of a resource."""
    if value != value:  # noqa: PLR0124
        return "–"
    if unit == "Percent":
        return f"{value:.1f} %"
    if unit == "Watts":
        return f"{value:.0f} W"
    for name in ("B/s", "kB/s", "MB/s", "GB/s"):
        if abs(value) < 1000 or name == "GB/s":
            return f"{value:.3g} {name}"
        value /= 1000
    raise AssertionError("the last unit takes everything")


def moment(seconds: float | None) -> str:
    """Unix seconds as a date and time."""
    return "–" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def row_of(one: Distribution, form: Any) -> list[str]:
    """Maximum, 99th, 95th, 90th, 50th, minimum, as SageMaker's tables have them."""
    return [form(value) for value in (one.max, one.p99, one.p95, one.p90, one.p50, one.min)]
