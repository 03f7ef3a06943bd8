"""Trainings by PyTorch that say of themselves what they did: ``train_torch.py DIRECTORY KIND...``."""

import copy
import io
import json
import pickle
import sys
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from epochwatch.profiler import watch

STEPS = 8


class Slow(Dataset):
    def __len__(self):
        return STEPS

    def __getitem__(self, index):
        time.sleep(0.03)
        return torch.randn(4)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        time.sleep(0.02)
        return self.fc(x)


class SlowBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        time.sleep(0.04)
        return gradient


class SlowSGD(torch.optim.SGD):
    @torch.no_grad()
    def step(self, closure=None):
        time.sleep(0.01)
        return super().step(closure)


def evaluate(net, loader):
    net.eval()
    with torch.no_grad():
        for batch in loader:
            net(batch)
    net.train()


def learn(net, optimizer, batch):
    optimizer.zero_grad()
    loss = SlowBackward.apply(net(batch)).sum()
    loss.backward()
    optimizer.step()


def plain(net, optimizer, hook):
    for batch in DataLoader(Slow(), batch_size=1):
        learn(net, optimizer, batch)


def workers(net, optimizer, hook):
    for batch in DataLoader(Slow(), batch_size=1, num_workers=2):
        learn(net, optimizer, batch)


def evaluated(net, optimizer, hook):
    for number, batch in enumerate(DataLoader(Slow(), batch_size=1)):
        learn(net, optimizer, batch)
        if number == 3:
            evaluate(net, DataLoader(Slow(), batch_size=1))
        if number == 5:
            torch.save({"big": torch.zeros(10)}, Stalling())


class Stalling(io.BytesIO):
    def write(self, data):
        time.sleep(0.01)
        return super().write(data)


def accumulated(net, optimizer, hook):
    for number, batch in enumerate(DataLoader(Slow(), batch_size=1)):
        SlowBackward.apply(net(batch)).sum().backward()
        if number % 2:
            optimizer.step()
            optimizer.zero_grad()


def two_models(net, optimizer, hook):
    """A generator and its judge, each with an optimizer."""
    judge = nn.Linear(2, 1)
    other = torch.optim.SGD(judge.parameters(), lr=0.1)
    for batch in DataLoader(Slow(), batch_size=1):
        with torch.no_grad():
            fake = net(batch)
        judge(fake).sum().backward()
        other.step()
        learn(net, optimizer, batch)


def closure(net, optimizer, hook):
    """As Lightning does it: all of a step within the optimizer's."""
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    for batch in DataLoader(Slow(), batch_size=1):

        def compute(batch=batch):
            sgd.zero_grad()
            loss = SlowBackward.apply(net(batch)).sum()
            loss.backward()
            return loss

        sgd.step(compute)


def windowed(net, optimizer, hook):
    """Operators of some steps, and Python's functions of others; then operators once more, asked for meanwhile."""
    config = hook.recorder.directory / "profilerconfig.json"
    config.parent.mkdir()

    def ask(**parameters):
        told = {name: json.dumps(value) for name, value in parameters.items()}
        config.write_text(json.dumps({"ProfilingParameters": told}))

    ask(DetailedProfilingConfig={"StartStep": 12, "NumSteps": 3}, PythonProfilingConfig={"StartStep": 5})
    for step in range(60):
        learn(net, optimizer, torch.randn(2, 4))
        if step == 25:
            ask(DetailedProfilingConfig={"NumSteps": 2})
            hook.windows._next_look = 0.0


class Quick(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(x).relu()


def compiled(net, optimizer, hook):
    """The model compiled in place and as another; no graph of it may break."""

    for make in ("in place", "another", "function"):
        model = Quick()
        sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        call = model
        if make == "in place":
            model.compile(fullgraph=True, backend="eager")
        elif make == "another":
            call = torch.compile(model, fullgraph=True, backend="eager")
        else:
            call = torch.compile(lambda x, model=model: model(x), fullgraph=True, backend="eager")
        for _ in range(4):
            sgd.zero_grad()
            call(torch.randn(3, 4)).sum().backward()
            sgd.step()
        hook._leader = None  # each of the three is a training of its own


def copied(net, optimizer, hook):
    plain(net, optimizer, hook)
    torch.autograd.grad(outputs=net(torch.randn(1, 4)).sum(), inputs=list(net.parameters()))
    torch.autograd.backward(tensors=net(torch.randn(1, 4)).sum())
    hooks = [*net._forward_pre_hooks.values(), *net._forward_hooks.values()]
    assert len(hooks) == 2
    told = pickle.dumps(net.state_dict()), pickle.dumps(hooks)
    assert b"epochwatch.profiler" not in told[1]
    twin = copy.deepcopy(net)
    twin(torch.randn(1, 4))
    hook.close()
    assert not net._forward_pre_hooks
    assert "epochwatch" not in torch.autograd.backward.__code__.co_filename
    assert "epochwatch" not in DataLoader.__iter__.__code__.co_filename


def failing(net, optimizer, hook):
    """What goes wrong in the hook is no matter of the training."""

    def broken(*_):
        raise RuntimeError("broken")

    hook.recorder._cut = broken
    plain(net, optimizer, hook)
    assert not hook.recorder.active


def scaled(net, optimizer, hook):
    scaler = torch.amp.GradScaler("cpu", enabled=True)
    for number in range(STEPS):
        optimizer.zero_grad()
        loss = net(torch.randn(1, 4)).sum() * (float("inf") if number == 2 else 1.0)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()


def trained(directory, kind):
    hook = watch(f"{directory}/{kind}")
    net = Net()
    optimizer = SlowSGD(net.parameters(), lr=0.1)
    began = time.time()
    globals()[kind](net, optimizer, hook)
    seconds = time.time() - began
    hook.close()
    return {"began": began, "seconds": seconds}


def main():
    directory, *kinds = sys.argv[1:]
    print(json.dumps({kind: trained(directory, kind) for kind in kinds}))


if __name__ == "__main__":
    main()
