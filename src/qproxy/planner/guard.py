"""Pass 3, guard: nothing that reaches files, time, locks or other databases' code goes to a worker."""

from __future__ import annotations

from sqlglot import exp

from qproxy.errors import SQLError, unsupported
from qproxy.planner.faithful import call_name

#: Functions of MariaDB that the parser has no type of its own for, and that depend on their arguments alone
#: (MariaDB Knowledge Base, "Built-in Functions").
PURE = frozenset(
    """
    ACOS ADDDATE ADDTIME ADD_MONTHS AES_DECRYPT AES_ENCRYPT ASCII ASIN ATAN ATAN2 BIN BINARY BIT_COUNT BIT_LENGTH
    CHAR CHARACTER_LENGTH CHAR_LENGTH CHARSET CHR COERCIBILITY COLLATION COMPRESS CONV CONVERT_TZ COS COT CRC32
    CRC32C DAYNAME DECODE DES_DECRYPT ELT ENCODE EXPORT_SET EXTRACTVALUE FIELD FIND_IN_SET FORMAT FROM_BASE64
    FROM_DAYS FROM_UNIXTIME GET_FORMAT GREATEST HEX INET6_ATON INET6_NTOA INET_ATON INET_NTOA INSERT INSTR IS_IPV4
    IS_IPV6 JSON_ARRAY JSON_COMPACT JSON_CONTAINS JSON_DEPTH JSON_EXTRACT JSON_KEYS JSON_LENGTH JSON_OBJECT
    JSON_QUOTE JSON_SEARCH JSON_TYPE JSON_UNQUOTE JSON_VALID JSON_VALUE LAST_DAY LCASE LEAST LOCATE LOG LPAD LTRIM
    MAKEDATE MAKETIME MAKE_SET MD5 MICROSECOND MID MONTHNAME NVL NVL2 OCT OCTET_LENGTH ORD PERIOD_ADD PERIOD_DIFF PI
    POSITION QUOTE RADIANS REGEXP_INSTR REGEXP_REPLACE REGEXP_SUBSTR REVERSE RPAD RTRIM SEC_TO_TIME SHA SHA1 SHA2
    SIN SOUNDEX SPACE STRCMP SUBDATE SUBSTRING_INDEX SUBTIME TAN TIME TIMEDIFF TIMESTAMP TIMESTAMPADD TIMESTAMPDIFF
    TIME_FORMAT TIME_TO_SEC TO_BASE64 TO_DAYS TO_SECONDS UCASE UNCOMPRESS UNCOMPRESSED_LENGTH UNHEX UPDATEXML
    UTC_DATE UTC_TIME UTC_TIMESTAMP WEEK WEEKDAY WEEKOFYEAR WEIGHT_STRING YEARWEEK RAND DEGREES POW POWER SIGN SQRT
    EXP LENGTHB NATURAL_SORT_KEY SFORMAT TRUNCATE
    """.split()  # noqa: SIM905
)
#: Names that MariaDB knows and that a shared database refuses.
REFUSED = frozenset(
    """
    LOAD_FILE SLEEP BENCHMARK GET_LOCK RELEASE_LOCK RELEASE_ALL_LOCKS IS_FREE_LOCK IS_USED_LOCK MASTER_POS_WAIT
    MASTER_GTID_WAIT NEXTVAL LASTVAL SETVAL NAME_CONST FOUND_ROWS UUID UUID_SHORT SYS_GUID VALUES DEFAULT
    BINLOG_GTID_POS ENCRYPT PASSWORD OLD_PASSWORD RANDOM_BYTES SYSDATE INTERVAL MEDIAN
    """.split()  # noqa: SIM905
)


def check(select: exp.Select) -> None:
    """Refuse what must not reach a worker.

    Raises:
        SQLError: 1235 naming the construct, 1305 for a function that MariaDB does not know either.
    """
    if select.args.get("locks"):
        raise unsupported("SELECT ... FOR UPDATE or LOCK IN SHARE MODE: nothing here can be locked")
    if select.args.get("into"):
        raise unsupported("SELECT ... INTO")
    for name in ("with_", "windows", "qualify", "match", "laterals", "pivots", "connect", "sample", "cluster"):
        if select.args.get(name):
            raise unsupported({"with_": "common table expressions (WITH) yet"}.get(name, f"{name.strip('_')} clauses"))
    for node in select.walk():
        if isinstance(node, exp.Subquery | exp.Select) and node is not select:
            raise unsupported("subqueries yet")
        if isinstance(node, exp.SetOperation):
            raise unsupported("UNION, INTERSECT and EXCEPT yet")
        if isinstance(node, exp.Dot):
            raise unsupported(f"functions of a database: {node.sql(dialect='mysql')}")
        if isinstance(node, exp.Placeholder):
            raise SQLError(1064, "You have an error in your SQL syntax near '?': no value is bound to it")
        if isinstance(node, exp.Anonymous):
            _check_name(call_name(node))
        elif isinstance(node, exp.Func) and node.sql_names() and node.sql_names()[0] in REFUSED:
            raise unsupported(f"{node.sql_names()[0]}()")
        elif isinstance(node, exp.Interval) and isinstance(node.this, exp.Tuple):
            raise unsupported("INTERVAL()")


def _check_name(name: str) -> None:
    upper = name.upper()
    if not upper:
        return
    if upper in REFUSED:
        raise unsupported(f"{upper}()")
    if upper not in PURE and not upper.startswith(("SCISQL_", "QSERV_AREASPEC_")):
        raise SQLError(1305, f"FUNCTION {name} does not exist")
