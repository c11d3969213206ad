"""Variables: names and defaults held against a plain MariaDB, codecs and what workers are told."""

from __future__ import annotations

from contextlib import closing

import pytest

from qproxy.errors import SQLError
from qproxy.session.collations import CHARSETS, UCA1400, collation, collation_by_id
from qproxy.session.system_variables import SYSTEM_VARIABLES
from qproxy.session.variables import Variables
from qproxy.wire.handler import STATUS_AUTOCOMMIT
from tests.harness.mariadbd import Server

#: What the proxy says of itself, or what the private server was started with.
OWN = frozenset(
    """
    basedir datadir hostname pid_file plugin_dir port socket tmpdir
    version version_comment version_compile_os version_compile_machine version_malloc_library
    version_ssl_library license read_only local_infile event_scheduler bind_address time_zone system_time_zone
    key_buffer_size query_cache_size table_open_cache thread_cache_size skip_name_resolve pseudo_thread_id back_log
    have_compress have_crypt have_dynamic_loading have_geometry have_profiling have_query_cache have_rtree_keys
    have_ssl have_openssl have_symlink transaction_isolation transaction_read_only
    """.split()  # noqa: SIM905
)
#: What clients are known to ask for when they start.
ASKED = """
    auto_increment_increment character_set_client character_set_connection character_set_results character_set_server
    collation_server collation_connection init_connect interactive_timeout license lower_case_table_names
    max_allowed_packet net_buffer_length net_write_timeout performance_schema query_cache_size query_cache_type sql_mode
    system_time_zone time_zone transaction_isolation tx_isolation wait_timeout version version_comment autocommit
    sql_safe_updates sql_select_limit have_ssl socket port datadir default_storage_engine
    """.split()  # noqa: SIM905


def test_names_and_defaults_are_those_of_a_plain_server(server: Server) -> None:
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW VARIABLES")
        theirs = dict(cursor.fetchall())
    ours = dict(Variables().listing())
    assert len(ours) >= 150
    assert set(ours) - set(theirs) <= {"transaction_isolation", "transaction_read_only"}
    differ = {name: (ours[name], theirs[name]) for name in ours if name not in OWN and ours[name] != theirs[name]}
    assert differ == {}


@pytest.mark.parametrize("name", ASKED)
def test_what_clients_ask_for_is_there(name: str) -> None:
    assert Variables().get(name) is not None


def test_values_that_are_the_proxys_own() -> None:
    variables = Variables(1 << 20)
    assert variables.get("max_allowed_packet") == 1 << 20
    assert variables.get("VERSION_COMMENT") == "qproxy"
    assert "MariaDB" in str(variables.get("version"))
    assert not str(variables.get("version")).startswith("5.5.5-")
    assert dict(variables.listing())["read_only"] == "ON"


def test_a_collation_id_of_every_kind(server: Server) -> None:
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT full_collation_name, id, character_set_name"
            " FROM information_schema.collation_character_set_applicability"
        )
        for name, number, charset in cursor.fetchall():
            found = collation_by_id(number)
            assert found is not None
            assert (found.name, found.charset) == (name, charset)
            assert collation(name.upper()) == found
        assert cursor.rowcount == sum(len(c.collations) for c in CHARSETS.values()) + 5 * len(UCA1400)


def test_scopes() -> None:
    variables = Variables()
    variables.set("wait_timeout", 5)
    assert variables.get("wait_timeout") == variables.get("wait_timeout", "local") == 5
    assert variables.get("wait_timeout", "GLOBAL") == 28800
    assert dict(variables.listing())["wait_timeout"] == "5"
    assert dict(variables.listing("GLOBAL"))["wait_timeout"] == "28800"
    assert "warning_count" not in dict(variables.listing("GLOBAL"))


@pytest.mark.parametrize(
    ("number", "charset", "connection", "encoding"),
    [
        (45, "utf8mb4", "utf8mb4_general_ci", "utf-8"),
        (8, "latin1", "latin1_swedish_ci", "cp1252"),
        (33, "utf8mb3", "utf8mb3_general_ci", "utf-8"),
        (63, "binary", "binary", "utf-8"),
        (2304, "utf8mb4", "utf8mb4_uca1400_ai_ci", "utf-8"),
        (255, "utf8mb4", "utf8mb4_general_ci", "utf-8"),
        (35, "utf8mb4", "utf8mb4_general_ci", "utf-8"),
        (28, "gbk", "gbk_chinese_ci", "gbk"),
    ],
)
def test_charset_of_a_login(number: int, charset: str, connection: str, encoding: str) -> None:
    variables = Variables()
    variables.set_charset_by_id(number)
    assert variables.get("character_set_client") == variables.get("character_set_results") == charset
    assert variables.get("collation_connection") == connection
    assert variables.encoding == variables.results_encoding == encoding


def test_every_charset_has_a_codec() -> None:
    for name in CHARSETS:
        variables = Variables()
        variables.set("character_set_results", name)
        assert "x".encode(variables.results_encoding)


def test_status_flags() -> None:
    variables = Variables()
    assert variables.status == STATUS_AUTOCOMMIT
    variables.set("autocommit", 0)
    assert variables.status == 0


def test_workers_are_told_what_changes_answers() -> None:
    variables = Variables()
    settings = variables.settings()
    assert (settings.sql_mode, settings.time_zone) == (None, None)
    assert (settings.collation, settings.results_charset) == ("utf8mb4_general_ci", "utf8mb4")
    variables.set("sql_mode", "PAD_CHAR_TO_FULL_LENGTH,IGNORE_SPACE")
    variables.set("time_zone", "+02:00")
    variables.set_names("latin1", "latin1_bin")
    settings = variables.settings()
    assert (settings.sql_mode, settings.time_zone) == ("PAD_CHAR_TO_FULL_LENGTH", "+02:00")
    assert (settings.collation, settings.results_charset) == ("latin1_bin", "latin1")


@pytest.mark.parametrize("value", [None, "binary"])
def test_no_conversion_of_results(value: str | None) -> None:
    variables = Variables()
    variables.set("character_set_results", value)
    assert variables.settings().results_charset is None
    assert variables.results_encoding == "utf-8"


def test_reset_is_a_new_session() -> None:
    variables = Variables(12345)
    variables.set("autocommit", 0)
    variables.set_names("latin1")
    variables.user["a"] = 1
    variables.reset()
    assert variables.user == {}
    assert variables.listing() == Variables(12345).listing()


def test_defaults_can_be_set_by_themselves() -> None:
    variables = Variables()
    for spec in SYSTEM_VARIABLES.values():
        if spec.scope == "session" and not spec.fixed and spec.name not in ("max_allowed_packet", "net_buffer_length"):
            variables.set(spec.name, variables.get(spec.name))
            variables.set_default(spec.name)
    assert variables.listing() == Variables().listing()


def test_unknown_names() -> None:
    with pytest.raises(SQLError, match="Unknown system variable 'No_Such'") as refusal:
        Variables().get("No_Such")
    assert refusal.value.code == 1193


def test_workers_are_told_of_every_change() -> None:
    variables = Variables()
    first = variables.settings()
    assert variables.settings() == first
    variables.set("sql_mode", "STRICT_ALL_TABLES")
    assert variables.settings() != first
    saved = variables.saved()
    variables.set("time_zone", "+02:00")
    assert variables.settings().time_zone == "+02:00"
    variables.restore(saved)
    assert variables.settings().time_zone is None
    variables.set_names("latin1", None)
    assert variables.settings().results_charset == "latin1"
    variables.reset()
    assert variables.settings() == first
