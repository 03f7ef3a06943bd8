"""Between global steps, which count evaluations too, and steps of training, at which faults are injected."""

from bisect import bisect_right

from benchmarks.faults.catalogue import EPOCH
from epochwatch.debugger import Trial, modes


class TrainSteps:
    """The steps of training of a trial. Those of which nothing was recorded, as the optimizer did not step, are known
    by the evaluation after them.
    """

    def __init__(self, trial: Trial) -> None:
        trained = [(trial.global_step(modes.TRAIN, number), number) for number in trial.steps(modes.TRAIN)]
        evaluated = [
            (trial.global_step(modes.EVAL, number), (number + 1) * EPOCH - 1) for number in trial.steps(modes.EVAL)
        ]
        both = sorted(trained + evaluated)
        self._globals = [step for step, _ in both]
        self._numbers = [number for _, number in both]

    def number(self, step: int) -> int:
        """The last step of training up to a global step, 0 before the first."""
        at = bisect_right(self._globals, step)
        return self._numbers[at - 1] if at else 0
