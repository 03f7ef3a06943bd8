"""Signatures of messages, and the certificate by which they are checked."""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from epochwatch.store.state import StateStore
from epochwatch.store.state.signing_key import SigningKey

KEY_BITS: Final = 2048
CERTIFICATE_DAYS: Final = 3650
_HASHES: Final = {"1": hashes.SHA1, "2": hashes.SHA256}
"""By SignatureVersion. The first is what subscribers get unless the topic asks for the second, as with SNS."""


class Signer:
    """Signs with the key that is in the store, which is made when it is first needed."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    def sign(self, text: bytes, version: str) -> bytes:
        """The signature of a text, by SignatureVersion ``1`` or ``2``."""
        return self._private.sign(text, padding.PKCS1v15(), _HASHES[version]())

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
        return self._state.signing_key.get(make_key)

    @cached_property
    def _private(self) -> rsa.RSAPrivateKey:
        key = serialization.load_pem_private_key(self._key.private.encode(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key


def make_key() -> SigningKey:
    """A new key with a certificate that it has signed itself."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "epochwatch notifications")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return SigningKey(private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode())
