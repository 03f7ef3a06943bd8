"""No random request, right or wrong, is answered with a 5xx or with something that cannot be read."""

import time
from pathlib import Path

from benchmarks.random_requests import Requests, Run, gateway_over, in_process
from epochwatch.store.stores import Stores

COUNT = 3000


def test_random_requests_are_answered_or_refused(stores: Stores, tmp_path: Path) -> None:
    with gateway_over(stores, tmp_path) as gateway:
        run = Run(gateway, Requests(seed=7, now=time.time()))
        in_process(run, range(COUNT), every=COUNT)
    report = run.findings.report()
    assert report["failures"] == []
    assert sum(report["answers"].values()) == COUNT
    assert report["answers"]["200"] > COUNT / 10, "hardly a request was right: the run has lost its point"
    assert report["answers"]["400"] > COUNT / 10, "hardly a request was wrong: the run has lost its point"


def test_a_request_of_a_seed_is_always_the_same() -> None:
    drawn = [Requests(seed=3, now=1_790_000_000.0).draw(number).request for number in range(200)]
    assert [Requests(seed=3, now=1_790_000_000.0).draw(number).request for number in range(200)] == drawn
    assert [Requests(seed=4, now=1_790_000_000.0).draw(number).request for number in range(200)] != drawn
