"""Real clients of other versions, each in an environment of its own under ``.venvs/``, made when first needed."""

import fcntl
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_TENSORS = ["msgspec>=0.20", "numpy>=2.0", "obstore>=0.8", "pyarrow>=18"]  # what a hook needs beside its framework
PEERS = {
    "botocore140": ["boto3==1.40.0", "botocore==1.40.0"],
    "sagemaker2": ["sagemaker==2.257.7"],
    "sagemaker3": ["sagemaker-core==2.27.0"],
    "modeltrainer": ["sagemaker-train==1.27.0"],
    "awscli": ["awscli==1.46.2"],
    # what smdebug imports without declaring it comes with it; its writer needs an older numpy
    "smdebug": ["smdebug==1.0.34", "numpy==1.26.4", "pandas==2.3.3", "psutil", "requests"],
    "torch": ["torch==2.13.0", *_TENSORS],
    "trainers": ["torch==2.13.0", "lightning==2.6.6", "transformers==5.23.0", "accelerate==1.15.0", *_TENSORS],
    "xgboost": ["xgboost-cpu==3.2.0"],  # the same module without 300 MB for GPUs
    "boosting": ["xgboost-cpu==3.2.0", "lightgbm==4.7.0", "scikit-learn==1.9.1", *_TENSORS],
    # other watchers of a training beside ours, for benchmarks.hooks; smdebug's protobuf is too old for the rest
    "watchers": ["torch==2.13.0", "wandb==0.31.0", "tensorboard==2.21.0", *_TENSORS],
    "smdebug-torch": [
        *("torch==2.13.0", "smdebug==1.0.34", "numpy==1.26.4", "pandas==2.3.3", "psutil", "requests"),
        *("msgspec>=0.20", "obstore>=0.8", "pyarrow==18.1.0"),
    ],
    "keras": ["keras==3.15.1", "torch==2.13.0", "jax==0.10.2", *_TENSORS],
    "jax": ["jax==0.10.2", "flax==0.12.8", "optax==0.2.8", *_TENSORS],
}
BY_PIP = {"torch", "trainers", "keras", "watchers", "smdebug-torch"}
"""Made by pip, whose settings know where this machine keeps the build without 3 GB for GPUs."""


def peer_python(name: str) -> Path:
    """The interpreter of a peer's environment."""
    directory = ROOT / ".venvs" / name
    python = directory / "bin" / "python"
    directory.parent.mkdir(exist_ok=True)
    with open(directory.parent / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        marker = directory / "installed"
        wanted = "\n".join(PEERS[name])
        if not marker.exists() or marker.read_text() != wanted:
            shutil.rmtree(directory, ignore_errors=True)
            if name in BY_PIP:
                subprocess.run([sys.executable, "-m", "venv", str(directory)], check=True)
                subprocess.run([python, "-m", "pip", "install", "-q", "--no-cache-dir", *PEERS[name]], check=True)
            else:
                uv = shutil.which("uv") or str(ROOT / ".venv" / "bin" / "uv")
                subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(directory)], check=True)
                subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *PEERS[name]], check=True)
            marker.write_text(wanted)
    return python


@cache
def torch_python() -> str | None:
    """An interpreter of this machine that has PyTorch, such as Debian's with ``python3-torch``; None without."""
    for python in (sys.executable, "/usr/bin/python3"):
        asked = [python, "-c", "import torch.distributed as d; assert d.is_available()"]
        if Path(python).exists() and subprocess.run(asked, capture_output=True, check=False).returncode == 0:
            return python
    return None
