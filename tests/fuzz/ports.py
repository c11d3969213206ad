"""Where the systems under comparison listen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ports:
    """On loopback.

    Attributes:
        twin: a plain server with the rows in another order and in another engine: where its answer is another one,
            a query has no single right answer.
    """

    oracle: int
    twin: int
    proxy: int
