"""Certificates of the server and of clients."""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from qproxy.errors import ConfigError
from qproxy.wire.rsa_key import RsaKey
from qproxy.wire.tls import CertificateFiles, make_context, self_signed_context, subject
from tests.wire.conftest import new_loop
from tests.wire.made import Served

NOW = datetime.datetime.now(datetime.UTC)


class Authority:
    """Signs certificates."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = directory / f"{name}.pem"
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        own = self._builder(self._name, self._key).add_extension(constraints, critical=True)
        self.file.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def _builder(self, name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - datetime.timedelta(days=1))
            .not_valid_after(NOW + datetime.timedelta(days=1))
        )

    def signed(self, name: str, organisation: str | None = None) -> Path:
        """A file with a new key and its certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)] if organisation else []
        parts.append(x509.NameAttribute(NameOID.COMMON_NAME, name))
        certificate = self._builder(x509.Name(parts), key).sign(self._key, hashes.SHA256())
        file = self._directory / f"{name}-{organisation}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        return file


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "house")


@pytest.fixture
def served(kind: str, authority: Authority) -> Iterator[Served]:
    context = make_context(str(authority.signed("localhost")), "", str(authority.file))
    with Served(tls=context, loop=new_loop(kind)) as running:
        yield running


def client_tls(certificate: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate)
    return context


def comes_in(served: Served, user: str, tls: ssl.SSLContext | None) -> bool:
    try:
        pymysql.connect(
            host="127.0.0.1", port=served.port, user=user, password="secret", ssl=tls, ssl_disabled=tls is None
        ).close()
    except pymysql.err.OperationalError as refused:
        assert refused.args[0] in (1045, 2003, 2013), refused
        return False
    return True


def test_users_who_need_tls_or_a_certificate(served: Served, authority: Authority) -> None:
    named, other = authority.signed("named", "Observatory"), authority.signed("named", "Elsewhere")
    expected = {
        "anna": (True, True, True, True),
        "secure": (False, True, True, True),
        "signed": (False, False, True, True),
        "named": (False, False, True, False),
    }
    ways = (None, client_tls(), client_tls(named), client_tls(other))
    assert {user: tuple(comes_in(served, user, way) for way in ways) for user in expected} == expected


def test_a_certificate_of_a_stranger(served: Served, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger").signed("named", "Observatory")
    assert not comes_in(served, "named", client_tls(stranger))
    assert not comes_in(served, "anna", client_tls(stranger))


def test_a_certificate_of_ones_own(kind: str) -> None:
    with Served(tls=self_signed_context(), loop=new_loop(kind)) as served:
        assert comes_in(served, "secure", client_tls())
        assert not comes_in(served, "signed", client_tls())


def test_subject() -> None:
    parts = {"subject": ((("countryName", "CL"),), (("organizationName", "Obs"), ("commonName", "a"))), "version": 3}
    assert subject(parts) == "/C=CL/O=Obs/CN=a"
    assert subject({}) == subject(None) == ""


def test_old_versions_of_tls_are_refused() -> None:
    context = self_signed_context()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def shown(context: ssl.SSLContext) -> bytes:
    """The certificate that a context shows."""
    ours, theirs = socket.socketpair()
    client = client_tls()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_in, server_out = ssl.MemoryBIO(), ssl.MemoryBIO()
    with ours, theirs:
        one = client.wrap_bio(incoming, outgoing)
        two = context.wrap_bio(server_in, server_out, server_side=True)
        for _ in range(4):
            for side in (one, two):
                with contextlib.suppress(ssl.SSLWantReadError):
                    side.do_handshake()
            server_in.write(outgoing.read())
            incoming.write(server_out.read())
    return one.getpeercert(binary_form=True) or b""


def test_files_are_read_again_when_they_change(authority: Authority, tmp_path: Path) -> None:
    file = tmp_path / "server.pem"
    file.write_bytes(authority.signed("first").read_bytes())
    files = CertificateFiles(str(file), "")
    first = shown(files.context)
    assert not files.refresh()
    file.write_bytes(authority.signed("second").read_bytes())
    assert files.refresh()
    second = shown(files.context)
    assert first and second and first != second
    file.write_bytes(b"half of a certi")
    with pytest.raises(ConfigError, match=r"server\.tls_cert"):
        files.refresh()
    assert not files.refresh()
    assert shown(files.context) == second
    os.unlink(file)
    with pytest.raises(ConfigError):
        files.refresh()
    file.write_bytes(authority.signed("third").read_bytes())
    assert files.refresh()
    assert shown(files.context) != second


def test_a_key_with_a_password_is_refused_without_asking(authority: Authority, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    file = tmp_path / "locked.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
        )
    )
    with pytest.raises(ConfigError, match="has a password"):
        make_context(str(authority.signed("localhost")), str(file))
    with pytest.raises(ConfigError, match=r"server\.tls_ca"):
        make_context(str(authority.signed("localhost")), "", str(file))


def test_rsa_keys_from_files(authority: Authority, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    def write(size: int) -> str:
        key = rsa.generate_private_key(65537, size)
        file = tmp_path / f"{size}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return str(file)

    path = write(2048)
    assert RsaKey.read(path).public_pem == RsaKey.read(path).public_pem
    assert RsaKey.read(path).decrypt(bytes(256)) is None
    for wrong in (write(1024), str(authority.signed("localhost")), str(authority.file), str(tmp_path / "none")):
        with pytest.raises(ConfigError, match=r"server\.rsa_key"):
            RsaKey.read(wrong)
