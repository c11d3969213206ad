"""SQL types: how DESCRIBE prints them, which are numbers, and how far whole numbers reach.

Source: MariaDB Knowledge Base, "Data Types".
"""

from __future__ import annotations

INTEGER_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
REAL_TYPES = frozenset(("float", "double"))
NUMERIC_TYPES = frozenset((*INTEGER_BITS, *REAL_TYPES, "decimal"))
BINARY_TYPES = frozenset(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "bit"))
TEXT_TYPES = frozenset(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"))
TIME_TYPES = frozenset(("date", "time", "datetime", "timestamp", "year"))
OTHER_TYPES = frozenset(("uuid", "inet4", "inet6"))
IDENTIFIER_TYPES = frozenset((*INTEGER_BITS, "char", "varchar", "binary", "varbinary"))
KNOWN_TYPES = NUMERIC_TYPES | BINARY_TYPES | TEXT_TYPES | TIME_TYPES | OTHER_TYPES

_SYNONYMS = {
    "integer": "int",
    "int1": "tinyint",
    "int2": "smallint",
    "int3": "mediumint",
    "middleint": "mediumint",
    "int4": "int",
    "int8": "bigint",
    "bool": "tinyint",
    "boolean": "tinyint",
    "real": "double",
    "float4": "float",
    "float8": "double",
    "numeric": "decimal",
    "dec": "decimal",
    "fixed": "decimal",
    "character": "char",
    "json": "longtext",
}
_WIDTHS = {"tinyint": (4, 3), "smallint": (6, 5), "mediumint": (9, 8), "int": (11, 10), "bigint": (20, 20)}
_DEFAULT_WIDTH = {"char": "1", "binary": "1", "bit": "1", "year": "4"}


def describe_type(word: str, arguments: str, unsigned: bool, zerofill: bool) -> str | None:
    """A declared type as MariaDB's DESCRIBE prints it.

    Args:
        word: the type's name in any case, e.g. ``INTEGER``.
        arguments: what stands in parentheses behind it, without them; empty for none.
        unsigned, zerofill: whether the type has these words behind it.

    Returns:
        For instance ``int(11)`` or ``decimal(10,0) unsigned``; None where MariaDB has no such type.
    """
    lower = word.lower()
    base = _SYNONYMS.get(lower, lower)
    if base not in KNOWN_TYPES:
        return None
    arguments = arguments.replace(", ", ",") if base not in ("enum", "set") else arguments
    unsigned = unsigned or zerofill
    if base in _WIDTHS and not arguments:
        arguments = "1" if lower in ("bool", "boolean") else str(_WIDTHS[base][unsigned])
    elif base == "decimal":
        arguments = f"{arguments or '10'},0" if "," not in arguments else arguments
    elif base == "float" and arguments.isdigit():
        base, arguments = ("float" if int(arguments) <= 24 else "double"), ""
    elif base in ("text", "blob", "time", "datetime", "timestamp") and arguments == "0":
        arguments = ""
    elif not arguments:
        arguments = _DEFAULT_WIDTH.get(base, "")
    sign = " unsigned" if unsigned and base in NUMERIC_TYPES else ""
    fill = " zerofill" if zerofill and base in NUMERIC_TYPES else ""
    return f"{base}({arguments}){sign}{fill}" if arguments else f"{base}{sign}{fill}"


def integer_range(base: str, unsigned: bool) -> tuple[int, int]:
    """Smallest and largest value of an integer type.

    Args:
        base: a key of `INTEGER_BITS`.
        unsigned: whether it is unsigned.
    """
    bits = INTEGER_BITS[base]
    return (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
