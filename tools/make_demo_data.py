"""Make the demo's star file from a whole Tycho-2 catalogue: its 200,000 brightest stars.

    python tools/make_demo_data.py Tycho2.parquet [src/qproxy/data/tycho2_bright.parquet]

The input has the columns tycId, ra, decl, vtMag. Stars are taken by the smallest vtMag, ties by the smallest tycId, and
written in the order of their ids, so that the same input gives the same rows.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

STARS = 200_000
DEFAULT = Path(__file__).parent.parent / "src" / "qproxy" / "data" / "tycho2_bright.parquet"


def brightest(catalogue: pa.Table, stars: int = STARS) -> pa.Table:
    """The brightest stars of a catalogue, as columns starId, ra, decl, vtMag in the order of starId."""
    known = catalogue.filter(pc.is_valid(catalogue["vtMag"]))
    order = pc.sort_indices(known, sort_keys=[("vtMag", "ascending"), ("tycId", "ascending")])
    chosen = known.take(order[:stars]).sort_by("tycId").select(["tycId", "ra", "decl", "vtMag"])
    return chosen.rename_columns(["starId", "ra", "decl", "vtMag"])


def main(arguments: list[str]) -> int:
    """Read, choose, write."""
    if not 1 <= len(arguments) <= 2:
        print(__doc__, file=sys.stderr)
        return 2
    target = Path(arguments[1]) if len(arguments) == 2 else DEFAULT
    table = brightest(pq.read_table(arguments[0]))
    pq.write_table(table, target, compression="zstd", compression_level=19)
    print(f"{target}: {table.num_rows} stars, {target.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
