"""The command line as people use it: a process, its exit code and what it says."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qproxy.catalog.store import CatalogStore
from qproxy.cli import main as cli
from qproxy.cli.cluster import format_status
from qproxy.cluster.commands import WorkerStatus
from qproxy.errors import QproxyError


def qproxy(*words: str, cwd: Path, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "qproxy", *words], cwd=cwd, input=text, capture_output=True, text=True, check=False
    )


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "qproxy.toml").write_text("")
    return tmp_path


def store_in(directory: Path) -> CatalogStore:
    return CatalogStore.open(f"sqlite:///{directory / 'catalog.sqlite'}")


def test_users_from_first_to_last(here: Path) -> None:
    done = qproxy("user", "add", "vera", "--grant", "*", cwd=here, text="rubin\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "user 'vera' added\n", "")
    assert qproxy("user", "add", "local", "--no-password", cwd=here).returncode == 0
    done = qproxy("user", "list", cwd=here)
    assert done.stdout == (
        "local\tno password\tthis machine only\tno database\nvera\tpassword\tanywhere\tall databases\n"
    )
    with store_in(here) as store:
        before = store.find_user("vera")
    assert qproxy("user", "passwd", "vera", cwd=here, text="cooper\n").returncode == 0
    with store_in(here) as store:
        after = store.find_user("vera")
    assert before and after
    assert before.native_hash != after.native_hash
    assert qproxy("user", "remove", "vera", cwd=here).stdout == "user 'vera' removed\n"
    assert qproxy("user", "list", cwd=here).stdout.splitlines() == [
        "local\tno password\tthis machine only\tno database"
    ]


def test_privileges_and_ways_in(here: Path) -> None:
    words = ["--sha2-only", "--require-tls", "--max-connections", "3"]
    done = qproxy("user", "add", "vera", *words, cwd=here, text="rubin\n")
    assert done.stderr == "it may read nothing yet: 'qproxy user grant vera DATABASE'\n"
    done = qproxy("user", "grant", "vera", "sky", "stars", cwd=here)
    assert done.stdout == "user 'vera' may read sky, stars\n"
    assert done.stderr.splitlines()[0] == "note: there is no database 'sky' yet"
    assert qproxy("user", "revoke", "vera", "sky", cwd=here).stdout == "user 'vera' may no longer read sky\n"
    done = qproxy("user", "revoke", "vera", "sky", cwd=here)
    assert (done.returncode, done.stderr) == (1, "qproxy: user 'vera' has no privilege on database 'sky'\n")
    listed = qproxy("user", "list", cwd=here).stdout
    assert listed == "vera\tpassword, sha2 only\tanywhere, TLS only, 3 connections\tstars\n"
    qproxy("user", "add", "anna", "--certificate", "/O=Observatory/CN=anna", "--grant=sky", cwd=here, text="x\n")
    assert qproxy("user", "list", cwd=here).stdout.splitlines()[0] == (
        "anna\tpassword\tanywhere, certificate /O=Observatory/CN=anna\tsky"
    )


def test_a_password_is_typed_twice_and_never_shown(here: Path) -> None:
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "qproxy", "user", "add", "vera"],
        cwd=here,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    ) as process:
        os.close(follower)
        seen = b""
        for prompt in (b"Password: ", b"Again: "):
            seen += read_until(leader, prompt)
            os.write(leader, b"rubin\n")
        seen += read_until(leader, b"added")
        assert process.wait(20) == 0
    os.close(leader)
    assert b"rubin" not in seen


def read_until(descriptor: int, end: bytes) -> bytes:
    seen = b""
    deadline = time.monotonic() + 20
    while end not in seen:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, seen
        seen += os.read(descriptor, 4096)
    return seen


@pytest.mark.parametrize(
    ("words", "text", "sentence"),
    [
        (["user", "add", "x"], "\n", "qproxy: the password is empty; nothing was changed"),
        (["user", "passwd", "x"], "y\n", "qproxy: there is no user 'x'"),
        (["user", "remove", "x"], "", "qproxy: there is no user 'x'"),
        (["user", "list", "--config", "no.toml"], "", "qproxy: no.toml: cannot be read: No such file or directory"),
        (["cluster", "status", "--dir", "none"], "", "qproxy: there is no cluster in"),
        (["ingest", "no.yaml", "--config", "bad.toml"], "", "qproxy: bad.toml, line 2, server.prot: there is no such"),
        (["serve", "--config", "bad.toml"], "", "qproxy: bad.toml, line 2, server.prot: there is no such setting"),
    ],
)
def test_errors_are_one_sentence_and_exit_code_1(here: Path, words: list[str], text: str, sentence: str) -> None:
    (here / "bad.toml").write_text("[server]\nprot = 1\n")
    done = qproxy(*words, cwd=here, text=text)
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert "Traceback" not in done.stderr
    with store_in(here) as store:
        assert store.users() == ()


def test_an_existing_user_is_refused_before_a_password_is_asked_for(here: Path) -> None:
    qproxy("user", "add", "x", "--no-password", cwd=here)
    done = qproxy("user", "add", "x", cwd=here)
    assert (done.returncode, "qproxy user passwd x" in done.stderr) == (1, True)


def test_without_a_configuration_the_way_to_one_is_told(tmp_path: Path) -> None:
    for words in (["user", "list"], ["serve"], ["ingest", "x.yaml"]):
        done = qproxy(*words, cwd=tmp_path)
        assert done.returncode == 1
        assert "give --config FILE; 'qproxy cluster up --dir DIR' writes DIR/qproxy.toml" in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["serve", "--port", "70000"], "a port is a number from 0 to 65535, not '70000'"),
        (["demo", "--port", "x"], "a port is a number from 0 to 65535, not 'x'"),
        (["cluster", "up", "--dir", "c", "--workers", "0"], "a whole number of 1 or more is wanted, not '0'"),
        (["ingest", "x", "--max-bad-rows", "-1"], "--max-bad-rows"),
    ],
)
def test_wrong_arguments_are_told_with_exit_code_2(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err


def test_errors_of_any_command_lose_their_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(args: object) -> int:
        raise QproxyError("the sky is cloudy")

    monkeypatch.setattr("qproxy.cli.cluster._down", fail)
    assert cli.main(["cluster", "down", "--dir", "x"]) == 1
    assert capsys.readouterr().err == "qproxy: the sky is cloudy\n"


def test_ctrl_c_ends_with_130_and_no_traceback(here: Path) -> None:
    code = "import sys; from qproxy.cli.main import main; print('up', flush=True); sys.exit(main())"
    with subprocess.Popen(
        [sys.executable, "-c", code, "user", "add", "vera"],
        cwd=here,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background of a shell ignores Ctrl-C, and so would what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None and process.stdin is not None and process.stderr is not None
        assert process.stdout.readline() == "up\n"
        # It waits for a password once the store that it opens first is there.
        deadline = time.monotonic() + 20
        while not (here / "catalog.sqlite").exists():
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr.read() == ""


def test_a_reader_that_has_had_enough_is_no_error(here: Path) -> None:
    with store_in(here) as store:
        store.add_user("x", None)
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m qproxy user list | true"],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


def test_status_is_a_table() -> None:
    table = format_status(
        [
            WorkerStatus("worker-1", "running", 41234, 99, 1500, 5 * 2**20),
            WorkerStatus("worker-2", "stopped", None, None, 0, None),
        ]
    )
    assert table.splitlines() == [
        "worker    state     port  pid  chunks     size",
        "worker-1  running  41234   99    1500  5.0 MiB",
        "worker-2  stopped      -    -       0        ?",
    ]
