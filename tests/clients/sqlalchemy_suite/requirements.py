"""What the suite may ask of the proxy; whatever writes is closed, each with its reason."""

from __future__ import annotations

from typing import Any

from sqlalchemy.testing import exclusions
from sqlalchemy.testing.requirements import SuiteRequirements


def _no(reason: str) -> Any:
    return exclusions.skip_if(lambda: True, reason)


class Requirements(SuiteRequirements):
    """Requirements of a MariaDB that only reads."""

    # What MariaDB itself does not have, with any dialect.
    sql_expression_limit_offset = _no("MariaDB takes no expressions in LIMIT")
    unbounded_varchar = _no("MariaDB's VARCHAR needs a length")
    date_implicit_bound = _no("a bound date comes back as text, from MariaDB too")
    time_implicit_bound = _no("a bound time comes back as text, from MariaDB too")
    datetime_implicit_bound = _no("a bound moment comes back as text, from MariaDB too")
    timestamp_microseconds_implicit_bound = _no("a bound moment comes back as text, from MariaDB too")
    datetime_microseconds = _no("DATETIME and TIME without digits keep whole seconds")
    timestamp_microseconds = _no("DATETIME and TIME without digits keep whole seconds")
    time_microseconds = _no("DATETIME and TIME without digits keep whole seconds")
    precision_generic_float_type = _no("FLOAT keeps six digits in text")

    # As MariaDB reflects keys.
    foreign_keys_reflect_as_index = exclusions.open()
    unique_constraints_reflect_as_index = exclusions.open()
    reflect_table_options = exclusions.open()
    unique_index_reflect_as_unique_constraints = exclusions.open()

    # Writing: the proxy answers 1290 to all of it.
    autoincrement_insert = _no("INSERT writes")
    insert_from_select = _no("INSERT writes")
    empty_inserts = _no("INSERT writes")
    multivalues_inserts = _no("INSERT writes")
    insert_returning = _no("INSERT writes")
    insert_executemany_returning = _no("INSERT writes")
    insertmanyvalues = _no("INSERT writes")
    delete_returning = _no("DELETE writes")
    ctes_on_dml = _no("INSERT writes")
    fetch_rows_post_commit = _no("INSERT writes")
    sane_rowcount = _no("UPDATE and DELETE write")
    sane_multi_rowcount = _no("UPDATE and DELETE write")
    update_from = _no("UPDATE writes")
    delete_from = _no("DELETE writes")
    create_table = _no("CREATE TABLE writes")
    drop_table = _no("DROP TABLE writes")
    create_table_as = _no("CREATE TABLE writes")
    create_temp_table_as = _no("CREATE TABLE writes")
    create_or_replace_view = _no("CREATE VIEW writes")
    table_ddl_if_exists = _no("CREATE TABLE writes")
    index_ddl_if_exists = _no("CREATE INDEX writes")
    comment_reflection_full_unicode = _no("comments beyond the basic plane are MariaDB's own limit")
    temporary_tables = _no("CREATE TEMPORARY TABLE writes")
    temp_table_reflection = _no("CREATE TEMPORARY TABLE writes")
    temp_table_names = _no("CREATE TEMPORARY TABLE writes")
    has_temp_table = _no("CREATE TEMPORARY TABLE writes")
    temporary_views = _no("CREATE VIEW writes")
    sequences = _no("CREATE SEQUENCE writes")
    views = _no("CREATE VIEW writes")
    view_reflection = _no("CREATE VIEW writes")
    view_column_reflection = _no("CREATE VIEW writes")
    duplicate_key_raises_integrity_error = _no("INSERT writes")
    savepoints = _no("nothing is written that could be undone")
    two_phase_transactions = _no("nothing is written that could be undone")

    # What ingest does not take or keep.
    foreign_key_constraint_reflection = _no("tables are loaded without constraints between them")
    cross_schema_fk_reflection = _no("tables are loaded without constraints between them")
    check_constraint_reflection = _no("tables are loaded without CHECK")
    inline_check_constraint_reflection = _no("tables are loaded without CHECK")
    computed_columns = _no("ingest takes no generated columns")
    identity_columns = _no("MariaDB has none")
    unusual_column_name_characters = _no("names in a description are letters, digits, _ and $")
    percent_schema_names = _no("names in a description are letters, digits, _ and $")
    symbol_names_w_double_quote = _no("names in a description are letters, digits, _ and $")
    unicode_ddl = _no("names in a description are letters, digits, _ and $")
    json_type = _no("ingest takes no JSON columns: their CHECK constraint would be lost")
