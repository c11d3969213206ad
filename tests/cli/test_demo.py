"""The demo as a process: ready, answering, and quiet when it is stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pymysql

SECONDS = 120


def test_the_demo_ends_quietly(tmp_path: Path) -> None:
    complaints = tmp_path / "err"
    command = [sys.executable, "-m", "qproxy", "demo", "--port", "0"]
    with complaints.open("wb") as err:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err)
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode()
            port = int(line.removeprefix("qproxy ready on 127.0.0.1:"))
            with pymysql.connect(host="127.0.0.1", port=port, user="demo", database="sky") as connection:
                cursor = connection.cursor()
                cursor.execute("SELECT COUNT(*) FROM Star WHERE qserv_areaspec_circle(83.82, -5.39, 1.0)")
                assert cursor.fetchall() == ((56,),)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=SECONDS)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 0
    assert complaints.read_text() == ""
