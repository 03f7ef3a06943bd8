# ruff: noqa: D103, E501 - each program says in its decorator what it prints
"""What surrounds a training in its log: nothing of it is a metric."""

import subprocess
import sys
import warnings
from pathlib import Path

from shape import Catalogue, Metric, curve, tell

shapes = Catalogue("really run")


@shapes(
    source="really run, pip and git",
    about="pip install of a local package and git clone with its progress, through a terminal",
    through="pty",
    junk=[
        "Receiving objects",
        "Counting objects",
        "Compressing objects",
        "Resolving deltas",
        "tiny",
        "Successfully installed tiny",
    ],
)
def install_and_clone():
    Path("tiny").mkdir()
    Path("tiny/pyproject.toml").write_text('[project]\nname = "tiny"\nversion = "1.2.3"\n')
    for command in (
        ["git", "init", "-q", "tiny"],
        ["git", "-C", "tiny", "add", "."],
        [
            "git",
            "-C",
            "tiny",
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "commit",
            "-m",
            "First 2 files",
        ],
        ["git", "clone", "--no-local", "--progress", "tiny", "copy"],
        ["python3", "-m", "pip", "--version"],
    ):
        print("+", *command, flush=True)
        subprocess.run(command, check=False)


@shapes(
    source="really run, curl and dd",
    about="downloads and copies: curl's table, dd's rates",
    through="pty",
    junk=["Dload", "Upload", "Total", "Xferd", "Average Speed"],
)
def downloads():
    Path("weights.bin").write_bytes(bytes(3_000_000))
    subprocess.run(["curl", "-o", "copy.bin", f"file://{Path('weights.bin').resolve()}"], check=False)
    subprocess.run(["dd", "if=weights.bin", "of=copy2.bin", "bs=64k", "status=progress"], check=False)


@shapes(
    source="the form of nvidia-smi and NCCL, printed by a program of our own",
    about="a GPU's table and NCCL INFO lines",
    junk=["Driver Version", "CUDA Version", "Fan", "Temp", "rank", "nranks", "busId", "Channel 00"],
)
def gpu_and_nccl():
    print("+-----------------------------------------------------------------------------+")
    print("| NVIDIA-SMI 535.104.05   Driver Version: 535.104.05   CUDA Version: 12.2     |")
    print("|   0  Tesla V100-SXM2...  On   | 00000000:00:1E.0 Off |                    0 |")
    print("| N/A   41C    P0    38W / 300W |   1502MiB / 16384MiB |      3%      Default |")
    for rank in range(4):
        print(f"algo-1:77:{120 + rank} [{rank}] NCCL INFO Bootstrap : Using eth0:10.0.0.1{rank}<0>")
        print(f"algo-1:77:{120 + rank} [{rank}] NCCL INFO Channel 00/02 :    0   1   2   3")
        print(
            f"algo-1:77:{120 + rank} [{rank}] NCCL INFO comm 0x7f3a1c00 rank {rank} nranks 4 cudaDev {rank} busId 1e0 - Init COMPLETE"
        )


@shapes(
    source="really run, {PyYAML}",
    about="a configuration dumped as YAML, argparse's Namespace and a table of hyperparameters",
    junk=[
        "lr",
        "weight_decay",
        "batch_size",
        "epochs",
        "dropout",
        "seed",
        "num_layers",
        "warmup_steps",
        "momentum",
    ],
)
def configuration():
    import argparse

    import yaml

    settings = {
        "model": {"name": "resnet18", "num_layers": 18, "dropout": 0.1},
        "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4},
        "trainer": {"epochs": 90, "batch_size": 256, "seed": 42, "warmup_steps": 500, "loss": "cross_entropy"},
    }
    print(yaml.safe_dump(settings))
    print(argparse.Namespace(lr=0.1, momentum=0.9, epochs=90, batch_size=256, label_smoothing=0.1))
    for group in settings.values():
        for name, value in group.items():
            print(f"  {name:<20} {value}")


@shapes(
    source="really run, {torchinfo} on {torch}",
    about="a model's summary: shapes, parameters, sizes",
    junk=[
        "Total params",
        "Trainable params",
        "Non-trainable params",
        "Params size (MB)",
        "Input size (MB)",
        "Total mult-adds (M)",
    ],
)
def model_summary():
    import torch
    from torchinfo import summary

    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(7200, 10)
    )
    print(model)
    summary(model, (1, 3, 32, 32), verbose=1)


@shapes(
    about="Python's warnings, a chain of exceptions and faulthandler's stacks",
    fails=True,
    junk=["line", "loss", "lr", "accuracy"],
)
def warnings_and_traces():
    import faulthandler

    warnings.warn("lr=0.1 is larger than 0.01; loss may become nan (loss=nan)", stacklevel=1)
    faulthandler.dump_traceback(sys.stdout.fileno())
    try:
        raise ValueError("expected 10 classes, got 12: loss = 3.5")
    except ValueError as error:
        raise RuntimeError("accuracy: 0.5 is below 0.9 at step 12") from error


@shapes(
    source="really run, pytest",
    about="the output of a test run and a build",
    junk=["passed", "collected", "failed", "seconds"],
)
def tests_and_builds():
    Path("test_model.py").write_text(
        "import pytest\n\n@pytest.mark.parametrize('n', range(12))\ndef test_loss(n):\n    assert n != 7\n"
    )
    subprocess.run([sys.executable, "-m", "unittest", "-v", "test_model"], check=False)
    for at in range(0, 101, 20):
        print(f"[{at:3d}%] Building CXX object csrc/CMakeFiles/ops.dir/loss_{at}.cpp.o")
    print("real\t0m12.345s\nuser\t0m10.010s\nsys\t0m1.234s\n  Maximum resident set size (kbytes): 512340")


@shapes(
    Metric("loss", r"^loss: ([0-9.]+)$", "train:loss"),
    source="a program of our own",
    about="a web server's access log and health checks around a training's lines",
    junk=["HTTP/1.1", "latency", "status", "bytes"],
)
def access_log():
    for at in range(12):
        print(
            f'10.0.0.{at} - - [20/Nov/2025:10:00:{at:02d} +0000] "GET /ping HTTP/1.1" 200 {at * 17} "-" "AHC/2.0" latency=0.00{at} status=200'
        )
        if at % 3 == 0:
            tell("train:loss", curve(at))
            print(f"loss: {curve(at):.4f}")
