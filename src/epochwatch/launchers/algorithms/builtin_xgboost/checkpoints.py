"""Models of the last rounds, from which an interrupted training goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

KEPT = 5
_NAME = "xgboost-checkpoint"


def keep(model: Any, folder: Path, number: int) -> None:
    """The model after round ``number``; of the earlier ones the last few stay."""
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f".{_NAME}"
    new.write_bytes(model.save_raw("ubj"))
    new.replace(folder / f"{_NAME}.{number}")
    for _, path in kept_in(folder)[:-KEPT]:
        path.unlink()


def kept_in(folder: Path) -> list[tuple[int, Path]]:
    """Models by their round, the last one last."""
    found = [(path.suffix[1:], path) for path in folder.glob(f"{_NAME}.*")]
    return sorted((int(number), path) for number, path in found if number.isdigit())
