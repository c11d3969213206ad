"""How the rows stand in data files: kinds of files, the dialect and charset of text."""

from __future__ import annotations

from dataclasses import dataclass

from qproxy.ingest.yamlfile import Item

KINDS = ("csv", "parquet", "fits", "votable")
#: Charsets whose multi-byte characters hold no byte of ASCII, so that tabs and backslashes are what they seem.
SAFE_CHARSETS = frozenset(
    (
        "utf8mb4",
        "utf8mb3",
        "utf8",
        "latin1",
        "latin2",
        "latin5",
        "latin7",
        "ascii",
        "binary",
        "cp1250",
        "cp1251",
        "cp1256",
        "cp1257",
        "cp850",
        "cp852",
        "cp866",
        "greek",
        "hebrew",
        "koi8r",
        "koi8u",
        "euckr",
        "ujis",
        "eucjpms",
        "gb2312",
        "macce",
        "macroman",
        "keybcs2",
        "dec8",
        "hp8",
        "armscii8",
        "geostd8",
        "tis620",
    )
)


@dataclass(frozen=True)
class Format:
    """How the rows stand in the files of a table.

    Attributes:
        kind: csv, parquet, fits or votable.
        delimiter, quote, escape, null, header: of CSV files; ``quote`` and ``escape`` may be empty.
        charset: MySQL's name of the charset that text in CSV files has.
    """

    kind: str
    delimiter: str = "\t"
    quote: str = ""
    escape: str = "\\"
    null: str = "\\N"
    header: bool = False
    charset: str = "utf8mb4"


def read_format(item: Item) -> Format:
    """The value of a ``format`` key.

    Raises:
        ConfigError: a key is unknown or cannot be as it is.
    """
    keys = item.record(("kind",), ("delimiter", "quote", "escape", "null", "header", "charset"))
    kind = keys["kind"].text()
    if kind not in KINDS:
        keys["kind"].place.fail(f"unknown format '{kind}'; known: {', '.join(KINDS)}")
    if kind != "csv":
        for key, found in keys.items():
            if key != "kind":
                found.place.fail(f"does not apply to files of the kind {kind}")
        return Format(kind)
    base = Format(kind)
    texts = {k: keys[k].text() if k in keys else getattr(base, k) for k in ("delimiter", "quote", "escape", "null")}
    if len(texts["delimiter"].encode()) != 1 or texts["delimiter"] in "\r\n\\":
        keys["delimiter"].place.fail("exactly one ASCII character is needed, no line end or backslash")
    if len(texts["quote"].encode()) > 1 or texts["quote"] in ("\\", "\n", "\r", texts["delimiter"]):
        keys["quote"].place.fail('one ASCII character is needed, or "" where nothing is quoted')
    if texts["escape"] not in ("", "\\"):
        keys["escape"].place.fail('must be "\\\\" for the escapes of MySQL, or "" for none')
    charset = keys["charset"].text().lower() if "charset" in keys else base.charset
    if charset not in SAFE_CHARSETS:
        keys["charset"].place.fail(f"'{charset}' cannot be loaded; convert the files to utf8mb4 first")
    header = keys["header"].boolean() if "header" in keys else False
    return Format(kind, texts["delimiter"], texts["quote"], texts["escape"], texts["null"], header, charset)
