"""Rows of the store's tables as values of the model, and what several methods of the store do with rows."""

from __future__ import annotations

from sqlalchemy import Connection, Row, delete, insert, select

from qproxy.catalog import schema
from qproxy.catalog.codec import decode_placement
from qproxy.catalog.model import Family, Placement, Worker


def read_family(row: Row[tuple[object, ...]]) -> Family:
    """The family of a row."""
    return Family(row.stripes, row.sub_stripes, float(row.overlap))


def family_id(connection: Connection, family: Family) -> int:
    """The key of a family, which is added where it is new."""
    table = schema.families
    values = {
        "stripes": family.stripes,
        "sub_stripes": family.sub_stripes,
        "overlap": repr(float(family.overlap)),
    }
    found = connection.execute(select(table.c.id).filter_by(**values)).scalar_one_or_none()
    if found is not None:
        return int(found)
    added = connection.execute(insert(table).values(**values)).inserted_primary_key
    assert added is not None
    return int(added[0])


def read_workers(connection: Connection) -> dict[str, Worker]:
    """All workers by name, in the order of their names."""
    rows = connection.execute(select(schema.workers).order_by(schema.workers.c.name))
    return {
        row.name: Worker(row.name, row.kind, row.host, row.port, row.user, row.password, row.socket, row.path)
        for row in rows
    }


def remove_published(connection: Connection, name: str) -> None:
    """Take a database and its tables out of what queries see."""
    connection.execute(delete(schema.tables).where(schema.tables.c.database_name == name))
    connection.execute(delete(schema.databases).where(schema.databases.c.name == name))


def read_placements(connection: Connection) -> dict[int, Placement]:
    """Placements of all families that have one, by the family's key."""
    table = schema.families
    found = connection.execute(select(table.c.id, table.c.placement).where(table.c.placement.is_not(None)))
    return {row.id: decode_placement(row.placement) for row in found}
