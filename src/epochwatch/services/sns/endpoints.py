"""What can be subscribed: protocols and the endpoints they take."""

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from epochwatch.services.sns.errors import invalid

HTTP: Final = ("http", "https")
MAIL: Final = ("email", "email-json")
APPRISE: Final = "apprise"
LONGEST_ENDPOINT: Final = 2048
CHECK_SECONDS: Final = 60.0
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.ASCII)
_ABSENT: Final = ("sms", "sqs", "lambda", "firehose", "application")
"""Protocols of SNS to which this server has nothing to deliver."""


def require_endpoint(protocol: str, endpoint: str) -> None:
    """Refuses what cannot be delivered to. Raises AwsError."""
    if protocol in _ABSENT:
        raise invalid("Protocol", f"this server has nothing that delivers by {protocol}")
    check = _CHECKS.get(protocol)
    if check is None:
        raise invalid(f"Amazon SNS does not support this protocol string: {protocol}")
    if not endpoint:
        raise invalid("Endpoint")
    if len(endpoint) > LONGEST_ENDPOINT or not endpoint.isprintable():
        raise invalid("Endpoint")
    check(protocol, endpoint)


def shown(endpoint: str) -> str:
    """An endpoint as lists show it: without the password of a URL."""
    parts = urlsplit(endpoint)
    if parts.scheme not in HTTP or parts.password is None:
        return endpoint
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user.partition(':')[0]}:****@{host}").geturl()


def needs_confirmation(protocol: str) -> bool:
    """Whether the endpoint is asked first. An Apprise URL holds what its owner was given to write there with, and
    nobody there could answer.
    """
    return protocol != APPRISE


def _check_url(protocol: str, endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError as error:
        raise invalid("Endpoint") from error
    if parts.scheme.lower() != protocol:
        raise invalid("Endpoint must match the specified protocol")
    if not parts.hostname or port == 0 or " " in endpoint or not endpoint.isascii():
        raise invalid("Endpoint")


def _check_address(_: str, endpoint: str) -> None:
    if not _ADDRESS.fullmatch(endpoint):
        raise invalid("Email address")


def _check_apprise(_: str, endpoint: str) -> None:
    """In a process of its own: Apprise takes two seconds and 50 MB to load."""
    done = subprocess.run(
        [sys.executable, "-m", "epochwatch.services.sns.apprise_process"],
        input=endpoint.encode(),
        capture_output=True,
        timeout=CHECK_SECONDS,
        check=False,
    )
    if done.returncode:
        raise invalid("Endpoint", done.stdout.decode(errors="replace").strip() or "it is no Apprise URL")


_CHECKS: Final[Mapping[str, Callable[[str, str], None]]] = {
    **dict.fromkeys(HTTP, _check_url),
    **dict.fromkeys(MAIL, _check_address),
    APPRISE: _check_apprise,
}
