"""One real server for the Prometheus face."""

from collections.abc import Iterator

import pytest

from tests.prometheus.client import PrometheusClient
from tests.servers import ServerProcess


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("prometheus")) as started:
        yield started


@pytest.fixture(scope="session")
def client(server: ServerProcess) -> PrometheusClient:
    return PrometheusClient(server)
