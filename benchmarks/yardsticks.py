"""The yardsticks of speed: what is asked, of whom, and how fast the proxy is to be beside the others."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.hundred import COLUMNS

_ALL = ", ".join(COLUMNS)
QPROXY = "qproxy"
WORKERS = "workers, both at once"
SPIDER = "Spider"
SPIDER_TUNED = "Spider, tuned"
PLAIN = "one plain server"


@dataclass(frozen=True)
class Aim:
    """How long the proxy may take beside another party.

    Attributes:
        beside: the party.
        times: most that the proxy's median is of the party's; less than 1 where it is to be faster.
    """

    beside: str
    times: float


@dataclass(frozen=True)
class Yardstick:
    """A question and its aims.

    Attributes:
        name: as the command line calls it.
        sql: for the proxy, and for all others that have whole tables where ``plain`` is not given.
        chunk: what a worker is asked of a chunk, ``{c}`` for its number.
        worker: what a worker makes of its chunks' answers, ``{chunks}`` for all of them.
        aims: of the proxy.
        plain: for parties whose tables have internal columns too; the columns by name.
        ordered: whether the order of rows is part of the answer.
        one_server: whether a plain server that holds all rows is asked as well.
        note: what explains the figures.
    """

    name: str
    sql: str
    chunk: str
    worker: str
    aims: tuple[Aim, ...]
    plain: str = ""
    ordered: bool = False
    one_server: bool = False
    note: str = ""

    def direct(self, chunks: list[int]) -> str:
        """The one statement that a worker is asked directly."""
        arms = "\nUNION ALL ".join(self.chunk.format(c=c) for c in chunks)
        return self.worker.format(chunks=arms) + ";\n"


def _spider(times: float) -> tuple[Aim, Aim]:
    return Aim(SPIDER, times), Aim(SPIDER_TUNED, times)


YARDSTICKS = (
    Yardstick(
        "stream",
        "SELECT * FROM Object",
        f"SELECT {_ALL} FROM Object_{{c}}",
        "{chunks}",
        (Aim(WORKERS, 1.5), *_spider(1 / 2.5)),
        plain=f"SELECT {_ALL} FROM Object",
    ),
    Yardstick(
        "aggregate",
        "SELECT COUNT(*), AVG(gFlux), MAX(gFlux) FROM Object",
        "SELECT COUNT(*) AS n, SUM(gFlux) AS s, MAX(gFlux) AS m FROM Object_{c}",
        "SELECT SUM(n), SUM(s), MAX(m) FROM ({chunks}) AS t",
        (Aim(WORKERS, 1.4), *_spider(1 / 5)),
    ),
    Yardstick(
        "groups",
        "SELECT kind, COUNT(*), AVG(gFlux), MAX(gFlux) FROM Object GROUP BY kind",
        "SELECT kind, COUNT(*) AS n, SUM(gFlux) AS s, MAX(gFlux) AS m FROM Object_{c} GROUP BY kind",
        "SELECT kind, SUM(n), SUM(s), MAX(m) FROM ({chunks}) AS t GROUP BY kind",
        (Aim(WORKERS, 1.4), *_spider(1 / 4)),
    ),
    Yardstick(
        "many-groups",
        "SELECT pair, COUNT(*), SUM(kind), MAX(gFlux) FROM Object GROUP BY pair",
        "SELECT pair, COUNT(*) AS n, SUM(kind) AS s, MAX(gFlux) AS m FROM Object_{c} GROUP BY pair",
        "SELECT pair, SUM(n), SUM(s), MAX(m) FROM ({chunks}) AS t GROUP BY pair",
        (Aim(PLAIN, 0.6),),
        one_server=True,
        note="Nearly every row is a group of its chunk: one server groups a million rows once, workers group them by "
        "chunk, and one of them once more what travelled. CPU of workers in one run: 1.3 s for the groups of chunks, "
        "1.2 to load them, 1.5 for the final statement; of the plain server 1.4 for all.",
    ),
    Yardstick(
        "top",
        "SELECT objectId, gFlux FROM Object ORDER BY gFlux LIMIT 10",
        "(SELECT objectId, gFlux FROM Object_{c} ORDER BY gFlux LIMIT 10)",
        "SELECT objectId, gFlux FROM ({chunks}) AS t ORDER BY gFlux LIMIT 10",
        (Aim(WORKERS, 1.5),),
        ordered=True,
    ),
    Yardstick(
        "sort",
        "SELECT * FROM Object ORDER BY gFlux",
        f"SELECT {_ALL} FROM Object_{{c}}",
        f"SELECT {_ALL} FROM ({{chunks}}) AS t ORDER BY gFlux",
        (Aim(PLAIN, 1.5),),
        plain=f"SELECT {_ALL} FROM Object ORDER BY gFlux",
        ordered=True,
        one_server=True,
    ),
    Yardstick(
        "distinct",
        "SELECT DISTINCT visit FROM Object",
        "SELECT DISTINCT visit FROM Object_{c}",
        "SELECT DISTINCT visit FROM ({chunks}) AS t",
        (Aim(WORKERS, 1.4), *_spider(1 / 4)),
        note="Spider has each chunk's different values made by its worker, as qproxy does: of 200,000 rows 87,538 "
        "travelled to Spider, 9,002 to qproxy. Both wait for the workers; a quarter of their time is not to be had.",
    ),
    Yardstick(
        "join",
        "SELECT COUNT(*), AVG(s.flux), MAX(o.gFlux) FROM Object o JOIN Source s ON s.objectId = o.objectId",
        "SELECT COUNT(*) AS n, SUM(s.flux) AS f, MAX(o.gFlux) AS m "
        "FROM Object_{c} o JOIN Source_{c} s ON s.objectId = o.objectId",
        "SELECT SUM(n), SUM(f), MAX(m) FROM ({chunks}) AS t",
        (Aim(WORKERS, 1.5),),
    ),
)
