"""Trials in S3, at the server's own endpoint: the same as on disk, for us and for smdebug."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from epochwatch.debugger import (
    Collection,
    ModeKeys,
    SmdebugWriter,
    Statistics,
    StoreWriter,
    create_trial,
    export_smdebug,
    read_statistics,
)
from epochwatch.debugger.exceptions import MissingCollectionFiles
from epochwatch.debugger.places import Place, open_place
from tests.debugger.judge import READ_ALL, read_all, smdebug
from tests.servers import ServerProcess

BUCKET = "tensors"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What a client needs to find the server."""
    with ServerProcess(tmp_path_factory.mktemp("server")) as server:
        server.boto3("s3").create_bucket(Bucket=BUCKET)
        yield server.aws_environment()


@pytest.fixture(autouse=True)
def _here(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["disk", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return open_place(str(tmp_path) if request.param == "disk" else f"s3://{BUCKET}/places/")


def test_a_place_is_the_same_on_disk_and_in_s3(place: Place) -> None:
    assert place.names("a") == []
    for name in ("a/1/x", "a/2/x", "a/2/y", "ab"):
        place.write(name, [name.encode(), memoryview(b"-end")])
    assert place.names("a") == ["a/1/x", "a/2/x", "a/2/y"]
    assert place.names("a", "a/2/x") == ["a/2/y"]
    assert place.names("a", "a/1/zzz") == ["a/2/x", "a/2/y"]
    assert (place.read("a/1/x"), place.read("a/1/x", 6), place.read("a/1/x", 9)) == (b"a/1/x-end", b"end", b"")
    stretches = place.read_ranges("a/2/y", [(0, 3), (5, 4), (1, 1)])
    assert [bytes(stretch) for stretch in stretches] == [b"a/2", b"-end", b"/"]
    long = bytes(range(256)) * 1000
    place.write("long", (part for part in [long]))
    place.write("parts", [b"one ", memoryview(b"two "), b""] * 2000 + [memoryview(long)] + [b"end"])
    assert place.read("parts") == b"one two " * 2000 + long + b"end"
    ranges = [(0, 10), (10, 5), (15, 100_000), (100_015, 100), (7, 3), (200_000, 56_000)]
    found = [bytes(stretch) for stretch in place.read_ranges("long", ranges)]
    assert found == [long[start : start + length] for start, length in ranges]
    assert (place.size("ab"), place.exists("ab"), place.exists("abc")) == (6, True, False)
    for missing in (lambda: place.read("none"), lambda: place.read("none", 3), lambda: place.size("none")):
        with pytest.raises(FileNotFoundError):
            missing()
    with pytest.raises(FileNotFoundError):
        next(place.read_ranges("none", [(0, 1)]))
    growing = place.appender("log/1")
    growing.append(b"one")
    growing.flush()
    assert place.read("log/1") == b"one"
    growing.append(b"two")
    growing.close()
    assert place.read("log/1", 3) == b"two"
    place.delete("ab")
    place.delete("ab")
    assert not place.exists("ab")


def test_smdebug_reads_from_s3_what_is_exported_there(environment: dict[str, str]) -> None:
    ours, exported = f"s3://{BUCKET}/job/ours", f"s3://{BUCKET}/job/exported"
    writer = StoreWriter(ours, collections=[Collection("weights", ["weight$"])], steps_per_segment=2)
    for step in (0, 1, 1000):
        weight = np.full((2, 3), step, np.float32)
        writer.write_step(
            step,
            tensors={"fc.weight": weight, "loss": np.float64(step / 3).reshape(())},
            statistics=Statistics(
                ["fc.weight", "fc.bias"], {"mean": np.array([step, 2.5]), "abs_max": np.ones(2)}
            ),
            mode=ModeKeys.TRAIN,
            mode_step=step,
        )
    writer.end_training()
    export_smdebug(ours, exported)
    found = read_all(create_trial(exported))
    assert found["steps"] == [0, 1, 1000]
    assert found == read_all(create_trial(ours))
    assert found == smdebug(READ_ALL, exported, environment=environment)


def test_a_training_is_followed_in_s3() -> None:
    path = f"s3://{BUCKET}/live"
    writer = StoreWriter(path, steps_per_segment=3)
    trial = create_trial(path)
    for step in range(8):
        measured = Statistics(["a", "b"], {"mean": np.array([step, -step], np.float32)})
        writer.write_step(step, statistics=measured, tensors={"a": np.arange(step + 1)})
        writer.flush()
        assert trial.steps() == list(range(step + 1))
        assert float(trial.tensor("b").reduction_value(step, "mean")) == -step
        assert trial.tensor("a").value(step).tolist() == list(range(step + 1))
    writer.end_training()
    assert read_statistics(trial, regex="b")["mean"].to_pylist() == [-step for step in range(8)]
    assert trial.tensor("a").value(7).tolist() == list(range(8))


def test_smdebugs_layout_is_followed_in_s3() -> None:
    path = f"s3://{BUCKET}/their/live"
    writer = SmdebugWriter(path)
    trial = create_trial(path)
    for step in (0, 999, 1000, 5000):
        writer.write_step(step, {"loss": np.float64(step)})
        assert trial.steps()[-1] == step
        assert float(trial.tensor("loss").value(step)) == step
    assert trial.steps() == [0, 999, 1000, 5000]
    assert not trial.loaded_all_steps
    writer.end_training()
    assert trial.steps() == [0, 999, 1000, 5000]
    assert trial.loaded_all_steps


def test_a_training_that_ended_without_saving_is_no_trial() -> None:
    open_place(f"s3://{BUCKET}/nothing").write("training_job_end.ts", [b""])
    with pytest.raises(MissingCollectionFiles):
        create_trial(f"s3://{BUCKET}/nothing")
