"""All benchmarks, one after another: ``make benchmarks``. Each also runs alone: ``python -m benchmarks.NAME``.

Figures are only worth something on a machine that does nothing else; the load is printed with them.
"""

import os
import subprocess
import sys

NAMES = (
    "install",
    "log_call",
    "latency",
    "extraction",
    "gateway_requests",
    "ingest",
    "logs",
    "metric_queries",
    "storage",
    "tiers",
    "alarms",
    "tensor_store",
    "console.charts",
    "console.table",
    "console.log_view",
    "console.watchers",
)


def main() -> int:
    """Run every benchmark; the exit status is 0 if all of them ran."""
    failed = 0
    for name in NAMES:
        print(f"== {name} (load {os.getloadavg()[0]:.1f})", flush=True)
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
