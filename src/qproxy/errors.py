"""Errors that a MySQL client can be told, each with the code that clients know.

Codes and SQLSTATEs are those of the MariaDB Knowledge Base, "MariaDB Error Codes".
"""

from __future__ import annotations

SQLSTATES = {
    1040: "08004",
    1044: "42000",
    1045: "28000",
    1046: "3D000",
    1047: "08S01",
    1049: "42000",
    1051: "42S02",
    1052: "23000",
    1053: "08S01",
    1054: "42S22",
    1060: "42S21",
    1064: "42000",
    1065: "42000",
    1066: "42000",
    1094: "HY000",
    1096: "HY000",
    1109: "42S02",
    1111: "HY000",
    1115: "42000",
    1141: "42000",
    1142: "42000",
    1146: "42S02",
    1153: "08S01",
    1156: "08S01",
    1157: "08S01",
    1159: "08S01",
    1193: "HY000",
    1203: "42000",
    1222: "21000",
    1226: "42000",
    1227: "42000",
    1231: "42000",
    1232: "42000",
    1235: "42000",
    1238: "HY000",
    1247: "42S22",
    1253: "42000",
    1286: "42000",
    1290: "HY000",
    1305: "42000",
    1317: "70100",
    1367: "22007",
    1582: "42000",
    1690: "22003",
    1835: "HY000",
    1969: "70100",
    2013: "HY000",
}


class QproxyError(Exception):
    """Whatever qproxy itself reports to a person: a plain sentence, no stack trace."""


class SQLError(QproxyError):
    """An error to send to a MySQL client.

    Args:
        code: the MySQL error code, e.g. 1146.
        message: what was wrong, where, and what to do; never a worker credential.
        sqlstate: five characters; by default the one that belongs to the code.
    """

    def __init__(self, code: int, message: str, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.sqlstate = sqlstate or SQLSTATES.get(code, "HY000")


class WorkerError(QproxyError):
    """A worker could not be reached or broke off; another replica may still answer.

    Args:
        worker: name of the worker (never its address or credentials).
        reason: what happened, in words fit for a client.
    """

    def __init__(self, worker: str, reason: str) -> None:
        super().__init__(f"worker '{worker}': {reason}")
        self.worker = worker
        self.reason = reason


class ConfigError(QproxyError):
    """A configuration or description file is wrong; the message names file, line and key."""


def unsupported(what: str) -> SQLError:
    """Error 1235 for a construct that qproxy refuses, named in the user's words."""
    return SQLError(1235, f"qproxy does not support {what}")


def read_only(verb: str) -> SQLError:
    """Error 1290 for statements that would write."""
    return SQLError(
        1290,
        f"qproxy is running with the --read-only option so it cannot execute this statement ({verb})",
    )
