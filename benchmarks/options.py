"""What a run was asked to measure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """How much is measured, and of what.

    Attributes:
        data: directory of the real catalogues.
        every: every how manyth star of them is used; 1 for all.
        rows: of the made table that is streamed.
        rounds: how often each party has its turn.
    """

    data: Path
    every: int
    rows: int
    rounds: int


class NotMeasured(Exception):
    """Something that a measurement needs is not there; says what, and how to provide it."""


class WrongAnswer(Exception):
    """What was measured did not do its work: rows are missing, or two answers differ."""
