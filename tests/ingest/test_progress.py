"""Bars on a terminal, nothing elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from qproxy.ingest.progress import terminal_progress

CODE = """
from qproxy.ingest.progress import terminal_progress
with terminal_progress() as bars:
    bars.begin("reading Object", 10)
    bars.advance("reading Object", 5, 1234)
    bars.advance("reading Object", 5, 1)
"""


def test_nothing_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert terminal_progress() is None


def test_a_bar_on_a_terminal() -> None:
    ours, theirs = os.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    subprocess.run([sys.executable, "-c", CODE], stderr=theirs, check=True, env=environment)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(ours)
    text = shown.decode()
    assert "reading Object" in text and "1,235 rows" in text and "100%" in text
