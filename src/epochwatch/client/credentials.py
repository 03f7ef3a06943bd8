"""The local key pair: made on first use, readable by its owner alone."""

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass

from epochwatch.errors import EpochwatchError
from epochwatch.settings import Settings


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key of one account."""

    access_key_id: str
    secret_access_key: str
    account: str

    @property
    def console_token(self) -> str:
        """What opens the console for this key's account; derived, so that it need not be stored."""
        return console_token(self.secret_access_key)


def console_token(secret_access_key: str) -> str:
    """The token that opens the console for the owner of an access key."""
    return hmac.new(secret_access_key.encode(), b"epochwatch console", hashlib.sha256).hexdigest()


def load_or_create(settings: Settings) -> Credentials:
    """The key pair in the settings, else the one in ``<home>/credentials.json``, which is made if absent.

    Raises EpochwatchError when the file is there but cannot be used.
    """
    if settings.access_key_id and settings.secret_access_key:
        return Credentials(settings.access_key_id, settings.secret_access_key, settings.account)
    if settings.access_key_id or settings.secret_access_key:
        raise EpochwatchError(
            "access_key_id and secret_access_key must be set both or neither",
            "`epochwatch config` shows where each comes from",
        )
    path = settings.credentials_file
    try:
        text = path.read_text()
    except FileNotFoundError:
        return _create(settings)
    except OSError as error:
        raise EpochwatchError(f"cannot read {path}: {error.strerror}", "it must belong to you") from error
    try:
        return Credentials(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise EpochwatchError(
            f"{path} is not a credentials file", "move it away: a new key pair is made in its place"
        ) from error


def _create(settings: Settings) -> Credentials:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    made = Credentials(
        "AKIA" + "".join(secrets.choice(alphabet) for _ in range(16)), secrets.token_urlsafe(30), settings.account
    )
    path = settings.credentials_file
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(
            {
                "access_key_id": made.access_key_id,
                "secret_access_key": made.secret_access_key,
                "account": made.account,
            },
            file,
        )
    try:
        os.link(temporary, path)  # only one of several processes that start at once wins
    except FileExistsError:
        return load_or_create(settings)
    finally:
        temporary.unlink()
    return made
