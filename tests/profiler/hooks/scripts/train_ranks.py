"""Two processes that train one model, the second of them slowly: ``train_ranks.py DIRECTORY``."""

import sys
import time

import torch
import torch.distributed as distributed
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from epochwatch.profiler import watch

SLOW = 0.05


class Slow(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        time.sleep(SLOW)
        return gradient


def train(rank, directory):
    watch(f"{directory}/profile")
    store = f"file://{directory}/rendezvous"
    distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=2)
    net = DistributedDataParallel(nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2)))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(6):
        optimizer.zero_grad()
        output = net(torch.randn(3, 4))
        (Slow.apply(output) if rank else output).sum().backward()
        optimizer.step()
        if rank:
            time.sleep(SLOW)
        distributed.all_reduce(torch.zeros(1))
    distributed.destroy_process_group()


if __name__ == "__main__":
    torch.multiprocessing.start_processes(train, (sys.argv[1],), nprocs=2, start_method="fork")
