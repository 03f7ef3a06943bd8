"""Hosts of one job find each other by the variables that SageMaker's toolkit sets, and train one model."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launchers.created_jobs import JobServer
from tests.peers import torch_python

pytestmark = pytest.mark.xdist_group("rendezvous")  # the port is the same for all jobs of a machine
TORCH = torch_python()
BY_SOCKETS = """
import json, os, socket, time

hosts, me = json.loads(os.environ["SM_HOSTS"]), os.environ["SM_CURRENT_HOST"]
place = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
if me == hosts[0]:
    with socket.create_server(place) as listener:
        total, others = 1, []
        while len(others) < len(hosts) - 1:
            other, _ = listener.accept()
            total += int(other.recv(16))
            others.append(other)
        for other in others:
            other.sendall(str(total).encode())
else:
    for _ in range(1200):
        try:
            connection = socket.create_connection(place)
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    connection.sendall(str(hosts.index(me) + 1).encode())
    total = int(connection.recv(16))
print(f"{me} of {len(hosts)}: sum={total}")
"""
DISTRIBUTED = """
import json, os
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

hosts = json.loads(os.environ["SM_HOSTS"])
rank = hosts.index(os.environ["SM_CURRENT_HOST"])
dist.init_process_group("gloo", init_method="env://", rank=rank, world_size=len(hosts))
torch.manual_seed(rank)
model = DistributedDataParallel(torch.nn.Linear(1, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x = torch.tensor([[float(rank)], [float(rank + 2)]])
for epoch in range(50):
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(model(x), 3 * x + 1)
    loss.backward()
    optimizer.step()
weights = torch.cat([one.detach().flatten() for one in model.parameters()])
both = [torch.zeros_like(weights) for _ in range(dist.get_world_size())]
dist.all_gather(both, weights)
print(f"rank={rank} of={len(both)} same={bool(torch.equal(*both))} loss={loss.item():.6f};", flush=True)
if rank == 0:
    torch.save(model.module.state_dict(), os.environ["SM_MODEL_DIR"] + "/model.pt")
dist.destroy_process_group()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    home = tmp_path_factory.mktemp("hosts")
    images = home / "images.toml"
    images.write_text(f'[[image]]\nmatch = "pytorch"\npython = "{TORCH}"\n' if TORCH else "")
    with JobServer(home / "home", images_file=str(images), max_jobs="2") as running:
        yield running


def script(server: JobServer, name: str, text: str, image: str, hosts: int) -> None:
    """A job in script mode."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        entry = tarfile.TarInfo("train.py")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text.encode()))
    code = server.put(f"code/{name}.tar.gz", archive.getvalue())
    program = {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": f'"{code}"'}
    loss = {"MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+);"}]}
    server.create(name, image=image, hosts=hosts, HyperParameters=program, algorithm=loss)


def test_hosts_meet_at_the_address_that_all_are_given(server: JobServer) -> None:
    script(server, "meeting", BY_SOCKETS, "process", 3)

    assert server.over("meeting")["TrainingJobStatus"] == "Completed", server.lines("meeting")
    assert server.lines("meeting") == [f"algo-{number} of 3: sum=6" for number in (1, 2, 3)]


@pytest.mark.skipif(TORCH is None, reason="needs an interpreter with PyTorch (Debian: python3-torch)")
def test_pytorch_trains_one_model_on_two_hosts(server: JobServer, tmp_path: Path) -> None:
    script(server, "ddp", DISTRIBUTED, "pytorch", 2)

    job = server.over("ddp")

    assert job["TrainingJobStatus"] == "Completed", "\n".join(server.lines("ddp"))
    for number in (1, 2):
        said = [line for line in server.lines("ddp", f"algo-{number}") if line.startswith("rank=")]
        assert [line.partition(" loss=")[0] for line in said] == [f"rank={number - 1} of=2 same=True"]
    assert [one["MetricName"] for one in job["FinalMetricDataList"]] == ["loss"]
    with tarfile.open(fileobj=io.BytesIO(server.get("out/ddp/output/model.tar.gz"))) as tar:
        assert tar.getnames() == ["model.pt"]
