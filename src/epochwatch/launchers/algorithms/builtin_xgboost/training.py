"""The program: reads what is below ``/opt/ml``, prints one line a round, and leaves ``xgboost-model``.

On SIGTERM it ends after the round under way, with the model where ``save_model_on_termination`` asks for it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import checkpoints
from .data import Rows, UserError, load
from .measures import OWN, RISING, measured
from .rendezvous import ask, meeting_port, telling

xgboost: Any = importlib.import_module("xgboost")

ML = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
MODEL = "xgboost-model"
TERMINATED = 128 + signal.SIGTERM
PEERS_SECONDS = 600
_NOT_FOR_XGBOOST = (
    "num_round", "early_stopping_rounds", "csv_weights", "eval_metric", "save_model_on_termination",
    "_tuning_objective_metric", "silent", "sketch_eps", "dsplit", "predictor", "deterministic_histogram",
    "single_precision_histogram", "use_dask_gpu_training",
)  # fmt: skip
"""What is for this program, and what newer versions of XGBoost have no longer."""


class Rounds(xgboost.callback.TrainingCallback):  # type: ignore[misc]
    """Prints each round, keeps checkpoints, and ends the training when it is asked to."""

    def __init__(self, first: int, folder: Path | None, *, chief: bool) -> None:
        super().__init__()
        self.terminated = False
        self._first = first
        self._folder = folder
        self._chief = chief
        signal.signal(signal.SIGTERM, self._terminate)

    def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, list[float]]]) -> bool:
        """Whether it is to end."""
        number = self._first + epoch
        if self._chief:
            values = [
                f"{data}-{name}:{history[-1]:.5f}"
                for data, measures in evals_log.items()
                for name, history in measures.items()
            ]
            print("\t".join([f"[{number}]", *values]), flush=True)
            if self._folder is not None:
                checkpoints.keep(model, self._folder, number)
        if xgboost.collective.is_distributed():  # all hosts end after the same round, or none would get through it
            asked = np.array([int(self.terminated)])
            self.terminated = bool(xgboost.collective.allreduce(asked, xgboost.collective.Op.MAX)[0])
        return self.terminated

    def _terminate(self, *_: object) -> None:
        self.terminated = True


def train(given: Mapping[str, str], rows: Mapping[str, Rows], folder: Path | None, *, chief: bool) -> int:
    """Train and leave the model; the exit status. ``folder``: of checkpoints; ``chief``: the host that speaks."""
    data = {name: _matrix(one) for name, one in rows.items()}
    print(f"Train matrix has {data['train'].num_row()} rows and {data['train'].num_col()} columns", flush=True)
    if "validation" in data:
        print(f"Validation matrix has {data['validation'].num_row()} rows", flush=True)
    names, tuned = _metrics(given)
    own = [name for name in names if name in OWN]
    known, first = _last_checkpoint(folder)
    rounds = Rounds(first, folder, chief=chief)
    callbacks = [rounds]
    if "early_stopping_rounds" in given:
        callbacks.append(_early_stopping(given, tuned or (names[-1] if names else None), list(data)[-1]))
    model = xgboost.train(
        _parameters(given, [name for name in names if name not in own], own),
        data["train"],
        num_boost_round=max(0, int(given["num_round"]) - first),
        evals=[(matrix, name) for name, matrix in data.items()],
        custom_metric=_own_metric(own, given.get("objective", "")) if own else None,
        callbacks=callbacks,
        xgb_model=known,
        verbose_eval=False,
    )
    if rounds.terminated and given.get("save_model_on_termination") != "true":
        return TERMINATED
    if chief:
        (ML / "model" / MODEL).write_bytes(model.save_raw("ubj"))
    return TERMINATED if rounds.terminated else 0


def _matrix(rows: Rows) -> Any:
    groups = {} if rows.groups is None else {"qid": rows.groups}
    return xgboost.DMatrix(rows.values, label=rows.labels, weight=rows.weights, **groups)


def _metrics(given: Mapping[str, str]) -> tuple[list[str], str]:
    """The measures of a training, and which one it is tuned for."""
    names = [name.strip() for name in given.get("eval_metric", "").split(",") if name.strip()]
    tuned = given.get("_tuning_objective_metric", "").partition(":")[2]
    return (sorted({*names, tuned}) if tuned else names), tuned


def _parameters(given: Mapping[str, str], theirs: Sequence[str], own: Sequence[str]) -> dict[str, Any]:
    """What XGBoost is to know. It measures by its own choice where nothing is asked for."""
    found: dict[str, Any] = {name: text for name, text in given.items() if name not in _NOT_FOR_XGBOOST}
    if theirs:
        found["eval_metric"] = list(theirs)
    elif own:
        found["disable_default_eval_metric"] = 1
    return found


def _own_metric(names: Sequence[str], objective: str) -> Callable[[Any, Any], list[tuple[str, float]]]:
    return lambda predicted, matrix: measured(names, objective, matrix.get_label(), predicted)


def _early_stopping(given: Mapping[str, str], metric: str | None, data: str) -> Any:
    """The best model is kept, where rounds can be cut off it."""
    return xgboost.callback.EarlyStopping(
        rounds=int(given["early_stopping_rounds"]),
        metric_name=metric,
        data_name=data,
        maximize=None if metric is None else metric.partition("@")[0] in RISING,
        save_best=given.get("booster") != "gblinear",
    )


def _last_checkpoint(folder: Path | None) -> tuple[Any, int]:
    """The model to go on from, or None, and how many rounds are behind it."""
    for number, path in reversed(checkpoints.kept_in(folder) if folder is not None else []):
        with contextlib.suppress(xgboost.core.XGBoostError):  # cut short by the interruption
            model = xgboost.Booster(model_file=bytearray(path.read_bytes()))
            print(f"Checkpoint loaded from {path}\nResuming from iteration {number + 1}", flush=True)
            return model, number + 1
    return None, 0


@contextlib.contextmanager
def _together(hosts: Sequence[str], current: str) -> Iterator[None]:
    """One training on several hosts, each with its own rows; the first tells them of each other."""
    if len(hosts) == 1:
        yield
        return
    port = meeting_port(os.environ.get("TRAINING_JOB_NAME", ""))
    if current != hosts[0]:
        with _among(hosts, current, ask(hosts[0], port, PEERS_SECONDS)):
            yield
        return
    tracker = importlib.import_module("xgboost.tracker").RabitTracker(len(hosts), host_ip=current, sortby="task")
    tracker.start()
    free_port = tracker.worker_args()["dmlc_tracker_port"]
    with telling(current, port, free_port), _among(hosts, current, free_port):
        yield
    tracker.wait_for()


def _among(hosts: Sequence[str], current: str, port: int) -> contextlib.AbstractContextManager[object]:
    """This host as one of them, by the first one's tracker."""
    peers = {"dmlc_tracker_uri": hosts[0], "dmlc_tracker_port": port, "dmlc_task_id": current}
    found: contextlib.AbstractContextManager[object] = xgboost.collective.CommunicatorContext(
        **peers, dmlc_retry=100, dmlc_timeout=PEERS_SECONDS
    )
    return found


def _run() -> int:
    given, channels, resources = (_read(name) for name in ("hyperparameters", "inputdataconfig", "resourceconfig"))
    configured = _read("trainingjobconfig").get("CheckpointConfig")
    folder = None if configured is None else ML / configured["LocalPath"].removeprefix("/opt/ml/")
    hosts, current = sorted(resources["hosts"]), resources["current_host"]
    rows = load(ML / "input" / "data", channels, weights=given.get("csv_weights") == "1")
    with _together(hosts, current):
        return train(given, rows, folder, chief=current == hosts[0])


def main() -> int:
    """Exit status: 0, 1 with the reason in ``/opt/ml/output/failure``, 143 when it was asked to end."""
    try:
        return _run()
    except UserError as error:
        return _failed(f"Customer Error: {error}")
    except xgboost.core.XGBoostError as error:
        return _failed(f"XGB train call failed with exception:\n {error}")
    except Exception as error:  # noqa: BLE001
        traceback.print_exc()
        return _failed(f"{type(error).__name__}: {error}")


def _failed(reason: str) -> int:
    print(f"[{time.strftime('%Y-%m-%d:%H:%M:%S')}:ERROR] {reason}", flush=True)
    (ML / "output" / "failure").write_text(reason)
    return 1


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ML / "input" / "config" / f"{name}.json").read_text())
    return found


if __name__ == "__main__":
    sys.exit(main())
