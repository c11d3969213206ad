"""The life of physical databases: being loaded, then abandoned or published, then retired.

A row stands for a physical database that may exist on some worker. It goes when it was dropped everywhere, or when a
later run of the same database, which was told to drop it, has published: nothing is forgotten where that run is
interrupted too. What was published is not dropped while a query may read it (see `readers`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from qproxy.catalog import schema
from qproxy.catalog.codec import decode_placement, encode_placement
from qproxy.catalog.model import Placement
from qproxy.catalog.naming import physical_database
from qproxy.catalog.placing import empty_placement
from qproxy.catalog.process import Process, is_local, may_live, this_process
from qproxy.errors import QproxyError

LOADING = "loading"
ABANDONED = "abandoned"
PUBLISHED = "published"
RETIRED = "retired"

_rows = schema.generations


@dataclass(frozen=True)
class Generation:
    """One loading of a database.

    Attributes:
        number: unlike that of any other generation.
        physical: its name on the workers.
        leftovers: physical databases of earlier runs, to be dropped first.
    """

    number: int
    physical: str
    leftovers: tuple[str, ...]


@dataclass(frozen=True)
class Leftovers:
    """Physical databases that are no longer published.

    Attributes:
        unused: those to be dropped, by the number of their generation.
        read: those that running queries still read.
    """

    unused: Mapping[int, str]
    read: tuple[str, ...]


def begin(connection: Connection, name: str, family_id: int, replace: bool, oldest: int | None) -> Generation:
    """Begin a generation; see `CatalogStore.begin_database`.

    Args:
        oldest: version of the catalogue that some query may still hold, None for none.
    """
    earlier = connection.execute(select(_rows).where(_rows.c.database_name == name).order_by(_rows.c.number)).all()
    for row in earlier:
        if row.state == LOADING and may_live(Process(row.host, row.process, row.process_start)):
            raise QproxyError(
                f"database '{name}' is being loaded by process {row.process} on {row.host}: wait for it or "
                f"stop it, then try again; where that process or machine is gone, 'qproxy database abandon {name}'"
            )
    if not replace and any(row.state == PUBLISHED for row in earlier):
        raise QproxyError(f"database '{name}' is there already: use --replace to put new data in its place")
    number = 1 + int(connection.execute(select(schema.state.c.generation)).scalar_one())
    connection.execute(update(schema.state).values(generation=number))
    left = [row for row in earlier if row.state != PUBLISHED and not _is_read(row, oldest)]
    connection.execute(
        update(_rows)
        .where(_rows.c.number.in_([row.number for row in left]))
        .values(cleaned_by=number, state=RETIRED, retired_version=None)
    )
    staged = _staged_placement(connection, name, family_id)
    process = this_process()
    physical = physical_database(name, number)
    connection.execute(
        insert(_rows).values(
            number=number,
            database_name=name,
            family_id=family_id,
            physical=physical,
            state=LOADING,
            host=process.host,
            process=process.pid,
            process_start=process.start,
            placement=staged,
        )
    )
    return Generation(number, physical, tuple(row.physical for row in left))


def abandon(connection: Connection, name: str, number: int) -> None:
    """Give up a generation that is being loaded; one that is not stays as it is."""
    connection.execute(
        update(_rows)
        .where(_rows.c.database_name == name, _rows.c.number == number, _rows.c.state == LOADING)
        .values(state=ABANDONED)
    )


def publish(connection: Connection, name: str, physical: str) -> tuple[str, ...]:
    """Put a loaded generation in the place of the published one; returns physical databases out of use."""
    row = connection.execute(
        select(_rows).where(_rows.c.database_name == name, _rows.c.physical == physical, _rows.c.state == LOADING)
    ).one_or_none()
    if row is None:
        raise QproxyError(
            f"database '{name}' cannot be published: the loading of '{physical}' was given up, or another run took over"
        )
    connection.execute(delete(_rows).where(_rows.c.cleaned_by == row.number))
    retired = retire(connection, name)
    if row.placement is not None:
        connection.execute(
            update(schema.families).where(schema.families.c.id == row.family_id).values(placement=row.placement)
        )
    connection.execute(update(_rows).where(_rows.c.number == row.number).values(state=PUBLISHED, placement=None))
    return retired


def retire(connection: Connection, name: str) -> tuple[str, ...]:
    """Take the published generation of a database out of use; returns its physical databases."""
    published = (_rows.c.database_name == name) & (_rows.c.state == PUBLISHED)
    found = tuple(connection.execute(select(_rows.c.physical).where(published)).scalars())
    # Changes count the version up first of all: whoever holds this one or a later one does not know these data.
    version = select(schema.state.c.number).scalar_subquery()
    connection.execute(update(_rows).where(published).values(state=RETIRED, retired_version=version))
    return found


def abandon_all(connection: Connection, name: str) -> int:
    """Give up all loading of a database by processes that are gone or cannot be asked; returns how much it was.

    Raises:
        QproxyError: a process of this machine is loading it.
    """
    loading = (_rows.c.database_name == name) & (_rows.c.state == LOADING)
    for row in connection.execute(select(_rows).where(loading)):
        process = Process(row.host, row.process, row.process_start)
        if is_local(process) and may_live(process):
            raise QproxyError(f"database '{name}' is being loaded by process {row.process}, which runs: stop it first")
    return int(connection.execute(update(_rows).where(loading).values(state=ABANDONED)).rowcount)


def out_of_use(connection: Connection, oldest: int | None) -> Leftovers:
    """What nobody needs any more, and what only running queries need."""
    unused, read = {}, []
    for row in connection.execute(select(_rows).where(_rows.c.state != PUBLISHED).order_by(_rows.c.number)):
        if row.state == LOADING and may_live(Process(row.host, row.process, row.process_start)):
            continue
        if _is_read(row, oldest):
            read.append(row.physical)
        else:
            unused[int(row.number)] = row.physical
    return Leftovers(unused, tuple(read))


def forget(connection: Connection, numbers: Iterable[int]) -> None:
    """Forget generations that lie on no worker any more."""
    connection.execute(delete(_rows).where(_rows.c.number.in_(list(numbers)), _rows.c.state != PUBLISHED))


def _is_read(row: Row[Any], oldest: int | None) -> bool:
    """Whether a query that holds the oldest version may read the data."""
    return row.retired_version is not None and oldest is not None and oldest < row.retired_version


def staged_placement(connection: Connection, family_id: int) -> tuple[int, Placement] | None:
    """Where this process is replacing all data of a family: the generation, and the placement that it will bring."""
    process = this_process()
    row = connection.execute(
        select(_rows).where(
            _rows.c.family_id == family_id,
            _rows.c.state == LOADING,
            _rows.c.placement.is_not(None),
            _rows.c.host == process.host,
            _rows.c.process == process.pid,
            _rows.c.process_start == process.start,
        )
    ).one_or_none()
    return None if row is None else (int(row.number), decode_placement(row.placement))


def _staged_placement(connection: Connection, name: str, family_id: int) -> bytes | None:
    """Decide whether a new generation may place its family anew.

    Where no other data rest on the family's placement, it is forgotten; or, while a published generation of the
    same database is still to be read by it, a new one is begun that is swapped in on publication.
    """
    family = connection.execute(select(_rows).where(_rows.c.family_id == family_id)).all()
    published = [row for row in family if row.state == PUBLISHED]
    loading = [
        row
        for row in family
        if row.state == LOADING
        and row.database_name != name
        and may_live(Process(row.host, row.process, row.process_start))
    ]
    for row in loading:
        if row.placement is not None:
            raise QproxyError(
                f"database '{row.database_name}' of the same family is being replaced by process {row.process} on "
                f"{row.host}, and its chunks may move: wait for it, then try again"
            )
    if loading or any(row.database_name != name for row in published):
        return None
    if published:
        return encode_placement(empty_placement(()))
    connection.execute(update(schema.families).where(schema.families.c.id == family_id).values(placement=None))
    return None
