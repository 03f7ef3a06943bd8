"""Whom an alarm tells: a topic, by SNS's API."""

import hashlib
import html
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from epochwatch.client.http import Client, refusals_as_usage_errors
from epochwatch.errors import UsageError

_VERSION: Final = "2010-03-31"
_TOPIC_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,256}(\.fifo)?")
_ADDRESS: Final = re.compile(r"[^\s@/:]+@[^\s@/:]+")
PENDING: Final = "pending confirmation"
"""What Subscribe answers instead of an ARN where the endpoint has to confirm first."""


class Topics:
    """Topics for the targets that people name."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.pending: list[str] = []
        """The targets that have to confirm before anything gets to them."""

    def action(self, target: str) -> str:
        """The ARN of the action by which ``target`` is told: an ARN is one already, a topic's name or what is to be
        subscribed (a URL, a mail address) has a topic made where there is none. Raises UsageError.
        """
        if target.startswith("arn:"):
            return target
        if "://" in target:
            scheme = urlsplit(target).scheme.lower()
            return self._subscribed(scheme if scheme in ("http", "https") else "apprise", target, scheme)
        if _ADDRESS.fullmatch(target):
            return self._subscribed("email", target, target)
        if not _TOPIC_NAME.fullmatch(target):
            raise UsageError(
                f"'{target}' is nobody to notify", "give a topic's name or ARN, a URL or a mail address"
            )
        return self._created(target)

    def _subscribed(self, protocol: str, endpoint: str, told: str) -> str:
        """A topic of the endpoint's own, for all jobs: it has to confirm once. URLs hold secrets, names do not."""
        digest = hashlib.blake2b(endpoint.encode(), digest_size=4).hexdigest()
        topic = self._created(f"to-{re.sub('[^A-Za-z0-9]+', '-', told)[:200]}-{digest}")
        answer = self._call("Subscribe", {"TopicArn": topic, "Protocol": protocol, "Endpoint": endpoint})
        if answer == PENDING:
            self.pending.append(endpoint)
        return topic

    def _created(self, name: str) -> str:
        return self._call("CreateTopic", {"Name": name})

    def _call(self, action: str, members: Mapping[str, str]) -> str:
        """The ARN that the operation answers."""
        asked = {"Action": action, "Version": _VERSION, **members}
        with refusals_as_usage_errors():
            body = self._client.post_form("/", asked, "sns").decode()
        found = re.search(r"Arn>([^<]*)<", body)
        return html.unescape(found[1]) if found else ""
