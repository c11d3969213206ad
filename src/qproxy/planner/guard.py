"""Pass 4, guard: nothing that reaches files, time, locks or other databases' code goes to a worker."""

from __future__ import annotations

from collections.abc import Container, Mapping

from sqlglot import exp

from qproxy.errors import SQLError, unsupported
from qproxy.planner.blocks import RESERVED, readable
from qproxy.planner.constants import FOLDED
from qproxy.planner.dialect import DIALECT
from qproxy.planner.faithful import call_name, needs_window
from qproxy.planner.marks import MARK

#: Functions of MariaDB whose value depends on their arguments, and on settings that workers share, alone (MariaDB
#: Knowledge Base, "Built-in Functions"; information_schema.SQL_FUNCTIONS of 10.11). RAND() without a seed is one of
#: a kind: any value will do.
PURE = frozenset(
    """
    ABS ACOS ADDDATE ADDTIME ADD_MONTHS AES_DECRYPT AES_ENCRYPT AREA ASBINARY ASCII ASIN ASTEXT ASWKB ASWKT ATAN
    ATAN2 BIN BINARY BIT_COUNT BIT_LENGTH BOUNDARY BUFFER CAST CEIL CEILING CENTROID CHAR CHARACTER_LENGTH
    CHARSET CHAR_LENGTH CHR COALESCE COERCIBILITY COLLATION COLUMN_ADD COLUMN_CHECK COLUMN_CREATE COLUMN_DELETE
    COLUMN_EXISTS COLUMN_GET COLUMN_JSON COLUMN_LIST COMPRESS CONCAT CONCAT_OPERATOR_ORACLE CONCAT_WS CONTAINS
    CONV CONVERT CONVERT_TZ CONVEXHULL COS COT CRC32 CRC32C CROSSES DATE DATEDIFF DATE_ADD DATE_FORMAT DATE_SUB
    DAY DAYNAME DAYOFMONTH DAYOFWEEK DAYOFYEAR DECODE DECODE_HISTOGRAM DECODE_ORACLE DEGREES DIMENSION DISJOINT
    ELT ENCODE ENDPOINT ENVELOPE EQUALS EXP EXPORT_SET EXTERIORRING EXTRACT EXTRACTVALUE FIELD FIND_IN_SET FLOOR
    FORMAT FROM_BASE64 FROM_DAYS FROM_UNIXTIME GEOMCOLLFROMTEXT GEOMCOLLFROMWKB GEOMETRYCOLLECTION
    GEOMETRYCOLLECTIONFROMTEXT GEOMETRYCOLLECTIONFROMWKB GEOMETRYFROMTEXT GEOMETRYFROMWKB GEOMETRYN GEOMETRYTYPE
    GEOMFROMTEXT GEOMFROMWKB GET_FORMAT GLENGTH GREATEST HEX HOUR IF IFNULL INET6_ATON INET6_NTOA INET_ATON
    INET_NTOA INSERT INSTR INTERIORRINGN INTERSECTS INTERVAL ISCLOSED ISEMPTY ISNULL ISRING ISSIMPLE IS_IPV4
    IS_IPV4_COMPAT IS_IPV4_MAPPED IS_IPV6 JSON_ARRAY JSON_ARRAY_APPEND JSON_ARRAY_INSERT JSON_COMPACT
    JSON_CONTAINS JSON_CONTAINS_PATH JSON_DEPTH JSON_DETAILED JSON_EQUALS JSON_EXISTS JSON_EXTRACT JSON_INSERT
    JSON_KEYS JSON_LENGTH JSON_LOOSE JSON_MERGE JSON_MERGE_PATCH JSON_MERGE_PRESERVE JSON_NORMALIZE JSON_OBJECT
    JSON_OVERLAPS JSON_PRETTY JSON_QUERY JSON_QUOTE JSON_REMOVE JSON_REPLACE JSON_SEARCH JSON_SET JSON_TYPE
    JSON_UNQUOTE JSON_VALID JSON_VALUE LAST_DAY LCASE LEAST LEFT LENGTH LENGTHB LINEFROMTEXT LINEFROMWKB
    LINESTRING LINESTRINGFROMTEXT LINESTRINGFROMWKB LN LOCATE LOG LOG10 LOG2 LOWER LPAD LPAD_ORACLE LTRIM
    LTRIM_ORACLE MAKEDATE MAKETIME MAKE_SET MBRCONTAINS MBRDISJOINT MBREQUAL MBREQUALS MBRINTERSECTS MBROVERLAPS
    MBRTOUCHES MBRWITHIN MD5 MICROSECOND MID MINUTE MLINEFROMTEXT MLINEFROMWKB MOD MONTH MONTHNAME
    MPOINTFROMTEXT MPOINTFROMWKB MPOLYFROMTEXT MPOLYFROMWKB MULTILINESTRING MULTILINESTRINGFROMTEXT
    MULTILINESTRINGFROMWKB MULTIPOINT MULTIPOINTFROMTEXT MULTIPOINTFROMWKB MULTIPOLYGON MULTIPOLYGONFROMTEXT
    MULTIPOLYGONFROMWKB NATURAL_SORT_KEY NULLIF NUMGEOMETRIES NUMINTERIORRINGS NUMPOINTS NVL NVL2 OCT
    OCTET_LENGTH OLD_PASSWORD ORD OVERLAPS PASSWORD PERIOD_ADD PERIOD_DIFF PI POINT POINTFROMTEXT POINTFROMWKB
    POINTN POINTONSURFACE POLYFROMTEXT POLYFROMWKB POLYGON POLYGONFROMTEXT POLYGONFROMWKB POSITION POW POWER
    QUARTER QUOTE RADIANS RAND REGEXP_INSTR REGEXP_REPLACE REGEXP_SUBSTR REPEAT REPLACE REPLACE_ORACLE REVERSE
    RIGHT ROUND ROW RPAD RPAD_ORACLE RTRIM RTRIM_ORACLE SECOND SEC_TO_TIME SFORMAT SHA SHA1 SHA2 SIGN SIN
    SOUNDEX SPACE SQRT SRID STARTPOINT STRCMP STR_TO_DATE ST_AREA ST_ASBINARY ST_ASGEOJSON ST_ASTEXT ST_ASWKB
    ST_ASWKT ST_BOUNDARY ST_BUFFER ST_CENTROID ST_CONTAINS ST_CONVEXHULL ST_CROSSES ST_DIFFERENCE ST_DIMENSION
    ST_DISJOINT ST_DISTANCE ST_DISTANCE_SPHERE ST_ENDPOINT ST_ENVELOPE ST_EQUALS ST_EXTERIORRING
    ST_GEOMCOLLFROMTEXT ST_GEOMCOLLFROMWKB ST_GEOMETRYCOLLECTIONFROMTEXT ST_GEOMETRYCOLLECTIONFROMWKB
    ST_GEOMETRYFROMTEXT ST_GEOMETRYFROMWKB ST_GEOMETRYN ST_GEOMETRYTYPE ST_GEOMFROMGEOJSON ST_GEOMFROMTEXT
    ST_GEOMFROMWKB ST_INTERIORRINGN ST_INTERSECTION ST_INTERSECTS ST_ISCLOSED ST_ISEMPTY ST_ISRING ST_ISSIMPLE
    ST_LENGTH ST_LINEFROMTEXT ST_LINEFROMWKB ST_LINESTRINGFROMTEXT ST_LINESTRINGFROMWKB ST_MLINEFROMTEXT
    ST_MLINEFROMWKB ST_MPOINTFROMTEXT ST_MPOINTFROMWKB ST_MPOLYFROMTEXT ST_MPOLYFROMWKB ST_NUMGEOMETRIES
    ST_NUMINTERIORRINGS ST_NUMPOINTS ST_OVERLAPS ST_POINTFROMTEXT ST_POINTFROMWKB ST_POINTN ST_POINTONSURFACE
    ST_POLYFROMTEXT ST_POLYFROMWKB ST_POLYGONFROMTEXT ST_POLYGONFROMWKB ST_RELATE ST_SRID ST_STARTPOINT
    ST_SYMDIFFERENCE ST_TOUCHES ST_UNION ST_WITHIN ST_X ST_Y SUBDATE SUBSTR SUBSTRING SUBSTRING_INDEX
    SUBSTR_ORACLE SUBTIME TAN TIME TIMEDIFF TIMESTAMP TIMESTAMPADD TIMESTAMPDIFF TIME_FORMAT TIME_TO_SEC TOUCHES
    TO_BASE64 TO_CHAR TO_DAYS TO_SECONDS TRIM TRIM_ORACLE TRUNCATE UCASE UNCOMPRESS UNCOMPRESSED_LENGTH UNHEX
    UNIX_TIMESTAMP UPDATEXML UPPER WEEK WEEKDAY WEEKOFYEAR WEIGHT_STRING WITHIN X Y YEAR YEARWEEK
    """.split()  # noqa: SIM905
)
#: Names that MariaDB knows and that a shared database refuses.
REFUSED = frozenset(
    """
    BENCHMARK BINLOG_GTID_POS DEFAULT DES_DECRYPT DES_ENCRYPT ENCRYPT FOUND_ROWS GET_LOCK IS_FREE_LOCK
    IS_USED_LOCK JSON_TABLE LASTVAL LOAD_FILE MASTER_GTID_WAIT MASTER_POS_WAIT NAME_CONST NEXTVAL
    PERCENTILE_CONT PERCENTILE_DISC RANDOM_BYTES RELEASE_ALL_LOCKS RELEASE_LOCK ROWNUM SETVAL SLEEP SYS_GUID
    UUID UUID_SHORT VALUE VALUES WSREP_LAST_SEEN_GTID WSREP_LAST_WRITTEN_GTID WSREP_SYNC_WAIT_UPTO_GTID
    """.split()  # noqa: SIM905
)
_WHY: Mapping[str, str] = {
    "BENCHMARK SLEEP": "it would only keep the workers busy; leave it out",
    "LOAD_FILE": "it reads files of a worker; load what is in them into a table",
    "GET_LOCK IS_FREE_LOCK IS_USED_LOCK RELEASE_ALL_LOCKS RELEASE_LOCK": "a lock of one worker says nothing to the "
    "others; leave it out",
    "LASTVAL NEXTVAL SETVAL": "there are no sequences; number rows with ROW_NUMBER() OVER (ORDER BY ...)",
    "RANDOM_BYTES SYS_GUID UUID UUID_SHORT": "it differs from worker to worker; make such values in the client",
    "DES_DECRYPT DES_ENCRYPT ENCRYPT": "it depends on the system of a worker; use AES_ENCRYPT and AES_DECRYPT",
    "PERCENTILE_CONT PERCENTILE_DISC": "write WITHIN GROUP (ORDER BY ...) OVER (...), or use scisql_percentile",
    "FOUND_ROWS": "nothing is kept of a query that is done; send its COUNT(*)",
    "JSON_TABLE": "rows come from tables alone; use JSON_EXTRACT or JSON_VALUE",
    "NAME_CONST": "write the value, and its name behind AS",
    "ROWNUM": "rows have no numbers before they are put together; use LIMIT, or ROW_NUMBER() OVER (ORDER BY ...)",
    "DEFAULT VALUE VALUES": "it belongs to INSERT, and nothing is written here; write the value",
}
_REPLICATION = "it tells of the replication of one worker; leave it out"
_CLAUSES: Mapping[str, str] = {
    "windows": "the WINDOW clause; write what it says into each OVER (...)",
}
#: What is said of SELECT ... INTO.
NO_INTO = "INTO: nothing is written here; leave INTO out, and let the client keep the rows"
#: What the parser has types of its own for and is let through: aggregates, functions over windows, CASE, SOUNDS LIKE;
#: a cast is a folded constant here, for those of the query are calls.
_TYPED = (
    exp.And,
    exp.AnonymousAggFunc,
    exp.Avg,
    exp.BitwiseAndAgg,
    exp.BitwiseOrAgg,
    exp.BitwiseXorAgg,
    exp.Case,
    exp.Cast,
    exp.Collate,
    exp.Count,
    exp.CumeDist,
    exp.DenseRank,
    exp.FirstValue,
    exp.If,
    exp.Lag,
    exp.LastValue,
    exp.Lead,
    exp.Max,
    exp.Min,
    exp.NthValue,
    exp.Ntile,
    exp.Or,
    exp.PercentRank,
    exp.Rank,
    exp.RegexpLike,
    exp.RowNumber,
    exp.Soundex,
    exp.StddevPop,
    exp.StddevSamp,
    exp.Sum,
    exp.Variance,
    exp.VariancePop,
    exp.Xor,
)


def check(select: exp.Select, nested: Container[str]) -> None:
    """Refuse what must not reach a worker.

    Args:
        nested: the words that stand for queries inside this one, which are checked by themselves.

    Raises:
        SQLError: 1235 naming the construct, 1305 for a function that MariaDB does not know either.
    """
    if select.args.get("locks"):
        raise unsupported("SELECT ... FOR UPDATE or LOCK IN SHARE MODE: nothing here can be locked; leave it out")
    if select.args.get("into"):
        raise unsupported(f"SELECT ... {NO_INTO}")
    if select.args.get("qualify"):
        raise SQLError(
            1064,
            "You have an error in your SQL syntax near 'QUALIFY'; put the query into FROM and write WHERE around it",
        )
    for name in ("windows", "match", "laterals", "pivots", "connect", "sample", "cluster"):
        if select.args.get(name):
            raise unsupported(_CLAUSES.get(name, f"the clause {name.upper()}, nor does MariaDB; leave it out"))
    for node in select.walk():
        if isinstance(node, exp.Literal | exp.Anonymous) and (found := RESERVED.search(str(node.this))):
            if str(node.this).lstrip(MARK) in nested:
                continue
            raise unsupported(f"the text {found[0]}, which stands for tables inside qproxy; write it with CONCAT")
        if isinstance(node, exp.Dot):
            raise unsupported(
                f"functions of a database: {node.sql(dialect='mysql')}; there are those of MariaDB and of sciSQL"
            )
        if isinstance(node, exp.Placeholder):
            raise SQLError(1064, "You have an error in your SQL syntax near '?': no value is bound to it")
        if isinstance(node, exp.Anonymous):
            _check_call(node)
        elif isinstance(node, exp.AnonymousAggFunc) and needs_window(node) and not isinstance(node.parent, exp.Window):
            raise SQLError(1064, "You have an error in your SQL syntax: MEDIAN and PERCENTILE_* need OVER (...)")
        elif isinstance(node, exp.MatchAgainst):
            raise unsupported(
                "MATCH ... AGAINST: its relevance would be that of a chunk, not of the table; use LIKE or REGEXP"
            )
        elif isinstance(node, exp.Func) and not isinstance(node, _TYPED):
            raise unsupported(
                f"{readable(node.sql(dialect=DIALECT))[:60]}, which is read as no function that may run on workers; "
                "write it with functions of MariaDB"
            )


def why_not(name: str) -> str:
    """Why a function of `REFUSED` is refused, and what to do."""
    return next((why for names, why in _WHY.items() if name in names.split()), _REPLICATION)


def _check_call(call: exp.Anonymous) -> None:
    name = call_name(call)
    upper = name.upper()
    if not upper or upper in FOLDED:
        return
    if upper in REFUSED:
        raise unsupported(f"{upper}(): {why_not(upper)}")
    if upper == "RAND" and call.expressions:
        raise unsupported("RAND() with a seed: every chunk would repeat the same numbers; use RAND() or CRC32(id)")
    if upper not in PURE and not upper.startswith(("SCISQL_", "QSERV_AREASPEC_")):
        raise SQLError(1305, f"FUNCTION {name} does not exist")
