"""Which rows hold values that their columns cannot take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qproxy.catalog.model import Column
from qproxy.ingest.batch import ArrowArray, BadRow, Batch, Fault, InputError, Mask, mask_of
from qproxy.ingest.numerals import number_faults
from qproxy.ingest.schema import TableSchema
from qproxy.ingest.strings import bytes_checker, member_checker, text_checker
from qproxy.ingest.times import time_checker
from qproxy.ingest.types import BINARY_TYPES, NUMERIC_TYPES, TEXT_TYPES, TIME_TYPES

#: Finds what is wrong with the values of one column; they may have the escapes of a chunk file.
Checker = Callable[[ArrowArray, bool], Sequence[Fault]]


def checkers(schema: TableSchema, charset: str) -> tuple[Checker, ...]:
    """What is to be asked of the values of each column.

    Args:
        schema: of the table.
        charset: of the text in its files.
    """
    return tuple(_checker(c, schema, charset) for c in schema.columns)


def _checker(column: Column, schema: TableSchema, charset: str) -> Checker:
    base = column.base_type
    if base in NUMERIC_TYPES:
        return lambda values, escaped: number_faults(values, column)
    if base in ("enum", "set", "uuid", "inet4", "inet6"):
        return member_checker(column, charset)
    if base in TEXT_TYPES:
        return text_checker(column, schema, charset)
    if base in BINARY_TYPES:
        return bytes_checker(column)
    if base in TIME_TYPES:
        return time_checker(column)
    return lambda values, escaped: ()


def storable(kind: object, column: Column) -> bool:
    """Whether Arrow values of that kind can become text for the column."""
    tests = [pa.types.is_null, pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal]
    texts = [pa.types.is_binary, pa.types.is_large_binary, pa.types.is_string, pa.types.is_large_string]
    if column.base_type not in NUMERIC_TYPES:
        texts += [pa.types.is_fixed_size_binary, pa.types.is_timestamp, pa.types.is_date, pa.types.is_time]
    return any(test(kind) for test in (*tests, *texts)) or str(kind) in ("string_view", "binary_view")


def check_values(batch: Batch, columns: tuple[Column, ...], judges: Sequence[Checker]) -> tuple[Batch, list[BadRow]]:
    """The rows whose values fit their columns, and complaints about the rest.

    Args:
        batch: rows as a reader gave them.
        columns: of the table.
        judges: as `checkers` gives them.

    Raises:
        InputError: a column of the file is of a kind that the table's cannot hold.
    """
    bad_rows: list[BadRow] = []
    good = np.ones(batch.rows, bool)

    def complain(mask: Mask, column: Column, reason: str, shown: Callable[[int], str] = lambda row: "") -> None:
        if not mask.any():
            return
        for row in np.flatnonzero(mask & good).tolist():
            bad_rows.append(batch.bad(row, f"column '{column.name}': {shown(row)}{reason}"))
        good[mask] = False

    for column, given, judge in zip(columns, batch.columns, judges, strict=True):
        values = given.dictionary_decode() if pa.types.is_dictionary(given.type) else given
        if not storable(values.type, column):
            raise InputError(
                f"{batch.file}: column '{column.name}': values of the type {values.type} cannot be stored as "
                f"{column.type}"
            )
        if not column.nullable:
            nulls = values.is_null()
            if pa.types.is_floating(values.type):
                nulls = pc.or_(nulls, pc.invert(pc.fill_null(pc.is_finite(values), False)))
            complain(mask_of(nulls), column, "is NULL, but must not be")
        for mask, reason in judge(values, batch.escaped):
            complain(mask, column, reason, partial(_show, values))
    if good.all():
        return batch, bad_rows
    return batch.keep(good), bad_rows


def _show(values: ArrowArray, row: int) -> str:
    value = values[row].as_py()
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    return f"'{text[:60]}{'...' if len(text) > 60 else ''}' "
