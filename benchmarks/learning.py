"""Learning metrics from logs: MB of log for each CPU second, from the first line on and once all shapes are known.

The logs are those of ``benchmarks.extraction``: noise of frameworks, with metric lines of many shapes. Beside the whole
extractor there is the learning alone, line by line, with and without looking at shapes of lines once; both give the
same number of values. Run: ``python -m benchmarks.learning``; ``--smoke`` for a quick look.
"""

import argparse
import time
from collections.abc import Callable, Iterator

from benchmarks.extraction import CHUNK, make_log
from epochwatch.extraction.automatic import Detector
from epochwatch.extraction.extractor import Extractor
from epochwatch.extraction.steps import Place

SHARES = (0.0, 0.001, 0.01, 0.1, 1.0)


def with_extractor(log: bytes) -> int:
    """The whole of it: lines, steps, values, health."""
    extractor = Extractor([], automatic=True)
    return sum(len(extractor.feed(chunk, extractor.offset).values) for chunk in _chunks(log))


def once_learnt() -> Callable[[bytes], int]:
    """As ``with_extractor``, by one that goes on where it was."""
    extractor = Extractor([], automatic=True)
    return lambda log: sum(len(extractor.feed(chunk, extractor.offset).values) for chunk in _chunks(log))


def with_detector(log: bytes, *, shapes: bool) -> int:
    """The learning alone, line by line."""
    detector, place = Detector(shapes=shapes), Place()
    return sum(len(detector.observe(line, place)) for line in log.split(b"\n"))


def _chunks(log: bytes) -> Iterator[bytes]:
    for start in range(0, len(log), CHUNK):
        yield log[start : start + CHUNK]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="small logs, one round")
    options = parser.parse_args()
    size, rounds = (200_000, 1) if options.smoke else (8_000_000, 3)
    print("metric lines % | values | extractor MB/CPU-s | once learnt | learning alone | each line looked at")
    for share in SHARES:
        log = make_log(share, size)
        engines = (
            with_extractor,
            once_learnt(),
            lambda log: with_detector(log, shapes=True),
            lambda log: with_detector(log, shapes=False),
        )
        speeds, counts = [], []
        for engine in engines:
            best = float("inf")
            for _ in range(rounds):
                before = time.process_time()
                counts.append(engine(log))
                best = min(best, time.process_time() - before)
            speeds.append(len(log) / best / 1e6)
        if counts[-1 - rounds] != counts[-1]:
            raise SystemExit(f"the two ways of learning disagree: {counts}")
        print(" | ".join([f"{share * 100:g}", str(counts[0]), *(f"{speed:.1f}" for speed in speeds)]))


if __name__ == "__main__":
    main()
