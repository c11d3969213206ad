"""SQLAlchemy: reflection as of a plain MariaDB with the same tables, reads by Core and ORM."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, Inspector, MetaData, Table, create_engine, func, inspect, select
from sqlalchemy.orm import DeclarativeBase, Session

from tests.harness import data
from tests.harness.files import Striping
from tests.harness.oracle import running_oracle
from tests.harness.systems import clustered

Engines = tuple[Engine, Engine]
DATABASES = ("sky", "extra")


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    """The plain server's, and the proxy's."""
    catalogue = data.make()
    with running_oracle(catalogue) as oracle, clustered(catalogue, Striping(3, 1)) as port:
        made = [
            create_engine(f"mariadb+pymysql://qproxy@127.0.0.1:{p}/sky?charset=utf8mb4") for p in (oracle.port, port)
        ]
        yield made[0], made[1]
        for engine in made:
            engine.dispose()


def columns(inspector: Inspector, table: str, database: str) -> list[tuple[object, ...]]:
    """Columns without their comments, which the plain server's tables do not have.

    A plain server leaves the charset of a column out where it is that of the table.
    """
    found = []
    for column in inspector.get_columns(table, schema=database):
        kind = vars(column["type"]) | {"charset": None, "collation": None}
        found.append(
            (
                column["name"],
                type(column["type"]),
                kind,
                column["nullable"],
                column["default"],
                column.get("autoincrement"),
            )
        )
    return found


@pytest.mark.parametrize("database", DATABASES)
def test_inspection(engines: Engines, database: str) -> None:
    plain, proxy = (inspect(engine) for engine in engines)
    assert proxy.get_table_names(schema=database) == plain.get_table_names(schema=database)
    assert proxy.get_view_names(schema=database) == []
    for table in plain.get_table_names(schema=database):
        assert proxy.has_table(table, schema=database)
        assert columns(proxy, table, database) == columns(plain, table, database), table
        keys = [
            [(index["column_names"], index["unique"]) for index in inspector.get_indexes(table, schema=database)]
            for inspector in (proxy, plain)
        ]
        assert keys[0] == keys[1], table
        for ask in ("get_pk_constraint", "get_unique_constraints", "get_foreign_keys"):
            assert getattr(proxy, ask)(table, schema=database) == getattr(plain, ask)(table, schema=database), table
    assert not proxy.has_table("nothing", schema=database)


def test_databases(engines: Engines) -> None:
    assert inspect(engines[1]).get_schema_names() == ["information_schema", "extra", "sky"]
    assert inspect(engines[1]).default_schema_name == "sky"


def test_units_and_descriptions_are_comments(engines: Engines) -> None:
    comments = {c["name"]: c["comment"] for c in inspect(engines[1]).get_columns("Object")}
    assert comments["ra_PS"] == "Right ascension [deg]"


def test_whole_reflection_and_core(engines: Engines) -> None:
    answers = []
    for engine in engines:
        metadata = MetaData()
        metadata.reflect(engine)
        table = metadata.tables["Object"]
        query = select(table.c.objectId, table.c.ra_PS).where(table.c.decl_PS > 0).order_by(table.c.objectId).limit(20)
        with engine.connect() as connection:
            rows = connection.execute(query).all()
            count = connection.scalar(select(func.count()).select_from(table))
        answers.append((sorted(metadata.tables), rows, count))
    assert answers[0] == answers[1]
    assert answers[0][1]


def test_orm_reads(engines: Engines) -> None:
    answers = []
    for engine in engines:

        class Base(DeclarativeBase):
            pass

        class Band(Base):
            __table__ = Table("Filter", Base.metadata, autoload_with=engine)
            __mapper_args__ = {"primary_key": [__table__.c.filterId]}  # noqa: RUF012

        with Session(engine) as session:
            bands = session.scalars(select(Band).order_by(Band.filterId)).all()
            first = session.get(Band, bands[0].filterId)
            assert first is bands[0]
            answers.append([{c.name: getattr(band, c.name) for c in Band.__table__.columns} for band in bands])
            session.rollback()
    assert answers[0] == answers[1]
    assert answers[0]
