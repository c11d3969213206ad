"""SQL macros that every connection of the embedded engine has: what MariaDB does and DuckDB does otherwise."""

from __future__ import annotations

#: Statements that define the macros. Names begin with ``q_``; arguments are evaluated as written.
MACROS = (
    # utf8mb4_general_ci folds case and accents and pads with spaces; sharp s weighs as S.
    "CREATE OR REPLACE MACRO q_fold(s) AS replace(upper(strip_accents(s)), 'ẞ', 'S')",
    "CREATE OR REPLACE MACRO q_key(s) AS q_fold(rtrim(s, ' '))",
    r"""CREATE OR REPLACE MACRO q_num(s) AS CASE WHEN s IS NULL THEN NULL ELSE coalesce(try_cast(
        regexp_extract(s, '^\s*([-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)', 1) AS DOUBLE), 0e0) END""",
    r"""CREATE OR REPLACE MACRO q_int(s) AS CASE WHEN s IS NULL THEN NULL ELSE coalesce(try_cast(
        regexp_extract(s, '^\s*([-+]?\d+)', 1) AS HUGEINT), 0::HUGEINT) END""",
    # latin1_swedish_ci keeps the Nordic letters apart.
    r"""CREATE OR REPLACE MACRO q_swedish(s) AS translate(upper(rtrim(s, ' ')),
        'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖÙÚÛÜÝ', 'AAAA\[\CEEEEIIIIDNOOOO]UUUYY')""",
    # Cut towards zero at the digits that a division keeps.
    "CREATE OR REPLACE MACRO q_quotient(n, d) AS CASE WHEN d = 0 THEN NULL ELSE n // d END",
    # The text of a double: fixed from 1e-15 up to 1e15, else an exponent without plus sign or leading zeros.
    r"""CREATE OR REPLACE MACRO q_double_text(x) AS CASE
        WHEN x IS NULL THEN NULL
        WHEN x = 0 THEN '0'
        WHEN abs(x) >= 1e-4 AND abs(x) < 1e15 THEN regexp_replace(CAST(x AS VARCHAR), '\.0$', '')
        WHEN abs(x) < 1e-4 AND abs(x) >= 1e-15 THEN (CASE WHEN x < 0 THEN '-' ELSE '' END) || '0.'
            || repeat('0', CAST(regexp_extract(CAST(x AS VARCHAR), 'e-(\d+)$', 1) AS INTEGER) - 1)
            || rtrim(replace(regexp_extract(CAST(abs(x) AS VARCHAR), '^([\d.]+)e', 1), '.', ''), '0')
        WHEN abs(x) >= 1e15 AND abs(x) < 1e16 THEN (CASE WHEN x < 0 THEN '-' ELSE '' END)
            || regexp_replace(rtrim(left(CAST(CAST(abs(x) AS HUGEINT) AS VARCHAR), 1) || '.'
            || substr(CAST(CAST(abs(x) AS HUGEINT) AS VARCHAR), 2), '0'), '\.$', '') || 'e15'
        ELSE regexp_replace(CAST(x AS VARCHAR), '(\.0)?e\+?(-?)0*', 'e\2') END""",
    "CREATE OR REPLACE MACRO q_float_text(x) AS q_double_text(CAST(format('{:.6g}', x) AS DOUBLE))",
    # Characters from a position counted from 1, or from the end where it is negative; position 0 gives nothing.
    """CREATE OR REPLACE MACRO q_substring(s, p) AS CASE WHEN p = 0 OR -p > length(s) THEN
        CASE WHEN s IS NULL OR p IS NULL THEN NULL ELSE '' END
        ELSE substr(s, CASE WHEN p < 0 THEN length(s) + p + 1 ELSE p END) END""",
    """CREATE OR REPLACE MACRO q_substring_index(s, d, n) AS CASE
        WHEN s IS NULL OR d IS NULL OR n IS NULL THEN NULL
        WHEN d = '' OR n = 0 THEN ''
        WHEN n > 0 THEN array_to_string(list_slice(string_split(s, d), 1, n), d)
        ELSE array_to_string(list_slice(string_split(s, d), n, -1), d) END""",
)
