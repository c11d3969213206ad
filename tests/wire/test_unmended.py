"""The tests of defects can fail: each does, against mysql-mimic as it is."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymysql
import pytest

from tests.session.test_defects import PROBES, Probe
from tests.wire import made, test_defects
from tests.wire.made import RawClient, until
from tests.wire.prepared_client import Failure
from tests.wire.unmended import Unmended

#: How a test fails: what was said was wrong, never came, or the connection had ended.
FAILURES = (AssertionError, OSError, EOFError, pymysql.Error, Failure, pytest.fail.Exception)

DEFECTS: list[Callable[[Any], None]] = [
    test_defects.test_a_nothing_is_served_after_a_failed_login,
    test_defects.test_b_rows_leave_as_they_come,
    test_defects.test_c_a_cursor_gives_every_row,
    test_defects.test_e_types_of_parameters_are_kept_for_the_next_execution,
    test_defects.test_f_a_prepared_statement_is_told_as_agreed,
    test_defects.test_g_a_header_may_come_in_pieces,
    test_defects.test_h_codes_and_connections_of_kills_and_unknown_users,
    test_defects.test_i_a_client_that_hangs_up_stops_its_query,
    test_defects.test_j_rows_over_16_megabytes_keep_their_framing,
    test_defects.test_k_rows_may_come_from_any_iterator,
    test_defects.test_l_field_list_has_a_packet_for_each_column,
    test_defects.test_n_an_unknown_database_is_refused,
    test_defects.test_o_column_definitions_say_what_the_column_is,
    test_defects.too_much_too_late,
]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What never comes is not waited for as long as what may come late."""
    monkeypatch.setattr(made, "PATIENCE", 0.5)


def test_the_package_answers() -> None:
    with Unmended() as served:
        raw = RawClient(served.port).login()
        raw.command(test_defects.QUERY, b"echo x")
        assert raw.rows()[-2] == b"\x01x"
        assert raw.ask(test_defects.PING)[0] == 0


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__)
def test_of_the_wire(defect: Callable[[Any], None]) -> None:
    with Unmended() as served, pytest.raises(FAILURES):
        defect(served)


def test_q(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Unmended(context) as served:
        with pytest.raises(FAILURES):
            # Earlier, the package takes the client's part of the handshake for packets too.
            test_defects.smuggle(served, lambda: served.changing_to_tls)
        until(lambda: served.record.queries == ["echo smuggled"])


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.__name__)
def test_of_statements(probe: Probe) -> None:
    with Unmended() as served, pytest.raises(FAILURES):
        probe(served.port)
