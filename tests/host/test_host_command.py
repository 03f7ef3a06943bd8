"""``epochwatch host`` and ``epochwatch top`` against a real server."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from epochwatch.agent.host.rows_file import row_files
from epochwatch.model.tenant import Tenant
from epochwatch.store.host_samples import HostPlace, read_samples
from epochwatch.store.objects import ObjectStore
from epochwatch.store.state import StateStore
from tests.agent.running import only_spool, until
from tests.servers import ServerProcess


def epochwatch(server: ServerProcess, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "epochwatch", *arguments]


def test_a_machine_is_sampled_shown_and_kept_and_the_server_may_be_away_meanwhile(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    server.start()
    credentials = server.credentials
    server.stop()
    arguments = epochwatch(server, "host", "--name", "box", "--interval", "100", "--no-server")
    with subprocess.Popen(arguments, env=server.environment, stderr=subprocess.DEVNULL) as host:
        try:
            spool = only_spool(tmp_path)
            until(lambda: row_files(spool.path) and row_files(spool.path)[0].stat().st_size > 5000)
            shown = subprocess.run(
                epochwatch(server, "top", "box", "--once"),
                env=server.environment,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            server.start()
            until((spool.path / "state.json").exists)
            host.send_signal(signal.SIGTERM)
            assert host.wait(60) == 0
        finally:
            host.kill()
    server.stop()
    assert "CPU" in shown
    assert "the server does not answer" in shown
    objects = ObjectStore.open(f"file://{tmp_path / 'objects'}")
    tenant = Tenant(credentials["account"], "us-east-1")
    place = HostPlace(tenant, "training-job", "box", "algo-1")
    now = time.time()
    found = read_samples(objects, place, now - 3600, now + 60)
    assert len(found.times) >= 10
    # Every moment is covered: the rows follow one another without a gap.
    steps = (found.times[1:] - found.times[:-1]) / 1e6
    np.testing.assert_allclose(steps, found.seconds[1:], atol=0.05)
    assert_the_clocks_are_one(tmp_path, tenant)


def assert_the_clocks_are_one(home: Path, tenant: Tenant) -> None:
    """The host's clock was measured against the server's, which is the same one here."""
    state = StateStore.open(f"sqlite:///{home / 'state.db'}")
    try:
        job = state.jobs.get(tenant, "box")
    finally:
        state.close()
    assert job is not None
    assert abs(job.clocks["algo-1"].seconds) <= job.clocks["algo-1"].error
