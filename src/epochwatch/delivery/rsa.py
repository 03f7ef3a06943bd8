"""Keys, certificates and signatures. What is imported here is a fifth of a server's start: see who imports this."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from epochwatch.store.state.signing_key import SigningKey

KEY_BITS: Final = 2048
CERTIFICATE_DAYS: Final = 3650
_HASHES: Final = {"1": hashes.SHA1, "2": hashes.SHA256}
"""By SignatureVersion. The first is what subscribers get unless the topic asks for the second, as with SNS."""


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


def signing(key: SigningKey) -> Callable[[bytes, str], bytes]:
    """What signs a text with that key, by SignatureVersion ``1`` or ``2``."""
    private = serialization.load_pem_private_key(key.private.encode(), password=None)
    assert isinstance(private, rsa.RSAPrivateKey)
    return lambda text, version: private.sign(text, padding.PKCS1v15(), _HASHES[version]())
