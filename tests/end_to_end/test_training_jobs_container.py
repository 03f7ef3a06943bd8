"""Created jobs in real containers, by podman."""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launchers.created_jobs import JobServer, way

IMAGE = "localhost/epochwatch-test-training:1"
BUSYBOX = "/bin/busybox"
TOOLS = ("sh", "cat", "echo", "sleep", "hostname", "env", "printf", "grep", "ls")
CONFIGURATION = """
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=1000:1000"]
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "none"
"""
"""What podman needs to run inside another sandbox."""

pytestmark = [
    pytest.mark.skipif(
        not all(shutil.which(name) for name in ("podman", "runc", "busybox")) or os.geteuid() != 0,
        reason="podman, runc and busybox-static (Debian) run here as root only",
    ),
    pytest.mark.xdist_group("podman"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    """A server whose jobs run in containers; the image holds busybox and a program called train."""
    home = tmp_path_factory.mktemp("podman")
    (home / "containers.conf").write_text(CONFIGURATION)
    storage = f'[storage]\ndriver = "vfs"\ngraphroot = "{home}/graph"\nrunroot = "{home}/run"\n'
    (home / "storage.conf").write_text(storage)
    environment = {
        "CONTAINERS_CONF": str(home / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(home / "storage.conf"),
    }
    podman = ["podman", "import", "--change=ENV PATH=/bin", str(_root_file_system(home)), IMAGE]
    done = subprocess.run(podman, env=os.environ | environment, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"podman cannot be used here: {done.stderr.strip()[-300:]}")
    with JobServer(home / "home", environment, launcher="container", max_jobs="2") as running:
        yield running


def test_an_image_is_run_as_sagemaker_runs_it(server: JobServer) -> None:
    server.create("as-built", image=IMAGE, HyperParameters={"depth": "3"}, Environment={"GREETING": "hello"})

    job = server.over("as-built")

    assert (job["TrainingJobStatus"], job.get("FailureReason")) == ("Completed", None)
    assert way(job) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert server.lines("as-built") == ["called with train on algo-1", '{"depth": "3"}', "hello as-built"]
    assert server.keys("out/as-built/") == ["out/as-built/output/model.tar.gz"]


def test_an_entry_point_takes_the_place_of_the_images(server: JobServer) -> None:
    data = server.put("data/x", b"content\n").removesuffix("/x")
    words = ["/bin/sh", "-c", "cat /opt/ml/input/data/train/x; exit 3"]

    server.create("entry", words, image=IMAGE, channels={"train": data})
    job = server.over("entry")

    assert server.lines("entry") == ["content"]
    assert (job["TrainingJobStatus"], job["FailureReason"][-12:]) == ("Failed", "exit code: 3")


def test_a_container_has_time_to_end_when_it_is_stopped(server: JobServer) -> None:
    script = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
    server.create("stopped", ["/bin/sh", "-c", script], image=IMAGE)
    server.until_line("stopped", "ready")

    server.sagemaker.stop_training_job(TrainingJobName="stopped")

    assert server.over("stopped")["TrainingJobStatus"] == "Stopped"
    assert server.lines("stopped") == ["ready", "bye"]


def _root_file_system(home: Path) -> Path:
    root = home / "root"
    for name in ("bin", "tmp", "etc", "proc", "sys", "dev"):
        (root / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or BUSYBOX, root / "bin" / "busybox")
    for name in TOOLS:
        (root / "bin" / name).symlink_to("busybox")
    (root / "bin" / "train").write_text(
        '#!/bin/sh\necho "called with train on $(hostname)"; cat /opt/ml/input/config/hyperparameters.json\n'
        'echo; echo "$GREETING $TRAINING_JOB_NAME"; echo m > /opt/ml/model/m\n'
    )
    (root / "bin" / "train").chmod(0o755)
    with tarfile.open(home / "root.tar", "w") as tar:
        tar.add(root, ".")
    return home / "root.tar"
