"""MariaDB's types, as the embedded engine follows them through an expression.

DuckDB has types of its own; a statement's answer must have MariaDB's. Each translated expression therefore
carries an :class:`MType`, worked out from the declared types of the columns by MariaDB's rules: type code,
display length, decimals and signedness as a MariaDB 10.11 server reports them in column definitions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from qproxy.errors import SQLError
from qproxy.wire.columns import BINARY, UTF8MB4, ColumnDef, ColumnFlag, ColumnType

#: ``decimals`` of a floating-point or string value whose digits are not fixed.
NOT_FIXED = 31
#: Digits that DuckDB's widest DECIMAL holds.
MAX_DIGITS = 38

_INT_LENGTHS = {"tinyint": 4, "smallint": 6, "mediumint": 9, "int": 11, "bigint": 20}
_UNSIGNED_LENGTHS = {"tinyint": 3, "smallint": 5, "mediumint": 8, "int": 10, "bigint": 20}
_INT_CODES = {
    "tinyint": ColumnType.TINY,
    "smallint": ColumnType.SHORT,
    "mediumint": ColumnType.INT24,
    "int": ColumnType.LONG,
    "bigint": ColumnType.LONGLONG,
}
_INT_DUCK = {
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "mediumint": "INTEGER",
    "int": "INTEGER",
    "bigint": "BIGINT",
}
_TEXT_LENGTHS = {"tinytext": 255, "text": 65535, "mediumtext": 16777215, "longtext": 4294967295}
_SYNONYMS = {
    "integer": "int",
    "bool": "tinyint",
    "boolean": "tinyint",
    "numeric": "decimal",
    "dec": "decimal",
    "fixed": "decimal",
    "real": "double",
    "timestamp": "datetime",
    "character": "char",
    "nchar": "char",
    "int1": "tinyint",
    "int2": "smallint",
    "int4": "int",
    "int8": "bigint",
    "float4": "float",
    "float8": "double",
}


@dataclass(frozen=True)
class MType:
    """The type of a value as MariaDB sees it.

    Attributes:
        kind: ``int``, ``bool`` (an int that DuckDB holds as BOOLEAN), ``decimal``, ``double``, ``float``, ``string``,
            ``blob``, ``date``, ``datetime``, ``year``, ``bit`` or ``null``.
        word: the declared type word where it matters: ``tinyint`` .. ``bigint``, ``char``, ``varchar``, ``text`` ...
        length: display length in characters, sign and point included.
        decimals: digits behind the point; of seconds for ``datetime``; `NOT_FIXED` where they vary.
        unsigned: whether negative values are excluded.
        binary: text that is compared by its bytes.
        swedish: text that is compared as latin1_swedish_ci, latin1's default; all other text as utf8mb4_general_ci.
        members: of an ENUM, in order.
        scale: digits behind the point that DuckDB's value really has, where a division keeps more of them than it
            shows; None for ``decimals``.
    """

    kind: str
    word: str = ""
    length: int = 0
    decimals: int = 0
    unsigned: bool = False
    binary: bool = False
    swedish: bool = False
    members: tuple[str, ...] = ()
    scale: int | None = None

    @property
    def precision(self) -> int:
        """Digits of a number, without sign and point."""
        if self.kind in ("int", "bool"):
            return max(1, self.length - (0 if self.unsigned else 1))
        if self.kind == "decimal":
            return max(1, self.length - (0 if self.unsigned else 1) - (1 if self.decimals else 0))
        return self.length

    @property
    def numeric(self) -> bool:
        """Whether the value is a number without conversion."""
        return self.kind in ("int", "bool", "decimal", "double", "float", "year", "bit")

    @property
    def exact(self) -> bool:
        """Whether the value is an integer or a decimal."""
        return self.kind in ("int", "bool", "decimal", "year", "bit")

    @property
    def temporal(self) -> bool:
        """Whether the value is a date or a point in time."""
        return self.kind in ("date", "datetime")

    @property
    def duck(self) -> str:
        """The DuckDB type that holds the values."""
        if self.kind in ("int", "bool"):
            prefix = "U" if self.unsigned else ""
            return prefix + _INT_DUCK[self.word or "int"]
        if self.kind == "decimal":
            digits = min(MAX_DIGITS, max(self.precision, self.decimals, 1))
            return f"DECIMAL({digits},{min(self.decimals, digits)})"
        return {
            "double": "DOUBLE",
            "float": "FLOAT",
            "string": "VARCHAR",
            "blob": "BLOB",
            "date": "DATE",
            "datetime": "TIMESTAMP",
            "year": "SMALLINT",
            "bit": "UBIGINT",
            "null": "INTEGER",
        }[self.kind]

    def column_def(self, name: str) -> ColumnDef:
        """The definition that a MariaDB server sends for a result column of this type."""
        number = ColumnFlag.BINARY | (ColumnFlag.UNSIGNED if self.unsigned else 0)
        if self.kind == "string":
            code = ColumnType.VAR_STRING
            flags = ColumnFlag.BINARY if self.binary else ColumnFlag(0)
            if self.word in ("char", "enum"):
                code = ColumnType.STRING
            if self.word.endswith("text"):
                code = ColumnType.BLOB
                flags |= ColumnFlag.BLOB
            if self.word == "enum":
                flags |= ColumnFlag.ENUM
            width = min(self.length * 4, 0xFFFFFFFF)
            if width > 0xFFFF and code is ColumnType.VAR_STRING:
                code = ColumnType.MEDIUM_BLOB if width < 1 << 24 else ColumnType.LONG_BLOB
            return ColumnDef(name, code, charset=UTF8MB4, length=width, flags=flags, decimals=self.decimals)
        if self.kind == "blob":
            code = {"binary": ColumnType.STRING, "varbinary": ColumnType.VAR_STRING}.get(self.word, ColumnType.BLOB)
            flags = number | (ColumnFlag.BLOB if code is ColumnType.BLOB else ColumnFlag(0))
            return ColumnDef(name, code, charset=BINARY, length=self.length, flags=flags)
        if self.kind in ("int", "bool"):
            return ColumnDef(name, _INT_CODES[self.word or "int"], charset=BINARY, length=self.length, flags=number)
        code = {
            "decimal": ColumnType.NEWDECIMAL,
            "double": ColumnType.DOUBLE,
            "float": ColumnType.FLOAT,
            "date": ColumnType.DATE,
            "datetime": ColumnType.DATETIME,
            "year": ColumnType.YEAR,
            "bit": ColumnType.BIT,
            "null": ColumnType.NULL,
        }[self.kind]
        return ColumnDef(name, code, charset=BINARY, length=self.length, flags=number, decimals=self.decimals)


NULL_TYPE = MType("null")
BOOL = MType("bool", "int", 1)
DOUBLE = MType("double", length=23, decimals=NOT_FIXED)
COUNT = MType("int", "bigint", 21)
DATE = MType("date", length=10)


def integer(length: int, unsigned: bool = False) -> MType:
    """The result of integer arithmetic: INT while ten characters are enough to show it, else BIGINT."""
    word = "bigint" if length >= 10 else "int"
    return MType("int", word, length, unsigned=unsigned)


def small_int(length: int) -> MType:
    """INT of a function whose results always fit it, whatever its display length."""
    return MType("int", "int", length)


def decimal(precision: int, decimals: int, unsigned: bool = False, scale: int | None = None) -> MType:
    """DECIMAL with so many digits, ``decimals`` of them behind the point."""
    precision = min(precision, 65)
    length = precision + (0 if unsigned else 1) + (1 if decimals else 0)
    return MType("decimal", length=length, decimals=decimals, unsigned=unsigned, scale=scale)


def string(length: int, binary: bool = False) -> MType:
    """Text as an expression gives it."""
    return MType("string", "varchar", max(0, length), decimals=39, binary=binary)


def datetime(fraction: int) -> MType:
    """DATETIME with so many digits of a second's fraction."""
    return MType("datetime", length=19 + (fraction + 1 if fraction else 0), decimals=fraction)


def shown(kind: MType) -> int:
    """Characters that a value takes as text."""
    if kind.kind == "float":
        return 12
    return kind.length


_DECLARED = re.compile(r"\s*([a-z0-9_]+)(?:\s+precision)?\s*(?:\(([^)]*)\))?\s*(.*)", re.I | re.S)


def declared(text: str) -> MType:
    """The type that a column definition declares.

    Args:
        text: what stands behind the column's name in CREATE TABLE, e.g. ``BIGINT(20) UNSIGNED NOT NULL``.

    Raises:
        SQLError: 1235 for a type that the embedded engine has no equal of.
    """
    found = _DECLARED.match(text)
    if found is None:
        raise SQLError(1064, f"the column type {text!r} cannot be read")
    written, inside, rest = found[1].lower(), found[2], found[3].lower()
    word = _SYNONYMS.get(written, written)
    unsigned = bool(re.search(r"\bunsigned\b|\bzerofill\b", rest))
    numbers = [int(n) for n in re.findall(r"\d+", inside or "")] if word != "enum" else []
    if word in _INT_LENGTHS:
        natural = (_UNSIGNED_LENGTHS if unsigned else _INT_LENGTHS)[word]
        if written in ("bool", "boolean"):
            natural = 1
        return MType("int", word, numbers[0] if numbers else natural, unsigned=unsigned)
    if word == "decimal":
        precision, scale = [*numbers, *([10, 0][len(numbers) :])]
        if precision > MAX_DIGITS:
            raise SQLError(1235, f"the embedded engine does not support DECIMAL of more than {MAX_DIGITS} digits")
        return decimal(precision, scale, unsigned)
    if word in ("double", "float"):
        length, kind = (12, "float") if word == "float" and (not numbers or numbers[0] < 25) else (22, "double")
        if len(numbers) == 2:
            return MType(kind, length=numbers[0], decimals=numbers[1], unsigned=unsigned)
        return MType(kind, length=length, decimals=NOT_FIXED, unsigned=unsigned)
    binary = bool(re.search(r"collate\s*=?\s*\w*_bin\b|\bbinary\b", rest))
    latin = re.search(r"(character\s+set|charset)\s*=?\s*latin1\b", rest) and not re.search(r"\bcollate\b", rest)
    swedish = not binary and (bool(latin) or "latin1_swedish_ci" in rest)
    if word in ("char", "varchar"):
        if re.search(r"(character\s+set|charset)\s*=?\s*binary\b", rest):
            return MType("blob", {"char": "binary", "varchar": "varbinary"}[word], numbers[0] if numbers else 1)
        return MType("string", word, numbers[0] if numbers else 1, binary=binary, swedish=swedish)
    if word in _TEXT_LENGTHS:
        return MType("string", word, _TEXT_LENGTHS[word], binary=binary, swedish=swedish)
    if word == "enum":
        members = tuple(m.replace("''", "'") for m in re.findall(r"'((?:[^']|'')*)'", inside or "", flags=re.S))
        return MType("string", "enum", max(map(len, members), default=0), binary=binary, members=members)
    if word in ("binary", "varbinary"):
        return MType("blob", word, numbers[0] if numbers else 1)
    if word.endswith("blob"):
        return MType("blob", word, _TEXT_LENGTHS[word.replace("blob", "text")])
    if word == "date":
        return DATE
    if word == "datetime":
        return datetime(numbers[0] if numbers else 0)
    if word == "year":
        return MType("year", length=4, unsigned=True)
    if word == "bit":
        return MType("bit", length=numbers[0] if numbers else 1, unsigned=True)
    raise SQLError(1235, f"the embedded engine does not support columns of type {written.upper()}")


def common(kinds: list[MType]) -> MType:
    """The type that holds values of all the given ones, as CASE, IFNULL, COALESCE and UNION choose it."""
    real = [replace(k, scale=None) for k in kinds if k.kind != "null"]
    if not real:
        return NULL_TYPE
    first = real[0]
    if all(k == first for k in real):
        return first if first.kind != "bool" else replace(BOOL, kind="int")
    if all(k.kind in ("int", "bool") for k in real):
        if len({k.unsigned for k in real}) == 1:
            widest = max(real, key=lambda k: list(_INT_LENGTHS).index(k.word or "int"))
            return MType("int", widest.word, max(k.length for k in real), unsigned=first.unsigned)
        if all(k.word != "bigint" for k in real if k.unsigned) and any(k.word == "bigint" for k in real):
            return MType("int", "bigint", 20)
        return decimal(max(k.precision for k in real), 0)
    if all(k.exact for k in real):
        behind = max(k.decimals for k in real)
        before = max(k.precision - k.decimals for k in real)
        return decimal(before + behind, behind)
    if all(k.numeric for k in real):
        if all(k.kind == "float" for k in real):
            return first
        fixed = {k.decimals for k in real}
        return MType(
            "double", length=max(shown(k) for k in real), decimals=fixed.pop() if len(fixed) == 1 else NOT_FIXED
        )
    if all(k.temporal for k in real):
        return datetime(max(k.decimals for k in real)) if any(k.kind == "datetime" for k in real) else DATE
    if any(k.kind == "blob" for k in real):
        return MType("blob", "varbinary", max(shown(k) for k in real))
    return string(max(shown(k) for k in real), any(k.binary for k in real))
