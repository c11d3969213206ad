"""Imports run one way, downwards: which room may use which, and what the serving path must not load."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src"
ROOMS = SOURCE / "qproxy"

#: Room -> rooms and modules that it may import, itself aside.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "sky": {"errors"},
    "catalog": {"errors"},
    "wire": {"errors"},
    "config": {"errors"},
    "backends": {"wire", "errors", "catalog.model", "catalog.naming"},
    "planner": {"sky", "catalog", "errors"},
    "merge": {"wire", "errors", "backends.base", "planner.plan"},
    "dispatch": {"backends", "catalog", "errors", "planner.plan", "sky.coverage", "wire"},
    "session": {"backends", "catalog", "dispatch", "errors", "merge", "planner", "sky", "wire"},
    # What a backend answers comes as blocks of rows: counting and index look-ups must read them.
    "ingest": {"backends", "catalog", "config", "errors", "sky", "wire.rowblock"},
    "cluster": {"catalog", "config", "errors"},
    "service": {
        "backends",
        "catalog",
        "config",
        "dispatch",
        "errors",
        "merge",
        "planner",
        "session",
        "sky",
        "wire",
    },
    "demo": {"backends", "catalog", "errors", "ingest"},
    "cli": {"__init__", "backends", "catalog", "cluster", "config", "demo", "errors", "ingest", "service"},
    "__main__": {"cli"},
    "__init__": set(),
}

#: Heavy packages that only loading and the embedded engine need.
HEAVY = ("astropy", "pandas", "pyarrow")


def room_of(module: str) -> str:
    """``planner`` of ``qproxy.planner.plan``, ``__init__`` of ``qproxy`` itself."""
    return module.split(".")[1] if "." in module else "__init__"


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of every module of qproxy that a file imports, wherever in the file."""
    package = ".".join(path.relative_to(SOURCE).with_suffix("").parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join((*above, *([base] if base else [])))
            # `from qproxy import sky` and `from qproxy.planner import plan` name modules too.
            names = [f"{base}.{a.name}" if is_module(f"{base}.{a.name}") else base for a in node.names]
        else:
            continue
        yield from ((node.lineno, name) for name in names if name.split(".")[0] == "qproxy")


def is_module(name: str) -> bool:
    path = SOURCE.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def may_import(room: str, module: str) -> bool:
    target = room_of(module)
    inner = module.removeprefix("qproxy.")
    return target == room or any(
        inner == entry or inner.startswith(entry + ".") or target == entry for entry in ALLOWED[room]
    )


def test_every_room_has_a_line_in_the_table() -> None:
    rooms = {p.stem for p in ROOMS.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert rooms <= set(ALLOWED)


def test_imports_run_downwards() -> None:
    wrong = []
    for path in sorted(ROOMS.rglob("*.py")):
        room = path.relative_to(ROOMS).with_suffix("").parts[0]
        wrong += [
            f"{path.relative_to(SOURCE)}:{line}: {room} must not import {module}"
            for line, module in imported(path)
            if not may_import(room, module)
        ]
    assert not wrong, "\n".join(wrong)


def test_the_table_itself_has_no_circles() -> None:
    order: list[str] = []
    left = {room: {entry.split(".")[0] for entry in entries} for room, entries in ALLOWED.items()}
    while left:
        free = [room for room, needs in left.items() if needs <= set(order)]
        assert free, f"rooms that import each other: {sorted(left)}"
        order += free
        left = {room: needs for room, needs in left.items() if room not in free}


def serving_modules() -> list[str]:
    """All modules that `qproxy serve` may load: those of the rooms that it is built of."""
    rooms = ("errors", "config", "wire", "sky", "catalog", "planner", "merge", "dispatch", "session", "service")
    found = [f"qproxy.{room}" for room in rooms if is_module(f"qproxy.{room}")]
    for room in rooms:
        for path in sorted((ROOMS / room).rglob("*.py")):
            found.append(".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"))
    return [*found, "qproxy.backends.base", "qproxy.backends.mariadb", "qproxy.cli.main", "qproxy.cli.serve"]


@pytest.mark.parametrize("heavy", HEAVY)
def test_serving_starts_without_heavy_packages(heavy: str) -> None:
    lines = "\n".join(f"import {module}" for module in serving_modules())
    # A name that is None in sys.modules makes its import fail, and the traceback shows who asked for it.
    code = f"import sys\nsys.modules[{heavy!r}] = None\n{lines}\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
