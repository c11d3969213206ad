"""The configuration file: TOML, one section a room, every setting with a default.

``conf/qproxy.toml`` shows all of them. A mistake is answered with file, line and key.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any, get_type_hints

from qproxy.errors import ConfigError

#: The file that commands look for in the working directory.
DEFAULT_FILE = "qproxy.toml"

_KINDS: Mapping[type, str] = {str: "text in quotes", int: "a whole number", float: "a number", bool: "true or false"}


def _setting(default: Any, *, least: float | None = None, most: float | None = None, words: str = "") -> Any:
    """A setting with its default and the values it may take: numbers from least to most, text among words."""
    return field(default=default, metadata={"least": least, "most": most, "words": tuple(words.split())})


@dataclass(frozen=True)
class CatalogConfig:
    """The catalogue store.

    Attributes:
        url: SQLAlchemy URL; the path of a SQLite file is relative to the configuration file.
        refresh_seconds: how often a proxy looks for changes.
    """

    url: str = _setting("sqlite:///catalog.sqlite")
    refresh_seconds: float = _setting(1.0, least=0.01)


@dataclass(frozen=True)
class ServerConfig:
    """Where clients are served, and how much of it one may take.

    Attributes:
        host, port: to listen on; port 0 takes a free one.
        socket: path of a Unix socket to listen on as well, relative to the configuration file; empty for none.
        tls: ``auto`` offers TLS, with a certificate that is made at the start where no files are given; ``off`` does
            not; ``required`` lets nobody in without TLS but by the Unix socket.
        tls_cert, tls_key: PEM files, relative to the configuration file; read again when they change.
        tls_ca: PEM file of the authorities that sign certificates of clients; empty where clients need none.
        rsa_key: PEM file of the key for caching_sha2_password without TLS; empty to make one.
        default_plugin: authentication plugin that is offered first.
        proxy_protocol_from: addresses and networks of load balancers that begin with a PROXY header.
        max_connections: clients at once.
        max_user_connections: of one user at once; 0 for no bound.
        max_packet_mb: largest statement and largest row, in 2**20 bytes.
        handshake_timeout, idle_timeout, interactive_timeout, write_timeout: seconds to log in, between commands (of
            programs; of people), and that a client may take none of the bytes that wait for it.
        free_login_failures: failed logins of an address before its next ones are slowed.
    """

    host: str = _setting("127.0.0.1")
    port: int = _setting(4040, least=0, most=65535)
    socket: str = _setting("")
    tls: str = _setting("auto", words="auto off required")
    tls_cert: str = _setting("")
    tls_key: str = _setting("")
    tls_ca: str = _setting("")
    rsa_key: str = _setting("")
    default_plugin: str = _setting("mysql_native_password", words="mysql_native_password caching_sha2_password")
    proxy_protocol_from: str = _setting("")
    max_connections: int = _setting(500, least=1)
    max_user_connections: int = _setting(0, least=0)
    max_packet_mb: int = _setting(64, least=1, most=1024)
    handshake_timeout: float = _setting(10.0, least=0.1)
    idle_timeout: int = _setting(28800, least=1, most=31536000)
    interactive_timeout: int = _setting(28800, least=1, most=31536000)
    write_timeout: float = _setting(600.0, least=1)
    free_login_failures: int = _setting(5, least=1)


@dataclass(frozen=True)
class WorkersConfig:
    """Connections to workers.

    Attributes:
        connections: most at once to each worker.
        connect_timeout: seconds.
        silence_timeout: seconds without a byte of an answer before a worker is asked, over another connection, whether
            it still works on the statement.
    """

    connections: int = _setting(8, least=1)
    connect_timeout: float = _setting(5.0, least=0.1)
    silence_timeout: float = _setting(10.0, least=0.1)


@dataclass(frozen=True)
class DispatchConfig:
    """Fragments on their way.

    Attributes:
        fragment_rows: rows that one fragment is meant to yield: chunks are batched up to it.
        fragment_chunks: most chunks in one fragment.
        buffer_mb: memory for the rows of one query's incomplete fragments, in 2**20 bytes; more goes to disk.
        spool_limit_mb: most that rows which clients do not fetch take on disk, those of all queries together, in 2**20
            bytes.
        index_cache_mb: memory for places of ids that workers have told, in 2**20 bytes; a proxy asks again for others.
        spool_dir: where to; relative to the configuration file, empty for the system's temporary directory.
    """

    fragment_rows: int = _setting(50_000, least=1)
    fragment_chunks: int = _setting(200, least=1, most=5000)
    buffer_mb: int = _setting(32, least=1)
    spool_limit_mb: int = _setting(20_000, least=1)
    index_cache_mb: int = _setting(64, least=0)
    spool_dir: str = _setting("")


@dataclass(frozen=True)
class MergeConfig:
    """Where partial results are put together.

    Attributes:
        engine: where final statements run: ``worker``, on one that takes part in the query.
        gather_limit_mb: most bytes of partial rows gathered or put in order for one query, in 2**20 bytes.
        sort_memory_mb: memory to put the rows of one query in order, half of it for rows, in 2**20 bytes; more goes to
            disk.
        share_limit_mb: most bytes of rows that one query reads first and sends to every worker, in 2**20 bytes.
    """

    engine: str = _setting("worker", words="worker")
    gather_limit_mb: int = _setting(5000, least=1)
    sort_memory_mb: int = _setting(64, least=1)
    share_limit_mb: int = _setting(64, least=1)


@dataclass(frozen=True)
class IngestConfig:
    """Loading of catalogues.

    Attributes:
        engine: storage engine of chunk tables on MariaDB workers.
        replicas: copies of each chunk, where the command does not say.
        load_connections: loads at once on each worker.
        temp_dir: where chunk files lie until they are loaded; relative to the configuration file, empty for the
            system's temporary directory. It needs room for the whole catalogue.
    """

    engine: str = _setting("Aria", words="Aria MyISAM InnoDB")
    replicas: int = _setting(1, least=1)
    load_connections: int = _setting(2, least=1)
    temp_dir: str = _setting("")


@dataclass(frozen=True)
class LogConfig:
    """What is written down.

    Attributes:
        level: least weighty messages that are written.
        file: where; relative to the configuration file, empty for standard error.
        queries: whether finished queries go into the catalogue store's query log.
    """

    level: str = _setting("info", words="debug info warning error")
    file: str = _setting("")
    queries: bool = _setting(True)


@dataclass(frozen=True)
class Config:
    """All settings. Paths in it are absolute where it came from a file."""

    catalog: CatalogConfig = CatalogConfig()
    server: ServerConfig = ServerConfig()
    workers: WorkersConfig = WorkersConfig()
    dispatch: DispatchConfig = DispatchConfig()
    merge: MergeConfig = MergeConfig()
    ingest: IngestConfig = IngestConfig()
    log: LogConfig = LogConfig()


@dataclass(frozen=True)
class _File:
    """The text of a configuration file, to say where in it a mistake lies."""

    path: Path
    lines: tuple[str, ...]

    def error(self, section: str, key: str | None, problem: str) -> ConfigError:
        """The error that names file, line and key."""
        name = section if key is None else f"{section}.{key}"
        line = self._line(section, key)
        where = f"{self.path}, line {line}" if line else f"{self.path}"
        return ConfigError(f"{where}, {name}: {problem}")

    def _line(self, section: str, key: str | None) -> int | None:
        """Number of the line that sets a key or opens a section, None where it is written in an unusual way."""
        current = ""
        quoted_key = re.compile(rf"""\s*["']?{re.escape(key or section)}["']?\s*[=.]""")
        dotted_key = re.compile(rf"\s*{re.escape(section)}\s*(\.\s*{re.escape(key)}\s*)?=" if key else r"\b\B")
        first: int | None = None
        for number, line in enumerate(self.lines, 1):
            header = re.match(r"\s*\[\s*([^\]]+?)\s*\]", line)
            if header:
                current = header[1].strip("\"'")
                if current.split(".")[0] == section:
                    first = first or number
                continue
            if quoted_key.match(line) and current == (section if key else ""):
                return number
            if key and current == "" and dotted_key.match(line):
                return number
        return first


def load_config(path: str | Path) -> Config:
    """Read a configuration file.

    Args:
        path: of the TOML file. Relative paths within it are taken from its directory.

    Raises:
        ConfigError: it cannot be read, is no TOML, or a setting is unknown, of the wrong type or out of range.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text at byte {error.start}") from None
    try:
        sections = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    file = _File(path, tuple(text.splitlines()))
    known = {f.name: f for f in fields(Config)}
    values: dict[str, Any] = {}
    for name, content in sections.items():
        if name not in known:
            raise file.error(name, None, _unknown("section", name, known))
        if not isinstance(content, dict):
            raise file.error(name, None, f"must be a section: write [{name}] on a line of its own")
        values[name] = _read_section(file, name, type(known[name].default), content)
    return _with_absolute_paths(file, Config(**values))


def _read_section(file: _File, section: str, kind: type[Any], content: Mapping[str, Any]) -> Any:
    known = {f.name: f for f in fields(kind)}
    types = get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, value in content.items():
        if key not in known:
            raise file.error(section, key, _unknown("setting", key, known))
        if types[key] is float and type(value) is int:
            value = float(value)
        if type(value) is not types[key]:
            raise file.error(section, key, f"must be {_KINDS[types[key]]}, not {value!r}")
        problem = _out_of_range(known[key], value)
        if problem:
            raise file.error(section, key, problem)
        values[key] = value
    return kind(**values)


def _out_of_range(setting: Field[Any], value: Any) -> str | None:
    least, most, words = (setting.metadata[k] for k in ("least", "most", "words"))
    if words and value not in words:
        return f"must be one of {', '.join(words)}, not {value!r}"
    # Written so that NaN, which compares with nothing, is refused as well.
    if least is not None and not value >= least:
        return f"must be {least} or more, not {value}"
    if most is not None and not value <= most:
        return f"must be {most} or less, not {value}"
    return None


def _unknown(what: str, name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"there is no such {what}; " + (f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(known)}")


def _with_absolute_paths(file: _File, config: Config) -> Config:
    directory = file.path.absolute().parent

    def directory_of(section: str, key: str) -> str:
        found = absolute(section, key)
        if found and not Path(found).is_dir():
            raise file.error(section, key, f"there is no directory {found}: make it, or leave the setting out")
        return found

    def absolute(section: str, key: str, must_exist: bool = False) -> str:
        given = str(getattr(getattr(config, section), key))
        if not given:
            return given
        found = directory / given
        if must_exist and not found.is_file():
            raise file.error(section, key, f"there is no file {found}")
        return str(found)

    server = config.server
    if bool(server.tls_cert) != bool(server.tls_key):
        given, missing = ("tls_cert", "tls_key") if server.tls_cert else ("tls_key", "tls_cert")
        raise file.error("server", given, f"needs {missing} too")
    return replaced(
        config,
        catalog=replaced(config.catalog, url=_absolute_url(config.catalog.url, lambda p: str(directory / p))),
        server=replaced(
            server,
            tls_cert=absolute("server", "tls_cert", must_exist=True),
            tls_key=absolute("server", "tls_key", must_exist=True),
            tls_ca=absolute("server", "tls_ca", must_exist=True),
            rsa_key=absolute("server", "rsa_key", must_exist=True),
            socket=absolute("server", "socket"),
        ),
        dispatch=replaced(config.dispatch, spool_dir=directory_of("dispatch", "spool_dir")),
        ingest=replaced(config.ingest, temp_dir=directory_of("ingest", "temp_dir")),
        log=replaced(config.log, file=absolute("log", "file")),
    )


def _absolute_url(url: str, absolute: Callable[[str], str]) -> str:
    """The URL with the path of a SQLite file made absolute; others, and stores in memory, as they are."""
    scheme, separator, path = url.partition(":///")
    if not separator or not scheme.startswith("sqlite") or path in ("", ":memory:"):
        return url
    return f"{scheme}:///{absolute(path)}"
