"""The certificates of a cluster: an authority of its own, and one certificate each for scheduler, workers and clients.

dask trusts every certificate of the authority, and does not compare names: machines come and go.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from ..errors import UsageError
from ..processes.real_paths import expanded
from ..storage.files import write_whole
from .extra import distributed, required

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, ExtendedKeyUsage
    from distributed.security import Security

    from .addresses import Address

Role = Literal["scheduler", "worker", "client"]
ROLES: Final[tuple[Role, ...]] = ("scheduler", "worker", "client")
AUTHORITY: Final = "ca.pem"
VALID: Final = timedelta(days=730)
VARIABLE: Final = "PRPREP_KEYS"


def keys_folder(named: str = "") -> Path:
    """Return the folder of the certificates: the one named, else that of PRPREP_KEYS, else one of the user's."""
    if folder := named or os.environ.get(VARIABLE):
        return expanded(folder).absolute()
    from platformdirs import user_config_path

    return user_config_path("prprep", appauthor=False) / "keys"


def write_keys(folder: Path) -> list[Path]:
    """Write a new authority and the certificates that it signs, which is all that it ever signs.

    Raises UsageError rather than replace any.
    """
    files = [folder / AUTHORITY, *(folder / f"{role}.pem" for role in ROLES)]
    if existing := [file for file in files if file.exists()]:
        what = f"there are certificates already: {', '.join(file.name for file in existing)}"
        hint = "remove them, or name another folder: `prprep workers keys FOLDER`"
        raise UsageError(what, where=str(folder), hint=hint)
    required("cryptography")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = _new_key()
    authority = _signed(key, "prprep workers", key, "prprep workers", usage=None)
    write_whole(files[0], _certificate(authority))
    for role, file in zip(ROLES, files[1:], strict=True):
        own = _new_key()
        certificate = _signed(own, f"prprep {role}", key, "prprep workers", usage=_usage(role))
        file.touch(mode=0o600)  # before there is a key in it
        write_whole(file, _private(own) + _certificate(certificate))
    return files


def security(role: Role, address: Address, folder: Path) -> Security | None:
    """Return what a connection is made with, None without TLS; raise UsageError if a certificate is missing."""
    if not address.is_encrypted:
        return None
    authority, own = folder / AUTHORITY, folder / f"{role}.pem"
    for file in (authority, own):
        _check(file)
    secured: Security = distributed().Security(
        require_encryption=True,
        tls_ca_file=str(authority),
        **{f"tls_{role}_cert": str(own), f"tls_{role}_key": None},
    )
    return secured


def _check(file: Path) -> None:
    required("cryptography")
    from cryptography.x509 import load_pem_x509_certificate

    hint = "`prprep workers keys` writes them once for all machines; see docs/cluster.md for which machine needs which"
    try:
        ends = load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc
    except FileNotFoundError:
        raise UsageError("this certificate is missing", where=str(file), hint=hint) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it has no certificate"
        raise UsageError(f"this certificate cannot be read: {reason}", where=str(file), hint=hint) from None
    if ends < datetime.now(UTC):
        raise UsageError(f"this certificate was valid until {ends:%Y-%m-%d}", where=str(file), hint=hint)


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _usage(role: Role) -> ExtendedKeyUsage:
    """Say what a certificate is for: that of a client must not be enough to pose as a worker or scheduler."""
    from cryptography.x509 import ExtendedKeyUsage
    from cryptography.x509.oid import ExtendedKeyUsageOID

    server = [] if role == "client" else [ExtendedKeyUsageOID.SERVER_AUTH]
    return ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, *server])


def _signed(
    own: EllipticCurvePrivateKey,
    name: str,
    key: EllipticCurvePrivateKey,
    issuer: str,
    *,
    usage: ExtendedKeyUsage | None,
) -> Certificate:
    """Return a certificate of `own`, signed with `key`; without `usage` that of an authority."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509.oid import NameOID

    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # clocks of machines differ
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=usage is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    return (builder.add_extension(usage, critical=False) if usage else builder).sign(key, SHA256())


def _certificate(certificate: Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _private(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
