"""Mail by SMTP."""

import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, parseaddr
from typing import Final

from epochwatch.delivery.errors import FailedError, RefusedError

SECONDS: Final = 30.0
STARTTLS: Final = "starttls"
TLS: Final = "tls"
NONE: Final = "none"
_PORTS: Final = {STARTTLS: 587, TLS: 465, NONE: 25}


@dataclass(frozen=True, slots=True)
class MailServer:
    """An SMTP server that takes our mail."""

    host: str
    port: int
    """0: the usual one for its security."""
    security: str
    """``starttls``, ``tls`` or ``none``."""
    username: str
    password: str
    sender: str
    """What stands in From."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to one address."""

    id: str
    """The same however often it is sent, so that mail servers and readers know it again."""
    to: str
    subject: str
    text: str
    display_name: str
    headers: Mapping[str, str]
    at: float
    """Unix seconds."""


def send(server: MailServer, letter: Letter) -> None:
    """Hand a letter to the server. Raises RefusedError where it takes no such letter, FailedError where it may
    later.
    """
    try:
        with _connected(server) as connection:
            connection.send_message(_message(server, letter))
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()))
        raise _judged(code, answer) from error
    except smtplib.SMTPResponseException as error:
        raise _judged(error.smtp_code, error.smtp_error) from error
    except (OSError, smtplib.SMTPException) as error:
        raise FailedError(f"{server.host}: {type(error).__name__}: {error}"[:300]) from error


def _connected(server: MailServer) -> smtplib.SMTP:
    port = server.port or _PORTS[server.security]
    if server.security == TLS:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, port, timeout=SECONDS, context=ssl.create_default_context()
        )
    else:
        connection = smtplib.SMTP(server.host, port, timeout=SECONDS)
    try:
        if server.security == STARTTLS:
            connection.starttls(context=ssl.create_default_context())
        if server.username:
            connection.login(server.username, server.password)
    except BaseException:
        connection.close()
        raise
    return connection


def _message(server: MailServer, letter: Letter) -> EmailMessage:
    name, address = parseaddr(server.sender)
    message = EmailMessage()
    message["From"] = formataddr((letter.display_name or name, address))
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(datetime.fromtimestamp(letter.at, UTC))
    message["Message-ID"] = f"<{letter.id}@{address.rpartition('@')[2]}>"
    for header, value in letter.headers.items():
        message[header] = value
    message.set_content(letter.text, cte="quoted-printable")
    return message


def _judged(code: int, answer: bytes | str) -> Exception:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    # A server that has had enough of us, or wants us to log in, may be set right while the letter waits.
    lasting = 500 <= code < 600 and code not in (530, 534, 535, 538)
    return (RefusedError if lasting else FailedError)(f"the mail server answered {code} {text}"[:300])
