"""Names of the physical tables on the workers, in one place.

In the physical database of each worker lie, for a logical table ``T``:

    T                      empty, exactly as users see it: column definitions are asked of it
    T_empty                empty, with the internal columns: stands in where a chunk has no table of its own
    T_<chunk>              the rows of a chunk
    TFullOverlap_<chunk>   rows near the edges of the chunk's sub-chunks, a copy for each that receives it (directors
                           only); `NEIGHBOUR_COLUMN` marks one copy of each row of another chunk
    TFullOverlap_empty     its stand-in
    T__id_<partition>      a partition of the director index: id, chunkId, subChunkId
    T__orphans_<partition> child rows without a known director: director id, chunkId, subChunkId

A regular table is ``T`` itself, with all its rows, on every worker.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

#: The database on the workers where scratch tables live; nothing else does.
SCRATCH_DATABASE = "qproxy_scratch"
CHUNK_COLUMN = "chunkId"
SUB_CHUNK_COLUMN = "subChunkId"
#: Overlap tables only: 1 for the first copy in this chunk of a row of another chunk, 0 for all other copies. The rows
#: with 1 are what lies within the overlap around the chunk, each as often as a plain server would hold it.
NEIGHBOUR_COLUMN = "qproxy_neighbour"
#: The cell of a grid, in statements that look for near rows.
CELL_COLUMN = "qproxy_cell"

#: Internal names that a user's table must not take.
RESERVED = re.compile(r"(_(\d+|empty)|__(id|orphans)_\d+)$")


def physical_database(database: str, generation: int) -> str:
    """Name on the workers of one generation of a database."""
    return f"{database}__g{generation}"


def chunk_table(table: str, chunk: int) -> str:
    """Name of the table with the rows of a chunk."""
    return f"{table}_{chunk}"


def chunk_tables(table: str, chunks: Sequence[int]) -> str:
    """Name of the rows of several chunks, for engines that know such names: see `Backend.spans`."""
    return f"{table}_{','.join(map(str, chunks))}"


def empty_table(table: str) -> str:
    """Name of the empty stand-in for a missing chunk table."""
    return f"{table}_empty"


def overlap_name(table: str) -> str:
    """What the overlap tables of a table are called where others are called as the table itself."""
    return f"{table}FullOverlap"


def overlap_table(table: str, chunk: int) -> str:
    """Name of the table with the overlap rows of a chunk."""
    return chunk_table(overlap_name(table), chunk)


def empty_overlap_table(table: str) -> str:
    """Name of the empty stand-in for a missing overlap table."""
    return empty_table(overlap_name(table))


def index_table(table: str, partition: int) -> str:
    """Name of one partition of a director index."""
    return f"{table}__id_{partition}"


def orphan_table(table: str, partition: int) -> str:
    """Name of one partition of the index of a child's rows without a known director."""
    return f"{table}__orphans_{partition}"
