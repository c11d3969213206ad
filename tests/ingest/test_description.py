"""Descriptions: what is read, and that every mistake is named with file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from qproxy.catalog.model import Index, TableKind
from qproxy.errors import ConfigError
from qproxy.ingest.description import read_description

GOOD = """\
database: sky
family: {stripes: 85, sub_stripes: 12, overlap: 0.01667}
tables:
  Source:
    kind: child
    director: Object
    id: sourceId
    director_id: objectId
    schema: Source.sql
    files: ["*.tsv"]
    format: {kind: csv, delimiter: "\\t", quote: "", escape: "\\\\", "null": "\\\\N", header: false}
  Object:
    kind: director
    id: objectId
    lon: ra
    lat: decl
    unique_id: false
    columns:
      - {name: objectId, type: BIGINT NOT NULL, unit: "", ucd: meta.id, description: "the id"}
      - {name: ra, type: DOUBLE, unit: deg}
      - {name: decl, type: double precision}
    indexes: [[decl], [decl, ra]]
    files: [a.tsv]
    format: {kind: csv}
"""
SOURCE_SQL = """\
-- measurements
CREATE TABLE `Source` (
  `sourceId` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  objectId BIGINT DEFAULT NULL COMMENT 'it''s the director',
  name VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL DEFAULT 'x',
  flag enum('a','b') DEFAULT NULL,
  mag DECIMAL(10, 2),
  PRIMARY KEY (sourceId),
  KEY nm (name(5), objectId)
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb3;
"""


def write(folder: Path, text: str = GOOD, sql: str = SOURCE_SQL) -> Path:
    (folder / "a.tsv").write_text("1\t2\t3\n")
    (folder / "b.tsv").write_text("1\t2\t3\n")
    (folder / "Source.sql").write_text(sql)
    path = folder / "sky.yaml"
    path.write_text(text)
    return path


def test_a_good_one(tmp_path: Path) -> None:
    found = read_description(write(tmp_path))
    director, child = found.tables
    assert (found.database, found.family.stripes) == ("sky", 85)
    assert director.kind is TableKind.DIRECTOR and not director.unique_id
    assert [(c.name, c.type, c.nullable, c.unit) for c in director.schema.columns] == [
        ("objectId", "bigint(20)", False, ""),
        ("ra", "double", True, "deg"),
        ("decl", "double", True, ""),
    ]
    assert [k.index for k in director.keys] == [Index("decl", ("decl",)), Index("decl_2", ("decl", "ra"))]
    assert child.director == ("sky", "Object")
    assert [f.name for f in child.files] == ["a.tsv", "b.tsv"]
    assert [c.type for c in child.schema.columns] == [
        "bigint(20) unsigned",
        "bigint(20)",
        "varchar(20)",
        "enum('a','b')",
        "decimal(10,2)",
    ]
    name = child.schema.columns[2]
    assert name.definition == "varchar(20) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL DEFAULT 'x'"
    assert child.schema.columns[1].description == "it's the director"
    assert [(k.name, k.kind, k.parts) for k in child.keys] == [
        ("PRIMARY", "PRIMARY KEY", ("`sourceId`",)),
        ("nm", "KEY", ("`name`(5)", "`objectId`")),
    ]
    assert child.schema.charset == "utf8mb3"


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("database: sky", "database: sky\nspeed: 9", 2, "key 'speed': unknown key"),
        ("database: sky\n", "", 1, "the key 'database' is missing"),
        ("stripes: 85, ", "stripes: many, ", 2, "key 'family.stripes': a whole number"),
        ("overlap: 0.01667", "overlap: 11", 2, "between 0 and 10"),
        ("kind: director", "kind: boss", 13, "unknown kind 'boss'"),
        ("    lon: ra\n", "", 12, "the key 'lon' is missing"),
        ("lat: decl", "lat: dec", 16, "key 'tables.Object.lat': the table has no column 'dec'"),
        ("unique_id: false", "unique_id: maybe", 17, "true or false"),
        ("unique_id: false", "separation: 1", 17, "unknown key"),
        ("unique_id: false", "id: ra", 17, "given twice"),
        ("{name: ra, type: DOUBLE, unit: deg}", "{name: ra, type: DUBLE}", 20, "no type 'DUBLE'"),
        ("{name: ra, type: DOUBLE, unit: deg}", "{name: ra, type: CHAR(3)}", 15, "must be a number of degrees"),
        ("{name: ra,", "{name: chunkId, type: INT}\n      - {name: ra,", 12, "must not be called chunkId"),
        ("{name: ra,", "{name: Qproxy_Neighbour, type: INT}\n      - {name: ra,", 12, "called qproxy_neighbour"),
        ("[decl, ra]", "[decl, x]", 22, "no column 'x'"),
        ("[a.tsv]", "[c.tsv]", 23, "there is no file 'c.tsv'"),
        ("format: {kind: csv}", "format: {kind: xml}", 24, "unknown format 'xml'"),
        ("format: {kind: csv}", "format: {kind: fits, quote: x}", 24, "does not apply"),
        ("format: {kind: csv}", "format: {kind: csv, charset: sjis}", 24, "convert the files to utf8mb4"),
        ("  Object:", "  Object_12:", 12, "reserved"),
        ("director: Object", "director: Other", 4, "not among the tables"),
        ("Source.sql", "None.sql", 9, "cannot be read"),
        ("family: {", "family: [", 2, "no valid YAML"),
    ],
)
def test_mistakes_name_file_line_and_key(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        read_description(path)
    assert str(caught.value).startswith(f"{path}, line {line}")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("CREATE TABLE", "SELECT", 2, "CREATE TABLE statement is expected"),
        ("bigint(20) unsigned", "bignum", 3, "no type 'bignum'"),
        ("KEY nm", "FOREIGN KEY nm", 9, "FOREIGN is not supported"),
        ("DECIMAL(10, 2)", "INT GENERATED ALWAYS AS (1)", 7, "'GENERATED' in the definition of column 'mag'"),
        (";\n", ";\nDROP TABLE x;", 11, "only one CREATE TABLE"),
        (") ENGINE", " ENGINE", 10, "expected"),
    ],
)
def test_mistakes_in_a_schema_name_its_line(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    assert old in SOURCE_SQL
    path = write(tmp_path, sql=SOURCE_SQL.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        read_description(path)
    assert str(caught.value).startswith(f"{tmp_path / 'Source.sql'}, line {line}")
    assert words in str(caught.value)


def test_match_separation_beyond_the_overlap(tmp_path: Path) -> None:
    text = GOOD + (
        "  Pair: {kind: match, directors: [Object, Object], director_ids: [a, b], separation: 0.5,\n"
        "    columns: [{name: a, type: INT}, {name: b, type: INT}], files: [a.tsv], format: {kind: csv}}\n"
    )
    with pytest.raises(ConfigError, match=r"line 25, key 'tables.Pair.separation': 0.5 deg must lie between"):
        read_description(write(tmp_path, text))
    assert read_description(write(tmp_path, text.replace("0.5", "0.001"))).tables[-1].flags == "flags"


@pytest.mark.parametrize("name", ["mysql", "Information_Schema", "sys", "qproxy_scratch"])
def test_names_of_system_databases_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "d.yaml").write_text(
        f"database: {name}\nfamily: {{stripes: 6, sub_stripes: 4, overlap: 0.2}}\ntables: {{}}\n"
    )
    with pytest.raises(
        ConfigError, match=rf"d.yaml, line 1, key 'database': the name '{name}' is MariaDB's or qproxy's"
    ):
        read_description(tmp_path / "d.yaml")


MATCH = """\
database: sky
family: {stripes: 6, sub_stripes: 4, overlap: 0.2}
tables:
  M:
    kind: match
    directors: [sky2.A, sky2.B]
    director_ids: [a, %s]
    columns: [{name: a, type: BIGINT}, {name: b, type: BIGINT}, {name: c, type: INT}]
    files: [m.tsv]
    format: {kind: csv}
    indexes: [[%s]]
"""


def test_columns_named_twice_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.yaml"
    (tmp_path / "m.tsv").write_text("")
    path.write_text(MATCH % ("b", "c"))
    assert read_description(path).tables[0].director_ids == ("a", "b")
    path.write_text(MATCH % ("a", "c"))
    with pytest.raises(ConfigError, match=r"line 7, key 'tables.M.director_ids': 'a' is named twice"):
        read_description(path)
    path.write_text(MATCH % ("b", "c, C"))
    with pytest.raises(ConfigError, match=r"line 11, key 'tables.M.indexes\[0\]': a column stands twice"):
        read_description(path)
    path.write_text((MATCH % ("b", "c")).replace("{name: c,", "{name: B,"))
    with pytest.raises(ConfigError, match=r"two columns have the name 'B'"):
        read_description(path)
    path.write_text((MATCH % ("b", "c")).replace("[m.tsv]", '["m\\0.tsv"]'))
    with pytest.raises(ConfigError, match=r"files\[0\]': a file name cannot hold a NUL"):
        read_description(path)


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        ("VARCHAR(20) COLLATE utf8mb4_bin NOT NULL", True),
        ("VARBINARY(20) NOT NULL", True),
        ("VARCHAR(20) NOT NULL", False),
        ("CHAR(8) CHARACTER SET latin1 NOT NULL", False),
    ],
)
def test_ids_of_text_must_be_told_apart_by_their_bytes(tmp_path: Path, kind: str, taken: bool) -> None:
    path = tmp_path / "named.yaml"
    path.write_text(
        f"""
database: named
family: {{stripes: 18, sub_stripes: 10, overlap: 0.01}}
tables:
  Object:
    kind: director
    id: name
    lon: ra
    lat: decl
    columns:
      - {{name: name, type: {kind}}}
      - {{name: ra, type: DOUBLE NOT NULL}}
      - {{name: decl, type: DOUBLE NOT NULL}}
    files: [named.yaml]
    format: {{kind: csv, delimiter: ","}}
"""
    )
    if taken:
        assert read_description(path).tables[0].id == "name"
    else:
        with pytest.raises(ConfigError, match=r"line 7.*COLLATE utf8mb4_bin"):
            read_description(path)
