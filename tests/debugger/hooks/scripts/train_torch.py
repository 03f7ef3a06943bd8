"""Trainings by PyTorch, one by its name: ``train_torch.py DIRECTORY NAME``. Prints as JSON what was true in them."""

import copy
import hashlib
import json
import logging
import math
import pickle
import sys

import numpy
import torch
from torch import nn

from epochwatch.debugger import ModeKeys
from epochwatch.debugger.hooks import watch
from epochwatch.debugger.hooks.config import DEFAULT_COLLECTIONS, CollectionConfig, HookConfig, SaveConfig

REDUCTIONS = ("min", "max", "mean", "median", "std", "variance", "sum", "prod", "l1", "l2")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(8, 16)
        self.norm = nn.LayerNorm(16)
        self.fc2 = nn.Linear(16, 4)

    def forward(self, x):
        return self.fc2(torch.relu(self.norm(self.fc1(x))))


def batch():
    return torch.randn(32, 8), torch.randint(0, 4, (32,))


def every(interval, **more):
    return dict.fromkeys(ModeKeys, SaveConfig(interval, **more))


def norm(tensors):
    return math.sqrt(sum(float(tensor.double().square().sum()) for tensor in tensors))


def digest(model):
    return hashlib.sha256(b"".join(one.detach().numpy().tobytes() for one in model.parameters())).hexdigest()


def plain(directory, hooked=True):
    """Clipping, evaluation, a rate that changes; nothing is said but the directory."""
    torch.manual_seed(0)
    hook = watch(out_dir=directory) if hooked else None
    net, criterion = Net(), nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 5, 0.5)
    truth = {"loss": [], "norm": [], "clipped": [], "rate": [], "eval": [], "mean": [], "weight": [], "update": []}
    for step in range(21):
        net.train()
        images, labels = batch()
        optimizer.zero_grad()
        loss = criterion(net(images), labels)
        loss.backward()
        truth["norm"].append(norm([one.grad for one in net.parameters()]))
        nn.utils.clip_grad_norm_(net.parameters(), 0.1)
        truth["loss"].append(loss.item())
        truth["rate"].append(optimizer.param_groups[0]["lr"])
        truth["clipped"].append(norm([net.fc1.weight.grad]))
        truth["mean"].append(net.fc1.weight.grad.double().mean().item())
        before = net.fc1.weight.detach().clone()
        optimizer.step()
        truth["update"].append(norm([net.fc1.weight.detach() - before]))
        truth["weight"].append(norm([net.fc1.weight.detach()]))
        schedule.step()
        if step % 10 == 9:
            net.eval()
            with torch.no_grad():
                for _ in range(3):
                    truth["eval"].append(criterion(net(images), labels).item())
    if hook is not None:  # a watched model is copied and pickled as any other
        pickle.loads(pickle.dumps(copy.deepcopy(net)))
        hook.close()
    return truth | {"digest": digest(net)}


def bare(directory):
    """The same training without a hook, to the bit."""
    watched = plain(directory)["digest"]
    return {"watched": watched, "bare": plain(directory, hooked=False)["digest"]}


def scaled(directory):
    """Mixed precision: scaled losses, and a step that the scaler left out as its gradients were infinite."""
    torch.manual_seed(0)
    hook = watch(config=HookConfig(directory, save=every(1)))
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    truth = {"loss": [], "norm": []}
    for step in range(6):
        optimizer.zero_grad()
        images, labels = batch()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = nn.functional.cross_entropy(net(images), labels)
        scaler.scale(loss).backward()
        if step == 3:
            net.fc1.weight.grad[0, 0] = math.inf
            net.fc1.weight.grad[0, 1] = math.nan
        truth["loss"].append(loss.item())
        truth["norm"].append(norm([one.grad for one in net.parameters()]) / scaler.get_scale())
        scaler.step(optimizer)
        scaler.update()
    hook.close()
    return truth


def accumulated(directory):
    """Two backward calls a step: what the optimizer sees is their sum."""
    torch.manual_seed(0)
    net = Net()
    hook = watch(net, config=HookConfig(directory, save=every(1)))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    truth = {"loss": [], "norm": []}
    for _ in range(4):
        losses = []
        for _ in range(2):
            images, labels = batch()
            loss = nn.functional.cross_entropy(net(images), labels)
            loss.backward()
            losses.append(loss.item())
        truth["loss"].append(sum(losses) / 2)
        truth["norm"].append(norm([one.grad for one in net.parameters()]))
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    hook.close()
    return truth


class Derived(torch.optim.SGD):
    """An optimizer whose step is that of its base and a little more."""

    def step(self, closure=None):
        return super().step(closure)


def told(directory):
    """The script says the phases itself; its optimizer's class calls that of its base, which another one used."""
    torch.manual_seed(0)
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)  # from now on its steps are listened to
    net, criterion = Net(), nn.CrossEntropyLoss()
    hook = watch(net, config=HookConfig(directory, save=every(1)))
    optimizer = Derived(net.parameters(), lr=0.1)
    truth = {"loss": [], "eval": []}
    for _ in range(3):
        hook.set_mode(ModeKeys.TRAIN)
        for _ in range(4):
            images, labels = batch()
            optimizer.zero_grad()
            loss = criterion(net(images), labels)
            loss.backward()
            truth["loss"].append(loss.item())
            optimizer.step()
        hook.set_mode(ModeKeys.EVAL)
        with torch.no_grad():
            for _ in range(2):
                truth["eval"].append(criterion(net(images), labels).item())
    hook.close()
    return truth


def forgotten(directory):
    """The optimizer has one of two layers; labels come sorted."""
    torch.manual_seed(0)
    watch(out_dir=directory)
    net, criterion = Net(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.fc2.parameters(), lr=0.05)
    for step in range(400):
        images = torch.randn(32, 8)
        labels = torch.full((32,), step // 10 % 2 * 3)
        images[:, 0] = labels
        optimizer.zero_grad()
        criterion(net(images), labels).backward()
        optimizer.step()
    return {}


def adversarial(directory):
    """Two models, two optimizers: a step is one of each."""
    torch.manual_seed(0)
    first, second = Net(), Net()
    hook = watch(config=HookConfig(directory, save=every(1)))
    optimizers = [torch.optim.SGD(net.parameters(), lr=0.01) for net in (first, second)]
    for _ in range(3):
        for net, optimizer in zip((first, second), optimizers, strict=True):
            optimizer.zero_grad()
            net(batch()[0]).square().mean().backward()
            optimizer.step()
    hook.close()
    return {}


def configured(directory):
    """Everything that can be asked for: raw tensors, all reductions, activations, the optimizer's state."""
    torch.manual_seed(0)
    collections = (
        CollectionConfig("weights", save_raw_tensor=True, statistics=False),
        CollectionConfig("outputs"),
        CollectionConfig("inputs", ("fc1_input",), save_raw_tensor=True, statistics=False),
        CollectionConfig("optimizer_variables", reductions=("l2",), statistics=False),
        CollectionConfig(
            "reduced",
            ("^gradient/Net_fc1.weight$",),
            reductions=(*REDUCTIONS, *(f"abs_{name}" for name in REDUCTIONS)),
            save_shape=True,
            statistics=False,
        ),
    )
    net = Net().to(torch.bfloat16)
    hook = watch(net, config=HookConfig(directory, collections, every(2)))
    hook.set_mode(ModeKeys.PREDICT)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    truth = {"weight": [], "output": [], "input": [], "gradient": [], "state": []}
    for _ in range(3):
        images, labels = batch()
        output = net(images.to(torch.bfloat16))
        optimizer.zero_grad()
        nn.functional.cross_entropy(output.float(), labels).backward()
        optimizer.step()
        hook.save_scalar("mine", labels[0] * 1.0)
        hook.save_tensor("labels", labels)
        truth["weight"].append(net.fc1.weight.float().tolist())
        truth["output"].append(norm([output.detach()]))
        truth["input"].append(images.to(torch.bfloat16).float().tolist())
        truth["gradient"].append(net.fc1.weight.grad.float().tolist())
        truth["state"].append(norm([optimizer.state[net.fc1.weight]["exp_avg"]]))
    hook.close()
    return truth


def compiled(directory):
    """A compiled model whose inputs and outputs are all watched: its graph stays whole."""
    from torch._dynamo.utils import counters

    torch.manual_seed(0)
    net, criterion = Net(), nn.CrossEntropyLoss()
    hook = watch(net, config=HookConfig(directory, (CollectionConfig("all"),), every(2)))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    fast = torch.compile(lambda images, labels: criterion(net(images), labels), backend="aot_eager")
    truth = {"loss": [], "norm": [], "output": []}
    for _ in range(5):
        images, labels = batch()
        with torch.no_grad():
            truth["output"].append(norm([net.fc1.forward(images)]))
        optimizer.zero_grad()
        loss = fast(images, labels)
        loss.backward()
        truth["loss"].append(loss.item())
        truth["norm"].append(norm([one.grad for one in net.parameters()]))
        optimizer.step()
    hook.close()
    return truth | {"breaks": dict(counters["graph_break"]), "graphs": counters["stats"]["unique_graphs"]}


def combined(directory):
    """Two batches a step in bfloat16, computed once more in backward, in several ways; all losses and norms of each."""
    from torch.utils.checkpoint import checkpoint

    found = {}
    for name, reentrant, optimizer_of in (
        ("checkpointed", False, lambda parameters: torch.optim.AdamW(parameters, lr=0.01)),
        ("reentrant", True, lambda parameters: torch.optim.AdamW(parameters, lr=0.01, foreach=True)),
        ("fused", None, lambda parameters: torch.optim.AdamW(parameters, lr=0.01, fused=True)),
        ("inductor", None, lambda parameters: torch.optim.SGD(parameters, lr=0.01)),
    ):
        torch.manual_seed(0)
        net = Net()
        collections = (*DEFAULT_COLLECTIONS, CollectionConfig("outputs"))
        hook = watch(net, config=HookConfig(f"{directory}/{name}", collections, every(1)))
        optimizer = optimizer_of(net.parameters())
        scaler = torch.amp.GradScaler("cpu", init_scale=256.0, enabled=name == "fused")
        compiled = torch.compile(net) if name == "inductor" else net
        truth = {"loss": [], "norm": [], "update": [], "output": []}
        for step in range(4):
            losses = []
            optimizer.zero_grad()
            for _ in range(2):
                images, labels = batch()
                with torch.autocast("cpu", torch.bfloat16):
                    output = (
                        compiled(images)
                        if reentrant is None
                        else checkpoint(net, images.requires_grad_(), use_reentrant=reentrant)
                    )
                    loss = nn.functional.cross_entropy(output, labels)
                scaler.scale(loss / 2).backward()
                losses.append(loss.item() / 2)
            truth["output"].append(norm([output.detach()]))
            if name == "fused" and step == 2:
                net.fc1.weight.grad[0, 0] = math.nan
            truth["loss"].append(sum(losses) / 2)
            truth["norm"].append(norm([one.grad for one in net.parameters()]) / scaler.get_scale())
            before = net.fc1.weight.detach().clone()
            scaler.step(optimizer)
            scaler.update()
            truth["update"].append(norm([net.fc1.weight.detach() - before]))
        hook.close()
        found[name] = truth
    return found


def failing(directory):
    """Statistics cannot be computed: the training goes on, with one message."""
    from epochwatch.debugger.hooks.torch import statistics

    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logging.getLogger("epochwatch").addHandler(handler)

    def broken(flats):
        raise MemoryError("no room")

    statistics.rows_of = broken
    return plain(directory) | {"messages": messages}


def measured(directory):
    """Statistics of odd tensors, as the host computes them and as a device would."""
    from epochwatch.debugger.hooks.torch import statistics

    torch.manual_seed(0)
    statistics.PIECE = 7
    normal = torch.randn(5, 4)
    broken = normal.clone()
    broken[0, 0], broken[1, 1], broken[2, 2], broken[3, 3] = math.nan, math.inf, -math.inf, 0
    tensors = {
        "normal": normal,
        "far": normal + 1000,
        "ones": torch.ones(9),
        "zeros": torch.zeros(3),
        "huge": normal * 1e30,
        "broken": broken,
        "nothing": torch.full((2,), math.nan),
        "half": normal.bfloat16(),
        "counts": torch.arange(8),
        "empty": torch.empty(0),
        "strided": normal.t()[::2],
    }
    found = {}
    for name, tensor in tensors.items():
        flats = statistics.pieces(tensor)
        device = torch.stack([statistics._device_row(statistics._real(flat)) for flat in flats]).numpy()
        owners = numpy.zeros(len(flats), int)
        both = [statistics.columns_of(rows, owners, 1) for rows in (statistics.rows_of(flats), device)]
        found[name] = [
            tensor.double().flatten().tolist(),
            *({key: one[0] for key, one in each.items()} for each in both),
        ]
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(globals()[sys.argv[2]](sys.argv[1])))
