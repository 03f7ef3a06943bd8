"""Rows of a channel: CSV without a header, libsvm text, or Parquet."""

from __future__ import annotations

import csv
import importlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_DELIMITERS = ",;\t |"


class UserError(Exception):
    """What the user can mend."""


class Rows(NamedTuple):
    """Rows as XGBoost takes them: numpy arrays, the values of libsvm text a sparse matrix."""

    values: Any
    labels: Any
    weights: Any = None
    groups: Any = None
    """Of ranking: which rows belong together."""


def load(folder: Path, channels: Mapping[str, Mapping[str, str]], *, weights: bool) -> dict[str, Rows]:
    """The channels ``train`` and ``validation``, equally wide. ``weights``: the second column of the training's CSV is
    one of weights. Raises UserError.
    """
    wanted = [name for name in ("train", "validation") if name in channels]
    content = channels["train"].get("ContentType", "libsvm").lower().partition(";")[0].strip()
    if content.endswith("libsvm"):
        return _sparse({name: files_of(folder / name) for name in wanted})
    if content.endswith("parquet"):
        return {name: _parquet(files_of(folder / name)) for name in wanted}
    paths = {name: _csv_paths(folder, name, channels[name]) for name in wanted}
    return {name: _dense(paths[name], weights=weights and name == "train") for name in wanted}


def files_of(channel: Path) -> list[Path]:
    """The data files of a channel, in order; hidden ones and those that begin with ``_`` are none."""
    found = [path for path in sorted(channel.rglob("*")) if path.is_file() and path.name[0] not in "._"]
    if not found:
        raise UserError(f"No data in {channel.name} channel path {channel}")
    return found


def _csv_paths(folder: Path, name: str, channel: Mapping[str, str]) -> list[Path]:
    return [folder / f"{name}_0"] if channel.get("TrainingInputMode") == "Pipe" else files_of(folder / name)


def _dense(paths: Sequence[Path], *, weights: bool) -> Rows:
    values = array("f")
    width = 0
    for path in paths:
        width = _read_csv(path, values, width)
    if width < 2 + weights:
        raise UserError(f"Failed to load csv data: {paths[0]} has no column of features behind its label")
    table = np.array(values, dtype=np.float32).reshape(-1, width)
    if weights:
        return Rows(table[:, 2:], table[:, 0], table[:, 1])
    return Rows(table[:, 1:], table[:, 0])


def _read_csv(path: Path, values: array[float], width: int) -> int:
    """Add a file's numbers; empty fields are missing values. The number of columns, which all files share."""
    with open(path, newline="") as file:
        first = file.readline()
        for number, row in enumerate(csv.reader(chain([first], file), delimiter=_delimiter(first)), 1):
            if not row:
                continue
            width = width or len(row)
            if len(row) != width:
                raise UserError(
                    f"Failed to load csv data: {path}, row {number} has {len(row)} columns, not {width}"
                )
            try:
                values.extend(float(text) if text.strip() else np.nan for text in row)
            except ValueError as error:
                raise UserError(
                    f"Failed to load csv data: {path}, row {number}: {error}. The file must have numbers only, the"
                    " label first, and no header"
                ) from error
    return width


def _delimiter(line: str) -> str:
    try:
        return csv.Sniffer().sniff(line, _DELIMITERS).delimiter
    except csv.Error:  # one column, which another message is for
        return ","


def _parquet(paths: Sequence[Path]) -> Rows:
    try:
        read_table = importlib.import_module("pyarrow.parquet").read_table
    except ImportError as error:
        raise UserError("Failed to load parquet data: pyarrow is not installed in this environment") from error
    try:
        tables = [read_table(path) for path in paths]
        table = np.concatenate([np.column_stack([np.array(one, np.float32) for one in each]) for each in tables])
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"Failed to load parquet data: {error}") from error
    return Rows(table[:, 1:], table[:, 0])


def _sparse(paths: Mapping[str, Sequence[Path]]) -> dict[str, Rows]:
    read = {name: _Libsvm(files) for name, files in paths.items()}
    width = max(one.width for one in read.values())
    return {name: one.rows(width) for name, one in read.items()}


class _Libsvm:
    """Rows of libsvm text: ``label[:weight] [qid:group] index:value ...``."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._labels, self._weights, self._values = array("f"), array("f"), array("f")
        self._groups, self._columns, self._ends = array("q"), array("q"), array("q", [0])
        for path in paths:
            with open(path) as file:
                self._read(path, file)

    @property
    def width(self) -> int:
        """Columns, that of the highest index included."""
        return max(self._columns, default=0) + 1

    def rows(self, width: int) -> Rows:
        """All of them, ``width`` columns wide."""
        matrix = importlib.import_module("scipy.sparse").csr_matrix(
            (np.array(self._values), np.array(self._columns), np.array(self._ends)), (len(self._labels), width)
        )
        labels = np.array(self._labels)
        if self._groups:
            return Rows(matrix, labels, groups=np.array(self._groups))
        return Rows(matrix, labels, np.array(self._weights))

    def _read(self, path: Path, lines: Iterator[str]) -> None:
        for number, line in enumerate(lines, 1):
            words = line.partition("#")[0].split()
            try:
                if words:
                    self._add(words)
            except ValueError as error:
                raise UserError(
                    f"Line {number} '{line[:50].strip()}' of file '{path.name}' is not 'LIBSVM' format. Please ensure"
                    " the file is in 'LIBSVM' format."
                ) from error

    def _add(self, words: Sequence[str]) -> None:
        label, colon, weight = words[0].partition(":")
        self._labels.append(float(label))
        self._weights.append(float(weight) if colon else 1.0)
        for word in words[1:]:
            index, _, value = word.partition(":")
            if index == "qid":
                self._groups.append(int(value))
            else:
                self._columns.append(int(index))
                self._values.append(float(value))
        self._ends.append(len(self._columns))
