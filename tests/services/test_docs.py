"""docs/aws.md names exactly the operations that are built."""

import re
from pathlib import Path

from epochwatch.server.composition import SERVICES, operations

PAGE = (Path(__file__).parents[2] / "docs" / "aws.md").read_text()


def test_every_operation_is_documented_and_none_that_is_not_there() -> None:
    table = PAGE.partition("## What is there")[2].partition("##")[0]
    documented = set(re.findall(r"`([A-Z][A-Za-z]+)`", table.partition("Any other operation")[0]))
    assert documented == {name for built in operations().values() for name in built}


def test_every_service_has_operations() -> None:
    assert all(operations()[service] for service in SERVICES)
