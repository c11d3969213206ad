"""The key pair with which clients without TLS send a password for caching_sha2_password."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from qproxy.errors import ConfigError

_BITS = 2048
_EXPONENT = 65537


class RsaKey:
    """A private key, and the public one as clients get it.

    Attributes:
        public_pem: what clients are sent.
        size: bytes of an encrypted text.
    """

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key
        self.public_pem = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.size = key.key_size // 8

    @classmethod
    def generate(cls) -> RsaKey:
        """A new pair. Takes some tenths of a second."""
        return cls(rsa.generate_private_key(_EXPONENT, _BITS))

    @classmethod
    def read(cls, path: str) -> RsaKey:
        """The pair of a private key in a PEM file.

        Raises:
            ConfigError: it cannot be read, or is no RSA key of at least 2048 bits without a password.
        """
        try:
            key = serialization.load_pem_private_key(Path(path).read_bytes(), None)
        except OSError as error:
            raise ConfigError(f"server.rsa_key {path}: {error.strerror}") from None
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigError(f"server.rsa_key {path}: not a private key in PEM form without a password") from error
        if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < _BITS:
            raise ConfigError(f"server.rsa_key {path}: an RSA key of at least {_BITS} bits is needed")
        return cls(key)

    def decrypt(self, text: bytes) -> bytes | None:
        """What was encrypted with the public key (OAEP with SHA-1, as clients do); None where nothing was."""
        oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
        try:
            return self._key.decrypt(text, oaep)
        except ValueError:
            return None


class KeySource:
    """The key of a server: one that is given, or one made when a client first needs it.

    Args:
        key: None to make one.
    """

    def __init__(self, key: RsaKey | None = None) -> None:
        self._key = key
        self._making = asyncio.Lock()

    async def get(self) -> RsaKey:
        """The key."""
        async with self._making:
            if self._key is None:
                self._key = await asyncio.to_thread(RsaKey.generate)
            return self._key
