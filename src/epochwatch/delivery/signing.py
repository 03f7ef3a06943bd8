"""Signatures of messages, and the certificate by which they are checked."""

import hashlib
from collections.abc import Callable
from functools import cached_property

from epochwatch.store.state import StateStore
from epochwatch.store.state.signing_key import SigningKey


class Signer:
    """Signs with the key that is in the store, which is made when it is first needed."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    def sign(self, text: bytes, version: str) -> bytes:
        """The signature of a text, by SignatureVersion ``1`` or ``2``."""
        return self._signing(text, version)

    @property
    def certificate(self) -> str:
        """The certificate, PEM."""
        return self._key.certificate

    @cached_property
    def certificate_name(self) -> str:
        """The file's name: another certificate has another."""
        return f"SimpleNotificationService-{hashlib.sha256(self.certificate.encode()).hexdigest()[:32]}.pem"

    @cached_property
    def _key(self) -> SigningKey:
        from epochwatch.delivery.rsa import make_key

        return self._state.signing_key.get(make_key)

    @cached_property
    def _signing(self) -> Callable[[bytes, str], bytes]:
        from epochwatch.delivery.rsa import signing

        return signing(self._key)
