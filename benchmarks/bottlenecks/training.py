"""``training.py SCENARIO SEED SECONDS DIRECTORY``: a training by PyTorch on the CPU with one bottleneck.

Runs where PyTorch is, without epochwatch.
"""

import mmap
import os
import socket
import sys
import threading
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SCENARIO, SEED, SECONDS, DIRECTORY = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])
NAME, _, VARIANT = SCENARIO.partition("-")
PIXELS = 3 * 32 * 32
SAMPLE_BYTES = 2 << 20


class Images(Dataset):
    """Random images. ``work``, ``wait`` and ``read`` are what a sample costs."""

    def __init__(self, work: float = 0.0, wait: float = 0.0, read: Path | None = None) -> None:
        self.images = torch.randn(512, 3, 32, 32)
        self.work, self.wait, self.read = work, wait, read

    def __len__(self) -> int:
        return 100_000

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        if self.wait:
            time.sleep(self.wait)  # a store on the other side of a network
        if self.work:
            until = time.thread_time() + self.work
            while time.thread_time() < until:
                np.fft.fft2(self.images[index % 512].numpy())
        if self.read is not None:
            read_past_the_cache(self.read, index)
        return self.images[index % 512], index % 10


def read_past_the_cache(path: Path, index: int) -> None:
    """A sample from a file larger than what a disk gives at once."""
    file = os.open(path, os.O_RDONLY | os.O_DIRECT)
    buffer = mmap.mmap(-1, SAMPLE_BYTES)
    try:
        os.preadv(file, [buffer], index % 64 * SAMPLE_BYTES)
    finally:
        os.close(file)


def conv_net(width: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(2 * width * 64, 10),
    )  # fmt: skip


def mlp(width: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(PIXELS, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
                         nn.Linear(width, 10))  # fmt: skip


class MetricsService:
    """Answers each word after a while, as a service in another building does."""

    def __init__(self, seconds: float) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.seconds = seconds
        threading.Thread(target=self._serve, daemon=True).start()
        self.client = socket.create_connection(self.server.getsockname())

    def _serve(self) -> None:
        connection, _ = self.server.accept()
        while connection.recv(64):
            time.sleep(self.seconds)
            connection.send(b"ok")

    def tell(self, loss: float) -> None:
        self.client.send(f"{loss:.6f}".encode())
        self.client.recv(64)


def loader() -> DataLoader:
    batch, workers, data = 32, 0, Images()
    if NAME == "slow_loader":
        data, workers = Images(wait=0.006), 1 if VARIANT == "worker" else 0
    elif NAME == "too_few_workers":
        data, workers = Images(work=0.003), 1 if VARIANT == "one" else 0
    elif NAME == "cpu_bound":
        data, workers = Images(work=0.006), 3 if VARIANT == "three" else 2
    elif NAME == "slow_disk":
        path = DIRECTORY / "data.bin"
        with path.open("wb") as file:
            for _ in range(64):
                file.write(os.urandom(SAMPLE_BYTES))
            os.fsync(file.fileno())
        data, workers = Images(read=path), 1 if VARIANT == "worker" else 0
    elif NAME == "tiny_batch":
        batch = 1 if VARIANT == "one" else 2
    elif SCENARIO == "healthy-workers":
        data, workers = Images(work=0.0002), 1
    return DataLoader(data, batch, num_workers=workers, shuffle=True)


def main() -> None:
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    ranks = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    tiny = NAME == "tiny_batch"
    model = mlp(512) if tiny or VARIANT == "mlp" else conv_net(16)
    optimizer = torch.optim.Adam(model.parameters()) if tiny else torch.optim.SGD(model.parameters(), 0.01)
    net = model
    if ranks > 1:
        torch.distributed.init_process_group("gloo")
        net = nn.parallel.DistributedDataParallel(model)
    service = MetricsService(0.05) if NAME == "sync_points" and VARIANT == "service" else None
    log = (DIRECTORY / f"log-{rank}.txt").open("w")
    moments = torch.ones((8 if VARIANT == "often" else 24) << 20 if NAME == "checkpoint_stall" else 1)
    kept: list[torch.Tensor] = []
    if NAME == "memory_leak":  # features are collected, and nobody takes them
        model[4 if VARIANT == "small" else 0].register_forward_hook(lambda *seen: kept.append(seen[-1].detach()))
    loss_of = nn.CrossEntropyLoss()
    began = time.monotonic()
    for step, (images, labels) in enumerate(loader(), 1):
        if SCENARIO == "slow_rank-loads" and rank == 1:
            time.sleep(0.1)
        output = net(images)
        if SCENARIO == "slow_rank-computes" and rank == 1:
            with torch.no_grad():
                model(torch.cat([images, images]))
        loss = loss_of(output, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if service is not None:
            service.tell(loss.item())
        if SCENARIO == "sync_points-log":
            for value in model.parameters():
                log.write(f"{value.norm().item():.4f}\n")
                log.flush()
                os.fsync(log.fileno())
        if NAME == "checkpoint_stall" and step % (5 if VARIANT == "often" else 15) == 0:
            torch.save({"model": model.state_dict(), "more": moments}, DIRECTORY / "checkpoint.pt")
        if SCENARIO == "healthy-checkpoints" and step % 100 == 0:
            torch.save(model.state_dict(), DIRECTORY / "checkpoint.pt")
        if SCENARIO == "healthy-evaluates" and step % 30 == 0:
            model.eval()
            with torch.no_grad():
                for _ in range(3):
                    model(images)
            model.train()
        if step % 10 == 0:
            print(f"step {step} loss {loss.item():.4f}", flush=True)
        over = torch.tensor([float(time.monotonic() - began > SECONDS)])
        if ranks > 1 and step % 10 == 0:
            torch.distributed.all_reduce(over)
        if (ranks == 1 or step % 10 == 0) and over.item() > 0:
            break
    if ranks > 1:
        torch.distributed.barrier()
        time.sleep(0.5)  # gloo's thread lets go of its last tensors, or waits for ever for what the end holds
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
