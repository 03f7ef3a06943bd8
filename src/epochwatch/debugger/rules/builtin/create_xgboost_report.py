"""CreateXgboostReport: no check but a report, written while a training with XGBoost goes on and when it ends."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from epochwatch.debugger.exceptions import NoMoreData
from epochwatch.debugger.rules.builtin.rule import BuiltinRule, Violation
from epochwatch.debugger.rules.builtin.xgboost_report.content import Content
from epochwatch.debugger.rules.builtin.xgboost_report.page import render
from epochwatch.debugger.trial import Trial

OUTPUT_DIR: Final = "/opt/ml/processing/outputs"
FILE_NAME: Final = "xgboost_report.html"
SECONDS_BETWEEN: Final = 60.0


class CreateXgboostReport(BuiltinRule):
    """Writes ``xgboost_report.html`` into ``output_dir``: at the first step that has something to report, once a minute
    while there is more, and at the end of the training. It never fires.
    """

    def __init__(
        self,
        base_trial: Trial,
        action_str: str | None = None,
        other_trials: Sequence[Trial] | None = None,
        *,
        output_dir: str | Path = OUTPUT_DIR,
        clock: Callable[[], float] = time.monotonic,
        **parameters: Any,
    ) -> None:
        """``clock`` gives seconds."""
        super().__init__(base_trial, action_str, other_trials, **parameters)
        self.output_dir = Path(output_dir)
        self._clock = clock
        self._content = Content()
        self._written_at: float | None = None
        self._is_written = True

    def invoke(self, step: int) -> None:
        """See ``Rule``. Raises OSError where the report cannot be written."""
        try:
            super().invoke(step)
        except NoMoreData:
            if not self._is_written:
                self._write()
            raise

    def violations(self, step: int) -> Iterable[Violation]:
        """See ``BuiltinRule``."""
        if self._content.add(self.base_trial, step):
            self.looked_at()
            self._is_written = False
            if self._is_due() or self._is_last(step):
                self._write()
        return []

    def _is_due(self) -> bool:
        return self._written_at is None or self._clock() - self._written_at >= SECONDS_BETWEEN

    def _is_last(self, step: int) -> bool:
        return self.base_trial.loaded_all_steps and step == self.base_trial.last_complete_step

    def _write(self) -> None:
        self.output_dir.mkdir(parents=True, exist_ok=True)
        path = self.output_dir / FILE_NAME
        unfinished = path.with_suffix(".tmp")
        unfinished.write_text(render(self._content, self.base_trial.name), encoding="utf-8")
        os.replace(unfinished, path)
        self._written_at, self._is_written = self._clock(), True
