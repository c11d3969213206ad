"""What answers a session's queries: SELECT and its kin, and EXPLAIN, from text to rows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass, replace

from qproxy.errors import unsupported
from qproxy.planner.constants import SessionValues
from qproxy.planner.planner import Analysis
from qproxy.session import prepared
from qproxy.session.explain import Asked, analyzed_run, explanation
from qproxy.session.information_schema.statement import mentions, rewrite
from qproxy.session.limits import deadline, until
from qproxy.session.metadata import information_schema
from qproxy.session.running import Running, running
from qproxy.session.select import Means, analyzed, column_definitions, foresee, is_long, merged_rows, planned
from qproxy.session.state import State
from qproxy.session.table import to_rows
from qproxy.wire.columns import ColumnDef
from qproxy.wire.handler import Reply, Rows
from qproxy.wire.rowblock import Blocks, RowBlock


@dataclass(frozen=True)
class Queries:
    """Answers the queries of one session."""

    state: State

    async def select(self, sql: str, more: bool, binary: bool) -> AsyncGenerator[Reply, None]:
        """Answer a query."""
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
        staging = self.state.services.dispatcher.staging(self.state.settings)
        # Of one query alone: others run while its cursor waits.
        rests, self.state.by_cursor = self.state.by_cursor, False
        end = deadline(self.state.variables)
        return running(sql, self.state.services, self.state.client, self.state.database, staging, end, rests)

    async def shape(self, sql: str) -> Sequence[ColumnDef]:
        """Columns of a query, of which nothing is run."""
        values = self.state.values()
        told = await self._of_information_schema(sql, values)
        if told is not None:
            await told[1].aclose()
            return told[0]
        analysis = await analyzed(sql, self.state.catalog(), values, self.state.services.known)
        settings = self.state.with_variables(self.state.settings, analysis.variables)
        return await column_definitions(analysis, self.state.services.dispatcher, settings, self.state.services.known)

    async def _of_information_schema(
        self, sql: str, values: SessionValues
    ) -> tuple[Sequence[ColumnDef], Blocks] | None:
        """Columns and rows of a query on information_schema; None for all others."""
        if not mentions(sql, values.database):
            # What such a query may see takes longer to be found than a point query is planned.
            return None
        return await information_schema(sql, await self.state.show_context(sql), values, self.state.engine)

    def _knowing(self, means: Means, names: frozenset[str]) -> Means:
        """Means with the user variables that a query reads."""
        if not names:
            return means
        settings = self.state.with_variables(means.settings, names)
        means.staging.settings = settings
        return replace(means, settings=settings)

    async def _found(self, sql: str, one: Running, binary: bool) -> tuple[Sequence[ColumnDef], Blocks]:
        """Columns and rows of a query."""
        values = self.state.values()
        told = await self._of_information_schema(sql, values)
        if told is not None:
            return (told[0], prepared.in_binary(*told)) if binary else told
        means = self._means(one, sql)
        analysis = await analyzed(sql, means.catalog, values, self.state.services.known)
        means = self._knowing(means, analysis.variables)
        columns = await column_definitions(analysis, means.dispatcher, means.settings, self.state.services.known)
        if binary:
            means = replace(means, settings=replace(means.settings, binary=tuple(columns)))
        plan = (await planned(analysis, means)).plan
        return columns, merged_rows(prepared.exact(plan, columns) if binary else plan, means)

    def _means(self, one: Running, sql: str) -> Means:
        services = self.state.services
        return Means(
            catalog=self.state.visible(one.snapshot),
            dispatcher=services.dispatcher,
            settings=self.state.settings,
            staging=one.staging,
            progress=one.progress,
            merge_limit=services.merge_limit,
            share_limit=services.share_limit,
            long=is_long(sql),
        )

    async def explain(self, sql: str, explained: Asked, more: bool) -> AsyncGenerator[Reply, None]:
        """Answer EXPLAIN or ANALYZE."""
        values = self.state.values()
        if mentions(explained.query, self.state.database) and rewrite(explained.query, values) is not None:
            raise unsupported(
                "EXPLAIN of a query on information_schema: it reads tables of the proxy and no chunks; run it"
            )
        with self._running(sql) as one:
            async with until(one.end):
                means = self._means(one, explained.query)
                analysis = await analyzed(explained.query, means.catalog, values, self.state.services.known)
                means = self._knowing(means, analysis.variables)
                # What a worker refuses has no plan.
                await column_definitions(analysis, means.dispatcher, means.settings, self.state.services.known)
            rows = self._explanation(explained, analysis, means)
            async with aclosing(one.watched(rows)) as watched:
                yield Rows(explained.columns, watched, more=more)

    async def _explanation(self, explained: Asked, analysis: Analysis, means: Means) -> AsyncGenerator[RowBlock, None]:
        if explained.run:
            step = explanation(*await analyzed_run(analysis, means), means)
        else:
            step = explanation(await foresee(analysis, means.catalog, means.dispatcher), None, means)
        yield to_rows(explained.table(step), self.state.variables.results_encoding)
