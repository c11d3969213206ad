"""Texts and bytes of a batch: too long, not in their charset, no member of an ENUM or SET.

What cannot be told from here for certain (charsets that Python has no codec for, collations) is let through: the
worker that takes the row refuses it.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qproxy.catalog.model import Column
from qproxy.ingest.batch import ArrowArray, Fault, Mask, mask_of
from qproxy.ingest.schema import TableSchema
from qproxy.ingest.text import unescape

#: Python's names of MariaDB's charsets. Those that only nearly agree are left out.
_CODECS: Mapping[str, str] = {
    "utf8mb4": "utf-8",
    "utf8mb3": "utf-8",
    "utf8": "utf-8",
    "ascii": "ascii",
    # But for five bytes that Windows leaves open and MariaDB does not.
    "latin1": "cp1252",
    "latin2": "iso8859-2",
    "latin5": "iso8859-9",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "koi8r": "koi8-r",
}
_LATIN1_EXTRA = re.compile("[\x81\x8d\x8f\x90\x9d]")
_SHORT_UTF8 = frozenset(("utf8mb3", "utf8"))
_WIDTH = re.compile(r"\((\d+)\)")
#: Bytes that a type without a length of its own holds (MariaDB Knowledge Base, "Data Type Storage Requirements").
_BYTES = {
    **dict.fromkeys(("tinytext", "tinyblob"), 255),
    **dict.fromkeys(("text", "blob"), 65535),
    **dict.fromkeys(("mediumtext", "mediumblob"), 2**24 - 1),
}
_MEMBER = re.compile(r"'((?:[^'\\]|''|\\.)*)'|\"((?:[^\"\\]|\"\"|\\.)*)\"", re.DOTALL)
Checker = Callable[[ArrowArray, bool], Sequence[Fault]]


def charset_of(column: Column, schema: TableSchema) -> str:
    """The charset in which a text column stores its values."""
    words = column.definition.split()
    for word, position in (("SET", 1), ("COLLATE", 1)):
        if word in words:
            return words[words.index(word) + position].split("_")[0].lower()
    if schema.charset:
        return schema.charset.lower()
    return schema.collation.split("_")[0].lower() if schema.collation else "utf8mb4"


def text_checker(column: Column, schema: TableSchema, charset: str) -> Checker:
    """Judges texts: bytes of the file's charset, characters of the column's, no more of them than fit.

    Args:
        column: CHAR, VARCHAR or one of the TEXT types.
        schema: of its table.
        charset: of the file.
    """
    width = _WIDTH.search(column.type)
    most = int(width[1]) if width and column.base_type in ("char", "varchar") else 0
    most_bytes = _BYTES.get(column.base_type, 0)
    target = charset_of(column, schema)
    file_codec, column_codec = _CODECS.get(charset), _CODECS.get(target)

    def unwritable(text: bytes, escaped: bool) -> bool:
        try:
            plain = unescape(text) if escaped else text
            found = plain.decode(file_codec or "latin-1", "replace" if charset == "latin1" else "strict")
            if charset in _SHORT_UTF8 or target in _SHORT_UTF8:
                return any(ord(c) > 0xFFFF for c in found)
            if target == "latin1":
                found = _LATIN1_EXTRA.sub("", found)
            found.encode(column_codec or "utf-8")
        except UnicodeError:
            return True
        return False

    def too_long(text: bytes, escaped: bool) -> bool:
        plain = unescape(text) if escaped else text
        if file_codec is None and charset in ("euckr", "ujis", "eucjpms", "gb2312"):
            return False
        found = plain.decode(file_codec or "latin-1", "replace")
        if most:
            return bool(found[most:].strip(" "))
        return len(found.encode(column_codec or "utf-8", "replace")) > most_bytes and column_codec is not None

    def check(values: ArrowArray, escaped: bool) -> Sequence[Fault]:
        faults: list[Fault] = []
        texts = as_bytes(values)
        if texts is None:
            return ()
        if file_codec == "utf-8" and (target != "utf8mb4" or charset in _SHORT_UTF8 or not _is_utf8(texts)):
            candidates = _not_ascii(texts) if column_codec else ~_utf8_rows(texts)
            faults.append((_each(texts, candidates, escaped, unwritable), _unwritable_reason(target)))
        elif file_codec is not None and file_codec != "utf-8" and column_codec not in (None, "utf-8", file_codec):
            faults.append((_each(texts, _not_ascii(texts), escaped, unwritable), _unwritable_reason(target)))
        limit = most or most_bytes
        if limit:
            candidates = _longer(texts, limit)
            if most and file_codec == "utf-8" and candidates.any():
                candidates &= _more_characters(texts, most)
            if candidates.any():
                faults.append((_each(texts, candidates, escaped, too_long), f"is too long for {column.type}"))
        return faults

    return check


def bytes_checker(column: Column) -> Checker:
    """Judges bytes: no more of them, and for BIT no more bits, than fit.

    Args:
        column: BINARY, VARBINARY, BIT or one of the BLOB types.
    """
    width = _WIDTH.search(column.type)
    if column.base_type == "bit":
        bits = int(width[1]) if width else 1
        return lambda values, escaped: _bit_faults(values, escaped, bits, column.type)
    limit = int(width[1]) if width and column.base_type in ("binary", "varbinary") else _BYTES.get(column.base_type, 0)

    def check(values: ArrowArray, escaped: bool) -> Sequence[Fault]:
        data = as_bytes(values)
        if not limit or data is None:
            return ()
        candidates = _longer(data, limit)
        wrong = _each(data, candidates, escaped, lambda v, e: len(unescape(v) if e else v) > limit)
        return ((wrong, f"is too long for {column.type}"),)

    return check


def member_checker(column: Column, charset: str) -> Checker:
    """Judges values of ENUM, SET, UUID and INET columns, one time each.

    Args:
        column: of such a type.
        charset: of the file.
    """
    base = column.base_type
    codec = _CODECS.get(charset, "latin-1")
    members = frozenset(_folded(_unquoted(m)) for m in _MEMBER.finditer(column.type))
    most = {"enum": len(members), "set": 2 ** len(members) - 1}.get(base, 0)

    def bad(text: str) -> bool:
        if base in ("enum", "set"):
            if text.strip().isdecimal() and int(text) <= most:
                return False
            parts = text.split(",") if base == "set" and text else [] if base == "set" else [text]
            return any(_folded(p) not in members for p in parts)
        if base == "uuid":
            return not re.fullmatch(r"[0-9A-Fa-f]{32}", text.replace("-", ""))
        if base == "inet4":
            parts = text.split(".")
            return len(parts) != 4 or any(not p.isdecimal() or int(p) > 255 for p in parts)
        try:
            ip_address(text)
        except ValueError:
            return True
        return False

    def check(values: ArrowArray, escaped: bool) -> Sequence[Fault]:
        texts = as_bytes(values)
        if texts is None:
            return ()
        wrong = distinct_faults(texts, lambda v: bad((unescape(v) if escaped else v).decode(codec, "replace")))
        return ((wrong, f"is no value of {column.type}" if len(column.type) < 200 else f"is no value of the {base}"),)

    return check


def as_bytes(values: ArrowArray) -> ArrowArray | None:
    """Texts and bytes as binary Arrow values; None where the values are of another kind."""
    kind = values.type
    if pa.types.is_binary(kind):
        return values
    if pa.types.is_string(kind) or str(kind) in ("string_view", "binary_view"):
        return pc.cast(values, pa.binary())
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        return pc.cast(values, pa.large_binary())
    return pc.cast(values, pa.binary()) if pa.types.is_fixed_size_binary(kind) else None


def distinct_faults(values: ArrowArray, bad: Callable[[bytes], bool]) -> Mask:
    """The rows whose value is bad; each value is judged once, however often it comes."""
    wrong = [v for v in pc.unique(values).to_pylist() if v is not None and bad(v)]
    if not wrong:
        return np.zeros(len(values), bool)
    return mask_of(pc.is_in(values, value_set=pa.array(wrong, values.type)))


def _unwritable_reason(target: str) -> str:
    return f"has bytes that are no text, or characters that {target} has not; check the charset of the format"


def _is_utf8(texts: ArrowArray) -> bool:
    try:
        pc.cast(texts, pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def _utf8_rows(texts: ArrowArray) -> Mask:
    def valid(text: bytes | None) -> bool:
        try:
            codecs.utf_8_decode(text or b"", "strict", True)
        except UnicodeDecodeError:
            return False
        return True

    return np.fromiter((valid(t) for t in texts.to_pylist()), bool, len(texts))


def _not_ascii(texts: ArrowArray) -> Mask:
    data = texts.buffers()[2]
    if data is None or not (np.frombuffer(data, np.uint8) & 0x80).any():
        return np.zeros(len(texts), bool)
    return np.fromiter((not (t is None or t.isascii()) for t in texts.to_pylist()), bool, len(texts))


def _longer(values: ArrowArray, limit: int) -> Mask:
    """Values of more bytes than the limit, be they bytes of characters or of escapes."""
    return mask_of(pc.greater(pc.binary_length(values), limit))


def _more_characters(texts: ArrowArray, limit: int) -> Mask:
    """Texts of more characters than the limit, those of their escapes counted; all where some are no UTF-8."""
    try:
        return mask_of(pc.greater(pc.utf8_length(pc.cast(texts, pa.large_string())), limit))
    except pa.ArrowInvalid:
        return np.ones(len(texts), bool)


def _each(values: ArrowArray, candidates: Mask, escaped: bool, bad: Callable[[bytes, bool], bool]) -> Mask:
    found = np.zeros(len(values), bool)
    for row in np.flatnonzero(candidates).tolist():
        found[row] = bad(values[row].as_py(), escaped)
    return found


def _bit_faults(values: ArrowArray, escaped: bool, bits: int, kind: str) -> Sequence[Fault]:
    reason = f"is out of range for {kind}"
    if pa.types.is_integer(values.type):
        return ((distinct_faults(values, lambda v: not 0 <= int(v) < 2**bits), reason),)
    data = as_bytes(values)
    if data is None:
        return ()

    def bad(value: bytes) -> bool:
        plain = unescape(value) if escaped else value
        return int.from_bytes(plain, "big").bit_length() > bits

    return ((distinct_faults(data, bad), reason),)


def _folded(text: str) -> str:
    """A text as collations that ignore case and accents compare it."""
    plain = unicodedata.normalize("NFKD", text.rstrip(" "))
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


def _unquoted(match: re.Match[str]) -> str:
    text = match[1].replace("''", "'") if match[1] is not None else match[2].replace('""', '"')
    return re.sub(r"\\(.)", r"\1", text)
