"""Certificates and SSH keys for tests, made here: no key is stored in the tree."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


def certificate(name: str = "ana", days: int = 365) -> tuple[str, str]:
    """A certificate that signs itself, good for so many days from now, and its private key."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC).replace(microsecond=0)
    made = x509.CertificateBuilder().subject_name(who).issuer_name(who)
    made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=900))
    made = made.not_valid_after(now + timedelta(days=days)).sign(key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.public_bytes(Encoding.PEM).decode(), private.decode()


def ssh_key(number: int = 0, bits: int = 2048, form: str = "SSH") -> str:
    """A public RSA key, a different one for each number. Nobody has its private half."""
    key = RSAPublicNumbers(65537, (1 << bits - 1) + 2 * number + 1).public_key()
    if form == "PEM":
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() + " ana@laptop"


def digest(key: str) -> bytes:
    """What an MD5 fingerprint of an SSH key is made of."""
    return base64.b64decode(key.split()[1])
