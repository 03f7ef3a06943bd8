"""Parameters of the query API: from the query string and, of a POST, from the form."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import promql_parser
from starlette.requests import Request

from epochwatch.prometheus.bodies import read_body
from epochwatch.prometheus.errors import bad_data

MAX_FIELDS = 1000
LATEST_SECOND = 2**32
"""Times are from 1970 to 2106."""
FORM = "application/x-www-form-urlencoded"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class Parameters:
    """One request's parameters. Each reader raises Refusal naming the parameter."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._pairs = pairs

    @classmethod
    async def of(cls, request: Request) -> "Parameters":
        """Those of the query string and of the form. Raises Refusal."""
        text = request.url.query
        if request.method == "POST" and request.headers.get("content-type", "").lower().startswith(FORM):
            try:
                text = "&".join(filter(None, (text, (await read_body(request)).decode())))
            except UnicodeDecodeError as error:
                raise bad_data("the form is not UTF-8") from error
        try:
            return cls(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS))
        except ValueError as error:
            raise bad_data(f"the parameters cannot be read: {error}") from error

    def texts(self, name: str) -> list[str]:
        """All values of a parameter."""
        return [value for own, value in self._pairs if own == name]

    def text(self, name: str) -> str:
        """A parameter's first value; "" if it is not there."""
        return next(iter(self.texts(name)), "")

    def moment(self, name: str, default: int | None = None) -> int:
        """A time in milliseconds: Unix seconds or RFC 3339."""
        text = self.text(name)
        if not text:
            if default is None:
                raise bad_data(f'invalid parameter "{name}": it is missing')
            return default
        seconds = float(text) if _NUMBER.fullmatch(text) else _rfc_3339(text)
        if seconds is None or not math.isfinite(seconds):
            raise bad_data(f'invalid parameter "{name}": cannot parse "{text[:100]}" to a valid timestamp')
        return round(min(max(seconds, 0.0), LATEST_SECOND) * 1000)

    def duration(self, name: str, default: int | None = None) -> int:
        """A duration in milliseconds, more than none: seconds, or ``5m`` and the like."""
        text = self.text(name)
        if not text and default is not None:
            return default
        seconds = float(text) if _NUMBER.fullmatch(text) else _seconds(text)
        if seconds is None or not math.isfinite(seconds) or abs(seconds) > LATEST_SECOND:
            raise bad_data(f'invalid parameter "{name}": cannot parse "{text[:100]}" to a valid duration')
        if round(seconds * 1000) <= 0:
            raise bad_data(
                f'invalid parameter "{name}": zero or negative query resolution step widths are not accepted. '
                "Try a positive integer"
            )
        return round(seconds * 1000)

    def limit(self) -> int | None:
        """How many results are wanted at most; None for all."""
        text = self.text("limit")
        if not text:
            return None
        if not (text.isascii() and text.isdecimal() and len(text) < 12):
            raise bad_data('invalid parameter "limit": it must be a whole number')
        return int(text) or None


def _rfc_3339(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else moment.replace(tzinfo=UTC).timestamp()


def _seconds(text: str) -> float | None:
    try:
        return promql_parser.parse_duration(text) / timedelta(seconds=1)
    except (ValueError, OverflowError):
        return None
