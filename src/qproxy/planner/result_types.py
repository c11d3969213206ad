"""What type a value has, as far as it can be told without a server: exact numbers, FLOAT, or text.

Source: MariaDB Knowledge Base, "Functions and Operators"; "Type Conversion"; for what a choice among values gives,
"IF", "COALESCE" and "UNION".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlglot import exp

from qproxy.planner.faithful import call_name, calls_query, gives_value
from qproxy.planner.marks import MARK
from qproxy.planner.query import Query, Subquery

#: Types whose values are compared and shown as text; times among them, which are text beside numbers.
TEXTS = frozenset(
    ("char", "varchar", "text", "tinytext", "mediumtext", "longtext", "enum", "set", "date", "datetime", "time",
     "timestamp", "blob", "tinyblob", "mediumblob", "longblob", "binary", "varbinary", "json")
)  # fmt: skip
#: Those of days, with and without a time.
DATES = frozenset(("date", "datetime", "timestamp"))
#: Exact types.
NUMBERS = frozenset(
    ("tinyint", "smallint", "mediumint", "int", "integer", "bigint", "decimal", "numeric", "year", "bit", "bool")
)
#: In the `meta` of a query inside an expression that has become text already: its value is text.
GIVES_TEXT = "gives text"

#: Functions that give one of their arguments, and which.
_CHOICES: Mapping[str, slice] = {
    "IF": slice(1, None),
    "NVL2": slice(1, None),
    "NULLIF": slice(0, 1),
    **dict.fromkeys(("IFNULL", "NVL", "COALESCE", "GREATEST", "LEAST"), slice(None)),
}
#: What has the type of its argument, and a window around it.
_SAME = (
    exp.Paren,
    exp.Min,
    exp.Max,
    exp.Window,
    exp.FirstValue,
    exp.LastValue,
    exp.NthValue,
    exp.Lag,
    exp.Lead,
)
_TO_FLOAT = re.compile(r"(CAST|CONVERT)\W.*\WFLOAT$", re.IGNORECASE | re.DOTALL)
_TO_NUMBER = re.compile(
    r"(CAST|CONVERT)\W.*\W(SIGNED|UNSIGNED|INTEGER|INT|DECIMAL|DEC|NUMERIC|FIXED|DOUBLE|FLOAT|REAL)\b",
    re.IGNORECASE | re.DOTALL,
)
_TEXT_AGGREGATES = frozenset(("GROUP_CONCAT", "JSON_ARRAYAGG", "JSON_OBJECTAGG"))
#: Functions that give text, bytes, times or shapes; those of JSON and of shapes that give numbers are told apart below.
_TEXT_FUNCTIONS = frozenset(
    """
    ADDDATE ADDTIME ADD_MONTHS AES_DECRYPT AES_ENCRYPT BIN CHAR CHARSET CHR COLLATION COLUMN_JSON COLUMN_LIST COMPRESS
    CONCAT CONCAT_OPERATOR_ORACLE CONCAT_WS CONV CONVERT_TZ CURDATE CURRENT_DATE CURRENT_ROLE CURRENT_TIME
    CURRENT_TIMESTAMP CURRENT_USER CURTIME DATABASE DATE DATE_ADD DATE_FORMAT DATE_SUB DAYNAME DECODE DECODE_ORACLE
    ELT ENCODE EXPORT_SET EXTRACTVALUE FORMAT FORMAT_PICO_TIME FROM_BASE64 FROM_DAYS FROM_UNIXTIME GET_FORMAT HEX
    INET6_ATON INET6_NTOA INET_NTOA INSERT LAST_DAY LCASE LEFT LOCALTIME LOCALTIMESTAMP LOWER LPAD LPAD_ORACLE LTRIM
    LTRIM_ORACLE MAKEDATE MAKETIME MAKE_SET MD5 MID MONTHNAME NATURAL_SORT_KEY NOW OCT OLD_PASSWORD PASSWORD QUOTE
    REGEXP_REPLACE REGEXP_SUBSTR REPEAT REPLACE REPLACE_ORACLE REVERSE RIGHT RPAD RPAD_ORACLE RTRIM RTRIM_ORACLE SCHEMA
    SEC_TO_TIME SESSION_USER SFORMAT SHA SHA1 SHA2 SOUNDEX SPACE STR_TO_DATE SUBDATE SUBSTR SUBSTRING SUBSTRING_INDEX
    SUBSTR_ORACLE SUBTIME SYSDATE SYSTEM_USER TIME TIMEDIFF TIMESTAMP TIMESTAMPADD TIME_FORMAT TO_BASE64 TO_CHAR TRIM
    TRIM_ORACLE UCASE UNCOMPRESS UNHEX UPDATEXML UPPER USER UTC_DATE UTC_TIME UTC_TIMESTAMP VERSION WEIGHT_STRING
    """.split()  # noqa: SIM905
)
_JSON_NUMBERS = frozenset(
    """
    JSON_CONTAINS JSON_CONTAINS_PATH JSON_DEPTH JSON_EQUALS JSON_EXISTS JSON_LENGTH JSON_OVERLAPS JSON_VALID
    """.split()  # noqa: SIM905
)
#: Functions that make shapes, or tell one of a shape's parts.
_SHAPES = re.compile(
    r"(ST_)?(AS(BINARY|TEXT|WKB|WKT|GEOJSON)|.*FROM(TEXT|WKB|GEOJSON)|(MULTI)?(POINT|LINESTRING|POLYGON)"
    r"|GEOMETRYCOLLECTION|GEOMETRYTYPE|(GEOMETRY|POINT|INTERIORRING)N|(START|END)POINT|POINTONSURFACE|ENVELOPE"
    r"|EXTERIORRING|CENTROID|BOUNDARY|BUFFER|CONVEXHULL|SIMPLIFY|UNION|INTERSECTION|DIFFERENCE|SYMDIFFERENCE|RELATE)"
)


def choices(expression: exp.Expr) -> list[exp.Expr]:
    """The expressions among which a choice takes its value; the expression itself where it is no choice."""
    if isinstance(expression, _SAME):
        return choices(expression.this)
    if isinstance(expression, exp.AnonymousAggFunc) and gives_value(expression):
        return choices(expression.expressions[-1])
    if isinstance(expression, exp.Anonymous):
        picked = _CHOICES.get(call_name(expression).upper())
        return [v for e in expression.expressions[picked] for v in choices(e)] if picked else [expression]
    if isinstance(expression, exp.Case):
        branches = [i.args["true"] for i in expression.args.get("ifs") or ()]
        branches.append(expression.args.get("default"))
        return [v for e in branches if e is not None for v in choices(e)]
    return [expression]


def is_choice(call: exp.Anonymous) -> bool:
    """Whether a function gives one of its arguments."""
    return call_name(call).upper() in _CHOICES


def is_float(expression: exp.Expr, query: Query) -> bool:
    """Whether MariaDB may give the expression the type FLOAT: a FLOAT column, or a choice among values with one.

    Other arithmetic on a FLOAT gives DOUBLE (MariaDB Knowledge Base, "FLOAT", "Type Conversion").
    """
    bases = [_one(v, query) for v in choices(expression)]
    return "float" in bases and not any(b in TEXTS for b in bases)


def base_type(expression: exp.Expr, query: Query) -> str:
    """The type word of a column (``bigint``, ``bit`` ...), ``varchar`` for text of any kind, else ``number``."""
    values = choices(expression)
    if values == [expression]:
        return _one(expression, query)
    return "varchar" if any(_one(v, query) in TEXTS for v in values) else "number"


def gives_text(subquery: Subquery) -> bool:
    """Whether the one value of a query inside an expression is text."""
    scalar = not subquery.before and not subquery.bare
    return scalar and base_type(subquery.query.items[0], subquery.query) in TEXTS


def _one(expression: exp.Expr, query: Query) -> str:
    """The type of what is no choice."""
    if isinstance(expression, exp.Column):
        column = query.source(expression.table).table.column(expression.name)
        return column.base_type if column else ""
    if isinstance(expression, exp.Literal):
        return "varchar" if expression.is_string else "number"
    if isinstance(expression, exp.Anonymous):
        if _TO_FLOAT.match(str(expression.this)):
            return "float"
        return "varchar" if _is_text(expression, query) else "number"
    if isinstance(expression, exp.AnonymousAggFunc):
        return "varchar" if call_name(expression).upper() in _TEXT_AGGREGATES else "number"
    if isinstance(expression, exp.Add | exp.Sub):
        return _sum(expression, query)
    return "varchar" if isinstance(expression, exp.Collate | exp.Cast) else "number"


def _sum(expression: exp.Add | exp.Sub, query: Query) -> str:
    """The type of a sum: with an interval a time, or text where it is added to text."""
    added = [o for o in (expression.this, expression.expression) if not isinstance(o, exp.Interval)]
    if len(added) == 2:
        return "number"
    return "datetime" if base_type(added[0], query) in DATES else "varchar"


def _is_text(call: exp.Anonymous, query: Query) -> bool:
    """Whether a call, a literal that is written as one, or a query inside an expression gives text."""
    if calls_query(call):
        return gives_text(query.nested[str(call.this).lstrip(MARK)])
    name = call_name(call).upper()
    if not name:
        # A literal with its kind in front, or the text of a query.
        return GIVES_TEXT in call.meta or not str(call.this)[1:].startswith("(")
    if name in ("CAST", "CONVERT"):
        return _TO_NUMBER.match(str(call.this)) is None
    if name.startswith("JSON_"):
        return name not in _JSON_NUMBERS
    word = name.split(" ", 1)[0].rstrip("(")
    return word in _TEXT_FUNCTIONS or _SHAPES.fullmatch(word) is not None
