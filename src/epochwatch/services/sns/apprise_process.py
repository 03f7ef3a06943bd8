"""A process that has Apprise bring one message to one place, or say what is wrong with a URL.

Apprise is large, and its plugins call whom they like for as long as they like: a process of its own can be held to a
time, to memory and to the addresses that may be called.
"""

import json
import resource
import socket
import sys
from typing import Any, Final

from epochwatch.model.sns.destinations import Destinations

LOCAL: Final = frozenset(
    {
        "blink1", "dbus", "deltachat", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows",
    }
)  # fmt: skip
"""What Apprise would do on the server's own desktop, in its log or by its programs."""
MOST_MEMORY: Final = 1 << 30
"""Bytes of address space."""


class RefusedError(Exception):
    """The message cannot be brought there, however often it is tried; the message says why."""


def main() -> int:
    """By standard input: a URL that is checked, or a JSON object with ``url``, ``title``, ``body`` and
    ``destinations``. Exit status 0: good; 1: it failed, and may succeed later; 2: it cannot succeed. Why is said on
    standard output.
    """
    given = sys.stdin.read()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    try:
        if not given.startswith("{"):
            _target(given)
            return 0
        order = json.loads(given)
        sys.addaudithook(_guard(Destinations.parse(order["destinations"])))
        if _target(order["url"]).notify(body=order["body"], title=order["title"]):
            return 0
        print("the service did not take the message")
        return 1
    except RefusedError as refusal:
        print(refusal)
        return 2


def _target(url: str) -> Any:
    import apprise

    scheme = url.partition("://")[0].lower()
    if scheme in LOCAL:
        raise RefusedError(f"{scheme}:// acts on the server itself")
    target = apprise.Apprise.instantiate(
        url, asset=apprise.AppriseAsset(http_redirects=False, secure_logging=True), suppress_exceptions=True
    )
    if target is None:
        raise RefusedError(f"Apprise cannot read this {scheme}:// URL")
    target.redirects = False  # whatever the URL says
    return target


def _guard(destinations: Destinations) -> Any:
    """Keeps plugins from calling addresses that are not allowed, and from starting programs."""

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            family, address = arguments[0].family, arguments[1]
            if family not in (socket.AF_INET, socket.AF_INET6) or not destinations.allow(address[0]):
                raise PermissionError("notification_destinations does not allow this address")
        elif event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"):
            raise PermissionError("a notification starts no programs")

    return look


if __name__ == "__main__":
    sys.exit(main())
