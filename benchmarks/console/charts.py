"""A page with 20 charts of 100,000 points each, in a browser: ``python -m benchmarks.console.charts``.

Ours goes on at 10 steps a second while it is measured; the peers show the same steps of a training that has ended,
which is less to do. Each page is opened without a cache, scrolled by the wheel, and its first chart is zoomed by
dragging and set back by a double click. Frames are counted by ``requestAnimationFrame``: at 60 Hz there is one each
17 ms, what is longer was missed. ``--data`` keeps what the peers have recorded; names of trackers choose among them.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.console.trackers import PEERS, Opened, ours, peer

METRICS, STEPS, LIVE_SECONDS = 20, 100_000, 600
WIDTH, HEIGHT = 1280, 900
ZOOMS = 5
DRAWN_MS = 180_000

RECORD = """() => {
  window.frames_ = []; let last = performance.now(); window.recording_ = true;
  const next = (now) => {
    window.frames_.push(now - last); last = now;
    if (window.recording_) requestAnimationFrame(next);
  };
  requestAnimationFrame((now) => { last = now; requestAnimationFrame(next); });
}"""
STOP = "() => { window.recording_ = false; return window.frames_; }"
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
LARGEST = """() => new Promise((resolve) => {
  new PerformanceObserver((list) => resolve(list.getEntries().at(-1).startTime))
    .observe({type: 'largest-contentful-paint', buffered: true});
  setTimeout(() => resolve(null), 1000);
})"""


def main() -> None:
    """Print a row for each tracker."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("trackers", nargs="*", default=["epochwatch", *PEERS])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    given = parser.parse_args()
    print(
        "| tracker | first paint | largest | first chart | fetched | heap "
        "| frame scrolling: 99 %, worst | zooming: 99 %, worst |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as directory, chromium() as browser:
        for name in given.trackers:
            print(row(browser, name, given.data or Path(directory), Path(directory), given.steps), flush=True)


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser that the tests use."""
    from playwright.sync_api import sync_playwright

    from tests.console.conftest import CHROMIUM, FLAGS

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


def row(browser: Any, name: str, kept: Path, scratch: Path, steps: int) -> str:
    """One tracker's line of the table."""
    opened = (
        ours(scratch, METRICS, steps, LIVE_SECONDS)
        if name == "epochwatch"
        else peer(PEERS[name], kept / name, METRICS, steps)
    )
    with opened as tracker:
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
        page = context.new_page()
        if tracker.login:
            context.request.get(tracker.login)
        found = measured(context, page, tracker)
        context.close()
    return f"| {name} (load {os.getloadavg()[0]:.1f}) | {found} |"


def measured(context: Any, page: Any, tracker: Opened) -> str:
    """First paint, largest paint (canvases do not count for it), first chart, bytes, heap and frames."""
    fetched = transferred(context, page)
    begin = time.monotonic()
    page.goto(tracker.url)
    page.locator(tracker.drawn).first.wait_for(timeout=DRAWN_MS)
    drawn = time.monotonic() - begin
    page.wait_for_timeout(3000)
    heap = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
    megabytes = sum(fetched) / 1e6
    painted, largest = page.evaluate(PAINTED) or 0, page.evaluate(LARGEST) or 0
    scrolled = frames(page, lambda: scroll(page))
    zoomed = frames(page, lambda: zoom(page, tracker.chart))
    return (
        f"{painted:.0f} ms | {largest:.0f} ms | {drawn * 1000:.0f} ms | {megabytes:.1f} MB | {heap:.0f} MB | "
        f"{worst(scrolled)} | {worst(zoomed)}"
    )


def transferred(context: Any, page: Any) -> list[float]:
    """Bytes of each answer that comes over the wire from now on, none of them from a cache."""
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    fetched: list[float] = []
    session.on("Network.loadingFinished", lambda event: fetched.append(event["encodedDataLength"]))
    return fetched


def frames(page: Any, act: Any) -> list[float]:
    """How long each frame lasted while ``act`` went on, in ms."""
    page.evaluate(RECORD)
    act()
    return list(page.evaluate(STOP))


def scroll(page: Any) -> None:
    """Down and up again by the wheel."""
    page.mouse.move(WIDTH * 0.6, HEIGHT * 0.6)
    for turn in (1, -1):
        for _ in range(30):
            page.mouse.wheel(0, turn * 120)
            page.wait_for_timeout(50)


def zoom(page: Any, chart: str) -> None:
    """The first chart that is wholly on the screen: into its middle, and out again."""
    page.wait_for_timeout(500)
    box = next(
        found
        for one in page.locator(chart).all()
        if (found := one.bounding_box()) and found["y"] > 0 and found["y"] + found["height"] < HEIGHT
    )
    middle = box["y"] + box["height"] / 2
    for _ in range(ZOOMS):
        page.mouse.move(box["x"] + box["width"] * 0.3, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=15)
        page.mouse.up()
        page.wait_for_timeout(700)
        page.mouse.dblclick(box["x"] + box["width"] * 0.5, middle)
        page.wait_for_timeout(700)


def worst(found: list[float]) -> str:
    """The 99th percentile of frames and the longest."""
    ordered = sorted(found)
    return f"{ordered[int(len(ordered) * 0.99)]:.0f}, {ordered[-1]:.0f} ms"


if __name__ == "__main__":
    main()
