from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from qproxy.cli.serve import start_log
from qproxy.config import LogConfig
from qproxy.errors import QproxyError


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers.clear()
    yield root
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)


def test_messages_of_the_level_go_to_the_file(tmp_path: Path, root_logger: logging.Logger) -> None:
    path = tmp_path / "q.log"
    start_log(LogConfig(level="warning", file=str(path)))
    logging.getLogger("qproxy.x").warning("told")
    logging.getLogger("qproxy.x").info("kept quiet")
    assert "WARNING qproxy.x: told" in path.read_text()
    assert "quiet" not in path.read_text()


def test_a_log_that_cannot_be_written_is_a_plain_error(tmp_path: Path, root_logger: logging.Logger) -> None:
    with pytest.raises(QproxyError, match=r"log file .*no/q.log: No such file or directory; set log.file"):
        start_log(LogConfig(file=str(tmp_path / "no" / "q.log")))
