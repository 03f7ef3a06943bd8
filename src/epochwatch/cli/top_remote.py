"""What the server knows of a job's hosts now."""

import time
from typing import Any

from epochwatch.cli.job import job_path
from epochwatch.client.http import Client, Refused, ServerAbsent
from epochwatch.settings import Settings

EVERY_SECONDS = 1.0
WINDOW_SECONDS = 15.0
"""How old a value may be to be shown."""


class RemoteHosts:
    """Asked for at most once a second; while the server does not answer, ``said`` says so."""

    def __init__(self, settings: Settings, job: str) -> None:
        self._client = Client(settings, timeout=2.0)
        self._job = job
        self._asked = 0.0
        self.hosts: dict[str, dict[str, float]] = {}
        """The newest value of each instance metric of each host."""
        self.paces: dict[str, dict[str, Any]] = {}
        """How each host goes on: ``step``, ``rate``, ``late`` and ``straggler``."""
        self.metrics: dict[str, Any] = {}
        """The job's own metrics, as its page has them."""
        self.said = ""

    def refresh(self) -> None:
        """Asks again if it is time."""
        if time.monotonic() - self._asked < EVERY_SECONDS:
            return
        self._asked = time.monotonic()
        try:
            detail = self._client.get_json(job_path(self._job))
            window = {"from": str(time.time() - WINDOW_SECONDS), "width": "2000"}
            found = self._client.get_json(job_path(self._job, "/hosts"), window)
        except ServerAbsent:
            self.said = "the server does not answer"
            return
        except Refused as refusal:
            self.said = refusal.message
            return
        self.paces = {host["host"]: host["pace"] for host in found["hosts"] if host.get("pace")}
        self.said = str(detail.get("status", ""))
        self.metrics = {one["name"]: one for one in detail.get("metrics", [])}
        self.hosts = {
            host["host"]: {one["metric"]: one["mean"][-1] for one in host["metrics"] if one.get("mean")}
            for host in found["hosts"]
        }
