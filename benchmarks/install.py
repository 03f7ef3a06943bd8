"""How light the base install is, and how soon things answer.

A wheel of this checkout goes into a clean environment: its size with all it needs, what importing and one ``log``
cost, and from this environment (which has the ``server`` extra) the time from starting the server to its first answer.
Run: ``python -m benchmarks.install``.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.servers import ServerProcess

ROOT = Path(__file__).resolve().parents[1]
PASSES = 5


def measure() -> dict[str, Any]:
    """Megabytes, packages and milliseconds (the least of several passes)."""
    with tempfile.TemporaryDirectory() as directory:
        python = _clean_install(Path(directory))
        packages = next((Path(directory) / "venv" / "lib").glob("python*")) / "site-packages"
        size = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file() and not path.is_symlink())
        return {
            "installed MB": round(size / 1e6, 1),
            "packages": len(list(packages.glob("*.dist-info"))),
            "import epochwatch ms": _import_ms(python, "import epochwatch"),
            "import and log ms": _import_ms(python, "import epochwatch; epochwatch.log"),
            "epochwatch --help ms": _command_ms([str(python), "-m", "epochwatch", "--help"]),
        } | _server_ms(Path(directory))


def _clean_install(directory: Path) -> Path:
    uv = shutil.which("uv") or str(ROOT / ".venv" / "bin" / "uv")
    python = directory / "venv" / "bin" / "python"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(directory / "venv")], check=True)
    subprocess.run(
        [uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(python), str(ROOT)], check=True
    )
    return python


def _import_ms(python: Path, code: str) -> float:
    timed = f"import time; t = time.perf_counter()\n{code}\nprint((time.perf_counter() - t) * 1000)"
    times = []
    for _ in range(PASSES):
        answer = subprocess.run([str(python), "-c", timed], check=True, capture_output=True, text=True, cwd="/")
        times.append(float(answer.stdout))
    return round(min(times), 1)


def _command_ms(command: list[str]) -> float:
    times = []
    for _ in range(PASSES):
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd="/", env=os.environ | {"NO_COLOR": "1"})
        times.append((time.perf_counter() - begin) * 1000)
    return round(min(times), 1)


def _server_ms(directory: Path) -> dict[str, float]:
    """The first start over a new home makes the stores, later ones open them."""
    first, later = [], []
    for number in range(PASSES):
        server = ServerProcess(directory / f"home-{number}")
        for times in (first, later):
            begin = time.perf_counter()
            with server:
                times.append(round((time.perf_counter() - begin) * 1000, 1))
    return {
        "server ready ms, first start": min(first),
        "server ready ms, first start, slowest": max(first),
        "server ready ms, later": min(later),
        "server ready ms, later, slowest": max(later),
        "load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
