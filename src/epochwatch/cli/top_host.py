"""Pictures of one host for ``epochwatch top``."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from epochwatch.agent.host.rows_file import RowsReader, row_files
from epochwatch.agent.spool import Spool
from epochwatch.model.host_rows import Row, weighted_mean

SHADES = " ▁▂▃▄▅▆▇█"
HISTORY = 60
"""Rows of which the cores' history is drawn."""
NOW = 10
"""Rows over whose time the numbers are a mean: ticks are too coarse for one alone."""
MOST_METRICS = 6


def host_panel(spool: Spool, pace: dict[str, Any] | None) -> Panel | None:
    """The host by its newest rows, and its pace as the server tells it; None before the first row."""
    for path in reversed(row_files(spool.path)):
        try:
            reader = RowsReader(path)
            rows = reader.newest(HISTORY)
        except (OSError, ValueError):
            continue
        if rows and reader.layout is not None:
            names = [column.name for column in reader.layout.columns]
            title = f"{spool.run().host} · {reader.layout.about.get('hostname', '')}"
            return _panel(_host(names, rows), title, pace)
    return None


def summary_panel(host: str, values: dict[str, float], pace: dict[str, Any] | None) -> Panel:
    """A host elsewhere, by its instance metrics."""
    words = [f"{name} {_short(value)}" for name, value in sorted(values.items())]
    return _panel(Text("   ".join(words) or "no values now"), host, pace)


def _panel(content: Any, title: str, pace: dict[str, Any] | None) -> Panel:
    """A straggler's is red."""
    late = pace is not None and bool(pace["straggler"])
    words = [title, *(_pace_words(pace) if pace is not None else [])]
    return Panel(content, title=" · ".join(words), title_align="left", border_style="red" if late else "none")


def _pace_words(pace: dict[str, Any]) -> list[str]:
    words = [f"step {pace['step']}"]
    if pace["rate"] is not None:
        words.append(f"{_short(pace['rate'])} steps/s")
    if pace["straggler"]:
        words.append(f"late by {_short(pace['late'])} s")
    return words


def metrics_line(metrics: dict[str, Any]) -> Text:
    """The job's own metrics, the newest value and step of each."""
    shown = list(metrics.values())[:MOST_METRICS]
    words = []
    for one in shown:
        step = one.get("final_step")
        words.append(f"{one['name']} {_short(one.get('final'))}" + (f" @{step}" if step is not None else ""))
    return Text("   ".join(words), style="cyan")


def _host(names: Sequence[str], rows: Sequence[Row]) -> Group:
    recent = rows[-NOW:]
    now = {name: weighted_mean(recent, place) for place, name in enumerate(names)}
    parts: list[Any] = [_facts(now)]
    cores = [place for place, name in enumerate(names) if name.startswith("cpu.") and name[4:5].isdigit()]
    cores = [place for place in cores if names[place].endswith(".busy")]
    if cores:
        parts.append(_cores(names, rows, cores))
    gpus = sorted({name.split(".")[1] for name in names if name.startswith("gpu.")}, key=int)
    if gpus:
        parts.append(_gpus(gpus, now))
    return Group(*parts)


def _facts(now: dict[str, float]) -> Text:
    def total(prefix: str, suffix: str) -> float:
        known = [v for name, v in now.items() if name.startswith(prefix) and name.endswith(suffix) and v == v]  # noqa: PLR0124
        return sum(known)

    words = [
        f"CPU {_short(now.get('cpu.busy'))} %",
        f"wait {_short(now.get('cpu.iowait'))} %",
        f"memory {size(now.get('memory.used'))} of {size(now.get('memory.limit'))}",
        f"disk {size(total('disk.', '.read'))}/s read {size(total('disk.', '.write'))}/s written",
        f"net {size(total('network.', '.received'))}/s in {size(total('network.', '.sent'))}/s out",
    ]
    if "job.cpu" in now:
        words.append(f"job {_short(now['job.cpu'])} % {size(now.get('job.pss'))}")
    if "cpu.throttled" in now:
        words.append(f"throttled {_short(now['cpu.throttled'])} %")
    return Text("   ".join(words))


def _cores(names: Sequence[str], rows: Sequence[Row], places: Iterable[int]) -> Table:
    """A line for each core: its history, the newest on the right."""
    table = Table.grid(padding=(0, 1))
    for place in places:
        shades = "".join(_shade(row.values[place]) for row in rows)
        last = weighted_mean(rows[-NOW:], place)
        table.add_row(Text(names[place].split(".")[1].rjust(3), style="dim"), shades, f"{_short(last)} %")
    return table


def _gpus(gpus: Sequence[str], now: dict[str, float]) -> Table:
    table = Table("GPU", "busy %", "memory", "%", "W", "°C", "SM %", "tensor %", box=None, header_style="dim")
    for gpu in gpus:
        keys = ("busy", "memory.used", "memory.percent", "power", "temperature", "sm", "tensor")
        shown = [(size if key == "memory.used" else _short)(now.get(f"gpu.{gpu}.{key}")) for key in keys]
        table.add_row(gpu, *shown)
    return table


def _shade(percent: float) -> str:
    if percent != percent:  # noqa: PLR0124 (NaN)
        return " "
    return SHADES[min(max(round(percent / 100 * (len(SHADES) - 1)), 0), len(SHADES) - 1)]


def _short(value: Any) -> str:
    if not isinstance(value, int | float) or value != value:  # noqa: PLR0124
        return "-" if not isinstance(value, str) else value
    return f"{value:.4g}"


def size(value: float | None) -> str:
    """Bytes in the unit that fits."""
    if value is None or value != value:  # noqa: PLR0124
        return "-"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:.4g} {unit}"
        value /= 1024
    return f"{value:.4g} TiB"
