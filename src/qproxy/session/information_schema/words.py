"""Words of a statement on information_schema: what may be called there, and what ends a name in FROM."""

from __future__ import annotations

from qproxy.planner.guard import PURE

AGGREGATES = frozenset(
    """
    AVG BIT_AND BIT_OR BIT_XOR COUNT CUME_DIST DENSE_RANK FIRST_VALUE GROUP_CONCAT JSON_ARRAYAGG JSON_OBJECTAGG LAG
    LAST_VALUE LEAD MAX MEDIAN MIN NTH_VALUE NTILE PERCENTILE_CONT PERCENTILE_DISC PERCENT_RANK RANK ROW_NUMBER STD
    STDDEV STDDEV_POP STDDEV_SAMP SUM VARIANCE VAR_POP VAR_SAMP
    """.split()  # noqa: SIM905
)
#: Functions of the moment: workers run in the session's time zone, so that their own values will do.
TIMES = frozenset(
    """
    CURDATE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURTIME LOCALTIME LOCALTIMESTAMP NOW SYSDATE UTC_DATE
    UTC_TIME UTC_TIMESTAMP
    """.split()  # noqa: SIM905
)
#: Words behind which a parenthesis opens something else than the arguments of a function.
OPENERS = frozenset(
    """
    ALL AND ANY AS BETWEEN BIGINT BINARY BIT BY CASE CHARACTER CROSS DEC DECIMAL DISTINCT DISTINCTROW DIV DOUBLE ELSE
    ESCAPE EXCEPT EXISTS FLOAT FROM GROUP HAVING IN INDEX INNER INT INTERSECT IS JOIN KEY LIKE LIMIT NCHAR NOT ON OR
    ORDER OVER PARTITION RANGE REAL REGEXP RLIKE ROWS SELECT SOME STRAIGHT_JOIN THEN UNION USING VALUES VARCHAR WHEN
    WHERE WITHIN XOR
    """.split()  # noqa: SIM905
)
#: Functions in whose arguments FROM names no table.
FROM_INSIDE = frozenset(("EXTRACT", "TRIM", "SUBSTRING", "SUBSTR", "MID"))
#: What may be called.
CALLABLE = PURE | AGGREGATES | TIMES | OPENERS
#: Words that end the tables of FROM.
ENDS = frozenset(
    """
    EXCEPT FETCH FOR GROUP HAVING INTERSECT LIMIT LOCK OFFSET ORDER UNION WHERE WINDOW
    """.split()  # noqa: SIM905
)
#: Words that may follow a table without being its alias.
NO_ALIAS = ENDS | frozenset(
    """
    CROSS FORCE IGNORE INNER JOIN LEFT NATURAL ON PARTITION PROCEDURE RIGHT SET STRAIGHT_JOIN USE USING
    """.split()  # noqa: SIM905
)
#: What a SELECT may hold in MariaDB and not here: it would write or lock.
FORBIDDEN = frozenset(("INTO", "PROCEDURE", "LOCK"))
