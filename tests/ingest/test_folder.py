"""The folder of chunk files goes with its run, or with the next one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from qproxy.errors import QproxyError
from qproxy.ingest.folder import PREFIX, work_folder


def test_it_is_gone_afterwards(tmp_path: Path) -> None:
    with work_folder(tmp_path) as folder:
        (folder / "x").write_text("x")
        with work_folder(tmp_path) as other:
            # A run that begins leaves those alone that go on.
            assert folder.exists() and other != folder
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom qproxy.ingest.folder import work_folder\n"
        f"with work_folder(Path({str(tmp_path)!r})) as f:\n    (f / 'x').write_text('x')\n"
        "    print(f, flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().decode().strip())
        process.kill()
    assert left.exists()
    (tmp_path / f"{PREFIX}new").mkdir()
    with work_folder(tmp_path):
        assert not left.exists()
        assert (tmp_path / f"{PREFIX}new").exists()


def test_a_parent_that_is_not_there(tmp_path: Path) -> None:
    with (
        pytest.raises(QproxyError, match=r"no folder for chunk files .* No such file .*set ingest.temp_dir"),
        work_folder(tmp_path / "none"),
    ):
        pass
