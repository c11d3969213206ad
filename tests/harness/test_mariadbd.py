from __future__ import annotations

import os
from contextlib import closing

import pymysql
import pytest

from tests.harness.mariadbd import running_server, start, temporary_directory


def test_server_runs_unprivileged_and_is_gone_afterwards() -> None:
    with running_server() as server:
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT @@port, @@collation_server, @@time_zone")
            assert cursor.fetchone() == (server.port, "utf8mb4_general_ci", "+00:00")
        owner = os.stat(f"/proc/{server.pid}").st_uid
        assert owner != 0
    assert not server.directory.exists()
    assert server.process.poll() is not None


def test_killed_server_starts_again_with_its_data() -> None:
    with temporary_directory() as directory:
        server = start(directory)
        try:
            server.script(["CREATE DATABASE kept", "CREATE TABLE kept.t (a INT)", "INSERT INTO kept.t VALUES (7)"])
            server.kill()
            with pytest.raises(pymysql.err.OperationalError):
                server.connect()
            server = start(directory, port=server.port)
            with closing(server.connect("kept")) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT a FROM t")
                assert cursor.fetchall() == ((7,),)
        finally:
            server.stop()
