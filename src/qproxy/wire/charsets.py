"""Character sets of the protocol and the Python codecs that read them."""

from __future__ import annotations

import codecs

from mysql_mimic.charset import Collation

# MySQL's names where Python's alias is missing or means something else; its latin1 is really cp1252.
_CODECS = {
    "ascii": "ascii",
    "binary": "utf-8",
    "eucjpms": "euc_jp",
    "euckr": "euc_kr",
    "geostd8": "utf-8",
    "greek": "iso8859-7",
    "hebrew": "iso8859-8",
    "koi8r": "koi8-r",
    "koi8u": "koi8-u",
    "latin1": "cp1252",
    "latin2": "iso8859-2",
    "latin5": "iso8859-9",
    "latin7": "iso8859-13",
    "macce": "mac_latin2",
    "macroman": "mac_roman",
    "sjis": "shift_jis",
    "tis620": "tis_620",
    "ucs2": "utf-16-be",
    "ujis": "euc_jp",
    "utf16": "utf-16-be",
    "utf16le": "utf-16-le",
    "utf32": "utf-32-be",
    "utf8": "utf-8",
    "utf8mb3": "utf-8",
    "utf8mb4": "utf-8",
}


def charset_of(collation_id: int) -> str:
    """Name of the character set of a collation id; utf8mb4 for ids that are not known.

    The ids above 255 that newer clients send all belong to utf8mb4.
    """
    try:
        return str(Collation(collation_id).charset.name)
    except ValueError:
        return "utf8mb4"


def codec_of(charset: str) -> str:
    """Python codec for a MySQL character set name, in the normal form of `codecs.lookup`.

    Args:
        charset: e.g. ``utf8mb4``; case does not matter.

    Returns:
        The codec. ``binary`` reads as UTF-8, for statements sent as bytes are UTF-8 in practice.

    Raises:
        LookupError: Python has no codec for it.
    """
    name = charset.lower()
    return codecs.lookup(_CODECS.get(name, name)).name


def codec_of_collation(collation_id: int) -> str:
    """Python codec of a collation id, UTF-8 where Python has none."""
    try:
        return codec_of(charset_of(collation_id))
    except LookupError:
        return "utf-8"
