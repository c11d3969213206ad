"""One client's session: each statement goes to what its verb asks for."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from qproxy.backends.base import SessionSettings
from qproxy.catalog.model import Catalog
from qproxy.catalog.users import ALL
from qproxy.errors import SQLError, read_only, unsupported
from qproxy.planner.constants import SessionValues, literal
from qproxy.planner.faithful import text
from qproxy.planner.parse import tokenize
from qproxy.planner.planner import Analysis
from qproxy.session import prepared
from qproxy.session.access import told
from qproxy.session.byte_literals import spelled
from qproxy.session.comments import executed
from qproxy.session.context import ShowContext, visible
from qproxy.session.explain import QUERIES, Asked, analyzed_run, asked, explanation
from qproxy.session.information_schema.definitions import NAME as INFORMATION_SCHEMA
from qproxy.session.information_schema.statement import mentions, rewrite
from qproxy.session.limits import deadline, select_limit, until
from qproxy.session.metadata import Engine, information_schema, shown
from qproxy.session.reader import Reader
from qproxy.session.running import Running, running
from qproxy.session.select import Means, analyzed, column_definitions, foresee, is_long, merged_rows, planned
from qproxy.session.services import Services
from qproxy.session.set_statement import apply_set, split_set_statement
from qproxy.session.show_server import Process
from qproxy.session.show_tables import known_table
from qproxy.session.statements import splits, verb
from qproxy.session.table import to_rows
from qproxy.session.transactions import VERBS, Transaction
from qproxy.session.variables import Variables
from qproxy.wire.columns import ColumnDef
from qproxy.wire.handler import Client, Done, Prepared, Reply, Rows
from qproxy.wire.prepared import Parameter
from qproxy.wire.rowblock import Blocks, RowBlock
from qproxy.wire.tracking import Tracked

WRITES = frozenset(
    """
    INSERT UPDATE DELETE REPLACE TRUNCATE DROP CREATE ALTER RENAME LOAD GRANT REVOKE OPTIMIZE REPAIR CALL DO HANDLER
    INSTALL UNINSTALL IMPORT PURGE RESET CHANGE STOP SHUTDOWN CACHE BINLOG ANALYZE CHECK CHECKSUM SIGNAL
    """.split()  # noqa: SIM905
)
#: Statements that change nothing where nothing is written.
NO_OPS = frozenset("LOCK UNLOCK FLUSH XA".split())  # noqa: SIM905
#: What can be prepared and gives no rows.
_WITHOUT_ROWS = NO_OPS | VERBS | {"SET", "USE", "KILL"}
DESCRIBES = frozenset(("EXPLAIN", "DESCRIBE", "DESC"))

#: Statements whose answer tells of all connections.
_PROCESSES = re.compile("process|status", re.IGNORECASE)


class Session:
    """Answers the commands of one connection; see `qproxy.wire.handler.Handler`."""

    def __init__(self, services: Services, client: Client) -> None:
        self._services = services
        self._client = client
        self._variables = Variables(
            services.max_packet, services.idle_timeouts, client.interactive, services.variables()
        )
        self._transaction = Transaction()
        self._database: str | None = None
        self._named = prepared.Named()
        self._statement = ""
        self._by_cursor = False
        self._since = time.time()
        services.sessions[client.connection_id] = self

    @property
    def user(self) -> str:
        """The name that logged in."""
        return self._client.user

    @property
    def encoding(self) -> str:
        """Python codec of the client's statements."""
        return self._variables.encoding

    @property
    def results_encoding(self) -> str:
        """Python codec of column names and messages."""
        return self._variables.results_encoding

    @property
    def status(self) -> int:
        """Server status flags."""
        return self._variables.status | self._transaction.status

    @property
    def tracked(self) -> Tracked:
        """What clients may follow of the session."""
        return Tracked(self._database, self._variables.tracked())

    @property
    def idle_timeout(self) -> float:
        """Seconds that the client may wait with its next command."""
        return float(str(self._variables.get("wait_timeout")))

    async def set_charset(self, collation_id: int) -> None:
        """Take the collation of the login."""
        self._variables.set_charset_by_id(collation_id)

    async def query(self, sql: str) -> AsyncGenerator[Reply, None]:
        """Answer one statement, or several one after the other."""
        sql = spelled(sql)
        statements = splits(executed(sql))
        if not statements:
            if sql.strip(" \t\r\n;") and executed(sql).strip(" \t\r\n;") != sql.strip(" \t\r\n;"):
                # All of it was meant for other servers.
                yield Done()
                return
            raise SQLError(1065, "Query was empty")
        self._services.queries += len(statements)
        self._by_cursor = False
        try:
            for number, statement in enumerate(statements):
                self._statement, self._since = statement, time.time()
                more = number + 1 < len(statements)
                replies = self._replies(statement, more)
                try:
                    async for reply in replies:
                        yield reply
                finally:
                    await replies.aclose()
        except SQLError as refusal:
            raise self._told(refusal) from None
        finally:
            self._statement, self._since = "", time.time()

    async def prepare(self, sql: str) -> Prepared:
        """Take a statement with ``?`` for values that come later."""
        sql = spelled(sql)
        taken = prepared.prepare(executed(sql), WRITES)
        try:
            async with until(deadline(self._variables)):
                columns = await prepared.described(taken, self._columns)
        except SQLError as refusal:
            raise self._told(refusal) from None
        return Prepared(taken, len(taken.places), columns, len(sql))

    async def execute(
        self, statement: Prepared, parameters: Sequence[Parameter], cursor: bool = False
    ) -> AsyncGenerator[Reply, None]:
        """Answer a prepared statement, rows in the binary protocol."""
        sql = prepared.bound(statement.statement, parameters, self.encoding)
        self._by_cursor = cursor
        self._services.queries += 1
        self._statement, self._since = sql, time.time()
        try:
            replies = self._replies(sql, False, binary=True)
            try:
                async for reply in replies:
                    if isinstance(reply, Rows) and not reply.binary:
                        reply = replace(reply, blocks=prepared.in_binary(reply.columns, reply.blocks), binary=True)
                    yield reply
            finally:
                await replies.aclose()
        except SQLError as refusal:
            raise self._told(refusal) from None
        finally:
            self._statement, self._since = "", time.time()

    async def use(self, database: str) -> None:
        """Make a database the current one."""
        if database.lower() == INFORMATION_SCHEMA:
            self._database = INFORMATION_SCHEMA
            return
        if database not in self._catalog().databases:
            raise self._told(SQLError(1049, f"Unknown database '{database}'"))
        self._database = database

    async def field_list(self, table: str, wildcard: str) -> Sequence[ColumnDef]:
        """Columns of a table, for the completion of old clients."""
        if self._database is None:
            raise SQLError(1046, "No database selected")
        known_table(self._catalog(), self._database, table)
        sql = f"SELECT * FROM `{table.replace('`', '``')}` WHERE FALSE"
        columns = await self._shape(sql)
        return [c for c in columns if not wildcard or c.name.lower() == wildcard.lower()]

    async def reset(self) -> None:
        """Give the session the state of a new one."""
        self._variables.reset()
        self._named.clear()
        self._transaction.end()

    def statistics(self) -> str:
        """One line on the state of the proxy."""
        services = self._services
        uptime = int(time.time() - services.started)
        return f"Uptime: {uptime}  Threads: {len(services.sessions)}  Questions: {services.queries}"

    async def kill(self, connection_id: int, query_only: bool) -> None:
        """Stop the query of a connection, or the connection itself."""
        services = self._services
        found = services.stop(connection_id, query_only, self.user)
        if not found and services.siblings is not None:
            found = await services.siblings.kill(connection_id, query_only, self.user)
        if not found:
            raise SQLError(1094, f"Unknown thread id: {connection_id}")

    def cancel_query(self) -> None:
        """Nothing to do: the query's task is cancelled by the connection."""

    async def close(self) -> None:
        """The connection is gone."""
        self._services.sessions.pop(self._client.connection_id, None)

    def process(self) -> Process:
        """What SHOW PROCESSLIST says of this session."""
        return Process(
            id=self._client.connection_id,
            user=self._client.user,
            host=self._client.address,
            db=self._database,
            command="Query" if self._statement else "Sleep",
            time=int(time.time() - self._since),
            state="executing" if self._statement else _named(self._client.attributes),
            info=self._statement or None,
        )

    def _replies(self, sql: str, more: bool, binary: bool = False) -> AsyncGenerator[Reply, None]:
        """What answers a statement."""
        if verb(sql) in QUERIES:
            return self._select(sql, more, binary)
        return self._answer(sql, more, binary)

    async def _answer(self, sql: str, more: bool, binary: bool = False) -> AsyncGenerator[Reply, None]:
        word = verb(sql)
        if word in QUERIES:
            async with aclosing(self._select(sql, more, binary)) as replies:
                async for reply in replies:
                    yield reply
        elif (explained := asked(sql)) is not None:
            async with aclosing(self._explain(sql, explained, more)) as replies:
                async for reply in replies:
                    yield reply
        elif word == "SHOW" or word in DESCRIBES:
            columns, rows = await shown(
                sql, await self._show_context(sql), self._values(), self._engine(), self.results_encoding
            )
            yield Rows(columns, rows, more=more)
        elif word == "SET" and verb(sql, 1) == "STATEMENT":
            async with aclosing(self._with_settings(sql, more, binary)) as replies:
                async for reply in replies:
                    yield reply
        elif word == "SET":
            waiting = not self._variables.get("autocommit")
            apply_set(sql, self._variables)
            if waiting and self._variables.get("autocommit"):
                self._transaction.end()
            yield Done(more=more)
        elif word in VERBS:
            self._transaction.apply(sql, bool(self._variables.get("autocommit")))
            yield Done(more=more)
        elif word == "USE":
            await self.use(_name_behind(sql))
            yield Done(more=more)
        elif word == "KILL":
            await self._kill(sql)
            yield Done(more=more)
        elif word == "PREPARE":
            name, text = prepared.parse_prepare(sql, self._variables)
            # A statement that cannot be prepared takes the one of its name along, as in MariaDB.
            self._named.forget(name)
            taken = (await self.prepare(text)).statement
            self._named.keep(name, taken)
            yield Done(more=more, info="Statement prepared")
        elif word == "EXECUTE":
            async with aclosing(self._answer(self._executed(sql), more)) as replies:
                async for reply in replies:
                    yield reply
        elif word == "DEALLOCATE" or (word == "DROP" and verb(_behind_verb(sql)) == "PREPARE"):
            name = prepared.parse_deallocate(sql)
            self._named.find(name, "DEALLOCATE PREPARE")
            self._named.forget(name)
            yield Done(more=more)
        elif word in NO_OPS:
            yield Done(more=more)
        elif word in WRITES:
            raise read_only(word)
        else:
            raise _not_understood(sql)

    def _executed(self, sql: str) -> str:
        """The statement that EXECUTE asks for, with its values."""
        name, text, values = prepared.parse_execute(sql, self._variables)
        taken = prepared.prepare(executed(text), WRITES) if name is None else self._named.find(name, "EXECUTE")
        return prepared.bound_by_sql(taken, values)

    async def _columns(self, sql: str) -> Sequence[ColumnDef]:
        """The columns of a statement's rows; none where it gives no rows."""
        word = verb(sql)
        if word in QUERIES:
            return await self._shape(sql)
        if (explained := asked(sql)) is not None:
            return explained.columns
        if word == "SHOW" or word in DESCRIBES:
            async with aclosing(self._answer(sql, False)) as replies:
                async for reply in replies:
                    return reply.columns if isinstance(reply, Rows) else ()
        if word not in _WITHOUT_ROWS:
            raise _not_understood(sql)
        return ()

    async def _with_settings(self, sql: str, more: bool, binary: bool) -> AsyncGenerator[Reply, None]:
        """SET STATEMENT ... FOR: the statement behind FOR, with other variables as long as it runs."""
        settings, statement = split_set_statement(sql)
        saved = self._variables.saved()
        apply_set(settings, self._variables)
        try:
            async with aclosing(self._answer(statement, more, binary)) as replies:
                async for reply in replies:
                    yield reply
        finally:
            self._variables.restore(saved)

    async def _select(self, sql: str, more: bool, binary: bool) -> AsyncGenerator[Reply, None]:
        with self._running(sql) as one:
            if one.end is None:
                columns, rows = await self._found(sql, one, binary)
            else:
                async with until(one.end):
                    columns, rows = await self._found(sql, one, binary)
            watched = one.watched(rows)
            try:
                yield Rows(columns, watched, more=more, binary=binary)
            finally:
                await watched.aclose()

    def _running(self, sql: str) -> AbstractContextManager[Running]:
        staging = self._services.dispatcher.staging(self._variables.settings())
        # Of one query alone: others run while its cursor waits.
        rests, self._by_cursor = self._by_cursor, False
        end = deadline(self._variables)
        return running(sql, self._services, self._client, self._database, staging, end, rests)

    async def _shape(self, sql: str) -> Sequence[ColumnDef]:
        """Columns of a query, of which nothing is run."""
        values = self._values()
        told = await self._of_information_schema(sql, values)
        if told is not None:
            await told[1].aclose()
            return told[0]
        analysis = await analyzed(sql, self._catalog(), values, self._services.known)
        settings = self._with_variables(self._variables.settings(), analysis.variables)
        return await column_definitions(analysis, self._services.dispatcher, settings, self._services.known)

    async def _of_information_schema(
        self, sql: str, values: SessionValues
    ) -> tuple[Sequence[ColumnDef], Blocks] | None:
        """Columns and rows of a query on information_schema; None for all others."""
        if not mentions(sql, values.database):
            # What such a query may see takes longer to be found than a point query is planned.
            return None
        return await information_schema(sql, await self._show_context(sql), values, self._engine())

    def _with_variables(self, settings: SessionSettings, names: frozenset[str]) -> SessionSettings:
        """Settings with the user variables that a query reads."""
        if not names:
            return settings
        values = ((name, text(literal(self._variables.user_value(name.lower())))) for name in sorted(names))
        return replace(settings, variables=tuple(values))

    def _knowing(self, means: Means, names: frozenset[str]) -> Means:
        """Means with the user variables that a query reads."""
        if not names:
            return means
        settings = self._with_variables(means.settings, names)
        means.staging.settings = settings
        return replace(means, settings=settings)

    async def _found(self, sql: str, one: Running, binary: bool) -> tuple[Sequence[ColumnDef], Blocks]:
        """Columns and rows of a query."""
        values = self._values()
        told = await self._of_information_schema(sql, values)
        if told is not None:
            return (told[0], prepared.in_binary(*told)) if binary else told
        means = self._means(one, sql)
        analysis = await analyzed(sql, means.catalog, values, self._services.known)
        means = self._knowing(means, analysis.variables)
        columns = await column_definitions(analysis, means.dispatcher, means.settings, self._services.known)
        if binary:
            means = replace(means, settings=replace(means.settings, binary=tuple(columns)))
        plan = (await planned(analysis, means)).plan
        return columns, merged_rows(prepared.exact(plan, columns) if binary else plan, means)

    def _means(self, one: Running, sql: str) -> Means:
        services = self._services
        return Means(
            catalog=self._visible(one.snapshot),
            dispatcher=services.dispatcher,
            settings=self._variables.settings(),
            staging=one.staging,
            progress=one.progress,
            merge_limit=services.merge_limit,
            share_limit=services.share_limit,
            long=is_long(sql),
        )

    async def _explain(self, sql: str, explained: Asked, more: bool) -> AsyncGenerator[Reply, None]:
        values = self._values()
        if mentions(explained.query, self._database) and rewrite(explained.query, values) is not None:
            raise unsupported(
                "EXPLAIN of a query on information_schema: it reads tables of the proxy and no chunks; run it"
            )
        with self._running(sql) as one:
            async with until(one.end):
                means = self._means(one, explained.query)
                analysis = await analyzed(explained.query, means.catalog, values, self._services.known)
                means = self._knowing(means, analysis.variables)
                # What a worker refuses has no plan.
                await column_definitions(analysis, means.dispatcher, means.settings, self._services.known)
            rows = self._explanation(explained, analysis, means)
            async with aclosing(one.watched(rows)) as watched:
                yield Rows(explained.columns, watched, more=more)

    async def _explanation(self, explained: Asked, analysis: Analysis, means: Means) -> AsyncGenerator[RowBlock, None]:
        if explained.run:
            step = explanation(*await analyzed_run(analysis, means), means)
        else:
            step = explanation(await foresee(analysis, means.catalog, means.dispatcher), None, means)
        yield to_rows(explained.table(step), self.results_encoding)

    async def _kill(self, sql: str) -> None:
        reader = Reader(sql)
        reader.expect("KILL")
        reader.accept_any("SOFT", "HARD")
        query_only = reader.accept_any("QUERY", "CONNECTION") == "QUERY"
        number = reader.number()
        reader.end()
        if not isinstance(number, int):
            raise SQLError(1064, f"You have an error in your SQL syntax near '{number}': KILL takes a whole number")
        await self.kill(number, query_only)

    def _values(self) -> SessionValues:
        ahead = _ahead(self._variables.settings().time_zone)
        return SessionValues(
            database=self._database,
            user=f"{self._client.user}@{self._client.address}",
            connection_id=self._client.connection_id,
            version=str(self._variables.get("version")),
            variable=self._variables.typed,
            user_variables=self._variables.known,
            variables_travel=self._services.dispatcher.keeps_variables,
            now=datetime.now(UTC).replace(tzinfo=None) + ahead,
            ahead=ahead,
            select_limit=select_limit(self._variables),
            statement=self._services.new_token(),
        )

    def _told(self, refusal: SQLError) -> SQLError:
        """An error in words that give no other database away."""
        client = self._client
        return told(refusal, client.user, client.address, self._services.may_read(client.user, ALL))

    def _catalog(self) -> Catalog:
        """What the user may see of the catalogue."""
        return self._visible(self._services.catalog())

    def _visible(self, catalog: Catalog) -> Catalog:
        return visible(catalog, lambda database: self._services.may_read(self._client.user, database))

    def _engine(self) -> Engine:
        return Engine(self._services.dispatcher, self._variables.settings(), self._services.filled)

    def _cipher(self) -> dict[str, str]:
        """What SHOW STATUS says of the connection's TLS."""
        name, version = self._client.cipher or ("", "")
        return {"Ssl_cipher": name, "Ssl_version": version}

    async def _show_context(self, sql: str) -> ShowContext:
        processes = self._services.processes()
        if self._services.siblings is not None and _PROCESSES.search(sql):
            processes += await self._services.siblings.processes()
        return ShowContext(
            catalog=self._catalog(),
            database=self._database,
            variables=self._variables,
            processes=processes,
            user=self._client.user,
            status=self._cipher(),
            reads_all=self._services.may_read(self._client.user, ALL),
        )


def _named(attributes: Mapping[str, str]) -> str:
    """The program behind a connection, by what it says of itself; as long as a state may be."""
    library = (attributes.get("_client_name", ""), attributes.get("_client_version", ""))
    return (attributes.get("program_name") or " ".join(filter(None, library)))[:64]


def _not_understood(sql: str) -> SQLError:
    return SQLError(1064, f"You have an error in your SQL syntax near '{sql.strip()[:80]}' at line 1")


def _name_behind(sql: str) -> str:
    """The name behind USE, its quotes taken off.

    Raises:
        SQLError: 1064 where something else stands there.
    """
    reader = Reader(sql)
    reader.expect("USE")
    name = reader.name()
    reader.end()
    return name


def _behind_verb(sql: str) -> str:
    """The statement without its first word."""
    tokens = tokenize(sql)
    return sql[tokens[1].start :] if len(tokens) > 1 else ""


def _ahead(zone: str | None) -> timedelta:
    """How far a zone such as ``-03:30`` is ahead of UTC."""
    if zone is None:
        return timedelta(0)
    hours, minutes = zone.lstrip("+-").split(":")
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    return -ahead if zone.startswith("-") else ahead
