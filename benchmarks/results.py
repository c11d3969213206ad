"""Figures as tables: on a terminal, as Markdown and as JSON."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Figures that belong together.

    Attributes:
        title: what they are.
        head: names of the columns, with their units.
        rows: as many cells each as the head has.
        notes: sentences that a reader of the figures needs.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """What a case found.

    Attributes:
        case: its name.
        tables: its figures.
        size: how much was measured, in words.
        machine: where and when.
    """

    case: str
    tables: tuple[Table, ...]
    size: str
    machine: Mapping[str, Cell] = field(default_factory=dict)


def goal(what: str, measured: float, unit: str, most: float, strictly: bool = False) -> tuple[Cell, ...]:
    """A row of a table of goals: what, measured, goal, met."""
    met = measured < most if strictly else measured <= most
    return (
        what,
        f"{text(measured)} {unit}".strip(),
        f"{'<' if strictly else '<='} {text(most)} {unit}".strip(),
        ("yes" if met else "no"),
    )


def at_least(what: str, measured: float, unit: str, least: float) -> tuple[Cell, ...]:
    """A row of a table of goals that are met from a number upwards."""
    met = "yes" if measured >= least else "no"
    return (what, f"{text(measured)} {unit}".strip(), f">= {text(least)} {unit}".strip(), met)


GOALS = ("goal", "measured", "aim", "met")


def machine() -> dict[str, Cell]:
    """What is needed to judge figures later; the load tells whether other work was going on."""
    load = os.getloadavg()[0]
    version = subprocess.run(["mariadb", "--version"], capture_output=True, text=True, check=True).stdout
    commit = subprocess.run(
        ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return {
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": commit.strip() or "unknown",
        "cores": os.cpu_count(),
        "load before": round(load, 2),
        "python": platform.python_version(),
        "mariadb": version.strip().partition("Distrib ")[2].split(",")[0] or version.strip(),
    }


def text(cell: Cell) -> str:
    """A cell for people: three significant digits, thousands apart."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) or abs(cell) >= 1000:
        return f"{cell:,.0f}"
    if abs(cell) >= 100:
        return f"{cell:.0f}"
    return f"{cell:.2f}" if abs(cell) < 10 else f"{cell:.1f}"


def plain(table: Table) -> str:
    """A table in columns of equal width."""
    lines = [table.head, *(tuple(text(c) for c in row) for row in table.rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.head))]
    shown = [table.title]
    for line in lines:
        cells = [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
        shown.append("  " + "  ".join(cells).rstrip())
    return "\n".join([*shown, *(f"  {note}" for note in table.notes)])


def _markdown(table: Table) -> list[str]:
    lines = [f"### {table.title}", "", f"| {' | '.join(table.head)} |", "|---" + "|---:" * (len(table.head) - 1) + "|"]
    lines += [f"| {' | '.join(text(c) for c in row)} |" for row in table.rows]
    return [*lines, "", *(line for note in table.notes for line in (note, ""))]


def _summary(known: Mapping[str, Any]) -> Table:
    """The goals of all cases."""
    rows = [
        (case["case"], *row)
        for case in known.values()
        for table in case["tables"]
        if tuple(table["head"]) == GOALS
        for row in table["rows"]
    ]
    return Table("All goals", ("case", *GOALS), tuple(rows))


def write(directory: Path, found: Sequence[Measured]) -> None:
    """Put figures into ``RESULTS.json`` and ``RESULTS.md``; those of other cases stay.

    Args:
        directory: of the two files.
        found: newly measured.
    """
    store = directory / "RESULTS.json"
    known: dict[str, Any] = json.loads(store.read_text()) if store.exists() else {}
    known |= {m.case: asdict(m) for m in found}
    store.write_text(json.dumps(known, indent=1) + "\n")
    lines = [
        "# Results",
        "",
        "Written by `make bench`; the same figures, for programs, are in `RESULTS.json`. What is compared was measured",
        "in one run, each party in its turn. A load before the run that is near the number of cores says that other",
        "work was going on: seconds are then too long, and ratios of parties that use unlike numbers of cores are off.",
        "",
    ]
    lines += _markdown(_summary(known))
    for case in known.values():
        facts = ", ".join(f"{key} {text(value)}" for key, value in case["machine"].items())
        lines += [f"## {case['case']}", "", f"{case['size']}. Measured {facts.removeprefix('when ')}.", ""]
        for table in case["tables"]:
            rows = tuple(tuple(row) for row in table["rows"])
            lines += _markdown(Table(table["title"], tuple(table["head"]), rows, tuple(table["notes"])))
    (directory / "RESULTS.md").write_text("\n".join(lines).rstrip() + "\n")
