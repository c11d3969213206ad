"""`qproxy database`, and what signals do to `qproxy ingest`, on a cluster of one worker."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pymysql
import pytest

from qproxy.catalog.model import Family
from qproxy.catalog.store import CatalogStore
from qproxy.config import load_config
from tests.cli.test_ingest import DESCRIPTION, qproxy

FAMILY = Family(3, 2, 0.01)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    top = Path(tempfile.mkdtemp(prefix="qproxy-cli-"))
    top.chmod(0o755)
    try:
        done = qproxy("cluster", "up", "--workers", "1", "--dir", top / "c")
        assert done.returncode == 0, done.stderr
        (top / "sky.yaml").write_text(DESCRIPTION)
        (top / "stars.tsv").write_text("".join(f"{i}\t{i % 360}\t{i % 80}\n" for i in range(1000)))
        yield top
    finally:
        qproxy("cluster", "down", "--dir", top / "c")
        shutil.rmtree(top)


def store_of(place: Path) -> CatalogStore:
    return CatalogStore.open(load_config(place / "c" / "qproxy.toml").catalog.url)


def databases(place: Path) -> set[str]:
    with store_of(place) as store:
        worker = store.workers()["worker-1"]
    with (
        closing(pymysql.connect(unix_socket=worker.socket, user=worker.user, password=worker.password)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SHOW DATABASES LIKE 'sky\\_\\_g%'")
        return {str(row[0]) for row in cursor.fetchall()}


def test_list_and_drop(place: Path) -> None:
    config = ("--config", place / "c" / "qproxy.toml")
    assert qproxy("ingest", place / "sky.yaml", *config).returncode == 0
    shown = qproxy("database", "list", *config).stdout
    assert shown == "sky\t3 x 2, overlap 0.01 deg\n  Star\tdirector\t1,000 rows\n"
    assert len(databases(place)) == 1
    done = qproxy("database", "drop", "sky", *config)
    assert done.returncode == 0, done.stderr
    assert "nothing that is out of use is left" in done.stdout
    assert databases(place) == set()
    again = qproxy("database", "drop", "sky", *config)
    assert (again.returncode, again.stderr) == (1, "qproxy: there is no published database 'sky'\n")


def test_a_run_on_a_machine_that_is_gone(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = ("--config", place / "c" / "qproxy.toml")
    with monkeypatch.context() as elsewhere, store_of(place) as store:
        elsewhere.setattr("socket.gethostname", lambda: "elsewhere")
        store.begin_database("sky", FAMILY, False)
    refused = qproxy("ingest", place / "sky.yaml", *config)
    assert refused.returncode == 1
    assert "on elsewhere" in refused.stderr and "'qproxy database abandon sky'" in refused.stderr
    done = qproxy("database", "abandon", "sky", *config)
    assert done.returncode == 0, done.stderr
    assert qproxy("database", "abandon", "sky", *config).returncode == 1
    assert qproxy("ingest", place / "sky.yaml", *config).returncode == 0
    assert qproxy("database", "drop", "sky", *config).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_a_signal_ends(place: Path, number: signal.Signals, tmp_path: Path) -> None:
    config = place / "c" / "qproxy.toml"
    (place / "slow.yaml").write_text(DESCRIPTION.replace("[stars.tsv]", "[stars.tsv, more.tsv]"))
    # Long enough for the run to be in the middle of it when the signal comes.
    (place / "more.tsv").write_text("".join(f"{i}\t{i % 360}\t{i % 80}\n" for i in range(1000, 400_000)))
    command = [sys.executable, "-m", "qproxy", "ingest", str(place / "slow.yaml"), "--config", str(config)]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ | {"TMPDIR": str(tmp_path)}
    )
    deadline = time.monotonic() + 30
    while not databases(place) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    with store_of(place) as store:
        assert store.load().databases == {}
    if number is signal.SIGKILL:
        assert len(list(tmp_path.iterdir())) == 1
    else:
        assert process.returncode == 128 + number
        assert told.decode() == f"qproxy: interrupted by {number.name}; nothing is left half done\n"
        assert list(tmp_path.iterdir()) == [] and databases(place) == set()
    done = subprocess.run(command, capture_output=True, check=False, env=os.environ | {"TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == [] and len(databases(place)) == 1
    assert qproxy("database", "drop", "sky", "--config", config).returncode == 0
