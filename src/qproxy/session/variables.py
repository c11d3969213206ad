"""A session's variables: the system's, with MariaDB's names and defaults, and the user's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType

from qproxy.backends.base import SessionSettings
from qproxy.errors import SQLError, unsupported
from qproxy.session import collations, sql_modes
from qproxy.session.system_variables import ALIASES, DEFAULT_SQL_MODE, SYSTEM_VARIABLES, SystemVariable
from qproxy.session.values import UTC_ZONES, Value, check_client, converted
from qproxy.wire.handler import STATUS_AUTOCOMMIT
from qproxy.wire.packets import SERVER_VERSION

#: Variables that change together: a character set and the collation that belongs to it.
_PAIRS: Mapping[str, str] = MappingProxyType(
    {
        "character_set_connection": "collation_connection",
        "character_set_database": "collation_database",
        "character_set_server": "collation_server",
    }
)
# A query's answer depends on these, and workers are not told of them: better refused than ignored.
_KEPT = frozenset(
    """
    default_regex_flags default_week_format div_precision_increment lc_time_names old_mode
    sql_auto_is_null
    """.split()  # noqa: SIM905
)
_TRACKED = ("autocommit", "character_set_client", "character_set_connection", "character_set_results", "time_zone")
_SESSION_FIXED = frozenset(("max_allowed_packet", "net_buffer_length"))
# What is remembered beside variables, under names that none of them has.
_ENCODING, _RESULTS_ENCODING = "(encoding)", "(results encoding)"


class Variables:
    """System and user variables of one session.

    Args:
        max_allowed_packet: bytes, as the server is configured.
        idle_timeouts: global wait_timeout and interactive_timeout in seconds.
        interactive: whether the session's wait_timeout begins as its interactive_timeout.
        told: global values of this server beyond these, as texts by name.

    Attributes:
        user: values of ``@name``, by lower-case name.
    """

    def __init__(
        self,
        max_allowed_packet: int = 16 << 20,
        idle_timeouts: tuple[int, int] = (28800, 28800),
        interactive: bool = False,
        told: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._own: dict[str, str] = {
            "max_allowed_packet": str(max_allowed_packet),
            "wait_timeout": str(idle_timeouts[0]),
            "interactive_timeout": str(idle_timeouts[1]),
            "version": SERVER_VERSION.removeprefix("5.5.5-"),
            **told,
        }
        self._first: dict[str, Value] = {"wait_timeout": idle_timeouts[1]} if interactive else {}
        self._values: dict[str, Value] = dict(self._first)
        self.user: dict[str, Value] = {}
        # What the values come to; emptied when one of them changes.
        self._read: dict[str, Value] = {}
        self._settings: SessionSettings | None = None
        self._lost: frozenset[str] = frozenset()

    def get(self, name: str, scope: str | None = None) -> Value:
        """The value of a system variable.

        Args:
            name: in any case.
            scope: ``GLOBAL``, ``SESSION`` or ``LOCAL`` in any case; None for the session's where there is one.

        Returns:
            Booleans as 0 or 1.

        Raises:
            SQLError: 1193 for an unknown name; 1238 where the variable has no value of that scope.
        """
        if scope is None and name in self._read:
            return self._read[name]
        spec = _find(name)
        if _is_global(scope):
            if spec.scope == "only":
                raise SQLError(1238, f"Variable '{spec.name}' is a SESSION variable")
            return self._default(spec)
        if scope is not None and spec.scope == "global":
            raise SQLError(1238, f"Variable '{spec.name}' is a GLOBAL variable")
        value = self._values[spec.name] if spec.name in self._values else self._default(spec)
        self._read[spec.name] = value
        return value

    def typed(self, name: str) -> Value:
        """The value of a system variable for the session, booleans as bool.

        Raises:
            SQLError: 1193 for an unknown name.
        """
        value = self.get(name)
        return bool(value) if _find(name).type == "bool" else value

    def set(self, name: str, value: str | int | float | Decimal | None, scope: str | None = None) -> None:
        """Give a system variable a value for this session.

        Args:
            name, scope: as in `get`.
            value: as a literal would give it.

        Raises:
            SQLError: 1193 unknown, 1238, 1229 and 1621 not to be set, 1227 for GLOBAL, 1231, 1232 and others for
                values that it cannot take, 1235 for what would change answers but is not supported.
        """
        spec = self._settable(name, scope)
        taken = converted(spec, value)
        if spec.name in _KEPT and taken != self._default(spec):
            raise unsupported(
                f"another value for '{spec.name}' than {self.get(name)!r}, which all sessions share; leave it"
            )
        self._store(spec.name, taken)

    def set_default(self, name: str, scope: str | None = None) -> None:
        """Give a system variable its default again; arguments and errors as for `set`."""
        spec = self._settable(name, scope)
        self._store(spec.name, self._default(spec))

    def set_names(self, charset: str, collation: str | None = None) -> None:
        """Set the character set of statements, literals and results.

        Raises:
            SQLError: 1115 and 1273 for unknown names, 1253 where they do not fit, 1231 where no client can send it.
        """
        found = collations.charset(charset)
        chosen = collations.collation(collation or found.default, found.name)
        check_client(found.name)
        self._values |= {"character_set_client": found.name, "character_set_results": found.name}
        self._store("collation_connection", chosen.name)

    def set_character_set(self, charset: str) -> None:
        """Set the character set of statements and results; literals take that of the database.

        Raises:
            SQLError: as in `set_names`.
        """
        found = collations.charset(charset)
        check_client(found.name)
        self._values |= {"character_set_client": found.name, "character_set_results": found.name}
        self._store("collation_connection", self.get("collation_database"))

    def set_charset_by_id(self, collation_id: int) -> None:
        """Take the collation id of a login; one that is unknown or unfit for clients stands for the default."""
        found = collations.collation_by_id(collation_id)
        if found is None or found.charset in collations.WIDE:
            found = collations.collation(str(SYSTEM_VARIABLES["collation_server"].default))
        self.set_names(found.charset, found.name)

    @property
    def encoding(self) -> str:
        """Python codec of the client's statements."""
        found = self._read.get(_ENCODING)
        if found is None:
            found = self._read[_ENCODING] = collations.codec(str(self.get("character_set_client")))
        return str(found)

    @property
    def results_encoding(self) -> str:
        """Python codec of column names and messages."""
        found = self._read.get(_RESULTS_ENCODING)
        if found is None:
            charset = self.get("character_set_results")
            found = self._read[_RESULTS_ENCODING] = collations.codec(str(charset)) if charset else "utf-8"
        return str(found)

    @property
    def status(self) -> int:
        """Server status flags of the protocol."""
        return STATUS_AUTOCOMMIT if self.get("autocommit") else 0

    def settings(self) -> SessionSettings:
        """What workers are told of this session."""
        if self._settings is None:
            self._settings = self._told()
        return self._settings

    def _told(self) -> SessionSettings:
        mode = str(self.get("sql_mode"))
        zone = str(self.get("time_zone"))
        results = self.get("character_set_results")
        listed = self.get("group_concat_max_len")
        return SessionSettings(
            sql_mode=None if mode == DEFAULT_SQL_MODE else sql_modes.for_workers(mode),
            time_zone=None if zone == "SYSTEM" or zone in UTC_ZONES.values() else zone,
            collation=str(self.get("collation_connection")),
            results_charset=None if results in (None, "binary") else str(results),
            group_concat=None if listed == self.get("group_concat_max_len", "GLOBAL") else int(str(listed)),
        )

    def listing(self, scope: str | None = None) -> list[tuple[str, str]]:
        """Name and text of every variable, sorted, as SHOW VARIABLES gives them.

        Args:
            scope: ``GLOBAL`` for the defaults; anything else for the session's values.
        """
        names = [n for n, spec in SYSTEM_VARIABLES.items() if not (_is_global(scope) and spec.scope == "only")]
        return [(n, _text(_find(n), self.get(n, "GLOBAL" if _is_global(scope) else None))) for n in names]

    def user_value(self, name: str) -> Value:
        """The value of a user variable, None where it has none.

        Args:
            name: in lower case.

        Raises:
            SQLError: 1235 where a query assigned to it: the value stayed with the engine.
        """
        if name in self._lost and name not in self.user:
            raise unsupported(f"reading '@{name}' behind a query on information_schema that assigned to it; SET it")
        return self.user.get(name)

    @property
    def known(self) -> Mapping[str, Value]:
        """The user variables, by lower-case name; reading one raises as `user_value` does."""
        return _Known(self) if self._lost else self.user

    def lose(self, names: frozenset[str]) -> None:
        """Note that a query assigned to user variables, by their lower-case names."""
        self._lost |= names
        for name in names:
            self.user.pop(name, None)

    def tracked(self) -> dict[str, str]:
        """Texts of the variables that clients may follow (MariaDB, session_track_system_variables, its default)."""
        return {name: _text(_find(name), self.get(name)) for name in _TRACKED}

    def reset(self) -> None:
        """Give all variables the values that they have in a new session."""
        self._values = dict(self._first)
        self._changed()
        self.user.clear()
        self._lost = frozenset()

    def saved(self) -> Variables:
        """A copy, to go back to with `restore`."""
        copy = Variables()
        copy._own, copy._values, copy.user = dict(self._own), dict(self._values), dict(self.user)
        copy._lost = self._lost
        return copy

    def restore(self, saved: Variables) -> None:
        """Take the values of a copy."""
        self._values, self.user, self._lost = dict(saved._values), dict(saved.user), saved._lost
        self._changed()

    def _changed(self) -> None:
        """Forget what the values came to."""
        self._read.clear()
        self._settings = None

    def _default(self, spec: SystemVariable) -> Value:
        text = self._own.get(spec.name, spec.default)
        if text is None:
            return None
        if spec.type == "bool":
            return int(text == "ON")
        return int(text) if spec.type == "int" else float(text) if spec.type == "real" else text

    def _settable(self, name: str, scope: str | None) -> SystemVariable:
        spec = _find(name)
        if spec.name in _SESSION_FIXED and not _is_global(scope):
            raise SQLError(1621, f"SESSION variable '{spec.name}' is read-only. Use SET GLOBAL to assign the value")
        if spec.fixed:
            raise SQLError(1238, f"Variable '{spec.name}' is a read only variable")
        if _is_global(scope):
            raise SQLError(1227, "Access denied; you need (at least one of) the SUPER privilege(s) for this operation")
        if spec.scope == "global":
            raise SQLError(1229, f"Variable '{spec.name}' is a GLOBAL variable and should be set with SET GLOBAL")
        return spec

    def _store(self, name: str, value: Value) -> None:
        self._values[name] = value
        for charset, collation in _PAIRS.items():
            if name == charset:
                self._values[collation] = collations.charset(str(value)).default
            elif name == collation:
                self._values[charset] = collations.collation(str(value)).charset
        self._changed()


def _is_global(scope: str | None) -> bool:
    return scope is not None and scope.upper() == "GLOBAL"


def _find(name: str) -> SystemVariable:
    lower = name.lower()
    spec = SYSTEM_VARIABLES.get(ALIASES.get(lower, lower))
    if spec is None:
        raise SQLError(1193, f"Unknown system variable '{name}'")
    return spec


def _text(spec: SystemVariable, value: Value) -> str:
    if value is None:
        return ""
    if spec.type == "bool":
        return "ON" if value else "OFF"
    return f"{value:.6f}" if spec.type == "real" else str(value)


class _Known(Mapping[str, Value]):
    def __init__(self, variables: Variables) -> None:
        self._variables = variables

    def __getitem__(self, name: str) -> Value:
        value = self._variables.user_value(name)
        if name not in self._variables.user:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables.user)

    def __len__(self) -> int:
        return len(self._variables.user)
