"""What can be refused before a worker is touched."""

from __future__ import annotations

from collections.abc import Mapping

from qproxy.backends.base import Backend
from qproxy.catalog.model import Catalog, Database, Table, TableKind
from qproxy.errors import ConfigError, QproxyError
from qproxy.ingest.description import Description, TableSpec
from qproxy.sky.chunker import chunker


def external_director(
    catalog: Catalog, description: Description, table: TableSpec, parent: tuple[str, str]
) -> tuple[Database, Table]:
    """A director in another database.

    Args:
        catalog: what is published.
        description: of the database being ingested.
        table: that follows the director.
        parent: (database, table) of the director.

    Raises:
        ConfigError: it is not published, is no director, or belongs to another family.
    """
    name = ".".join(parent)
    database = catalog.databases.get(parent[0])
    director = database.tables.get(parent[1]) if database else None
    if database is None or director is None:
        table.place.fail(f"its director '{name}' is not published; ingest that database first")
    if director.kind is not TableKind.DIRECTOR:
        table.place.fail(f"its director '{name}' is of kind {director.kind}, not director")
    if database.family != description.family:
        ours, theirs = description.family, database.family
        table.place.fail(
            f"its director '{name}' belongs to the family {theirs.stripes} x {theirs.sub_stripes}, overlap "
            f"{theirs.overlap}, not to {ours.stripes} x {ours.sub_stripes}, overlap {ours.overlap}"
        )
    return database, director


def check(description: Description, catalog: Catalog, backends: Mapping[str, Backend], replicas: int) -> None:
    """Compare a description with what there is.

    Args:
        description: of the database to be loaded.
        catalog: what is published.
        backends: of all workers.
        replicas: copies of each chunk that are wanted.

    Raises:
        ConfigError, QproxyError: it cannot be loaded.
    """
    family = description.family
    try:
        chunker(family.stripes, family.sub_stripes).check_overlap(family.overlap)
    except ConfigError as error:
        description.family_place.fail(str(error))
    if not backends:
        raise QproxyError("there are no workers to load: register some first")
    if not 1 <= replicas <= len(backends):
        raise QproxyError(f"{replicas} replicas are not possible with {len(backends)} workers")
    for table in description.tables:
        for parent in table.parents:
            if parent[0] != description.database:
                external_director(catalog, description, table, parent)
