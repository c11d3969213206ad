"""The README's commands, run as written: each must print what stands below it.

Ports and the directory under /tmp are replaced by free ones; `make demo` is run as the command that it runs once
everything is installed. A command whose output begins with "qproxy ready" goes on in the background.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
READY = "qproxy ready"
TIMEOUT = 300


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Commands (or Python scripts) of a page with the output that stands below each."""
    blocks = re.findall(r"^```(console|python|text)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for position, (kind, block) in enumerate(blocks):
        if kind == "console":
            yield from re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
        elif kind == "python":
            following = blocks[position + 1]
            assert following[0] == "text", "the output of a script stands below it"
            yield f"python - <<'END'\n{block}END", following[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(command: str, environment: dict[str, str]) -> Iterator[str]:
    """A command in the background, from its first line on."""
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command}"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0


def test_readme() -> None:
    text = (ROOT / "README.md").read_text()
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    directory = Path(tempfile.mkdtemp(prefix="qproxy-readme-"))
    directory.chmod(0o755)
    cluster = directory / "sky"
    port = free_port()
    with ExitStack() as background:
        background.callback(shutil.rmtree, directory, ignore_errors=True)
        for command, output in steps(text):
            ready = output.startswith(READY)
            if ready:
                port = free_port()
            command = command.replace("make demo", "qproxy demo --port 4040")
            command = command.replace("4040", str(port)).replace("/tmp/sky", str(cluster))
            if ready:
                assert background.enter_context(serving(command, environment)) == f"{READY} on 127.0.0.1:{port}\n"
                continue
            if " up " in command:
                background.callback(run, f"qproxy cluster down --dir {cluster}", environment)
            done = run(command, environment)
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            assert output in ("", done.stdout), command


def run(command: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
