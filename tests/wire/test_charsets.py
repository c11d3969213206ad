"""Collation ids and the codecs behind them."""

from __future__ import annotations

import pytest
from mysql_mimic.charset import CharacterSet

from qproxy.wire.charsets import charset_of, codec_of, codec_of_collation


@pytest.mark.parametrize(
    ("collation", "charset", "codec"),
    [
        (8, "latin1", "cp1252"),
        (33, "utf8", "utf-8"),
        (45, "utf8mb4", "utf-8"),
        (63, "binary", "utf-8"),
        (2304, "utf8mb4", "utf-8"),
    ],
)
def test_collations(collation: int, charset: str, codec: str) -> None:
    assert charset_of(collation) == charset
    assert codec_of_collation(collation) == codec


def test_every_collation_id_has_a_codec() -> None:
    for collation in range(65536):
        "x".encode(codec_of_collation(collation))


def test_charsets_without_a_codec_are_few() -> None:
    missing = set()
    for charset in CharacterSet:
        try:
            codec_of(charset.name)
        except LookupError:
            missing.add(charset.name)
    assert missing == {"armscii8", "dec8", "hp8", "keybcs2", "swe7"}
