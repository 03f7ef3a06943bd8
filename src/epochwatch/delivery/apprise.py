"""Messages to everything that Apprise knows."""

import json
import subprocess
import sys
from typing import Final

from epochwatch.delivery.errors import FailedError, RefusedError

SECONDS: Final = 60.0


def notify(url: str, title: str, body: str, destinations: str) -> None:
    """Have a process of its own bring the message to the service of that URL. Raises RefusedError where it cannot,
    FailedError where it may later.
    """
    order = json.dumps({"url": url, "title": title, "body": body, "destinations": destinations})
    try:
        done = subprocess.run(
            [sys.executable, "-m", "epochwatch.services.sns.apprise_process"],
            input=order.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # plugins write URLs there, with what is secret in them
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FailedError(f"it took longer than {SECONDS:g} seconds") from error
    reason = done.stdout.decode(errors="replace").strip()[:300]
    if done.returncode == 2:
        raise RefusedError(reason)
    if done.returncode:
        raise FailedError(reason or f"its process ended with {done.returncode}")
