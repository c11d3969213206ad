"""`qproxy ingest` into a cluster that `qproxy cluster up` made, as a person runs them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pymysql
import pytest

from qproxy.catalog.naming import chunk_table
from qproxy.catalog.store import CatalogStore
from qproxy.config import load_config

DESCRIPTION = """\
database: sky
family: {stripes: 3, sub_stripes: 2, overlap: 0.01}
tables:
  Star:
    kind: director
    id: id
    lon: ra
    lat: decl
    columns:
      - {name: id, type: BIGINT NOT NULL}
      - {name: ra, type: DOUBLE NOT NULL}
      - {name: decl, type: DOUBLE NOT NULL}
    files: [stars.tsv]
    format: {kind: csv, delimiter: "\\t"}
"""


def qproxy(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qproxy", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


@pytest.fixture
def place() -> Iterator[Path]:
    top = Path(tempfile.mkdtemp(prefix="qproxy-cli-"))
    top.chmod(0o755)
    try:
        yield top
    finally:
        qproxy("cluster", "down", "--dir", top / "c")
        shutil.rmtree(top)


def test_from_an_empty_directory_to_a_published_catalogue(place: Path) -> None:
    cluster, config = place / "c", place / "c" / "qproxy.toml"
    done = qproxy("cluster", "up", "--workers", "2", "--dir", cluster)
    assert done.returncode == 0, done.stderr
    assert f"qproxy serve --config {config}" in done.stdout

    (place / "sky.yaml").write_text(DESCRIPTION)
    stars = [(i, (i * 17.3) % 360, -80 + i * 1.6) for i in range(100)]
    (place / "stars.tsv").write_text("".join(f"{i}\t{ra}\t{decl}\n" for i, ra, decl in stars))
    words = ("ingest", place / "sky.yaml", "--config", config)
    done = qproxy(*words, "--replicas", "3")
    assert done.returncode == 1
    assert "2" in done.stderr and "Traceback" not in done.stderr
    done = qproxy(*words, "--replicas", "2")
    assert done.returncode == 0, done.stderr
    assert "sky.Star: 100 rows in " in done.stdout
    assert "database 'sky' is ready" in done.stdout
    assert done.stderr == ""

    with CatalogStore.open(load_config(config).catalog.url) as store:
        catalog = store.load()
    database = catalog.databases["sky"]
    chunks = database.tables["Star"].chunk_rows
    assert chunks.total == 100
    for worker in catalog.workers.values():
        count = " + ".join(
            f"(SELECT COUNT(*) FROM {database.physical}.{chunk_table('Star', chunk)})" for chunk in chunks.chunks
        )
        with (
            closing(
                pymysql.connect(unix_socket=worker.socket, user=worker.user, password=worker.password)
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"SELECT {count}")
            assert cursor.fetchone() == (100,)

    done = qproxy(*words, "--replicas", "2")
    assert (done.returncode, "--replace" in done.stderr) == (1, True)
    assert qproxy(*words, "--replicas", "2", "--replace").returncode == 0
    status = qproxy("cluster", "status", "--dir", cluster).stdout.splitlines()
    assert [line.split()[:2] for line in status[1:]] == [["worker-1", "running"], ["worker-2", "running"]]
    assert [line.split()[4] for line in status[1:]] == [str(len(chunks.chunks))] * 2

    with (place / "stars.tsv").open("a") as file:
        file.write("200\t10.0\t95.0\n")
    done = qproxy(*words, "--replace", "--replicas", "2")
    assert (done.returncode, "stars.tsv" in done.stderr, "101" in done.stderr) == (1, True, True)
    done = qproxy(*words, "--replace", "--replicas", "2", "--max-bad-rows", "1")
    assert done.returncode == 0, done.stderr
    assert "1 bad rows left out" in done.stdout
