"""What a session has: its client, its database and variables, and what it may see by them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from qproxy.backends.base import SessionSettings
from qproxy.catalog.model import Catalog
from qproxy.catalog.users import ALL
from qproxy.planner.constants import SessionValues, literal
from qproxy.planner.faithful import text
from qproxy.session.context import ShowContext, visible
from qproxy.session.limits import select_limit
from qproxy.session.metadata import Engine
from qproxy.session.services import Services
from qproxy.session.variables import Variables
from qproxy.wire.handler import Client

#: Statements whose answer tells of all connections.
_PROCESSES = re.compile("process|status", re.IGNORECASE)


@dataclass
class State:
    """What statements of a session change, and what they are answered by.

    Attributes:
        database: the current one.
        by_cursor: whether the statement that begins is read through a cursor.
    """

    services: Services
    client: Client
    variables: Variables
    database: str | None = None
    by_cursor: bool = False

    @property
    def settings(self) -> SessionSettings:
        """What workers are told of the session."""
        return self.variables.settings()

    @property
    def reads_all(self) -> bool:
        """Whether the user may read all databases."""
        return self.services.may_read(self.client.user, ALL)

    @property
    def engine(self) -> Engine:
        """What answers statements on tables of the proxy itself."""
        return Engine(self.services.dispatcher, self.settings, self.services.filled)

    def catalog(self) -> Catalog:
        """What the user may see of the catalogue as it is now."""
        return self.visible(self.services.catalog())

    def visible(self, catalog: Catalog) -> Catalog:
        """What the user may see of a catalogue."""
        return visible(catalog, lambda database: self.services.may_read(self.client.user, database))

    def values(self) -> SessionValues:
        """What functions and variables mean in a statement that begins now."""
        ahead = _ahead(self.settings.time_zone)
        return SessionValues(
            database=self.database,
            user=f"{self.client.user}@{self.client.address}",
            connection_id=self.client.connection_id,
            version=str(self.variables.get("version")),
            variable=self.variables.typed,
            user_variables=self.variables.known,
            variables_travel=self.services.dispatcher.keeps_variables,
            now=datetime.now(UTC).replace(tzinfo=None) + ahead,
            ahead=ahead,
            select_limit=select_limit(self.variables),
            statement=self.services.new_token(),
        )

    def with_variables(self, settings: SessionSettings, names: frozenset[str]) -> SessionSettings:
        """Settings with the user variables that a query reads."""
        if not names:
            return settings
        values = ((name, text(literal(self.variables.user_value(name.lower())))) for name in sorted(names))
        return replace(settings, variables=tuple(values))

    async def show_context(self, sql: str) -> ShowContext:
        """What SHOW and information_schema may see for a statement."""
        services = self.services
        processes = services.processes()
        if services.siblings is not None and _PROCESSES.search(sql):
            processes += await services.siblings.processes()
        return ShowContext(
            catalog=self.catalog(),
            database=self.database,
            variables=self.variables,
            processes=processes,
            user=self.client.user,
            status=self._cipher(),
            reads_all=self.reads_all,
        )

    def _cipher(self) -> dict[str, str]:
        """What SHOW STATUS says of the connection's TLS."""
        name, version = self.client.cipher or ("", "")
        return {"Ssl_cipher": name, "Ssl_version": version}


def _ahead(zone: str | None) -> timedelta:
    """How far a zone such as ``-03:30`` is ahead of UTC."""
    if zone is None:
        return timedelta(0)
    hours, minutes = zone.lstrip("+-").split(":")
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    return -ahead if zone.startswith("-") else ahead
