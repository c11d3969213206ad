"""Columns of what SHOW gives, as MariaDB 10.11 defines them."""

from __future__ import annotations

from qproxy.wire.columns import BINARY, UTF8MB4, ColumnDef, ColumnFlag, ColumnType

_TYPES = {
    "t": ColumnType.VAR_STRING,
    "b": ColumnType.BLOB,
    "m": ColumnType.LONG_BLOB,
    "l": ColumnType.LONGLONG,
    "i": ColumnType.LONG,
    "f": ColumnType.DOUBLE,
    "d": ColumnType.DATETIME,
}
_TEXT = "tbm"
_BYTES = 4
_NO_DECIMALS = 39


def _column(table: str, text: str) -> ColumnDef:
    name, origin, kind = " ".join(text.split()).split(":")
    nullable = kind.endswith("?")
    unsigned = kind[1] == "u"
    letter, length = kind[0], int(kind.rstrip("?")[2 if unsigned else 1 :])
    is_text = letter in _TEXT
    flags = ColumnFlag(0) if nullable else ColumnFlag.NOT_NULL
    if unsigned:
        flags |= ColumnFlag.UNSIGNED
    if table:
        flags |= ColumnFlag.NO_DEFAULT | (ColumnFlag.BLOB if letter == "b" else 0)
    if letter == "d" or not (table or is_text):
        flags |= ColumnFlag.BINARY
    decimals = 0 if table else _NO_DECIMALS if is_text else 3 if letter == "f" else 0
    return ColumnDef(
        name=name,
        type=int(_TYPES[letter]),
        schema="information_schema" if table else "",
        table=table,
        org_table=table,
        org_name=origin,
        charset=UTF8MB4 if is_text else BINARY,
        length=length * _BYTES if is_text else length,
        flags=int(flags),
        decimals=2 if letter == "d" and length > 19 else decimals,
    )


def _columns(table: str, text: str) -> tuple[ColumnDef, ...]:
    """Definitions of columns.

    Args:
        table: that of information_schema which they come from; empty for none.
        text: "name:name in the table:type" a column, with commas between them. A type is a letter of `_TYPES`, u
            where it is unsigned, its length (of text: in characters) and ? where NULL is allowed.
    """
    return tuple(_column(table, part) for part in text.split(","))


DATABASES = _columns("SCHEMATA", "Database:SCHEMA_NAME:t64")
TABLES = _columns("TABLE_NAMES", "Tables_in:TABLE_NAME:t73, Table_type:TABLE_TYPE:t64")
TABLE_STATUS = _columns(
    "TABLES",
    """
    Name:TABLE_NAME:t64, Engine:ENGINE:t64?, Version:VERSION:lu21?, Row_format:ROW_FORMAT:t10?,
    Rows:TABLE_ROWS:lu21?, Avg_row_length:AVG_ROW_LENGTH:lu21?, Data_length:DATA_LENGTH:lu21?,
    Max_data_length:MAX_DATA_LENGTH:lu21?, Index_length:INDEX_LENGTH:lu21?, Data_free:DATA_FREE:lu21?,
    Auto_increment:AUTO_INCREMENT:lu21?, Create_time:CREATE_TIME:d19?, Update_time:UPDATE_TIME:d19?,
    Check_time:CHECK_TIME:d19?, Collation:TABLE_COLLATION:t64?, Checksum:CHECKSUM:lu21?,
    Create_options:CREATE_OPTIONS:t2048?, Comment:TABLE_COMMENT:t2048,
    Max_index_length:MAX_INDEX_LENGTH:lu21?, Temporary:TEMPORARY:t1?
    """,
)
COLUMNS = _columns(
    "COLUMNS",
    """
    Field:COLUMN_NAME:t64, Type:COLUMN_TYPE:b196605, Collation:COLLATION_NAME:t64?, Null:IS_NULLABLE:t3,
    Key:COLUMN_KEY:t3, Default:COLUMN_DEFAULT:b196596?, Extra:EXTRA:t80, Privileges:PRIVILEGES:t80,
    Comment:COLUMN_COMMENT:t1024
    """,
)
INDEX = _columns(
    "STATISTICS",
    """
    Table:TABLE_NAME:t64, Non_unique:NON_UNIQUE:l1, Key_name:INDEX_NAME:t64, Seq_in_index:SEQ_IN_INDEX:iu2,
    Column_name:COLUMN_NAME:t64, Collation:COLLATION:t1?, Cardinality:CARDINALITY:l21?,
    Sub_part:SUB_PART:l3?, Packed:PACKED:t10?, Null:NULLABLE:t3, Index_type:INDEX_TYPE:t16,
    Comment:COMMENT:t16?, Index_comment:INDEX_COMMENT:t1024, Ignored:IGNORED:t3
    """,
)
CREATE_TABLE = _columns("", "Table::t64, Create Table::t1024")
CREATE_DATABASE = _columns("", "Database::t64, Create Database::t1024")
VARIABLES = _columns("SESSION_VARIABLES", "Variable_name:VARIABLE_NAME:t64, Value:VARIABLE_VALUE:t4096")
STATUS = _columns("SESSION_STATUS", "Variable_name:VARIABLE_NAME:t64, Value:VARIABLE_VALUE:t4096")
WARNINGS = _columns("", "Level::t7, Code::iu4, Message::t512")
COUNT_WARNINGS = _columns("", "@@session.warning_count::lu21?")
COUNT_ERRORS = _columns("", "@@session.error_count::lu21?")
ENGINES = _columns(
    "ENGINES",
    """
    Engine:ENGINE:t64, Support:SUPPORT:t8, Comment:COMMENT:t160, Transactions:TRANSACTIONS:t3?, XA:XA:t3?,
    Savepoints:SAVEPOINTS:t3?
    """,
)
CHARACTER_SET = _columns(
    "CHARACTER_SETS",
    """
    Charset:CHARACTER_SET_NAME:t32, Description:DESCRIPTION:t60, Default collation:DEFAULT_COLLATE_NAME:t64,
    Maxlen:MAXLEN:l3
    """,
)
COLLATION = _columns(
    "COLLATIONS",
    """
    Collation:COLLATION_NAME:t64, Charset:CHARACTER_SET_NAME:t32?, Id:ID:l11?, Default:IS_DEFAULT:t3?,
    Compiled:IS_COMPILED:t3, Sortlen:SORTLEN:l3
    """,
)
PLUGINS = _columns(
    "PLUGINS",
    """
    Name:PLUGIN_NAME:t64, Status:PLUGIN_STATUS:t16, Type:PLUGIN_TYPE:t80, Library:PLUGIN_LIBRARY:t64?,
    License:PLUGIN_LICENSE:t80
    """,
)
PROCESSLIST = _columns(
    "", "Id::l11, User::t128, Host::t64, db::t64?, Command::t16, Time::i7, State::t30?, Info::t100?, Progress::f7"
)
FULL_PROCESSLIST = _columns(
    "",
    """
    Id::l11, User::t128, Host::t64, db::t64?, Command::t16, Time::i7, State::t30?, Info::m50331648?,
    Progress::f7
    """,
)
GRANTS = _columns("", "Grants for::t1024")
ROUTINES = _columns(
    "ROUTINES",
    """
    Db:ROUTINE_SCHEMA:t64, Name:ROUTINE_NAME:t64, Type:ROUTINE_TYPE:t13, Definer:DEFINER:t384,
    Modified:LAST_ALTERED:d19, Created:CREATED:d19, Security_type:SECURITY_TYPE:t7,
    Comment:ROUTINE_COMMENT:b196605, character_set_client:CHARACTER_SET_CLIENT:t32,
    collation_connection:COLLATION_CONNECTION:t64, Database Collation:DATABASE_COLLATION:t64
    """,
)
TRIGGERS = _columns(
    "TRIGGERS",
    """
    Trigger:TRIGGER_NAME:t64, Event:EVENT_MANIPULATION:t6, Table:EVENT_OBJECT_TABLE:t64,
    Statement:ACTION_STATEMENT:b196605?, Timing:ACTION_TIMING:t6, Created:CREATED:d22?,
    sql_mode:SQL_MODE:t8192, Definer:DEFINER:t384?, character_set_client:CHARACTER_SET_CLIENT:t32,
    collation_connection:COLLATION_CONNECTION:t64, Database Collation:DATABASE_COLLATION:t64
    """,
)
EVENTS = _columns(
    "EVENTS",
    """
    Db:EVENT_SCHEMA:t64, Name:EVENT_NAME:t64, Definer:DEFINER:t384, Time zone:TIME_ZONE:t64,
    Type:EVENT_TYPE:t9, Execute at:EXECUTE_AT:d19?, Interval value:INTERVAL_VALUE:t256?, Interval
    field:INTERVAL_FIELD:t18?, Starts:STARTS:d19?, Ends:ENDS:d19?, Status:STATUS:t18,
    Originator:ORIGINATOR:l10, character_set_client:CHARACTER_SET_CLIENT:t32,
    collation_connection:COLLATION_CONNECTION:t64, Database Collation:DATABASE_COLLATION:t64
    """,
)
PRIVILEGES = _columns("", "Privilege::t10, Context::t15, Comment::t64")
OPEN_TABLES = _columns(
    "OPEN_TABLES", "Database:Database:t64, Table:Table:t64, In_use:In_use:l1, Name_locked:Name_locked:l4"
)
