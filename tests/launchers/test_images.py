"""What a training image stands for on this machine."""

from pathlib import Path

import pytest

from epochwatch.launchers.images import ImageEntry, Unresolved, framework_of, read_images, resolve

ECR = "763104351884.dkr.ecr.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("image", "framework"),
    [
        ("sklearn", "sklearn"),
        ("xgboost", "xgboost"),
        ("process", ""),
        (f"{ECR}/pytorch-training:2.3.0-gpu-py311-cu121-ubuntu20.04-sagemaker", "pytorch"),
        (f"{ECR}/tensorflow-training:2.16-cpu-py310", "tensorflow"),
        (f"{ECR}/huggingface-pytorch-training:2.1-transformers4.36-gpu", "huggingface"),
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3", "sklearn"),
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", "xgboost"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/my-images@sha256:0123", ""),
        ("registry:5000/pytorch/own:2", "pytorch"),
    ],
)
def test_the_framework_is_told_by_the_images_name(image: str, framework: str) -> None:
    assert framework_of(image) == framework


def test_the_first_environment_that_has_the_framework_stands_for_its_image() -> None:
    found = resolve(
        "pytorch", [], "process", lambda python, module: (python, module) == ("b", "torch"), ["a", "b"]
    )

    assert (found.python, found.framework, found.launcher) == ("b", "pytorch", "process")


def test_an_image_of_no_framework_runs_in_the_first_environment() -> None:
    assert resolve("process", [], "process", lambda *_: False, ["a", "b"]).python == "a"


def test_a_framework_that_no_environment_has_is_refused_with_a_hint() -> None:
    with pytest.raises(Unresolved, match=r"no Python environment here has torch.*images\.toml"):
        resolve("pytorch", [], "process", lambda *_: False, ["a"])


@pytest.mark.parametrize(
    ("image", "launcher", "algorithm"),
    [
        ("xgboost", "process", "xgboost"),
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", "slurm", "xgboost"),
        ("xgboost", "container", ""),
        ("registry:5000/my/xgboost:1", "process", ""),
        ("811284229777.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1", "process", ""),
    ],
)
def test_only_sagemakers_own_image_of_xgboost_trains_by_itself(image: str, launcher: str, algorithm: str) -> None:
    assert resolve(image, [], launcher, lambda *_: True, ["a"]).algorithm == algorithm


def test_a_container_needs_no_environment() -> None:
    found = resolve("pytorch", [], "container", lambda *_: False, ["a"])

    assert (found.launcher, found.container, found.python) == ("container", "pytorch", "")


def test_the_first_entry_of_the_file_that_matches_counts(tmp_path: Path) -> None:
    file = tmp_path / "images.toml"
    file.write_text(
        '[[image]]\nmatch = "*/team/*"\nlauncher = "slurm"\npython = "/envs/team/bin/python"\n'
        'command = ["python", "-m", "team"]\noptions = ["--partition=gpu"]\nenvironment = { A = "1" }\n'
        '[[image]]\nmatch = "*"\nlauncher = "container"\n'
    )

    found = resolve("registry/team/vision:1", read_images(file), "process", lambda *_: False, ["a"])

    assert (found.launcher, found.python, found.command) == (
        "slurm",
        "/envs/team/bin/python",
        ["python", "-m", "team"],
    )
    assert (found.options, found.environment) == (["--partition=gpu"], {"A": "1"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[image]]\nmatch = "*"\nlauncher = "ship"', "launcher 'ship' is none of"),
        ('[[image]]\nmatch = "*"\nlaunch = "slurm"', "unknown field `launch`"),
        ("[[image]", "cannot be used"),
        ("[[image]]\npython = 'x'", "missing required field `match`"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "images.toml").write_text(text)

    with pytest.raises(Unresolved, match=words):
        read_images(tmp_path / "images.toml")


def test_without_a_file_there_are_no_entries(tmp_path: Path) -> None:
    assert read_images(tmp_path / "images.toml") == []
    assert ImageEntry(match="x").launcher == ""
