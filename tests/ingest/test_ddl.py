"""CREATE statements of chunk tables: the keys that ingest adds to the user's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qproxy.catalog.model import TableKind
from qproxy.ingest.ddl import MAX_KEYS, SUB_CHUNK_KEY_ROWS, chunk_table
from qproxy.ingest.description import TableSpec, read_description
from qproxy.ingest.schema import plain_key

KEY = "KEY `qproxy_subChunkId` (`subChunkId`)"
DESCRIPTION = """\
database: sky
family: {stripes: 85, sub_stripes: 12, overlap: 0.01667}
tables:
  Object:
    kind: director
    id: id
    lon: ra
    lat: decl
    columns:
      - {name: id, type: BIGINT NOT NULL}
      - {name: ra, type: DOUBLE NOT NULL}
      - {name: decl, type: DOUBLE NOT NULL}
    files: [a.tsv]
    format: {kind: csv}
"""


def director(folder: Path) -> TableSpec:
    (folder / "a.tsv").write_text("")
    (folder / "sky.yaml").write_text(DESCRIPTION)
    return read_description(folder / "sky.yaml").tables[0]


def test_chunks_of_many_rows_have_a_key_on_their_sub_chunks(tmp_path: Path) -> None:
    table = director(tmp_path)
    assert KEY in chunk_table("t", table, "Aria", rows=SUB_CHUNK_KEY_ROWS)
    assert KEY not in chunk_table("t", table, "Aria", rows=SUB_CHUNK_KEY_ROWS - 1)
    assert KEY not in chunk_table("t", table, "Aria", overlap=True, rows=SUB_CHUNK_KEY_ROWS)
    child = replace(table, kind=TableKind.CHILD)
    assert KEY not in chunk_table("t", child, "Aria", rows=SUB_CHUNK_KEY_ROWS)


def test_a_table_that_is_full_of_keys_gets_none(tmp_path: Path) -> None:
    table = director(tmp_path)
    # One more is on the ids.
    keys = tuple(plain_key(f"k{n}", ("ra",)) for n in range(MAX_KEYS - 1))
    full = chunk_table("t", replace(table, keys=keys), "Aria", rows=SUB_CHUNK_KEY_ROWS)
    assert full.count("KEY ") == MAX_KEYS
    assert KEY not in full
    assert KEY in chunk_table("t", replace(table, keys=keys[1:]), "Aria", rows=SUB_CHUNK_KEY_ROWS)
