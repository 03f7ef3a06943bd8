"""Faults of what a model is fed."""

import time

import torch
from torch import Tensor

from benchmarks.faults.changes.base import Change
from benchmarks.faults.changes.healthy import exchange_labels
from benchmarks.faults.programs.base import Data, Rows


class Unnormalised(Change):
    def data(self, data: Data, draw: torch.Generator) -> None:
        for rows in (data.train, data.held_back):
            rows.inputs = rows.inputs * self.severity


class InputsChange(Change):
    def batch(self, step: int, rows: Rows) -> Rows:
        return Rows(rows.inputs * self.severity, rows.targets) if step >= 150 else rows


class InputsVanish(Change):
    def batch(self, step: int, rows: Rows) -> Rows:
        return _filled(rows, 0.0, round(self.severity * len(rows))) if step >= 100 else rows


class NanInputs(Change):
    def batch(self, step: int, rows: Rows) -> Rows:
        return _filled(rows, float("nan"), int(min(self.severity, len(rows)))) if step == 100 else rows


def _filled(rows: Rows, value: float, count: int) -> Rows:
    inputs = rows.inputs.clone()
    inputs[:count] = value
    return Rows(inputs, rows.targets)


class RandomLabels(Change):
    def data(self, data: Data, draw: torch.Generator) -> None:
        exchange_labels(data, self.severity, draw)


class LabelsShift(Change):
    def batch(self, step: int, rows: Rows) -> Rows:
        return Rows(rows.inputs, rows.targets.roll(1, 0)) if step >= self.severity else rows


class Imbalance(Change):
    def data(self, data: Data, draw: torch.Generator) -> None:
        first = data.train.targets == 0
        often, seldom = torch.where(first)[0], torch.where(~first)[0]
        count = max(1, round(len(often) * (1 - self.severity) / self.severity))
        seldom = seldom[torch.randperm(len(seldom), generator=draw)[:count]]
        data.train = data.train.at(torch.cat([often, seldom]))


class RepeatedBatch(Change):
    def order(self, rows: Rows, order: Tensor) -> Tensor:
        batch = 32
        return torch.arange(min(len(rows), int(self.severity) * batch))


class NotShuffled(Change):
    def order(self, rows: Rows, order: Tensor) -> Tensor:
        whole = torch.argsort(rows.targets.flatten()[: len(rows)], stable=True)
        count = round(self.severity * len(rows))
        return torch.cat([whole[:count], whole[count:][torch.randperm(len(rows) - count)]])


class Overfit(Change):
    def data(self, data: Data, draw: torch.Generator) -> None:
        data.train = data.train.at(torch.arange(int(self.severity)))


class BadBatches(Change):
    def batch(self, step: int, rows: Rows) -> Rows:
        bad = step >= 30 and step % int(self.severity) == 0
        return Rows(rows.inputs * 100, rows.targets) if bad else rows


class SlowLoader(Change):
    def batch(self, step: int, rows: Rows) -> Rows:
        if step >= 150:
            time.sleep(self.severity)
        return rows


class GrowingSteps(Change):
    """What a list that is kept and walked over does to a training."""

    def batch(self, step: int, rows: Rows) -> Rows:
        time.sleep(self.severity * max(0, step - 50))
        return rows
