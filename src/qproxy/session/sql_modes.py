"""sql_mode: its words, those that stand for several, and those that qproxy cannot take.

Source: MariaDB Knowledge Base, "SQL_MODE"; the order is that of MariaDB 10.11's ENUM_VALUE_LIST.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from qproxy.errors import SQLError, unsupported

MODES = tuple(
    """
    REAL_AS_FLOAT PIPES_AS_CONCAT ANSI_QUOTES IGNORE_SPACE IGNORE_BAD_TABLE_OPTIONS ONLY_FULL_GROUP_BY
    NO_UNSIGNED_SUBTRACTION NO_DIR_IN_CREATE POSTGRESQL ORACLE MSSQL DB2 MAXDB NO_KEY_OPTIONS NO_TABLE_OPTIONS
    NO_FIELD_OPTIONS MYSQL323 MYSQL40 ANSI NO_AUTO_VALUE_ON_ZERO NO_BACKSLASH_ESCAPES STRICT_TRANS_TABLES
    STRICT_ALL_TABLES NO_ZERO_IN_DATE NO_ZERO_DATE ALLOW_INVALID_DATES ERROR_FOR_DIVISION_BY_ZERO TRADITIONAL
    NO_AUTO_CREATE_USER HIGH_NOT_PRECEDENCE NO_ENGINE_SUBSTITUTION PAD_CHAR_TO_FULL_LENGTH EMPTY_STRING_IS_NULL
    SIMULTANEOUS_ASSIGNMENT TIME_ROUND_FRACTIONAL
    """.split()  # noqa: SIM905
)

_ANSI_LIKE = frozenset(("PIPES_AS_CONCAT", "ANSI_QUOTES", "IGNORE_SPACE"))
_NO_OPTIONS = _ANSI_LIKE | {"NO_KEY_OPTIONS", "NO_TABLE_OPTIONS", "NO_FIELD_OPTIONS"}

#: What else each of these words switches on.
_IMPLIED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "ANSI": _ANSI_LIKE | {"REAL_AS_FLOAT"},
        "DB2": _NO_OPTIONS,
        "MSSQL": _NO_OPTIONS,
        "POSTGRESQL": _NO_OPTIONS,
        "MAXDB": _NO_OPTIONS | {"NO_AUTO_CREATE_USER"},
        "ORACLE": _NO_OPTIONS | {"NO_AUTO_CREATE_USER", "SIMULTANEOUS_ASSIGNMENT"},
        "MYSQL323": frozenset(("HIGH_NOT_PRECEDENCE",)),
        "MYSQL40": frozenset(("HIGH_NOT_PRECEDENCE",)),
        "TRADITIONAL": frozenset(
            """
            STRICT_TRANS_TABLES STRICT_ALL_TABLES NO_ZERO_IN_DATE NO_ZERO_DATE ERROR_FOR_DIVISION_BY_ZERO
            NO_AUTO_CREATE_USER NO_ENGINE_SUBSTITUTION
            """.split()  # noqa: SIM905
        ),
    }
)

# These change what the text of a query says. Queries are read in one way, so taking them would be taking
# a query for another one.
_READING = (
    "ANSI_QUOTES",
    "PIPES_AS_CONCAT",
    "NO_BACKSLASH_ESCAPES",
    "HIGH_NOT_PRECEDENCE",
    "EMPTY_STRING_IS_NULL",
)


def normal(value: str | int) -> str:
    """A value for sql_mode as MariaDB shows it: every word that it implies, in MariaDB's order.

    Args:
        value: words with commas between them, or a sum of bits.

    Raises:
        SQLError: 1231 for an unknown word or bit; 1235 for modes that change how statements are read.
    """
    if isinstance(value, int):
        if not 0 <= value < 1 << len(MODES):
            raise _wrong(str(value))
        words = {mode for bit, mode in enumerate(MODES) if value >> bit & 1}
    else:
        words = {word.strip().upper() for word in value.split(",")} - {""}
        for word in value.split(","):
            if word.strip() and word.strip().upper() not in MODES:
                raise _wrong(word.strip())
        for word in tuple(words):
            words |= _IMPLIED.get(word, frozenset())
    for word in _READING:
        if word in words:
            raise unsupported(f"sql_mode {word}, which changes how statements are read; leave it out")
    return ",".join(mode for mode in MODES if mode in words)


def for_workers(value: str) -> str:
    """The modes in a normal value that may reach a worker.

    IGNORE_SPACE makes reserved words of function names, and statements for workers are written without it.
    """
    return ",".join(word for word in value.split(",") if word != "IGNORE_SPACE")


def _wrong(value: str) -> SQLError:
    return SQLError(1231, f"Variable 'sql_mode' can't be set to the value of '{value}'")
