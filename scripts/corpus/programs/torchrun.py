# ruff: noqa: D103 - each program says in its decorator what it prints
"""Two ranks under torchrun (gloo): prefixes, interleaving, files of logs."""

import os
import sys
import time

from shape import Catalogue, Metric, curve, rise, tell

N = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
shapes = Catalogue("really run, torchrun of {torch} with two gloo ranks")
RUN = ["{python}", "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29611"]
TEE = [*RUN, "--log-dir", "{folder}/logs", "--tee", "3", "{program}"]


def _ranks():
    import torch.distributed as dist

    dist.init_process_group("gloo")
    return dist, dist.get_rank(), dist.get_world_size()


def _in_turn(dist, rank, world, text):
    """Each rank prints in its turn, so that the recording is the same each time."""
    for turn in range(world):
        if turn == rank:
            print(text, flush=True)
            time.sleep(0.03)
        dist.barrier()


@shapes(
    Metric("loss", rf"loss: {N}", "train:loss"),
    about="ranks that print their number themselves: [rank0]",
    command=[*RUN, "{program}"],
    step=r"step (\d+)",
    junk=["rank", "world_size", "OMP_NUM_THREADS"],
)
def rank_in_brackets():
    dist, rank, world = _ranks()
    for step in range(8):
        if rank == 0:
            tell("train:loss", curve(step), curve(step) + 0.01)
        _in_turn(dist, rank, world, f"[rank{rank}]: step {step} loss: {curve(step) + rank / 100:.4f}")
    dist.destroy_process_group()


@shapes(
    Metric("loss", rf"loss={N}", "train:loss"),
    Metric("acc", rf"acc={N}", "train:accuracy"),
    about="--tee 3: every line is prefixed [default0]: or [default1]:",
    command=TEE,
    step=r"step=(\d+)",
    junk=["default0", "default1", "rank"],
)
def tee():
    dist, rank, world = _ranks()
    for step in range(8):
        if rank == 0:
            tell("train:accuracy", rise(step), rise(step))
        _in_turn(dist, rank, world, f"step={step} loss={curve(step) + rank / 100:.4f} acc={rise(step):.4f}")
    dist.destroy_process_group()


@shapes(
    Metric("loss", r"\[default0\]:.*'loss': ([0-9.]+)", "train:loss"),
    about="--tee 3 with dictionaries; only the first rank's loss is defined",
    command=TEE,
    wanted={"loss": r"\[default1\]:.*'loss': ([0-9.]+)", "grad_norm": r"'grad_norm': ([0-9.]+)"},
    junk=["rank"],
)
def tee_dictionaries():
    dist, rank, world = _ranks()
    for step in range(6):
        if rank == 0:
            tell("train:loss", round(curve(step), 4))
        row = {"rank": rank, "loss": round(curve(step) + rank / 10, 4), "grad_norm": round(2 / (1 + step), 3)}
        _in_turn(dist, rank, world, str(row))
    dist.destroy_process_group()


@shapes(
    Metric("loss", rf"loss={N}", "train:loss"),
    about="a rank that fails: prefixed stack trace and torchrun's table of failures",
    command=[*TEE[:-1], "--max-restarts", "0", "{program}"],
    fails=True,
    step=r"step=(\d+)",
    junk=["exitcode", "local_rank", "line", "rank", "pid", "error_file", "default0", "default1"],
)
def failing_rank():
    dist, rank, _ = _ranks()
    for step in range(3):
        if rank == 0:
            tell("train:loss", curve(step))
            print(f"step={step} loss={curve(step):.4f}", flush=True)
        dist.barrier()
    time.sleep(0.2)
    if rank == 1:
        raise ValueError("loss is 7.5 at step 3 of 100")
    time.sleep(3)


@shapes(
    Metric("loss", rf"loss {N}", "train:loss"),
    about="only the first rank prints; warnings of both, DDP really run",
    command=[*RUN, "{program}"],
    step=r"iter (\d+)",
    wanted={"samples/s": r"samples/s ([0-9.]+)"},
    junk=["OMP_NUM_THREADS"],
)
def ddp_first_rank_only():
    import torch

    dist, rank, _ = _ranks()
    torch.manual_seed(0)
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for step in range(12):
        data = torch.randn(16, 4)
        loss = (model(data) - data.sum(1, keepdim=True)).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if rank == 0:
            tell("train:loss", loss.item())
            print(f"iter {step}: loss {loss.item():.4f} samples/s {1000 + step:.1f}", flush=True)
    dist.destroy_process_group()


@shapes(
    Metric("loss", rf"loss {N}", "train:loss"),
    source="two processes of a program of our own on one pipe",
    about="lines of two ranks that run into each other: two on one line, then an empty one",
    step=r"step (\d+)",
)
def lines_run_together():
    for step in range(6):
        tell("train:loss", curve(step))
        sys.stdout.write(
            f"[0] step {step} loss {curve(step):.4f}[1] step {step} loss {curve(step) + 0.01:.4f}\n\n"
        )
    sys.stdout.flush()


@shapes(
    Metric("lm loss", r"0: .*lm loss: ([0-9.E+-]+)", "train:loss"),
    source="a program of our own in the form of srun --label and mpirun --tag-output",
    about="'0: ' and '[1,1]<stdout>:' before each line",
    wanted={"lm loss": r"^1: .*lm loss: ([0-9.E+-]+)"},
    step=r"iteration +(\d+)/",
)
def srun_and_mpirun_labels():
    for step in range(10, 60, 10):
        tell("train:loss", curve(step / 10))
        for rank in range(2):
            print(f"{rank}:  iteration {step:8d}/     100 | lm loss: {curve(step / 10):.6E} |")
    for step in range(60, 100, 10):
        tell("train:loss", curve(step / 10))
        print(f"[1,0]<stdout>:0:  iteration {step:8d}/     100 | lm loss: {curve(step / 10):.6E} |")
    assert os.getpid()


@shapes(
    Metric("loss", rf"^step \d+ loss: {N}", "train:loss"),
    about="--redirects 3: each rank's own file under --log-dir, as tail -n +1 shows them one after the other",
    step=r"^step (\d+)",
    junk=["rank"],
)
def redirects():
    import subprocess
    from pathlib import Path

    words = ["--nproc-per-node", "2", "--master-port", "29612", "--redirects", "3", "--log-dir", "logs"]
    worker = """import os
for step in range(4):
    print(f"step {step} loss: {2 / (step + 1 + int(os.environ['RANK'])):.4f}")
"""
    Path("worker.py").write_text(worker)
    subprocess.run([sys.executable, "-m", "torch.distributed.run", *words, "worker.py"], check=True)
    for rank in range(2):
        tell("train:loss", *(2 / (step + 1 + rank) for step in range(4)))
    subprocess.run(["tail", "-n", "+1", *sorted(map(str, Path("logs").rglob("std*.log")))], check=True)
