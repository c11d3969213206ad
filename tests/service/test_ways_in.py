"""Ways into a whole proxy: TLS and its files, certificates, balancers, sockets; timeouts; what a session tells."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymysql
import pytest

from qproxy.backends.duckdb.backend import DuckDBBackend
from qproxy.catalog.model import Worker
from qproxy.catalog.store import CatalogStore
from qproxy.config import Config, ServerConfig
from qproxy.errors import ConfigError
from qproxy.service.app import running
from qproxy.service.stored_users import StoredUsers
from qproxy.service.tls_watch import TlsWatch
from qproxy.service.watch import CatalogWatch
from qproxy.wire import packets
from qproxy.wire.native_password import native_response
from qproxy.wire.server import Server
from tests.wire.made import RawClient, until
from tests.wire.test_tls import Authority, client_tls
from tests.wire.test_tracking import told

PASSWORD = "a password"


@asynccontextmanager
async def proxy(**settings: Any) -> AsyncIterator[Server]:
    config = replace(Config(), server=replace(Config().server, **settings))
    with CatalogStore.open("sqlite://") as store:
        store.add_user("anna", PASSWORD, databases=("*",))
        store.add_user("tight", PASSWORD, native=False, require_tls=True)
        store.add_user("named", PASSWORD, certificate="/O=Observatory/CN=named")
        store.add_worker(Worker("embedded", "duckdb"))
        backend = DuckDBBackend("embedded")
        try:
            async with running(config, store, {"embedded": backend}, "127.0.0.1", 0) as server:
                yield server
        finally:
            await backend.close()


def connect(server: Server, user: str = "anna", **given: Any) -> pymysql.Connection[Any]:
    return pymysql.connect(host="127.0.0.1", port=server.port, user=user, password=PASSWORD, **given)


def plain(server: Server, user: str = "anna") -> pymysql.Connection[Any]:
    return connect(server, user, ssl_disabled=True)


def cipher(server: Server, user: str = "anna", **given: Any) -> str:
    with closing(connect(server, user, **given)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        return str(cursor.fetchall()[0][1])


async def test_a_certificate_is_made_where_none_is_given() -> None:
    async with proxy() as server:
        assert await asyncio.to_thread(lambda: cipher(server, ssl_disabled=True)) == ""
        assert "AES" in await asyncio.to_thread(lambda: cipher(server, ssl=client_tls()))
        assert await asyncio.to_thread(lambda: cipher(server, "tight", ssl=client_tls()))
        with pytest.raises(pymysql.err.OperationalError, match="1045"):
            await asyncio.to_thread(plain, server, "tight")


async def test_tls_is_required_or_off(tmp_path: Path) -> None:
    path = str(tmp_path / "q.sock")
    async with proxy(tls="required", socket=path) as server:
        with pytest.raises(pymysql.err.OperationalError, match="3159"):
            await asyncio.to_thread(plain, server)
        assert await asyncio.to_thread(lambda: cipher(server, ssl=client_tls()))
        assert await asyncio.to_thread(lambda: cipher(server, unix_socket=path, ssl_disabled=True)) == ""
    async with proxy(tls="off") as server:
        with pytest.raises(pymysql.err.OperationalError):
            await asyncio.to_thread(lambda: connect(server, ssl=client_tls()))


async def test_certificates_of_clients(tmp_path: Path) -> None:
    house = Authority(tmp_path, "house")
    named, other = house.signed("named", "Observatory"), house.signed("other", "Observatory")
    files = {"tls_cert": str(house.signed("localhost")), "tls_ca": str(house.file)}
    async with proxy(**files) as server:
        assert await asyncio.to_thread(lambda: cipher(server, "named", ssl=client_tls(named)))
        for tls in (client_tls(), client_tls(other)):
            with pytest.raises(pymysql.err.OperationalError, match="1045"):
                await asyncio.to_thread(lambda tls=tls: connect(server, "named", ssl=tls))


async def test_new_certificates_are_taken_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    house, file = Authority(tmp_path, "house"), tmp_path / "server.pem"
    file.write_bytes(house.signed("first").read_bytes())
    server = Server(lambda *_: pytest.fail("nobody logs in"), StoredUsers(None), tls=None)
    watch = TlsWatch(ServerConfig(tls_cert=str(file)), interval=0.02)
    first = watch.context
    watch.start(server)
    try:
        file.write_bytes(house.signed("second").read_bytes())
        await asyncio.to_thread(until, lambda: isinstance(server.tls, ssl.SSLContext))
        second = server.tls
        file.write_bytes(b"half of it")
        await asyncio.to_thread(until, lambda: "the former certificate stays in use" in caplog.text)
        assert server.tls is second and second is not first
    finally:
        await watch.stop()
    with pytest.raises(ConfigError, match=r"server\.tls_cert"):
        TlsWatch(ServerConfig(tls_cert=str(file)))


async def test_settings_that_cannot_be() -> None:
    for settings, words in (
        ({"proxy_protocol_from": "balancer"}, "proxy_protocol_from"),
        ({"rsa_key": "/nowhere.pem"}, "rsa_key"),
    ):
        with pytest.raises(ConfigError, match=words):
            async with proxy(**settings):
                pass


async def test_a_balancer_names_its_clients() -> None:
    async with proxy(proxy_protocol_from="127.0.0.1") as server:

        def host() -> str:
            raw = RawClient(server.port)
            raw.sock.sendall(b"PROXY TCP4 192.0.2.9 10.0.0.1 1 2\r\n")
            raw.login("anna", PASSWORD)
            raw.command(3, b"SHOW PROCESSLIST")
            return raw.rows()[-2].decode(errors="replace")

        assert "192.0.2.9" in await asyncio.to_thread(host)


async def test_sessions_close_when_their_own_timeout_is_over() -> None:
    async with proxy(idle_timeout=1000, interactive_timeout=2000) as server:

        def timeouts(flag: int) -> tuple[int, ...]:
            with closing(connect(server, client_flag=flag)) as connection, connection.cursor() as cursor:
                cursor.execute("SHOW VARIABLES WHERE Variable_name IN ('interactive_timeout', 'wait_timeout')")
                return tuple(int(value) for _, value in cursor.fetchall())

        assert await asyncio.to_thread(timeouts, 0) == (2000, 1000)
        assert await asyncio.to_thread(timeouts, pymysql.constants.CLIENT.INTERACTIVE) == (2000, 2000)

        def closes() -> bool:
            raw = RawClient(server.port).login("anna", PASSWORD)
            raw.command(3, b"SET wait_timeout = 1")
            assert raw.read()[0] == 0
            return raw.closed()

        assert await asyncio.to_thread(closes)


async def test_reset_gives_the_state_of_the_login() -> None:
    async with proxy() as server:

        def ask(raw: RawClient, sql: bytes) -> list[bytes]:
            raw.command(3, sql)
            return raw.rows()

        def states() -> list[list[bytes]]:
            raw = RawClient(server.port)
            raw.send(raw.response("anna", native_response(PASSWORD, raw.greeting()), collation=46))
            assert raw.read()[0] == 0
            found = []
            show = b"SHOW VARIABLES WHERE Variable_name IN ('collation_connection', 'sql_mode', 'autocommit')"
            found.append(ask(raw, show))
            for sql in (b"SET NAMES utf8mb4", b"SET sql_mode = ''", b"SET autocommit = 0"):
                assert ask(raw, sql)[0][0] == 0
            found.append(ask(raw, show))
            assert raw.ask(0x1F)[0] == 0
            found.append(ask(raw, show))
            return found

        before, between, after = await asyncio.to_thread(states)
        assert before == after and before != between and b"utf8mb4_bin" in b"".join(before)


async def test_the_session_is_tracked() -> None:
    async with proxy() as server:

        def track() -> list[list[tuple[str, ...]]]:
            raw = RawClient(server.port)
            raw.capabilities |= packets.SESSION_TRACK
            raw.send(raw.response("anna", native_response(PASSWORD, raw.greeting())))
            heard = [told(raw.read())[1]]
            for sql in (b"SET time_zone = '+02:00'", b"USE information_schema", b"SET @a = 1"):
                heard.append(told(raw.ask(3, sql))[1])
            return heard

        login, zone, database, nothing = await asyncio.to_thread(track)
        assert ("0", "autocommit", "ON") in login and ("0", "character_set_client", "utf8mb4") in login
        assert zone == [("0", "time_zone", "+02:00")]
        assert database == [("1", "information_schema")]
        assert nothing == []


async def test_made_up_users_are_of_a_kind_that_there_is() -> None:
    with CatalogStore.open("sqlite://") as store:
        users = StoredUsers(CatalogWatch(store, 1.0))
        assert (users.find("nemo")).native_hash is not None
        store.add_user("tight", PASSWORD, native=False)
        assert (await users.latest("tight")).known
        made = [users.find(f"nemo{i}") for i in range(20)]
        assert all(user.native_hash is None and user.sha2 is not None and not user.known for user in made)
        store.add_user("anna", PASSWORD)
        assert not users.find("anna").known and (await users.latest("anna")).known
        kinds = {(users.find(f"nemo{i}")).native_hash is None for i in range(40)}
        assert kinds == {True, False}
        assert (users.find("anna")).known


async def test_a_session_tells_where_the_proxy_listens(tmp_path: Path) -> None:
    path = str(tmp_path / "s")

    def ask(server: Server) -> Any:
        with closing(plain(server)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT @@port, @@socket")
            return cursor.fetchone()

    async with proxy(socket=path) as server:
        assert await asyncio.to_thread(ask, server) == (server.port, path)
    async with proxy() as server:
        assert await asyncio.to_thread(ask, server) == (server.port, "")


async def test_the_process_list_names_programs(tmp_path: Path) -> None:
    def listed(server: Server) -> dict[str, tuple[str, str]]:
        with (
            closing(connect(server, program_name="catalogue browser " + "x" * 80, ssl_disabled=True)) as idle,
            closing(connect(server, ssl_disabled=True)) as library,
            closing(plain(server)) as asking,
            asking.cursor() as cursor,
        ):
            cursor.execute("SHOW PROCESSLIST")
            found = {row[0]: (row[4], row[6]) for row in cursor.fetchall()}
            ends = {"idle": idle, "library": library, "asking": asking}
            return {name: found[connection.thread_id()] for name, connection in ends.items()}

    async with proxy() as server:
        found = await asyncio.to_thread(listed, server)
    assert found["idle"] == ("Sleep", ("catalogue browser " + "x" * 80)[:64])
    assert found["library"][1].startswith("pymysql ")
    assert found["asking"] == ("Query", "executing")
