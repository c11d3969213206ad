"""What SHOW and information_schema tell about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from qproxy.catalog.model import Catalog
from qproxy.session.show_server import Process
from qproxy.session.variables import Variables


@dataclass(frozen=True)
class ShowContext:
    """What a session may see.

    Attributes:
        catalog: holds nothing that the user may not see; see `visible`.
        database: the current one, or None.
        processes: all connections.
        user: name of the session's user.
        status: counters of the server for SHOW STATUS, by name.
        reads_all: whether the user may read every database, and not only those of the catalogue here.
    """

    catalog: Catalog
    database: str | None
    variables: Variables
    processes: Sequence[Process]
    user: str
    status: Mapping[str, str] = field(default_factory=dict)
    reads_all: bool = True


def visible(catalog: Catalog, may_read: Callable[[str], bool]) -> Catalog:
    """The catalogue without the databases that a user may not read.

    Args:
        may_read: whether the user may read a database.
    """
    if all(may_read(name) for name in catalog.databases):
        return catalog
    return replace(catalog, databases={n: d for n, d in catalog.databases.items() if may_read(n)}, whole=catalog)
