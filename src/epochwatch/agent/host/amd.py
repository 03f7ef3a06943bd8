"""AMD's GPUs by the kernel's files: ``/sys/class/drm/cardN/device``."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from epochwatch.agent.host.kept import NAN, KeptFile
from epochwatch.model.host_rows import Column

VENDOR = "0x1002"
_CARD = re.compile(r"card(\d+)")
_FILES = (
    ("busy", "Percent", "gpu_busy_percent", 1.0),
    ("memory.busy", "Percent", "mem_busy_percent", 1.0),
    ("memory.used", "Bytes", "mem_info_vram_used", 1.0),
    ("power", "None", "hwmon/*/power1_average", 1e-6),
    ("temperature", "None", "hwmon/*/temp1_input", 1e-3),
    ("clock.sm", "None", "hwmon/*/freq1_input", 1e-6),
)
"""Our name, unit, the file, and what its unit is worth in ours."""


class AmdGpus:
    """A probe of all cards; numbers go on from ``first``."""

    def __init__(self, first: int = 0, root: str = "/sys/class/drm") -> None:
        self._files: list[tuple[KeptFile, float]] = []
        self._memory: list[tuple[int, float]] = []
        columns = []
        for number, card in enumerate(_cards(Path(root)), first):
            for name, unit, pattern, scale in _FILES:
                path = next(iter(sorted(card.glob(pattern))), None)
                if path is None:
                    continue
                try:
                    file = KeptFile(str(path), 64)
                    float(file.read())
                except (OSError, ValueError):  # a card asleep, or one without this counter
                    continue
                columns.append(Column(f"gpu.{number}.{name}", unit))
                self._files.append((file, scale))
            total = _number(card / "mem_info_vram_total")
            used = Column(f"gpu.{number}.memory.used", "Bytes")
            if total and used in columns:
                self._memory.append((columns.index(used), total))
        memory = [Column(columns[place].name.replace("used", "percent"), "Percent") for place, _ in self._memory]
        self.columns: Sequence[Column] = (*columns, *memory)

    def read(self, seconds: float) -> list[bytes]:
        """What the kernel says of each counter; empty where it does not now."""
        return [_read(file) for file, _ in self._files]

    def values(self, reading: list[bytes], seconds: float) -> list[float]:
        """A value for each column."""
        values = [_float(text) * scale for text, (_, scale) in zip(reading, self._files, strict=True)]
        return values + [100.0 * values[place] / total for place, total in self._memory]


def _cards(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    found = sorted((int(match[1]), name) for name in os.listdir(root) if (match := _CARD.fullmatch(name)))
    cards = [root / name / "device" for _, name in found]
    return [card for card in cards if _vendor(card) == VENDOR]


def _vendor(card: Path) -> str:
    try:
        return (card / "vendor").read_text().strip()
    except OSError:
        return ""


def _number(path: Path) -> float:
    try:
        return float(path.read_text())
    except (OSError, ValueError):
        return 0.0


def _read(file: KeptFile) -> bytes:
    try:
        return file.read()
    except OSError:
        return b""


def _float(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return NAN
