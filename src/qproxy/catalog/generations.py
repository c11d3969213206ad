"""The life of physical databases: being loaded, then abandoned or published, then retired.

A row stands for a physical database that may exist on some worker. It goes only when a later run of the same
database, which was told to drop it, has published: so nothing is forgotten where that run is interrupted too.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from qproxy.catalog import schema
from qproxy.catalog.codec import decode_placement, encode_placement
from qproxy.catalog.model import Placement
from qproxy.catalog.naming import physical_database
from qproxy.catalog.placing import empty_placement
from qproxy.catalog.process import Process, may_live, this_process
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


def begin(connection: Connection, name: str, family_id: int, replace: bool) -> Generation:
    """Begin a generation; see `CatalogStore.begin_database`."""
    earlier = connection.execute(select(_rows).where(_rows.c.database_name == name).order_by(_rows.c.number)).all()
    for row in earlier:
        if row.state == LOADING and may_live(Process(row.host, row.process, row.process_start)):
            raise QproxyError(
                f"database '{name}' is being loaded by process {row.process} on {row.host}: wait for it or "
                "stop it, then try again"
            )
    if not replace and any(row.state == PUBLISHED for row in earlier):
        raise QproxyError(f"database '{name}' is there already: use --replace to put new data in its place")
    number = 1 + int(connection.execute(select(schema.state.c.generation)).scalar_one())
    connection.execute(update(schema.state).values(generation=number))
    left = [row for row in earlier if row.state != PUBLISHED]
    connection.execute(
        update(_rows)
        .where(_rows.c.database_name == name, _rows.c.state != PUBLISHED)
        .values(cleaned_by=number, state=RETIRED)
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
    connection.execute(update(_rows).where(published).values(state=RETIRED))
    return found


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
