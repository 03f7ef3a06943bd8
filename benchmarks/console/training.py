"""A training that others look at: ``python -m benchmarks.console.training METRICS STEPS SECONDS HERTZ``.

Logs ``STEPS`` steps as fast as it can, then for ``SECONDS`` so many steps a second; each with all metrics. With none of
these to come it ends at once.
"""

import math
import random
import sys
import time


def values(metrics: int, step: int) -> dict[str, float]:
    """What a step has: losses that fall, with noise; of the first a spike at each 20,000th step."""
    falling = math.exp(-step / 30_000)
    found = {f"loss_{index:02}": falling * (1 + index / 10) + random.random() / 20 for index in range(metrics)}
    if step % 20_000 == 19_999:
        found["loss_00"] = 50.0
    return found


def main() -> None:
    """Train."""
    import epochwatch

    metrics, steps, seconds, hertz = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    for step in range(steps):
        epochwatch.log(values(metrics, step), step=step)
    begin = time.monotonic()
    while (passed := time.monotonic() - begin) < seconds:
        epochwatch.log(values(metrics, step := step + 1), step=step)
        time.sleep(max(0.0, (int(passed * hertz) + 1) / hertz - (time.monotonic() - begin)))


if __name__ == "__main__":
    main()
