"""One client's session: each statement goes to what its verb asks for."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from qproxy.errors import SQLError, read_only
from qproxy.planner.parse import tokenize
from qproxy.session import prepared
from qproxy.session.access import told
from qproxy.session.byte_literals import spelled
from qproxy.session.comments import executed
from qproxy.session.explain import QUERIES, asked
from qproxy.session.information_schema.definitions import NAME as INFORMATION_SCHEMA
from qproxy.session.limits import deadline, until
from qproxy.session.metadata import shown
from qproxy.session.queries import Queries
from qproxy.session.reader import Reader
from qproxy.session.services import Services
from qproxy.session.set_statement import apply_set, split_set_statement
from qproxy.session.show_server import Process
from qproxy.session.show_tables import known_table
from qproxy.session.state import State
from qproxy.session.statements import splits, verb
from qproxy.session.transactions import VERBS, Transaction
from qproxy.session.variables import Variables
from qproxy.wire.columns import ColumnDef
from qproxy.wire.handler import Client, Done, Prepared, Reply, Rows
from qproxy.wire.prepared import Parameter
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


class Session:
    """Answers the commands of one connection; see `qproxy.wire.handler.Handler`."""

    def __init__(self, services: Services, client: Client) -> None:
        variables = Variables(services.max_packet, services.idle_timeouts, client.interactive, services.variables())
        self._state = State(services, client, variables)
        self._queries = Queries(self._state)
        self._transaction = Transaction()
        self._named = prepared.Named()
        self._statement = ""
        self._since = time.time()
        services.sessions[client.connection_id] = self

    @property
    def user(self) -> str:
        """The name that logged in."""
        return self._state.client.user

    @property
    def encoding(self) -> str:
        """Python codec of the client's statements."""
        return self._state.variables.encoding

    @property
    def results_encoding(self) -> str:
        """Python codec of column names and messages."""
        return self._state.variables.results_encoding

    @property
    def status(self) -> int:
        """Server status flags."""
        return self._state.variables.status | self._transaction.status

    @property
    def tracked(self) -> Tracked:
        """What clients may follow of the session."""
        return Tracked(self._state.database, self._state.variables.tracked())

    @property
    def idle_timeout(self) -> float:
        """Seconds that the client may wait with its next command."""
        return float(str(self._state.variables.get("wait_timeout")))

    async def set_charset(self, collation_id: int) -> None:
        """Take the collation of the login."""
        self._state.variables.set_charset_by_id(collation_id)

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
        self._state.services.queries += len(statements)
        self._state.by_cursor = False
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
            async with until(deadline(self._state.variables)):
                columns = await prepared.described(taken, self._columns)
        except SQLError as refusal:
            raise self._told(refusal) from None
        return Prepared(taken, len(taken.places), columns, len(sql))

    async def execute(
        self, statement: Prepared, parameters: Sequence[Parameter], cursor: bool = False
    ) -> AsyncGenerator[Reply, None]:
        """Answer a prepared statement, rows in the binary protocol."""
        sql = prepared.bound(statement.statement, parameters, self.encoding)
        self._state.by_cursor = cursor
        self._state.services.queries += 1
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
            self._state.database = INFORMATION_SCHEMA
            return
        if database not in self._state.catalog().databases:
            raise self._told(SQLError(1049, f"Unknown database '{database}'"))
        self._state.database = database

    async def field_list(self, table: str, wildcard: str) -> Sequence[ColumnDef]:
        """Columns of a table, for the completion of old clients."""
        if self._state.database is None:
            raise SQLError(1046, "No database selected")
        known_table(self._state.catalog(), self._state.database, table)
        sql = f"SELECT * FROM `{table.replace('`', '``')}` WHERE FALSE"
        columns = await self._queries.shape(sql)
        return [c for c in columns if not wildcard or c.name.lower() == wildcard.lower()]

    async def reset(self) -> None:
        """Give the session the state of a new one."""
        self._state.variables.reset()
        self._named.clear()
        self._transaction.end()

    def statistics(self) -> str:
        """One line on the state of the proxy."""
        services = self._state.services
        uptime = int(time.time() - services.started)
        return f"Uptime: {uptime}  Threads: {len(services.sessions)}  Questions: {services.queries}"

    async def kill(self, connection_id: int, query_only: bool) -> None:
        """Stop the query of a connection, or the connection itself."""
        services = self._state.services
        found = services.stop(connection_id, query_only, self.user)
        if not found and services.siblings is not None:
            found = await services.siblings.kill(connection_id, query_only, self.user)
        if not found:
            raise SQLError(1094, f"Unknown thread id: {connection_id}")

    def cancel_query(self) -> None:
        """Nothing to do: the query's task is cancelled by the connection."""

    async def close(self) -> None:
        """The connection is gone."""
        self._state.services.sessions.pop(self._state.client.connection_id, None)

    def process(self) -> Process:
        """What SHOW PROCESSLIST says of this session."""
        return Process(
            id=self._state.client.connection_id,
            user=self._state.client.user,
            host=self._state.client.address,
            db=self._state.database,
            command="Query" if self._statement else "Sleep",
            time=int(time.time() - self._since),
            state="executing" if self._statement else _named(self._state.client.attributes),
            info=self._statement or None,
        )

    def _replies(self, sql: str, more: bool, binary: bool = False) -> AsyncGenerator[Reply, None]:
        """What answers a statement."""
        if verb(sql) in QUERIES:
            return self._queries.select(sql, more, binary)
        return self._answer(sql, more, binary)

    async def _answer(self, sql: str, more: bool, binary: bool = False) -> AsyncGenerator[Reply, None]:
        word = verb(sql)
        if word in QUERIES:
            async with aclosing(self._queries.select(sql, more, binary)) as replies:
                async for reply in replies:
                    yield reply
        elif (explained := asked(sql)) is not None:
            async with aclosing(self._queries.explain(sql, explained, more)) as replies:
                async for reply in replies:
                    yield reply
        elif word == "SHOW" or word in DESCRIBES:
            columns, rows = await shown(
                sql,
                await self._state.show_context(sql),
                self._state.values(),
                self._state.engine,
                self.results_encoding,
            )
            yield Rows(columns, rows, more=more)
        elif word == "SET" and verb(sql, 1) == "STATEMENT":
            async with aclosing(self._with_settings(sql, more, binary)) as replies:
                async for reply in replies:
                    yield reply
        elif word == "SET":
            waiting = not self._state.variables.get("autocommit")
            apply_set(sql, self._state.variables)
            if waiting and self._state.variables.get("autocommit"):
                self._transaction.end()
            yield Done(more=more)
        elif word in VERBS:
            self._transaction.apply(sql, bool(self._state.variables.get("autocommit")))
            yield Done(more=more)
        elif word == "USE":
            await self.use(_name_behind(sql))
            yield Done(more=more)
        elif word == "KILL":
            await self._kill(sql)
            yield Done(more=more)
        elif word == "PREPARE":
            name, text = prepared.parse_prepare(sql, self._state.variables)
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
        name, text, values = prepared.parse_execute(sql, self._state.variables)
        taken = prepared.prepare(executed(text), WRITES) if name is None else self._named.find(name, "EXECUTE")
        return prepared.bound_by_sql(taken, values)

    async def _columns(self, sql: str) -> Sequence[ColumnDef]:
        """The columns of a statement's rows; none where it gives no rows."""
        word = verb(sql)
        if word in QUERIES:
            return await self._queries.shape(sql)
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
        saved = self._state.variables.saved()
        apply_set(settings, self._state.variables)
        try:
            async with aclosing(self._answer(statement, more, binary)) as replies:
                async for reply in replies:
                    yield reply
        finally:
            self._state.variables.restore(saved)

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

    def _told(self, refusal: SQLError) -> SQLError:
        """An error in words that give no other database away."""
        client = self._state.client
        return told(refusal, client.user, client.address, self._state.reads_all)


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
