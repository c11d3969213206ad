"""Near neighbours in the real catalogues, through the proxy, beside a match by astropy: every single pair."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from benchmarks.options import Options, WrongAnswer
from benchmarks.results import Cell, Measured, Table
from benchmarks.sources import real_data
from benchmarks.systems import Endpoint, running_cluster, running_proxy

WORKERS = 2
CUTS = ((18, 10), (85, 12))
ARCSECOND = 1 / 3600

Pairs = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Match:
    """Two catalogues and a radius.

    Attributes:
        one, other: (table, id column).
        radius: degrees.
    """

    name: str
    one: tuple[str, str]
    other: tuple[str, str]
    radius: float

    @property
    def alike(self) -> bool:
        """Whether a catalogue is matched with itself: then no star is its own neighbour."""
        return self.one == self.other

    @property
    def sql(self) -> str:
        """The query."""
        ids = f"a.{self.one[1]}, b.{self.other[1]}"
        different = f" AND a.{self.one[1]} <> b.{self.other[1]}" if self.alike else ""
        return (
            f"SELECT {ids} FROM {self.one[0]} a JOIN {self.other[0]} b "
            f"ON scisql_angSep(a.ra, a.decl, b.ra, b.decl) < {self.radius!r}{different}"
        )


MATCHES = (
    Match('Tycho2 with itself, 60"', ("Tycho2", "tycId"), ("Tycho2", "tycId"), 60 * ARCSECOND),
    Match('Star with itself, 60"', ("Star", "starId"), ("Star", "starId"), 60 * ARCSECOND),
    Match('Star x Tycho2, 1"', ("Star", "starId"), ("Tycho2", "tycId"), ARCSECOND),
)


def measure(options: Options) -> Measured:
    """Match the real catalogues through the proxy and by astropy.

    Raises:
        NotMeasured: there are no catalogues.
        WrongAnswer: a pair is missing, or is one too many.
    """
    lines: list[tuple[Cell, ...]] = []
    with TemporaryDirectory(prefix="qproxy-bench-") as name, running_cluster(WORKERS) as cluster:
        folder = real_data(options.data, options.every, Path(name))
        wanted = {match.name: _by_astropy(folder / "data", match) for match in MATCHES}
        for stripes, sub_stripes in CUTS:
            database = f"real{stripes}"
            cluster.ingest(_description(folder, database, stripes, sub_stripes), 1)
            with running_proxy(cluster) as proxy:
                for match in MATCHES:
                    found, seconds = _through(proxy, database, match)
                    _compare(match, found, wanted[match.name][0])
                    cut = f"{stripes} x {sub_stripes}"
                    lines.append((match.name, cut, len(found), seconds, wanted[match.name][1]))
        rows = [cluster.catalog().databases[f"real{CUTS[0][0]}"].tables[t].total_rows for t in ("Tycho2", "Star")]
    return Measured(
        "pairs",
        (
            Table(
                f"Ordered pairs through qproxy, {WORKERS} workers, and by astropy's angular_separation",
                ("match", "stripes x sub-stripes", "pairs", "qproxy s", "astropy s"),
                tuple(lines),
                (
                    "The two sets of pairs are equal. astropy decides of every two stars whose declinations and chords "
                    "allow it. Seconds of qproxy: from sending to the last row; of astropy: positions in memory.",
                ),
            ),
        ),
        f"{rows[0]:,} stars of Tycho2, {rows[1]:,} of Star",
    )


def _description(folder: Path, database: str, stripes: int, sub_stripes: int) -> Path:
    """The description of the two catalogues at one cutting."""
    described: dict[str, Any] = yaml.safe_load((folder / "real.yaml").read_text())
    described["database"] = database
    described["family"] |= {"stripes": stripes, "sub_stripes": sub_stripes}
    described["tables"] = {name: described["tables"][name] for name in ("Tycho2", "Star")}
    path = folder / f"{database}.yaml"
    path.write_text(yaml.safe_dump(described, sort_keys=False))
    return path


def _through(proxy: Endpoint, database: str, match: Match) -> tuple[Pairs, float]:
    with proxy.connect(database) as connection, connection.cursor() as cursor:
        began = time.monotonic()
        cursor.execute(match.sql)
        rows = cursor.fetchall()
        seconds = time.monotonic() - began
    return _sorted(np.array(rows, np.int64).reshape(-1, 2)), seconds


def _by_astropy(data: Path, match: Match) -> tuple[Pairs, float]:
    """All pairs of stars whose declinations and chords allow it, decided by astropy's separation."""
    from astropy.coordinates import angular_separation

    read = [_positions(data / f"{table}.parquet", id_) for table, id_ in (match.one, match.other)]
    began = time.monotonic()
    sides = read[:1] if match.alike else read
    ids, ra, decl = (np.concatenate([side[key] for side in sides]) for key in ("id", "ra", "decl"))
    second = np.repeat(np.arange(len(sides)), [len(side["id"]) for side in sides])
    order = np.argsort(decl, kind="stable")
    ids, ra, decl, second = ids[order], np.radians(ra[order]), np.radians(decl[order]), second[order]
    radius = np.radians(match.radius)
    points = np.stack((np.cos(decl) * np.cos(ra), np.cos(decl) * np.sin(ra), np.sin(decl)))
    longest = (2 * np.sin(radius / 2) * (1 + 1e-6)) ** 2
    pairs = []
    for step in range(1, len(ids)):
        low = np.flatnonzero(decl[step:] - decl[:-step] <= radius * (1 + 1e-6))
        if not len(low):
            break
        chords = np.zeros(len(low))
        for axis in points:
            chords += (axis[low + step] - axis[low]) ** 2
        low = low[chords <= longest]
        high = low + step
        near = angular_separation(ra[low], decl[low], ra[high], decl[high]) < radius
        if not match.alike:
            near &= second[low] != second[high]
        low, high = low[near], high[near]
        first = low if match.alike else np.where(second[low] == 0, low, high)
        found = np.stack((ids[first], ids[low + high - first]), axis=1)
        pairs += [found, found[:, ::-1]] if match.alike else [found]
    whole = np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64)
    return _sorted(whole.astype(np.int64)), time.monotonic() - began


def _positions(path: Path, id_: str) -> Mapping[str, npt.NDArray[Any]]:
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=[id_, "ra", "decl"])
    return {key: table.column(name).to_numpy() for key, name in (("id", id_), ("ra", "ra"), ("decl", "decl"))}


def _sorted(pairs: Pairs) -> Pairs:
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _compare(match: Match, found: Pairs, wanted: Pairs) -> None:
    if np.array_equal(found, wanted):
        return
    ours, theirs = ({(int(a), int(b)) for a, b in pairs} for pairs in (found, wanted))
    raise WrongAnswer(
        f"{match.name}: {len(found)} pairs, of which {len(ours - theirs)} are none and "
        f"{len(found) - len(ours)} come twice; {len(theirs - ours)} of {len(wanted)} are missing, "
        f"as {sorted(theirs - ours)[:3]}"
    )
