"""The life of physical databases: being loaded, then abandoned or published, then retired.

A row stands for a physical database that may exist on some worker. It goes only when a later run of the same
database, which was told to drop it, has published: so nothing is forgotten where that run is interrupted too.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from qproxy.catalog import schema
from qproxy.catalog.naming import physical_database
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
    _forget_unused_placement(connection, family_id)
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
    connection.execute(update(_rows).where(_rows.c.number == row.number).values(state=PUBLISHED))
    return retired


def retire(connection: Connection, name: str) -> tuple[str, ...]:
    """Take the published generation of a database out of use; returns its physical databases."""
    published = (_rows.c.database_name == name) & (_rows.c.state == PUBLISHED)
    found = tuple(connection.execute(select(_rows.c.physical).where(published)).scalars())
    connection.execute(update(_rows).where(published).values(state=RETIRED))
    return found


def _forget_unused_placement(connection: Connection, family_id: int) -> None:
    """Let a family be placed anew where no data that is visible or being loaded rests on its placement."""
    users = connection.execute(select(_rows).where(_rows.c.family_id == family_id)).all()
    if any(
        row.state == PUBLISHED or (row.state == LOADING and may_live(Process(row.host, row.process, row.process_start)))
        for row in users
    ):
        return
    connection.execute(update(schema.families).where(schema.families.c.id == family_id).values(placement=None))
