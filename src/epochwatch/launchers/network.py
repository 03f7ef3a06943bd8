"""A machine's place in its network."""

import contextlib
import socket
from pathlib import Path
from urllib.parse import urlsplit


def own_address(endpoint: str) -> str:
    """This machine's address on the way to the server, by which the job's other machines find it too."""
    parts = urlsplit(endpoint)
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((parts.hostname or "127.0.0.1", parts.port or 80))  # a datagram socket sends nothing here
        return str(probe.getsockname()[0])
    return "127.0.0.1"


def interface() -> str:
    """The network interface of the default route."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/route").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1] == "00000000":
                return fields[0]
    return "eth0"
