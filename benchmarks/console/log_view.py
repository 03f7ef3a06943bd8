"""A log of 10 million lines in a browser: ``python -m benchmarks.console.log_view [--lines 10000000]``.

The page of the log is opened at its end, led to its middle, scrolled by the wheel, and asked for lines with some rare
words. Told are how long each took until it was seen, how many elements the page then had, and its frames.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.console.charts import HEIGHT, WIDTH, chromium, frames, scroll, worst
from benchmarks.console.watchers import token
from benchmarks.stored_points import TENANT, open_stores
from epochwatch.store.rows import Rows, constant, log_event_rows
from tests.servers import ServerProcess

LINES = 10_000_000
AT_ONCE = 500_000
GROUP, STREAM = "/bench/long", "training"
PER_SECOND = 200
RARE = 100_003
"""One line in so many has the rare words."""
LINE = "[role=log] a.at"


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", nargs="?", default="measure", choices=["measure", "fill"])
    parser.add_argument("--home", type=Path, help="keeps the log")
    parser.add_argument("--lines", type=int, default=LINES)
    given = parser.parse_args()
    if given.what == "fill":
        fill(given.home, given.lines)
        return
    with tempfile.TemporaryDirectory() as directory, chromium() as browser:
        home = given.home or Path(directory) / "home"
        if not home.exists():
            home.mkdir(parents=True)
            words = ["fill", "--home", str(home), "--lines", str(given.lines)]
            subprocess.run([sys.executable, "-m", "benchmarks.console.log_view", *words], check=True)
        with ServerProcess(home) as server:
            print(measured(browser, server), flush=True)


def fill(home: Path, lines: int) -> None:
    """Put the log into a home directory before a server starts over it."""
    stores = open_stores(home)
    begin = int((time.time() - lines / PER_SECOND) * 1000)
    stores.state.log_groups.ensure_stream(TENANT, GROUP, STREAM, begin)
    for first in range(0, lines, AT_ONCE):
        steps = np.arange(first, min(first + AT_ONCE, lines))
        messages = [
            f"step={step} train_loss={1 / (step + 1):.6f} lr=0.001 tokens/s=18233" for step in steps.tolist()
        ]
        for at in range(-first % RARE, len(messages), RARE):
            messages[at] = f"ERROR: CUDA out of memory at step {first + at}"
        times = begin + steps * 1000 // PER_SECOND
        count = len(steps)
        columns = {
            "account": constant(TENANT.account, count),
            "region": constant(TENANT.region, count),
            "log_group": constant(GROUP, count),
            "stream": constant(STREAM, count),
            "ts": times,
            "ingestion": times,
            "message": pa.array(messages, pa.string()),
            "source": np.full(count, 77, np.uint64),
            "seq": (steps + 1).astype(np.uint64),
        }
        stores.ingest.write(Rows(log_events=log_event_rows(columns)))
    stores.close()


def measured(browser: Any, server: ServerProcess) -> str:
    """First view, middle, scrolling and search."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    context.request.get(f"{server.url}/_/login?token={token(server)}")
    page = context.new_page()
    begin = time.monotonic()
    page.goto(f"{server.url}/_/logs?group={GROUP}&stream={STREAM}")
    page.locator(LINE).first.wait_for(timeout=120_000)
    found = [f"first view {_since(begin)}"]
    last = page.locator(LINE).last.get_attribute("title")
    begin = time.monotonic()
    page.get_by_label("Go to a time").fill("50%")
    page.keyboard.press("Enter")
    page.wait_for_function(
        f"document.querySelector('{LINE}') && document.querySelectorAll('{LINE}')[0].title < {last!r}"
    )
    found.append(f"middle {_since(begin)}")
    page.wait_for_timeout(2000)
    found.append(f"scrolling {worst(frames(page, lambda: scroll(page)))}")
    begin = time.monotonic()
    page.get_by_label("Search the log").fill("CUDA out of memory")
    page.keyboard.press("Enter")
    page.locator(".hit").first.wait_for(timeout=120_000)
    found.append(f"first hit {_since(begin)}")
    page.wait_for_timeout(1000)
    found.append(f"{page.evaluate('document.querySelectorAll(`*`).length')} elements")
    context.close()
    return f"(load {os.getloadavg()[0]:.1f}) " + ", ".join(found)


def _since(begin: float) -> str:
    return f"{(time.monotonic() - begin) * 1000:.0f} ms"


if __name__ == "__main__":
    main()
