"""System variables: MariaDB 10.11's names, types, limits and defaults, qproxy's own values where it has such.

Source: MariaDB 10.11, information_schema.SYSTEM_VARIABLES. Variables of engines, replication and files are
left out: they say nothing of qproxy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

# name | type | scope | default | limits, or the values that are allowed
# Types: bool, int, real, text, enum, set, charset, collation, sql_mode. Scopes: session (with a global default),
# only (a session's alone), global; what is "fixed" cannot be set. NULL stands for itself,
# * for DEFAULT_SQL_MODE, + for DEFAULT_TRACKED.
_TABLE = """
alter_algorithm | enum | session | DEFAULT | DEFAULT,COPY,INPLACE,NOCOPY,INSTANT
analyze_max_length | int | session | 4294967295 | 32..4294967295
analyze_sample_percentage | real | session | 100 | 0..100
auto_increment_increment | int | session | 1 | 1..65535
auto_increment_offset | int | session | 1 | 1..65535
autocommit | bool | session | ON
automatic_sp_privileges | bool | global | ON
back_log | int | global fixed | 80
basedir | text | global fixed |
big_tables | bool | session | OFF
bind_address | text | global fixed
binlog_format | enum | session | MIXED | MIXED,STATEMENT,ROW
binlog_row_image | enum | session | FULL | MINIMAL,NOBLOB,FULL
bulk_insert_buffer_size | int | session | 8388608 | 0..18446744073709551615
character_set_client | charset | session | utf8mb4
character_set_connection | charset | session | utf8mb4
character_set_database | charset | session | utf8mb4
character_set_filesystem | charset | session | binary
character_set_results | charset | session | utf8mb4
character_set_server | charset | session | utf8mb4
character_set_system | text | global fixed | utf8mb3
check_constraint_checks | bool | session | ON
collation_connection | collation | session | utf8mb4_general_ci
collation_database | collation | session | utf8mb4_general_ci
collation_server | collation | session | utf8mb4_general_ci
completion_type | enum | session | NO_CHAIN | NO_CHAIN,CHAIN,RELEASE
concurrent_insert | text | global | AUTO
connect_timeout | int | global | 10
datadir | text | global fixed |
date_format | text | global fixed | %Y-%m-%d
datetime_format | text | global fixed | %Y-%m-%d %H:%i:%s
default_regex_flags | text | session |
default_storage_engine | text | session | InnoDB
default_tmp_storage_engine | text | session |
default_week_format | int | session | 0 | 0..7
delay_key_write | text | global | ON
div_precision_increment | int | session | 4 | 0..38
eq_range_index_dive_limit | int | session | 200 | 0..4294967295
error_count | int | only fixed | 0
event_scheduler | text | global | DISABLED
expensive_subquery_limit | int | session | 100 | 0..18446744073709551615
expire_logs_days | real | global | 0
explicit_defaults_for_timestamp | bool | session | ON
external_user | text | only fixed | NULL
flush | bool | global | OFF
flush_time | int | global | 0
foreign_key_checks | bool | session | ON
ft_max_word_len | int | global fixed | 84
ft_min_word_len | int | global fixed | 4
ft_query_expansion_limit | int | global fixed | 20
ft_stopword_file | text | global fixed | (built-in)
general_log | bool | global | OFF
group_concat_max_len | int | session | 1048576 | 4..1073741824
have_compress | text | global fixed | NO
have_crypt | text | global fixed | NO
have_dynamic_loading | text | global fixed | NO
have_geometry | text | global fixed | NO
have_openssl | text | global fixed | YES
have_profiling | text | global fixed | NO
have_query_cache | text | global fixed | NO
have_rtree_keys | text | global fixed | NO
have_ssl | text | global fixed | DISABLED
have_symlink | text | global fixed | NO
histogram_size | int | session | 254 | 0..255
histogram_type | enum | session | DOUBLE_PREC_HB | SINGLE_PREC_HB,DOUBLE_PREC_HB,JSON_HB
hostname | text | global fixed | qproxy
identity | int | only | 0 | 0..18446744073709551615
idle_readonly_transaction_timeout | int | session | 0 | 0..31536000
idle_transaction_timeout | int | session | 0 | 0..31536000
idle_write_transaction_timeout | int | session | 0 | 0..31536000
in_predicate_conversion_threshold | int | session | 1000 | 0..4294967295
in_transaction | int | only fixed | 0
init_connect | text | global
innodb_lock_wait_timeout | int | session | 50 | 0..1073741824
insert_id | int | only | 0 | 0..18446744073709551615
interactive_timeout | int | session | 28800 | 1..31536000
join_buffer_size | int | session | 262144 | 128..18446744073709551615
join_buffer_space_limit | int | session | 2097152 | 2048..18446744073709551615
join_cache_level | int | session | 2 | 0..8
keep_files_on_create | bool | session | OFF
key_buffer_size | int | global | 134217728
large_files_support | bool | global fixed | ON
large_page_size | int | global fixed | 0
large_pages | bool | global fixed | OFF
last_insert_id | int | only | 0 | 0..18446744073709551615
lc_messages | text | session | en_US
lc_messages_dir | text | global fixed |
lc_time_names | text | session | en_US
license | text | global fixed | BSD
local_infile | bool | global | OFF
lock_wait_timeout | int | session | 86400 | 0..31536000
locked_in_memory | bool | global fixed | OFF
log_bin | bool | global fixed | OFF
log_output | text | global | FILE
log_queries_not_using_indexes | bool | session | OFF
log_warnings | int | session | 2 | 0..4294967295
long_query_time | real | session | 10 | 0..31536000
low_priority_updates | bool | session | OFF
lower_case_file_system | bool | global fixed | OFF
lower_case_table_names | int | global fixed | 0
max_allowed_packet | int | session fixed | 16777216 | 1024..1073741824
max_connect_errors | int | global | 100
max_connections | int | global | 151
max_delayed_threads | int | session | 20 | 0..16384
max_digest_length | int | global fixed | 1024
max_error_count | int | session | 64 | 0..65535
max_heap_table_size | int | session | 16777216 | 16384..18446744073709551615
max_insert_delayed_threads | int | session | 20 | 0..16384
max_join_size | int | session | 18446744073709551615 | 1..18446744073709551615
max_length_for_sort_data | int | session | 1024 | 4..8388608
max_prepared_stmt_count | int | global | 16382
max_recursive_iterations | int | session | 1000 | 0..4294967295
max_rowid_filter_size | int | session | 131072 | 1024..18446744073709551615
max_seeks_for_key | int | session | 4294967295 | 1..4294967295
max_session_mem_used | int | session | 9223372036854775807 | 8192..18446744073709551615
max_sort_length | int | session | 1024 | 64..8388608
max_sp_recursion_depth | int | session | 0 | 0..255
max_statement_time | real | session | 0 | 0..31536000
max_tmp_tables | int | session | 32 | 1..4294967295
max_user_connections | int | session | 0 | -1..2147483647
max_write_lock_count | int | global | 4294967295
min_examined_row_limit | int | session | 0 | 0..4294967295
mrr_buffer_size | int | session | 262144 | 8192..2147483647
mysql56_temporal_format | bool | global | ON
net_buffer_length | int | session fixed | 16384 | 1024..1048576
net_read_timeout | int | session | 30 | 1..31536000
net_retry_count | int | session | 10 | 1..4294967295
net_write_timeout | int | session | 60 | 1..31536000
old | bool | session | OFF
old_alter_table | enum | session | DEFAULT | DEFAULT,COPY,INPLACE,NOCOPY,INSTANT
old_mode | text | session | UTF8_IS_UTF8MB3
old_passwords | bool | session | OFF
optimizer_extra_pruning_depth | int | session | 8 | 0..62
optimizer_join_limit_pref_ratio | int | session | 0 | 0..4294967295
optimizer_max_sel_arg_weight | int | session | 32000 | 0..4294967295
optimizer_max_sel_args | int | session | 16000 | 0..4294967295
optimizer_prune_level | int | session | 2 | 0..2
optimizer_search_depth | int | session | 62 | 0..62
optimizer_selectivity_sampling_limit | int | session | 100 | 10..4294967295
optimizer_trace | text | session | enabled=off
optimizer_trace_max_mem_size | int | session | 1048576 | 0..18446744073709551615
optimizer_use_condition_selectivity | int | session | 4 | 1..5
performance_schema | bool | global fixed | OFF
pid_file | text | global fixed |
plugin_dir | text | global fixed |
port | int | global fixed | 0
preload_buffer_size | int | session | 32768 | 1024..1073741824
profiling | bool | session | OFF
profiling_history_size | int | session | 15 | 0..100
progress_report_time | int | session | 5 | 0..4294967295
protocol_version | int | global fixed | 10
proxy_user | text | only fixed | NULL
pseudo_thread_id | int | only | 0 | 0..4294967295
query_alloc_block_size | int | session | 32768 | 1024..4294967295
query_cache_limit | int | global | 1048576
query_cache_min_res_unit | int | global | 4096
query_cache_size | int | global | 0
query_cache_strip_comments | bool | session | OFF
query_cache_type | enum | session | OFF | OFF,ON,DEMAND
query_cache_wlock_invalidate | bool | session | OFF
query_prealloc_size | int | session | 32768 | 1024..4294967295
range_alloc_block_size | int | session | 4096 | 4096..4294967295
read_buffer_size | int | session | 131072 | 8192..2147483647
read_only | bool | global | ON
read_rnd_buffer_size | int | session | 262144 | 1..2147483647
require_secure_transport | bool | global | OFF
rowid_merge_buff_size | int | session | 8388608 | 0..9223372036854775807
secure_auth | bool | global | ON
secure_file_priv | text | global fixed
server_id | int | session | 1 | 1..4294967295
session_track_schema | bool | session | ON
session_track_state_change | bool | session | OFF
session_track_system_variables | text | session | +
session_track_transaction_info | enum | session | OFF | OFF,STATE,CHARACTERISTICS
skip_external_locking | bool | global fixed | ON
skip_name_resolve | bool | global fixed | ON
skip_networking | bool | global fixed | OFF
skip_show_database | bool | global fixed | OFF
slow_launch_time | int | global | 2
slow_query_log | bool | session | OFF
socket | text | global fixed |
sort_buffer_size | int | session | 2097152 | 1024..18446744073709551615
sql_auto_is_null | bool | session | OFF
sql_big_selects | bool | session | ON
sql_buffer_result | bool | session | OFF
sql_if_exists | bool | session | OFF
sql_log_bin | bool | session | ON
sql_log_off | bool | session | OFF
sql_mode | sql_mode | session | *
sql_notes | bool | session | ON
sql_quote_show_create | bool | session | ON
sql_safe_updates | bool | session | OFF
sql_select_limit | int | session | 18446744073709551615 | 0..18446744073709551615
sql_warnings | bool | session | OFF
standard_compliant_cte | bool | session | ON
storage_engine | text | session | InnoDB
stored_program_cache | int | global | 256
sync_binlog | int | global | 0
system_time_zone | text | global fixed | UTC
table_definition_cache | int | global | 400
table_open_cache | int | global | 2000
tcp_nodelay | bool | session | ON
thread_cache_size | int | global | 256
thread_handling | text | global fixed | one-thread-per-connection
thread_stack | int | global fixed | 299008
time_format | text | global fixed | %H:%i:%s
time_zone | text | session | SYSTEM
tls_version | text | global fixed | TLSv1.2,TLSv1.3
tmp_disk_table_size | int | session | 18446744073709551615 | 1024..18446744073709551615
tmp_memory_table_size | int | session | 16777216 | 0..18446744073709551615
tmp_table_size | int | session | 16777216 | 0..18446744073709551615
tmpdir | text | global fixed |
transaction_alloc_block_size | int | session | 8192 | 1024..134217728
transaction_isolation | enum | session | REPEATABLE-READ | READ-UNCOMMITTED,READ-COMMITTED,REPEATABLE-READ,SERIALIZABLE
transaction_prealloc_size | int | session | 4096 | 1024..134217728
transaction_read_only | bool | session | OFF
tx_isolation | enum | session | REPEATABLE-READ | READ-UNCOMMITTED,READ-COMMITTED,REPEATABLE-READ,SERIALIZABLE
tx_read_only | bool | session | OFF
unique_checks | bool | session | ON
updatable_views_with_limit | enum | session | YES | NO,YES
use_stat_tables | text | session | PREFERABLY_FOR_QUERIES
userstat | bool | global | OFF
version | text | global fixed
version_comment | text | global fixed | qproxy
version_compile_machine | text | global fixed | x86_64
version_compile_os | text | global fixed | Linux
version_malloc_library | text | global fixed | system
version_ssl_library | text | global fixed | OpenSSL
wait_timeout | int | session | 28800 | 1..31536000
warning_count | int | only fixed | 0
"""

#: Names of one and the same variable; the first of each pair is MySQL's or an older name.
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "identity": "last_insert_id",
        "storage_engine": "default_storage_engine",
        "transaction_isolation": "tx_isolation",
        "transaction_read_only": "tx_read_only",
    }
)

DEFAULT_SQL_MODE = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION"

#: Variables whose changes a client is told of unless it asks otherwise.
DEFAULT_TRACKED = "autocommit,character_set_client,character_set_connection,character_set_results,time_zone"


@dataclass(frozen=True)
class SystemVariable:
    """One system variable.

    Attributes:
        type: bool, int, real, text, enum, set, charset, collation or sql_mode.
        scope: session, only or global.
        fixed: whether it cannot be set.
        default: as text; None for NULL.
        limits: numbers only: smallest and largest value.
        values: enums and sets only: what is allowed.
    """

    name: str
    type: str
    scope: str
    fixed: bool
    default: str | None
    limits: tuple[float, float] | None = None
    values: tuple[str, ...] = ()


def _read(line: str) -> SystemVariable:
    name, kind, scope, default, extra = (*(f.strip() for f in line.split(" |")), "", "")[:5]
    word, *fixed = scope.split()
    value = None if default == "NULL" else {"*": DEFAULT_SQL_MODE, "+": DEFAULT_TRACKED}.get(default, default)
    if kind in ("int", "real") and extra:
        low, high = (int(x) if kind == "int" else float(x) for x in extra.split(".."))
        return SystemVariable(name, kind, word, bool(fixed), value, (low, high))
    return SystemVariable(name, kind, word, bool(fixed), value, None, tuple(extra.split(",")) if extra else ())


#: All of them, by name, sorted.
SYSTEM_VARIABLES: Mapping[str, SystemVariable] = MappingProxyType(
    {v.name: v for v in map(_read, _TABLE.strip().splitlines())}
)
