"""What values system variables take, and how they keep them."""

from __future__ import annotations

import re
from decimal import Decimal
from types import MappingProxyType

from qproxy.errors import SQLError
from qproxy.session import collations, sql_modes
from qproxy.session.system_variables import SystemVariable

#: What a variable can hold.
Value = str | int | float | Decimal | None

_ENGINES = MappingProxyType({e.lower(): e for e in ("Aria", "CSV", "InnoDB", "MEMORY", "MyISAM", "SEQUENCE")})
#: Names of zones that are UTC at all times.
UTC_ZONES = MappingProxyType(
    {name.lower(): name for name in ("UTC", "GMT", "Etc/UTC", "Etc/GMT", "UCT", "Zulu", "Universal")}
)
_OFFSET = re.compile(r"([+-])(\d{1,2}):(\d{1,2})")


def _wrong_value(name: str, value: object) -> SQLError:
    shown = "NULL" if value is None else value
    return SQLError(1231, f"Variable '{name}' can't be set to the value of '{shown}'")


def _wrong_type(name: str) -> SQLError:
    return SQLError(1232, f"Incorrect argument type to variable '{name}'")


def check_client(charset: str) -> None:
    """Refuse a character set that no client can write statements in: error 1231."""
    if charset in collations.WIDE:
        raise _wrong_value("character_set_client", charset)


def converted(spec: SystemVariable, value: str | int | float | Decimal | None) -> Value:
    """The value as the variable keeps it: numbers are moved into its limits, names get their own spelling.

    Raises:
        SQLError: 1231 and 1232 for values that it cannot take, 1115, 1273, 1286, 1298 for names that there are not.
    """
    if spec.type in ("int", "real"):
        return _number(spec, value)
    if isinstance(value, float | Decimal):
        raise _wrong_type(spec.name)
    if value is None:
        if spec.name == "character_set_results":
            return None
        raise _wrong_value(spec.name, None)
    if spec.type in ("bool", "enum"):
        return _choice(spec, value)
    if spec.type == "sql_mode":
        return sql_modes.normal(value)
    if spec.type == "charset":
        name = _charset_name(spec, value)
        if spec.name == "character_set_client":
            check_client(name)
        return name
    if spec.type == "collation":
        return _collation_name(value)
    if isinstance(value, int):
        raise _wrong_type(spec.name)
    return _words(spec, value)


def _number(spec: SystemVariable, value: str | int | float | Decimal | None) -> int | float:
    low, high = spec.limits or (0, 2**64 - 1)
    if isinstance(value, int):
        moved = min(max(value, low), high)
        return int(moved) if spec.type == "int" else float(moved)
    if spec.type == "int" or not isinstance(value, float | Decimal):
        raise _wrong_type(spec.name)
    return min(max(float(value), low), high)


def _choice(spec: SystemVariable, value: str | int) -> Value:
    values = ("OFF", "ON") if spec.type == "bool" else spec.values
    if isinstance(value, int):
        index = value
    else:
        index = next((i for i, word in enumerate(values) if word.lower() == value.lower()), -1)
    if not 0 <= index < len(values):
        raise _wrong_value(spec.name, value)
    return index if spec.type == "bool" else values[index]


def _charset_name(spec: SystemVariable, value: str | int) -> str:
    if isinstance(value, str):
        return collations.charset(value).name
    found = collations.collation_by_id(value)
    if found is None:
        raise SQLError(1115, f"Unknown character set: '{value}'")
    return found.charset


def _collation_name(value: str | int) -> str:
    if isinstance(value, str):
        return collations.collation(value).name
    found = collations.collation_by_id(value)
    if found is None:
        raise SQLError(1273, f"Unknown collation: '{value}'")
    return found.name


def _words(spec: SystemVariable, value: str) -> str:
    if spec.name == "time_zone":
        return _time_zone(value)
    if spec.name == "default_storage_engine":
        if value.lower() not in _ENGINES:
            raise SQLError(1286, f"Unknown storage engine '{value}'")
        return _ENGINES[value.lower()]
    return value


def _time_zone(value: str) -> str:
    """SYSTEM, an offset or a name of UTC; names of other zones need tables that workers may not have."""
    if value.upper() == "SYSTEM":
        return "SYSTEM"
    if value.lower() in UTC_ZONES:
        return UTC_ZONES[value.lower()]
    match = _OFFSET.fullmatch(value)
    if match:
        sign, hours, minutes = match[1], int(match[2]), int(match[3])
        total = hours * 60 + minutes
        # MariaDB takes offsets from -12:59 to +13:00.
        if minutes < 60 and total <= (13 * 60 if sign == "+" else 12 * 60 + 59):
            return f"{sign if total else '+'}{hours:02d}:{minutes:02d}"
    raise SQLError(1298, f"Unknown or incorrect time zone: '{value}'")
