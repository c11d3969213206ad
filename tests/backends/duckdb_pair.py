"""One table of every type in a private MariaDB and in the embedded engine, and how both answer a statement."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import pymysql

from qproxy.backends.base import DEFAULT_SETTINGS
from qproxy.backends.duckdb.backend import DuckDBBackend
from qproxy.errors import SQLError
from qproxy.wire.rowblock import decode_rows
from tests.harness.mariadbd import Server

CREATE = """CREATE TABLE t.b (id bigint NOT NULL, ti tinyint, si smallint, mi mediumint, i int, b bigint,
    iu int unsigned, bu bigint unsigned, f float, d double, dc decimal(12,4), dt date, dtm datetime(6), dt0 datetime,
    ch char(8), vc varchar(40), vb varchar(20) COLLATE utf8mb4_bin, tx text, bl blob, bt bit(8), en enum('y','x'),
    yr year, PRIMARY KEY (id), KEY vc (vc)) ENGINE=Aria DEFAULT CHARSET utf8mb4 COMMENT='a;b'"""
INSERT = """INSERT INTO t.b VALUES
    (1,1,2,3,4,5,6,7,8.5,9.25,10.1234,'2020-01-02','2020-01-02 03:04:05.123456','2020-01-02 03:04:05','ch','vc','vb',
     'tx','bl',5,'x',2020),
    (2,-1,-2,-3,-4,-5,6,18446744073709551615,1e10,-1e-7,-0.0005,'1999-12-31','1999-12-31 23:59:59.999999',
     '2000-02-29 00:00:00','Abc','ABC','ABC','Text','B\\\\',50,'y',1999),
    (3,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null),
    (4,127,32767,8388607,2147483647,9000000000000000000,4294967295,0,0.1,1e300,99999999.9999,'2024-02-29',
     '2024-02-29 12:00:00','2024-02-29 12:00:00','abc','abc','abc','12abc','',49,'x',2024),
    (5,0,0,0,0,0,0,0,123456.789,123456789.123456789,0,'2020-06-15','2020-06-15 00:00:00','2020-06-15 00:00:00','é','É ',
     'É','-3.5e2x','z',0,'y',2000),
    (6,0,7,7,7,7,7,7,-2.5,2.5,1.5,'2020-06-15','2020-06-15 00:00:00','2020-06-15 00:00:00','_x','Zeta_%','a''b','1.5',
     null,97,'x',2001)"""

#: Types whose ``decimals`` a client shows.
_DECIMALS = (5, 12, 246)


@dataclass(frozen=True)
class Reply:
    """Name, type, decimals and signedness of each column; the rows as text."""

    columns: list[tuple[str, int, int, bool]]
    rows: list[tuple[bytes | None, ...]]


class Pair:
    """The two engines with the same rows."""

    def __init__(self, server: Server, backend: DuckDBBackend) -> None:
        self.server = server
        self.backend = backend

    async def fill(self) -> None:
        """Make the table on both."""
        self.server.script(["CREATE DATABASE t", CREATE, INSERT])
        for statement in ("CREATE DATABASE t", CREATE, INSERT):
            await self.backend.execute(statement)

    def mariadb(self, sql: str) -> Reply | int:
        """What MariaDB answers; the code of its error."""
        with closing(self.server.connect(conv={})) as connection, connection.cursor() as cursor:
            try:
                cursor.execute(sql)
            except pymysql.MySQLError as error:
                return int(error.args[0])
            fields = cursor._result.fields
            columns = [
                (f.name, f.type_code, f.scale if f.type_code in _DECIMALS else 0, bool(f.flags & 32)) for f in fields
            ]
            rows = [tuple(v.encode() if isinstance(v, str) else v for v in row) for row in cursor.fetchall()]
            return Reply(columns, rows)

    async def embedded(self, sql: str) -> Reply | int:
        """What the embedded engine answers; the code of its error."""
        try:
            async with self.backend.query(self.backend.translate(sql), DEFAULT_SETTINGS) as stream:
                columns = [
                    (c.name, int(c.type), c.decimals if c.type in _DECIMALS else 0, bool(c.flags & 32))
                    for c in stream.columns
                ]
                rows = [tuple(row) async for block in stream for row in decode_rows(block)]
        except SQLError as error:
            return error.code
        return Reply(columns, rows)
