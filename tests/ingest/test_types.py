"""Types as DESCRIBE prints them."""

from __future__ import annotations

import pytest

from qproxy.ingest.types import describe_type, integer_range


@pytest.mark.parametrize(
    ("word", "arguments", "unsigned", "expected"),
    [
        ("INTEGER", "", False, "int(11)"),
        ("int", "", True, "int(10) unsigned"),
        ("BOOL", "", False, "tinyint(1)"),
        ("dec", "", False, "decimal(10,0)"),
        ("DECIMAL", "5, 2", True, "decimal(5,2) unsigned"),
        ("FLOAT", "30", False, "double"),
        ("float", "7,3", False, "float(7,3)"),
        ("REAL", "", False, "double"),
        ("char", "", False, "char(1)"),
        ("DateTime", "6", False, "datetime(6)"),
        ("DATETIME", "0", False, "datetime"),
        ("json", "", False, "longtext"),
        ("enum", "'a, b','c'", False, "enum('a, b','c')"),
        ("QUAD", "", False, None),
        ("geometry", "", False, None),
    ],
)
def test_descriptions(word: str, arguments: str, unsigned: bool, expected: str | None) -> None:
    assert describe_type(word, arguments, unsigned, False) == expected


def test_zerofill_makes_unsigned() -> None:
    assert describe_type("int", "5", False, True) == "int(5) unsigned zerofill"


def test_ranges() -> None:
    assert integer_range("tinyint", False) == (-128, 127)
    assert integer_range("mediumint", True) == (0, 16777215)
