from __future__ import annotations

import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

from qproxy.config import Config, load_config
from qproxy.errors import ConfigError

SHIPPED = Path(__file__).parent.parent / "conf" / "qproxy.toml"


def test_the_shipped_file_has_every_setting_with_its_default() -> None:
    assert tomllib.loads(SHIPPED.read_text()) == asdict(Config())


def test_an_empty_file_gives_the_defaults_with_the_store_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "q.toml"
    path.write_text("")
    config = load_config(path)
    assert config.server == Config().server
    assert config.catalog.url == f"sqlite:///{tmp_path}/catalog.sqlite"


def test_paths_are_taken_from_the_files_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("c.pem", "k.pem"):
        (tmp_path / name).write_text("")
    (tmp_path / "q.toml").write_text(
        '[server]\ntls_cert = "c.pem"\ntls_key = "k.pem"\n[log]\nfile = "/var/log/q"\n[dispatch]\nspool_dir="spool"\n'
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spool").mkdir()
    config = load_config("q.toml")
    assert config.server.tls_cert == str(tmp_path / "c.pem")
    assert config.log.file == "/var/log/q"
    assert config.dispatch.spool_dir == str(tmp_path / "spool")


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:////abs/x.sqlite", "mysql+pymysql://u:p@h/d"]
)
def test_other_addresses_of_the_store_stay_as_they_are(url: str, tmp_path: Path) -> None:
    path = tmp_path / "q.toml"
    path.write_text(f'[catalog]\nurl = "{url}"\n')
    assert load_config(path).catalog.url == url


def test_whole_numbers_do_for_numbers(tmp_path: Path) -> None:
    path = tmp_path / "q.toml"
    path.write_text("[workers]\nconnect_timeout = 3\n")
    assert load_config(path).workers.connect_timeout == 3.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[server]\n\nprot = 1\n", "line 3, server.prot: there is no such setting; did you mean 'port'?"),
        ("# x\n[servers]\nport = 1\n", "line 2, servers: there is no such section; did you mean 'server'?"),
        ("[server]\nport = 'x'\n", "line 2, server.port: must be a whole number, not 'x'"),
        ("[log]\nlevel='info'\n[server]\nport = true\n", "line 4, server.port: must be a whole number, not True"),
        ("[server]\nport = 4.5\n", "line 2, server.port: must be a whole number, not 4.5"),
        ("[server]\nport = 70000\n", "line 2, server.port: must be 65535 or less, not 70000"),
        ("server.port = -1\n", "line 1, server.port: must be 0 or more, not -1"),
        ("x = 1\n", "line 1, x: there is no such section"),
        ("\nserver = 3\n", "line 2, server: must be a section"),
        ("server = {port = 'x'}\n", "line 1, server.port: must be a whole number"),
        ("[workers]\nconnect_timeout = nan\n", "line 2, workers.connect_timeout: must be 0.1 or more"),
        ("[log]\nlevel = 'loud'\n", "line 2, log.level: must be one of debug, info, warning, error, not 'loud'"),
        ("[log]\nqueries = 1\n", "line 2, log.queries: must be true or false, not 1"),
        ("[server]\ntls_key = 'k'\n", "line 2, server.tls_key: needs tls_cert too"),
        ("[server]\ntls_key = 'k'\ntls_cert = 'c'\n", "line 3, server.tls_cert: there is no file"),
        ("[server\nport = 1\n", "not valid TOML: .*line 1"),
        ("[server]\nport = 1\nport = 2\n", "not valid TOML: .*line 3"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "q.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        load_config(path)
    assert str(caught.value).startswith(str(path))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.toml: cannot be read: No such file"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "q.toml").write_bytes(b"[log]\nfile = '\xff'\n")
    with pytest.raises(ConfigError, match="not UTF-8 text at byte 14"):
        load_config(tmp_path / "q.toml")


def test_directories_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "q.toml"
    path.write_text('[ingest]\ntemp_dir = "none"\n')
    with pytest.raises(ConfigError, match=r"q.toml, line 2, ingest.temp_dir: there is no directory .*none: make it"):
        load_config(path)
