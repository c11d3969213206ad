"""The page of clients: what works with whom, as the tests found it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.clients.harness import ALL_CLIENTS, FEATURES, ROOT, clients

PAGE = ROOT / "docs" / "clients.md"

_HEAD = """\
# Clients

Written by `make clients`: each client runs the same program against the proxy and against a plain MariaDB that holds
the same rows (`tests/clients`), and must say the same of both. A dash: the client has no such thing. The columns:

* connect, tls: without and with encryption; caching_sha2: a user who has nothing but caching_sha2_password, in full
  over TLS (by the RSA key where the client has no TLS), then by the fast path.
* query: rows, types and errors of the text protocol, whole and streamed where the client does both.
* prepared: statements prepared on the server.
* cancel: error 1317 within seconds, by the client's own means where it has them (Ctrl-C, `SQLCancel`,
  `Statement.cancel`), else by KILL QUERY; the connection goes on.
* metadata: SHOW and information_schema, and the client's own functions.

"""


@dataclass
class Results:
    """What works with each client of a run."""

    _rows: dict[str, tuple[str, Mapping[str, bool]]] = field(default_factory=dict)

    def add(self, name: str, version: str, works: Mapping[str, bool]) -> None:
        """Note a client; ``works`` has a word for each of `FEATURES` that it has."""
        self._rows[name] = (version, works)

    def page(self) -> str:
        """The page in Markdown."""
        lines = [f"| client | version | {' | '.join(FEATURES)} |", "|---|---|" + "---|" * len(FEATURES)]
        for name, (version, works) in sorted(self._rows.items()):
            marks = " | ".join("-" if f not in works else "yes" if works[f] else "no" for f in FEATURES)
            lines.append(f"| {name} | {version} | {marks} |")
        return _HEAD + "\n".join(lines) + "\n"

    def write(self) -> None:
        """Write the page; a run with some clients only leaves it as it is."""
        if ALL_CLIENTS and len(self._rows) == len(clients()):
            PAGE.write_text(self.page())
