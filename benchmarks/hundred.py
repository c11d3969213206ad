"""A made sky of ten columns in a hundred chunks, with a child table, for the cases that are compared with Spider."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

_DESCRIPTION = Path(__file__).parent / "catalogues" / "hundred.yaml"
_SEED = 20_261_121
DATABASE = "hundred"
TABLES = ("Object", "Source")
#: The columns of Object, in their order, for parties whose tables have internal ones behind them.
COLUMNS = ("objectId", "ra", "decl", "gFlux", "rFlux", "gFluxErr", "kind", "visit", "pair", "name")
KINDS, VISITS = 17, 1_000


def object_id(number: int) -> int:
    """The id of an object, by its number."""
    return number * 1_000_003 + 7


def make(rows: int, work: Path) -> Path:
    """A folder with the description and ``data`` beside it, the same for every run, spread evenly over the sky.

    Args:
        rows: of Object, and of Source, which has some for two of three objects.
        work: the folder to make it in.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(_SEED)
    ids = random.permutation(rows).astype(np.int64) * 1_000_003 + 7
    shutil.copy(_DESCRIPTION, work)
    (work / "data").mkdir()
    objects = {
        "objectId": ids,
        "ra": random.uniform(0, 360, rows),
        "decl": np.degrees(np.arcsin(random.uniform(-1, 1, rows))),
        "gFlux": random.lognormal(3.0, 2.0, rows),
        "rFlux": random.lognormal(3.0, 2.0, rows),
        "gFluxErr": random.lognormal(0.0, 1.0, rows).astype(np.float32),
        "kind": random.integers(0, KINDS, rows).astype(np.int8),
        "visit": random.integers(0, VISITS, rows).astype(np.int16),
        # Each value twice, in two places of the sky.
        "pair": (random.permutation(rows) // 2).astype(np.int32),
        "name": [f"J{n:012d}" for n in ids.tolist()],
    }
    sources = {
        "sourceId": np.arange(rows, dtype=np.int64),
        "objectId": random.choice(ids, rows),
        "flux": random.lognormal(3.0, 2.0, rows),
    }
    for name, columns in (("Object", objects), ("Source", sources)):
        pq.write_table(pa.table(columns), work / "data" / f"{name}.parquet")
    return work


def text_files(work: Path) -> list[Path]:
    """The two tables as tab-separated text that LOAD DATA takes as it is, a file a table."""
    import duckdb

    files = []
    with duckdb.connect() as engine:
        for name in TABLES:
            file = work / f"{name}.tsv"
            engine.execute(
                f"COPY (SELECT * FROM read_parquet('{work}/data/{name}.parquet')) "
                f"TO '{file}' (FORMAT csv, DELIMITER '\t', HEADER false, NULL '\\N', QUOTE '')"
            )
            files.append(file)
    return files
