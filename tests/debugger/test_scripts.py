"""Scripts that analyse a trial, in the style of smdebug's guide: with other import lines they print the same here.

The trials are smdebug's own, and each script is run by smdebug 1.0.34 and by us, on disk and in S3.
"""

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.debugger.judge import smdebug
from tests.servers import ServerProcess

THEIRS = """
from smdebug import modes
from smdebug.analysis.utils import no_refresh
from smdebug.core.modes import ModeKeys
from smdebug.exceptions import *
from smdebug.rules.rule import Rule
from smdebug.rules.rule_invoker import invoke_rule
from smdebug.trials import create_trial
"""
OURS = """
from epochwatch.debugger import modes
from epochwatch.debugger import no_refresh
from epochwatch.debugger import ModeKeys
from epochwatch.debugger.exceptions import *
from epochwatch.debugger import Rule
from epochwatch.debugger import invoke_rule
from epochwatch.debugger import create_trial
"""

SCRIPTS = {
    "what was saved": """
trial = create_trial(path)
print(sorted(trial.tensor_names()))
print(sorted(trial.tensor_names(regex=".*bias")))
print(sorted(trial.tensor_names(regex=["^gradient", "loss"])))
print(sorted(trial.tensor_names(collection="gradients")))
print(sorted(trial.tensor_names(step=10, mode=modes.TRAIN)))
print(trial.steps(), trial.steps(mode=modes.TRAIN), trial.steps(mode=modes.EVAL))
print(sorted(mode.name for mode in trial.modes()), trial.workers())
print(trial.has_tensor("loss"), trial.has_tensor("none"))
print(trial.mode(11).name, trial.mode_step(11), trial.global_step(modes.EVAL, 10))
""",
    "a curve of losses": """
trial = create_trial(path, name="curves")
print(trial.name)
for mode in (modes.TRAIN, modes.EVAL):
    loss = trial.tensor("loss")
    for step in loss.steps(mode=mode):
        print(mode.name, step, "%.6f" % loss.value(step, mode=mode).item())
best = min((trial.tensor("loss").value(s, mode=modes.EVAL), s) for s in trial.steps(mode=modes.EVAL))
print("best evaluation at step", best[1])
""",
    "how much weights change": """
import numpy as np

trial = create_trial(path)
for name in sorted(trial.tensor_names(collection="weights")):
    tensor = trial.tensor(name)
    for step in tensor.steps(mode=modes.TRAIN):
        before = tensor.prev_steps(step, 2, mode=modes.TRAIN)
        if len(before) < 2:
            continue
        old, new = (tensor.value(s, mode=modes.TRAIN) for s in before)
        print(name, step, "%.5f" % (np.linalg.norm(new - old) / np.linalg.norm(old)), new.shape, new.dtype)
""",
    "reductions, saved and computed": """
trial = create_trial(path)
tensor = trial.tensor("gradient/fc1.weight")
for step in tensor.steps():
    mean, largest = tensor.reduction_value(step, "mean"), tensor.reduction_value(step, "max", abs=True)
    print(step, "%.6f" % mean.item(), "%.6f" % largest.item())
    print({key: "%.6f" % value.item() for key, value in sorted(tensor.reduction_values(step).items())})
whole = trial.tensor("fc1.weight")
for reduction in ("min", "max", "mean", "std", "sum", "variance"):
    plain, absolute = whole.reduction_value(0, reduction), whole.reduction_value(0, reduction, abs=True)
    print(reduction, "%.4f" % plain.item(), "%.4f" % absolute.item())
print(whole.shape(0), sorted(whole.workers(0)), sorted(whole.values(mode=modes.EVAL)))
""",
    "what is not there": """
trial = create_trial(path)
for what in (
    lambda: trial.tensor("none"),
    lambda: trial.tensor("gradient/fc1.weight").value(11),
    lambda: trial.tensor("loss").value(3),
    lambda: trial.tensor("loss").value(1000),
    lambda: trial.tensor("loss").value(0, worker="worker_7"),
    lambda: trial.wait_for_steps([3]),
    lambda: trial.wait_for_steps([1000]),
):
    try:
        what()
        print("nothing raised")
    except (TensorUnavailable, TensorUnavailableForStep, InvalidWorker) as missing:
        print(type(missing).__name__)
    except (StepUnavailable, StepNotYetAvailable, NoMoreData) as missing:
        print(type(missing).__name__)
print([trial.has_passed_step(step).name for step in (0, 3, 10, 1000)])
print(trial.has_passed_step(10, mode=modes.TRAIN).name, trial.has_passed_step(11, mode=modes.TRAIN).name)
""",
    "a rule over gradients": """
class VanishingGradient(Rule):
    def __init__(self, base_trial, threshold=0.0000001):
        super().__init__(base_trial, action_str="")
        self.threshold = float(threshold)

    def set_required_tensors(self, step):
        for tname in self.base_trial.tensor_names(collection="gradients"):
            self.req_tensors.add(tname, steps=[step])

    def invoke_at_step(self, step):
        for tensor in self.req_tensors.get():
            if tensor.reduction_value(step, "mean", abs=True) < self.threshold:
                print("vanished", tensor.name, step)
                return True
        return False

trial = create_trial(path)
try:
    invoke_rule(VanishingGradient(trial, threshold=0.02), raise_eval_cond=True)
except RuleEvaluationConditionMet as met:
    print(met.rule_name, met.step)
try:
    invoke_rule(VanishingGradient(trial, threshold=0.02), start_step=30, end_step=41)
    invoke_rule(VanishingGradient(trial, threshold=0.0))
except NoMoreData:
    pass
print("done")
""",
    "a rule over two trials": """
class SameLoss(Rule):
    def __init__(self, base_trial, other_trial, tolerance):
        super().__init__(base_trial, action_str="", other_trials=[other_trial])
        self.tolerance = tolerance

    def set_required_tensors(self, step):
        for trial in self.trials:
            self.req_tensors.add("^loss$", steps=[step], trial=trial, should_match_regex=True)

    def invoke_at_step(self, step):
        mine, = self.req_tensors.get()
        other, = self.req_tensors.get(self.other_trials[0])
        print(step, "%.6f" % mine.value(step).item(), "%.6f" % other.value(step).item())
        return abs(mine.value(step) - other.value(step)) > self.tolerance

try:
    invoke_rule(SameLoss(create_trial(path, name="a"), create_trial(other, name="b"), 0.05), raise_eval_cond=True)
except RuleEvaluationConditionMet as met:
    print(met)
""",
    "within one moment": """
trial = create_trial(path, range_steps=(10, 31))
with no_refresh(trial):
    print(trial.steps(), len(trial.tensor_names()))
    print(["%.6f" % trial.tensor("loss").value(step).item() for step in trial.steps()])
print(trial.steps(mode=ModeKeys.TRAIN))
""",
}

WRITE = """
import json, sys
import numpy as np
from smdebug.core.access_layer.utils import training_has_ended
from smdebug.core.collection import Collection
from smdebug.core.collection_manager import CollectionManager
from smdebug.core.modes import ModeKeys
from smdebug.core.writer import FileWriter
for directory, slope in zip(sys.argv[1:], (0.9, 0.98)):
    manager = CollectionManager()
    manager.add(Collection("weights", ["^(?!gradient).*weight"]))
    manager.add(Collection("gradients", ["^gradient"]))
    manager.export(directory, "worker_0_collections.json")
    random = np.random.default_rng(7)
    weight = random.normal(size=(4, 3)).astype("float32")
    for step in sorted([*range(0, 60, 10), *range(11, 60, 20)]):
        mode = ModeKeys.EVAL if step % 2 else ModeKeys.TRAIN
        at = {"mode": mode, "mode_step": step - step % 2}
        writer = FileWriter(directory, "worker_0", step)
        gradient = (random.normal(size=(4, 3)) * slope ** step).astype("float32")
        if mode is ModeKeys.TRAIN:
            writer.write_tensor(gradient.mean(), "smdebug/reductions/mean/gradient/fc1.weight", **at)
            writer.write_tensor(np.abs(gradient).max(), "smdebug/reductions/abs_max/gradient/fc1.weight", **at)
            writer.write_tensor(np.abs(gradient).mean(), "smdebug/reductions/abs_mean/gradient/fc1.weight", **at)
            writer.write_tensor(gradient, "gradient/fc1.weight", **at)  # its rules pass over what is not whole
            weight = weight - gradient
        writer.write_tensor(weight, "fc1.weight", **at)
        writer.write_tensor(weight[0], "fc1.bias", **at)
        writer.write_tensor(np.float32(slope ** step), "loss", **at)
        writer.close()
    training_has_ended(directory)
print("{}")
"""

RUN = """
import contextlib, io, json, sys
path, other, head, scripts = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
printed = {}
for name, script in scripts.items():
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(head + script, {"path": path, "other": other, "__name__": "__main__"})
    printed[name] = out.getvalue()
print(json.dumps(printed))
"""


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two that smdebug wrote."""
    home = tmp_path_factory.mktemp("trials")
    smdebug(WRITE, home / "one", home / "two")
    return home / "one", home / "two"


@pytest.fixture(scope="module")
def printed_there(trials: tuple[Path, Path]) -> Any:
    """What each script prints with smdebug."""
    return smdebug(RUN, *trials, THEIRS, json.dumps(SCRIPTS))


@pytest.fixture(scope="module")
def in_s3(trials: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The same trials in a bucket of a server."""
    with ServerProcess(tmp_path_factory.mktemp("server")) as server, pytest.MonkeyPatch.context() as patch:
        s3 = server.boto3("s3")
        s3.create_bucket(Bucket="trials")
        for trial in trials:
            for file in filter(Path.is_file, trial.rglob("*")):
                s3.upload_file(str(file), "trials", str(file.relative_to(trial.parent)))
        for name, value in server.aws_environment().items():
            patch.setenv(name, value)
        yield f"s3://trials/{trials[0].name}", f"s3://trials/{trials[1].name}"


def printed_by(script: str, path: str, other: str) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(OURS + script, {"path": path, "other": other, "__name__": "__main__"})
    assert len(printed.getvalue().splitlines()) > 1
    return printed.getvalue()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_prints_the_same_with_its_import_lines_changed(
    name: str, trials: tuple[Path, Path], printed_there: Any
) -> None:
    assert printed_by(SCRIPTS[name], str(trials[0]), str(trials[1])) == printed_there[name]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_prints_the_same_of_trials_in_s3(name: str, in_s3: tuple[str, str], printed_there: Any) -> None:
    assert printed_by(SCRIPTS[name], *in_s3) == printed_there[name]
