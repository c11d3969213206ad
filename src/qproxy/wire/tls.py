"""Server side of TLS: contexts from files, read again when these change, or from a certificate made at the start."""

from __future__ import annotations

import datetime
import os
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from qproxy.errors import ConfigError

_YEARS = datetime.timedelta(days=3650)
# Names of RFC 4514 and of OpenSSL's one-line form, which MariaDB's REQUIRE SUBJECT takes as well.
_SHORT = {
    "commonName": "CN",
    "countryName": "C",
    "stateOrProvinceName": "ST",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "domainComponent": "DC",
    "userId": "UID",
}


def make_context(certificate: str, key: str, authorities: str = "") -> ssl.SSLContext:
    """A server's context: TLS 1.2 and later.

    Args:
        certificate, key: PEM files; the key may be in the file of the certificate.
        authorities: PEM file of those who may sign certificates of clients; empty asks clients for none.

    Raises:
        ConfigError: one of them cannot be read, or they do not fit each other.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key or None, password=_no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise ConfigError(f"server.tls_cert {certificate}: {error}") from error
    if authorities:
        try:
            context.load_verify_locations(authorities)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"server.tls_ca {authorities}: {error}") from error
        # Users who need no certificate may still come without one.
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _no_password() -> str:
    # Without this, OpenSSL would ask at the terminal and wait.
    raise ValueError("the key has a password; store it without one, readable for the proxy's account only")


def self_signed_context(authorities: str = "") -> ssl.SSLContext:
    """A context with a new key and a certificate that nobody can check: against listeners, not against impostors.

    Args:
        authorities: as for `make_context`.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "qproxy, self-signed at its start")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + _YEARS)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    # Python reads certificates from files only. This one is its owner's alone and lives for a moment.
    with tempfile.NamedTemporaryFile(prefix="qproxy-") as file:
        file.write(pem)
        file.flush()
        return make_context(file.name, "", authorities)


class CertificateFiles:
    """The context of some files, made anew when one of them changes.

    Args:
        certificate, key, authorities: as for `make_context`.

    Attributes:
        context: the present one.

    Raises:
        ConfigError: as `make_context`.
    """

    def __init__(self, certificate: str, key: str, authorities: str = "") -> None:
        self._files = (certificate, key, authorities)
        self._stamp = self._look()
        self.context = make_context(*self._files)

    def refresh(self) -> bool:
        """Read the files again where they changed; whether they did.

        Raises:
            ConfigError: they cannot be used now; the present context stays, until they change once more.
        """
        stamp = self._look()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        self.context = make_context(*self._files)
        return True

    def _look(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_identity(Path(file)) for file in self._files if file)


def _identity(file: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def subject(certificate: Mapping[str, Any] | None) -> str:
    """The subject of a peer's certificate as ``/C=CL/O=Observatory/CN=anna``; empty where there is none.

    Args:
        certificate: as `ssl.SSLSocket.getpeercert` gives it.
    """
    pairs = [pair for part in (certificate or {}).get("subject", ()) for pair in part]
    return "".join(f"/{_SHORT.get(name, name)}={value}" for name, value in pairs)
