"""CheckInputImages: images that are not normalised."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.rule import BuiltinRule, Violation, selected
from epochwatch.debugger.rules.builtin.saved import value
from epochwatch.debugger.source import Array


class CheckInputImages(BuiltinRule):
    """Once ``threshold_samples`` images were seen: the mean of a colour channel over all of them is further from 0 than
    ``threshold_mean``. ``channel`` is the axis of the channels; the images of a batch lie along the first axis.
    """

    threshold_mean = parameter.number(0.2, 0)
    threshold_samples = parameter.integer(500, 1)
    regex = parameter.patterns(".*hybridsequential0_input_0")
    channel = parameter.integer(1, 1)

    _images: int
    _pixels: int
    _sums: Any

    def check_parameters(self) -> None:
        """See ``BuiltinRule``."""
        self._images, self._pixels, self._sums = 0, 0, np.zeros(0)

    def violations(self, step: int) -> Iterator[Violation]:
        """See ``BuiltinRule``."""
        names = selected(self.base_trial, step, None, self.regex)
        for name in names:
            tensor = self.base_trial.tensor(name)
            for worker in tensor.workers(step):
                self._add(name, value(tensor, step, worker))
        if not names or self._images < self.threshold_samples or not self._pixels:
            return
        for number, mean in enumerate(self._sums / self._pixels):
            if abs(mean) > self.threshold_mean:
                yield Violation(
                    ", ".join(names),
                    f"the mean of channel {number} over {self._images} images is {mean:.4g}, further from 0 than "
                    f"{self.threshold_mean:g}",
                )

    def _add(self, name: str, images: Array) -> None:
        if images.ndim <= self.channel:
            raise SMDebugValueError(
                f"{name} has the shape {images.shape}, which has no axis {self.channel} (channel)"
            )
        channels = images.shape[self.channel]
        if self._images and channels != len(self._sums):
            raise SMDebugValueError(f"{name} has {channels} channels (axis {self.channel}), not {len(self._sums)}")
        others = tuple(axis for axis in range(images.ndim) if axis != self.channel)
        with np.errstate(all="ignore"):
            sums = images.sum(axis=others, dtype=np.float64)
        self._sums = self._sums + sums if self._images else sums
        self._images += images.shape[0]
        self._pixels += images.size // max(channels, 1)
        self.looked_at(images.shape[0])
