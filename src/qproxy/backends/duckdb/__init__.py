"""The embedded engine: DuckDB holding the same chunk tables in process, answering as MariaDB would."""
