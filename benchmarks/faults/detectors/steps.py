"""Between global steps, which count evaluations too, and steps of training, at which faults are injected."""

from bisect import bisect_right

from epochwatch.debugger import Trial, modes


class TrainSteps:
    """The steps of training of a trial."""

    def __init__(self, trial: Trial) -> None:
        self._numbers = trial.steps(modes.TRAIN)
        self._globals = [trial.global_step(modes.TRAIN, number) for number in self._numbers]

    def number(self, step: int) -> int:
        """The last step of training up to a global step, 0 before the first."""
        at = bisect_right(self._globals, step)
        return self._numbers[at - 1] if at else 0
