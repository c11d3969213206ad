"""Rows to measure with: the real catalogues, samples of them, a made table, and all of it as plain text."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from benchmarks.options import NotMeasured
from qproxy.ingest.ddl import chunk_table, create_database, internal_columns, qualified
from qproxy.ingest.description import read_description

_DESCRIPTIONS = Path(__file__).parent / "catalogues"
_SEED = 20_240_917

#: What a sample holds of each real table, where n is every how manyth star it takes. Whatever a row points to is
#: in the sample too.
_SAMPLES = {
    "Star": "starId % {n} = 0",
    "Source": "starId % {n} = 0",
    "StarTycMatch": "starId % {n} = 0",
    "Tycho2": (
        "tycId % {n} = 0 OR tycId IN (SELECT tycId FROM read_parquet('{data}/StarTycMatch.parquet') "
        "WHERE starId % {n} = 0)"
    ),
}


def real_data(directory: Path, every: int, work: Path) -> Path:
    """A folder with the real catalogues or a sample of them, with descriptions beside it.

    Args:
        directory: of the Parquet files.
        every: every how manyth star is taken; 1 for the files as they are.
        work: the folder to make it in.

    Returns:
        The folder with the descriptions; ``data`` in it holds the files.

    Raises:
        NotMeasured: the files are not there.
    """
    missing = [name for name in _SAMPLES if not (directory / f"{name}.parquet").is_file()]
    if missing:
        raise NotMeasured(
            f"the real catalogues are not in {directory} ({', '.join(missing)}.parquet missing); "
            "name their directory with --data or QPROXY_DATA"
        )
    _copy_descriptions(work)
    if every == 1:
        (work / "data").symlink_to(directory.absolute())
        return work
    import duckdb

    (work / "data").mkdir()
    with duckdb.connect() as engine:
        for name, condition in _SAMPLES.items():
            where = condition.format(n=every, data=directory)
            engine.execute(
                f"COPY (SELECT * FROM read_parquet('{directory}/{name}.parquet') WHERE {where}) "
                f"TO '{work}/data/{name}.parquet'"
            )
    return work


def made_data(rows: int, work: Path) -> Path:
    """A folder with a made table of ten columns, the same for every run, spread evenly over the sky.

    Args:
        rows: how many.
        work: the folder to make it in.

    Returns:
        The folder with the descriptions; ``data`` in it holds ``Object.parquet``.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(_SEED)
    ids = random.permutation(rows).astype(np.int64) * 1_000_003 + 7
    flux = random.lognormal(3.0, 2.0, (3, rows))
    _copy_descriptions(work)
    (work / "data").mkdir()
    pq.write_table(
        pa.table(
            {
                "objectId": ids,
                "ra": random.uniform(0, 360, rows),
                "decl": np.degrees(np.arcsin(random.uniform(-1, 1, rows))),
                "gFlux": flux[0],
                "rFlux": flux[1],
                "iFlux": flux[2],
                "gFluxErr": random.lognormal(0.0, 1.0, rows).astype(np.float32),
                "flags": random.integers(0, 2**31 - 1, rows).astype(np.int32),
                "extended": random.integers(0, 2, rows).astype(np.int8),
                "name": [f"J{n:012d}" for n in ids.tolist()],
            }
        ),
        work / "data" / "Object.parquet",
    )
    return work


def text_files(data: Path, work: Path) -> list[Path]:
    """Every Parquet file of the real catalogues in a folder as tab-separated text that LOAD DATA takes as it is.

    Args:
        data: the folder.
        work: where to write, a file a table.
    """
    import duckdb

    files = []
    with duckdb.connect() as engine:
        for name in _SAMPLES:
            file = work / f"{name}.tsv"
            engine.execute(
                f"COPY (SELECT * FROM read_parquet('{data}/{name}.parquet')) "
                f"TO '{file}' (FORMAT csv, DELIMITER '\t', HEADER false, NULL '\\N', QUOTE '')"
            )
            files.append(file)
    return files


def plain_tables(description: Path, engine: str) -> tuple[str, list[str]]:
    """Statements that make the tables of a description on one server, without chunks.

    Args:
        description: whose tables get the columns that users see and the keys of chunk tables.
        engine: storage engine.

    Returns:
        The database and the statements.
    """
    wanted = read_description(description)
    statements = [create_database(wanted.database)]
    for table in wanted.tables:
        name = qualified(wanted.database, table.name)
        statements.append(chunk_table(name, table, engine))
        # Built as a chunk table, so that the keys are the same; a plain server has no use for its inner columns.
        dropped = ", ".join(f"DROP COLUMN `{c}`" for c in internal_columns(table))
        statements.append(f"ALTER TABLE {name} {dropped}")
    return wanted.database, statements


def _copy_descriptions(work: Path) -> None:
    for description in _DESCRIPTIONS.glob("*.yaml"):
        shutil.copy(description, work)
