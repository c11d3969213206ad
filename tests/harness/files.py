"""The corpus catalogue as files: what ingest reads, and what the oracle loads with plain LOAD DATA."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.harness.data import Catalogue, Row, Value
from tests.harness.schema import TableSpec

_FORMAT: dict[str, str | bool] = {
    "kind": "csv",
    "delimiter": "\t",
    "quote": "",
    "escape": "\\",
    "null": "\\N",
    "header": False,
}
_SPECIAL = {0: rb"\0", 9: rb"\t", 10: rb"\n", 92: rb"\\"}


@dataclass(frozen=True)
class Striping:
    """A family: how the sky is cut.

    Attributes:
        overlap: degrees.
    """

    stripes: int
    sub_stripes: int
    overlap: float = 0.01667

    def __str__(self) -> str:
        return f"{self.stripes}x{self.sub_stripes}"


def write_rows(directory: Path, catalogue: Catalogue) -> None:
    """Write one TSV file a table, ``<database>.<table>.tsv``: the plain form of all rows.

    Args:
        directory: made where missing.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for (database, table), rows in catalogue.tables.items():
        (directory / f"{database}.{table}.tsv").write_bytes(tsv(rows))


def write_descriptions(directory: Path, catalogue: Catalogue, striping: Striping) -> list[Path]:
    """Write descriptions and data files as ingest takes them.

    Args:
        directory: made where missing.

    Returns:
        The descriptions, in the order in which they must be ingested.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for database in catalogue.databases:
        specs = [spec for spec in catalogue.specs if spec.database == database]
        description = {
            "database": database,
            "family": {
                "stripes": striping.stripes,
                "sub_stripes": striping.sub_stripes,
                "overlap": striping.overlap,
            },
            "tables": {
                spec.name: _describe(directory, spec, catalogue.tables[(database, spec.name)]) for spec in specs
            },
        }
        path = directory / f"{database}.yaml"
        path.write_text(yaml.safe_dump(description, sort_keys=False, allow_unicode=True), encoding="utf-8")
        paths.append(path)
    return paths


def tsv(rows: Sequence[Row]) -> bytes:
    r"""Rows as LOAD DATA reads them by default: tabs, ``\N``, backslash escapes, text in UTF-8, bytes as they are."""
    return b"".join(b"\t".join(_field(value) for value in row) + b"\n" for row in rows)


def text(value: Value) -> bytes:
    """A value that is not NULL as MariaDB reads it, without escapes."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, float):
        return repr(value).encode()
    if isinstance(value, dt.datetime):
        return value.isoformat(" ").encode()
    return str(value).encode()


def _field(value: Value) -> bytes:
    if value is None:
        return rb"\N"
    raw = text(value)
    if not any(byte in _SPECIAL for byte in raw):
        return raw
    return b"".join(_SPECIAL.get(byte) or bytes([byte]) for byte in raw)


def _describe(directory: Path, spec: TableSpec, rows: Sequence[Row]) -> dict[str, Any]:
    description: dict[str, Any] = dict(spec.layout)
    if spec.files == "schema":
        schema = f"{spec.name}.sql"
        (directory / schema).write_text(spec.create() + " ENGINE=InnoDB;\n", encoding="utf-8")
        description["schema"] = schema
    else:
        description["columns"] = [
            {"name": name, "type": definition, **spec.tags.get(name, {})} for name, definition in spec.columns
        ]
        if spec.indexes:
            description["indexes"] = [list(index) for index in spec.indexes]
    description["files"], description["format"] = _data_files(directory, spec, rows)
    return description


def _data_files(directory: Path, spec: TableSpec, rows: Sequence[Row]) -> tuple[list[str], dict[str, str | bool]]:
    if spec.files == "parquet":
        _write_parquet(directory / f"{spec.name}.parquet", spec, rows)
        return [f"{spec.name}.parquet"], {"kind": "parquet"}
    if spec.files == "gz":
        half = len(rows) // 2
        for number, part in enumerate((rows[:half], rows[half:])):
            (directory / f"{spec.name}-{number}.tsv.gz").write_bytes(gzip.compress(tsv(part), 1, mtime=0))
        return [f"{spec.name}-*.tsv.gz"], dict(_FORMAT)
    (directory / f"{spec.name}.tsv").write_bytes(tsv(rows))
    return [f"{spec.name}.tsv"], dict(_FORMAT)


def _write_parquet(path: Path, spec: TableSpec, rows: Sequence[Row]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [name for name, _ in spec.columns]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    pq.write_table(pa.table({n: list(c) for n, c in zip(names, columns, strict=True)}), path)
