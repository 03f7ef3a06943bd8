"""Which attempt of a call a request is: SDKs send one again that was not answered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_ATTEMPT = re.compile(r"(?:^|;)\s*attempt=([0-9]{1,3})\s*(?:;|$)")
_LONGEST_ID: Final = 128


@dataclass(frozen=True, slots=True)
class Attempt:
    """One of the attempts that a client makes at a call."""

    call_id: str = ""
    """The same for all attempts at a call, and for no other call; empty where the client does not say."""
    number: int = 1

    @property
    def repeats(self) -> bool:
        """Whether an earlier attempt may have been served."""
        return self.number > 1 and bool(self.call_id)


FIRST_ATTEMPT: Final = Attempt()


def attempt_of(headers: Mapping[str, str]) -> Attempt:
    """What the headers of a request say (names in lower case), as AWS's SDKs write them: ``amz-sdk-invocation-id``,
    and ``amz-sdk-request: attempt=2; max=5``.
    """
    call_id = headers.get("amz-sdk-invocation-id", "").strip()
    if not 0 < len(call_id) <= _LONGEST_ID:
        return FIRST_ATTEMPT
    found = _ATTEMPT.search(headers.get("amz-sdk-request", ""))
    return Attempt(call_id, max(1, int(found[1])) if found else 1)
