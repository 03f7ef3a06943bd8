"""Two ranks train together: ``train_torch_ranks.py DIRECTORY WAY``. Prints the norms of the mean gradients as JSON."""

import json
import math
import os
import sys

import torch
import torch.distributed as dist
from torch import nn

from epochwatch.debugger import ModeKeys
from epochwatch.debugger.hooks import watch
from epochwatch.debugger.hooks.config import HookConfig, SaveConfig

STEPS = 3


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(8, 16)
        self.fc2 = nn.Linear(16, 4)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


def parallel(way, net):
    if way == "fsdp":
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh("cpu", (2,))
        fully_shard(net.fc1, mesh=mesh)
        return fully_shard(net, mesh=mesh)
    if way.startswith("flat"):
        from torch.distributed.fsdp import FullyShardedDataParallel

        flat = {"use_orig_params": way != "flat-whole", "device_id": torch.device("cpu")}
        net.fc1 = FullyShardedDataParallel(net.fc1, **flat)
        return FullyShardedDataParallel(net, **flat)
    found = nn.parallel.DistributedDataParallel(net)
    return torch.compile(found, backend="aot_eager") if way == "compiled" else found


def rank_of_two(rank, directory, way):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank)}
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{directory}.meet", rank=rank, world_size=2)
    torch.manual_seed(0)
    net, alone = Net(), Net()
    alone.load_state_dict(net.state_dict())
    hook = watch(config=HookConfig(directory, save=dict.fromkeys(ModeKeys, SaveConfig(1))))
    together = parallel(way, net)
    optimizer = torch.optim.SGD((together if way.startswith("flat") else net).parameters(), lr=0.1)
    truth = {"norm": [], "fc1": [], "weight": []}
    for _ in range(STEPS):
        everybody = torch.randn(2, 16, 8)
        optimizer.zero_grad()
        together(everybody[rank]).square().mean().backward()
        if way == "flat-clipped":
            together.clip_grad_norm_(0.01)
        optimizer.step()
        alone.zero_grad()
        alone(everybody.flatten(0, 1)).square().mean().backward()
        norms = [float(one.grad.norm()) for one in alone.parameters()]
        truth["norm"].append(math.hypot(*norms))
        if way == "flat-clipped":
            torch._foreach_mul_([one.grad for one in alone.parameters()], 0.01 / math.hypot(*norms))
        if way == "flat-whole":
            truth["fc1"].append(math.hypot(*(float(one.grad.norm()) for one in alone.fc1.parameters())))
        else:
            truth["fc1"].append(float(alone.fc1.weight.grad.norm()))
        with torch.no_grad():
            for one in alone.parameters():
                one.sub_(one.grad, alpha=0.1)
        weights = [*alone.fc1.parameters()] if way == "flat-whole" else [alone.fc1.weight]
        truth["weight"].append(math.hypot(*(float(one.detach().norm()) for one in weights)))
    dist.destroy_process_group()
    hook.close()
    if rank == 0:
        print(json.dumps(truth), flush=True)


if __name__ == "__main__":
    torch.multiprocessing.spawn(rank_of_two, args=(sys.argv[1], sys.argv[2]), nprocs=2)
