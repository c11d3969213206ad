"""Binary strings among the constants of a query."""

from __future__ import annotations

import re

from sqlglot import exp

E = exp.Expression

# The parser's own nodes aside, a literal may stand as a call without arguments that is called by its text.
_WRITTEN = re.compile(r"\0?(?:[xX]'((?:[0-9a-fA-F]{2})*)'|0x([0-9a-fA-F]+))")


def binary(value: bytes) -> E:
    """A binary string as a literal."""
    return exp.HexString(this=value.hex())


def blob(node: E) -> bytes | None:
    """The value of a hexadecimal literal, ``x'00ff'`` or ``0x00ff``; None for all other expressions."""
    if isinstance(node, exp.Paren):
        return blob(node.this)
    if isinstance(node, exp.HexString):
        return bytes.fromhex(str(node.this))
    if isinstance(node, exp.Anonymous) and not node.expressions and (found := _WRITTEN.fullmatch(str(node.this))):
        digits = found[1] if found[1] is not None else found[2]
        return bytes.fromhex(digits if len(digits) % 2 == 0 else f"0{digits}")
    return None


def is_null(node: E) -> bool:
    """Whether it is NULL as written, or NULL that was given a type."""
    if isinstance(node, exp.Paren | exp.Cast):
        return is_null(node.this)
    return isinstance(node, exp.Null)
