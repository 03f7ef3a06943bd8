from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.training.scripts import end_shippers


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home directory whose shippers end with the test."""
    yield tmp_path
    end_shippers(tmp_path)
