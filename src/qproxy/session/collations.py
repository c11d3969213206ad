"""Character sets and collations as MariaDB 10.11 numbers and names them.

Source: its SHOW CHARACTER SET and SHOW COLLATION.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from qproxy.errors import SQLError
from qproxy.wire.charsets import codec_of

# A line "name | description | bytes of the longest character" a character set; indented below it its collations
# without the set's own name, "-" where that is all of it: [* for the default]suffix:id[:sort length if not 1].
_TABLE = """
big5 | Big5 Traditional Chinese | 2
    *chinese_ci:1 bin:84 chinese_nopad_ci:1025 nopad_bin:1108
dec8 | DEC West European | 1
    *swedish_ci:3 bin:69 swedish_nopad_ci:1027 nopad_bin:1093
cp850 | DOS West European | 1
    *general_ci:4 bin:80 general_nopad_ci:1028 nopad_bin:1104
hp8 | HP West European | 1
    *english_ci:6 bin:72 english_nopad_ci:1030 nopad_bin:1096
koi8r | KOI8-R Relcom Russian | 1
    *general_ci:7 bin:74 general_nopad_ci:1031 nopad_bin:1098
latin1 | cp1252 West European | 1
    german1_ci:5 *swedish_ci:8 danish_ci:15 german2_ci:31:2 bin:47 general_ci:48 general_cs:49
    spanish_ci:94 swedish_nopad_ci:1032 nopad_bin:1071
latin2 | ISO 8859-2 Central European | 1
    czech_cs:2:4 *general_ci:9 hungarian_ci:21 croatian_ci:27 bin:77 general_nopad_ci:1033
    nopad_bin:1101
swe7 | 7bit Swedish | 1
    *swedish_ci:10 bin:82 swedish_nopad_ci:1034 nopad_bin:1106
ascii | US ASCII | 1
    *general_ci:11 bin:65 general_nopad_ci:1035 nopad_bin:1089
ujis | EUC-JP Japanese | 3
    *japanese_ci:12 bin:91 japanese_nopad_ci:1036 nopad_bin:1115
sjis | Shift-JIS Japanese | 2
    *japanese_ci:13 bin:88 japanese_nopad_ci:1037 nopad_bin:1112
hebrew | ISO 8859-8 Hebrew | 1
    *general_ci:16 bin:71 general_nopad_ci:1040 nopad_bin:1095
tis620 | TIS620 Thai | 1
    *thai_ci:18:4 bin:89 thai_nopad_ci:1042:4 nopad_bin:1113
euckr | EUC-KR Korean | 2
    *korean_ci:19 bin:85 korean_nopad_ci:1043 nopad_bin:1109
koi8u | KOI8-U Ukrainian | 1
    *general_ci:22 bin:75 general_nopad_ci:1046 nopad_bin:1099
gb2312 | GB2312 Simplified Chinese | 2
    *chinese_ci:24 bin:86 chinese_nopad_ci:1048 nopad_bin:1110
greek | ISO 8859-7 Greek | 1
    *general_ci:25 bin:70 general_nopad_ci:1049 nopad_bin:1094
cp1250 | Windows Central European | 1
    *general_ci:26 czech_cs:34:2 croatian_ci:44 bin:66 polish_ci:99 general_nopad_ci:1050
    nopad_bin:1090
gbk | GBK Simplified Chinese | 2
    *chinese_ci:28 bin:87 chinese_nopad_ci:1052 nopad_bin:1111
latin5 | ISO 8859-9 Turkish | 1
    *turkish_ci:30 bin:78 turkish_nopad_ci:1054 nopad_bin:1102
armscii8 | ARMSCII-8 Armenian | 1
    *general_ci:32 bin:64 general_nopad_ci:1056 nopad_bin:1088
utf8mb3 | UTF-8 Unicode | 3
    *general_ci:33 bin:83 unicode_ci:192:8 icelandic_ci:193:8 latvian_ci:194:8 romanian_ci:195:8
    slovenian_ci:196:8 polish_ci:197:8 estonian_ci:198:8 spanish_ci:199:8 swedish_ci:200:8
    turkish_ci:201:8 czech_ci:202:8 danish_ci:203:8 lithuanian_ci:204:8 slovak_ci:205:8
    spanish2_ci:206:8 roman_ci:207:8 persian_ci:208:8 esperanto_ci:209:8 hungarian_ci:210:8
    sinhala_ci:211:8 german2_ci:212:8 croatian_mysql561_ci:213:8 unicode_520_ci:214:8
    vietnamese_ci:215:8 general_mysql500_ci:223 croatian_ci:576:8 myanmar_ci:577:8 thai_520_w2:578:4
    general_nopad_ci:1057 nopad_bin:1107 unicode_nopad_ci:1216:8 unicode_520_nopad_ci:1238:8
ucs2 | UCS-2 Unicode | 2
    *general_ci:35 bin:90 unicode_ci:128:8 icelandic_ci:129:8 latvian_ci:130:8 romanian_ci:131:8
    slovenian_ci:132:8 polish_ci:133:8 estonian_ci:134:8 spanish_ci:135:8 swedish_ci:136:8
    turkish_ci:137:8 czech_ci:138:8 danish_ci:139:8 lithuanian_ci:140:8 slovak_ci:141:8
    spanish2_ci:142:8 roman_ci:143:8 persian_ci:144:8 esperanto_ci:145:8 hungarian_ci:146:8
    sinhala_ci:147:8 german2_ci:148:8 croatian_mysql561_ci:149:8 unicode_520_ci:150:8
    vietnamese_ci:151:8 general_mysql500_ci:159 croatian_ci:640:8 myanmar_ci:641:8 thai_520_w2:642:4
    general_nopad_ci:1059 nopad_bin:1114 unicode_nopad_ci:1152:8 unicode_520_nopad_ci:1174:8
cp866 | DOS Russian | 1
    *general_ci:36 bin:68 general_nopad_ci:1060 nopad_bin:1092
keybcs2 | DOS Kamenicky Czech-Slovak | 1
    *general_ci:37 bin:73 general_nopad_ci:1061 nopad_bin:1097
macce | Mac Central European | 1
    *general_ci:38 bin:43 general_nopad_ci:1062 nopad_bin:1067
macroman | Mac West European | 1
    *general_ci:39 bin:53 general_nopad_ci:1063 nopad_bin:1077
cp852 | DOS Central European | 1
    *general_ci:40 bin:81 general_nopad_ci:1064 nopad_bin:1105
latin7 | ISO 8859-13 Baltic | 1
    estonian_cs:20 *general_ci:41 general_cs:42 bin:79 general_nopad_ci:1065 nopad_bin:1103
utf8mb4 | UTF-8 Unicode | 4
    *general_ci:45 bin:46 unicode_ci:224:8 icelandic_ci:225:8 latvian_ci:226:8 romanian_ci:227:8
    slovenian_ci:228:8 polish_ci:229:8 estonian_ci:230:8 spanish_ci:231:8 swedish_ci:232:8
    turkish_ci:233:8 czech_ci:234:8 danish_ci:235:8 lithuanian_ci:236:8 slovak_ci:237:8
    spanish2_ci:238:8 roman_ci:239:8 persian_ci:240:8 esperanto_ci:241:8 hungarian_ci:242:8
    sinhala_ci:243:8 german2_ci:244:8 croatian_mysql561_ci:245:8 unicode_520_ci:246:8
    vietnamese_ci:247:8 croatian_ci:608:8 myanmar_ci:609:8 thai_520_w2:610:4 general_nopad_ci:1069
    nopad_bin:1070 unicode_nopad_ci:1248:8 unicode_520_nopad_ci:1270:8
cp1251 | Windows Cyrillic | 1
    bulgarian_ci:14 ukrainian_ci:23 bin:50 *general_ci:51 general_cs:52 nopad_bin:1074
    general_nopad_ci:1075
utf16 | UTF-16 Unicode | 4
    *general_ci:54 bin:55 unicode_ci:101:8 icelandic_ci:102:8 latvian_ci:103:8 romanian_ci:104:8
    slovenian_ci:105:8 polish_ci:106:8 estonian_ci:107:8 spanish_ci:108:8 swedish_ci:109:8
    turkish_ci:110:8 czech_ci:111:8 danish_ci:112:8 lithuanian_ci:113:8 slovak_ci:114:8
    spanish2_ci:115:8 roman_ci:116:8 persian_ci:117:8 esperanto_ci:118:8 hungarian_ci:119:8
    sinhala_ci:120:8 german2_ci:121:8 croatian_mysql561_ci:122:8 unicode_520_ci:123:8
    vietnamese_ci:124:8 croatian_ci:672:8 myanmar_ci:673:8 thai_520_w2:674:4 general_nopad_ci:1078
    nopad_bin:1079 unicode_nopad_ci:1125:8 unicode_520_nopad_ci:1147:8
utf16le | UTF-16LE Unicode | 4
    *general_ci:56 bin:62 general_nopad_ci:1080 nopad_bin:1086
cp1256 | Windows Arabic | 1
    *general_ci:57 bin:67 general_nopad_ci:1081 nopad_bin:1091
cp1257 | Windows Baltic | 1
    lithuanian_ci:29 bin:58 *general_ci:59 nopad_bin:1082 general_nopad_ci:1083
utf32 | UTF-32 Unicode | 4
    *general_ci:60 bin:61 unicode_ci:160:8 icelandic_ci:161:8 latvian_ci:162:8 romanian_ci:163:8
    slovenian_ci:164:8 polish_ci:165:8 estonian_ci:166:8 spanish_ci:167:8 swedish_ci:168:8
    turkish_ci:169:8 czech_ci:170:8 danish_ci:171:8 lithuanian_ci:172:8 slovak_ci:173:8
    spanish2_ci:174:8 roman_ci:175:8 persian_ci:176:8 esperanto_ci:177:8 hungarian_ci:178:8
    sinhala_ci:179:8 german2_ci:180:8 croatian_mysql561_ci:181:8 unicode_520_ci:182:8
    vietnamese_ci:183:8 croatian_ci:736:8 myanmar_ci:737:8 thai_520_w2:738:4 general_nopad_ci:1084
    nopad_bin:1085 unicode_nopad_ci:1184:8 unicode_520_nopad_ci:1206:8
binary | Binary pseudo charset | 1
    *-:63
geostd8 | GEOSTD8 Georgian | 1
    *general_ci:92 bin:93 general_nopad_ci:1116 nopad_bin:1117
cp932 | SJIS for Windows Japanese | 2
    *japanese_ci:95 bin:96 japanese_nopad_ci:1119 nopad_bin:1120
eucjpms | UJIS for Windows Japanese | 3
    *japanese_ci:97 bin:98 japanese_nopad_ci:1121 nopad_bin:1122
"""

#: Character sets whose text no client can send: a statement's ASCII characters take several bytes in them.
WIDE = frozenset(("ucs2", "utf16", "utf16le", "utf32"))

#: Sorting by version 14 of the Unicode collation algorithm: the same collations in each of these sets, numbered
#: from here, eight to a language.
UCA1400_FIRST = MappingProxyType({"utf8mb3": 2048, "utf8mb4": 2304, "ucs2": 2560, "utf16": 2816, "utf32": 3072})
_UCA1400_KINDS = (
    "ai_ci",
    "ai_cs",
    "as_ci",
    "as_cs",
    "nopad_ai_ci",
    "nopad_ai_cs",
    "nopad_as_ci",
    "nopad_as_cs",
)
_UCA1400_LANGUAGES = """
- icelandic latvian romanian slovenian polish estonian spanish swedish turkish czech danish lithuanian slovak spanish2
roman persian esperanto hungarian sinhala german2 unused unused vietnamese croatian
""".split()  # noqa: SIM905
UCA1400_SORT_LENGTH = 8


@dataclass(frozen=True)
class Collation:
    """One collation.

    Attributes:
        charset: name of its character set.
        default: whether it is the one that the set alone stands for.
        sort_length: weights a character.
    """

    name: str
    charset: str
    id: int
    default: bool = False
    sort_length: int = 1


@dataclass(frozen=True)
class Charset:
    """One character set.

    Attributes:
        max_length: bytes of its longest character.
        default: name of its default collation.
        collations: in the order in which MariaDB lists them, those of UCA 14.0.0 aside.
    """

    name: str
    description: str
    max_length: int
    default: str
    collations: tuple[Collation, ...]


def _collation(charset: str, word: str) -> Collation:
    suffix, number, length = (word.removeprefix("*") + ":1").split(":")[:3]
    name = charset if suffix == "-" else f"{charset}_{suffix}"
    return Collation(name, charset, int(number), word.startswith("*"), int(length))


def _read(table: str) -> Mapping[str, Charset]:
    heads: dict[str, tuple[str, int]] = {}
    found: dict[str, list[Collation]] = {}
    name = ""
    for line in table.strip().splitlines():
        if line.startswith(" "):
            found[name] += [_collation(name, word) for word in line.split()]
        else:
            name, description, length = line.split(" | ")
            heads[name] = (description, int(length))
            found[name] = []
    return MappingProxyType(
        {
            name: Charset(name, text, length, next(c.name for c in found[name] if c.default), tuple(found[name]))
            for name, (text, length) in heads.items()
        }
    )


#: By name, in the order in which MariaDB lists them.
CHARSETS = _read(_TABLE)

#: Collations of UCA 14.0.0 as SHOW COLLATION lists them, without the name of a character set, and their place
#: behind the first number of each set.
UCA1400: Mapping[str, int] = MappingProxyType(
    {
        f"uca1400_{kind}" if language == "-" else f"uca1400_{language}_{kind}": 8 * number + variant
        for number, language in enumerate(_UCA1400_LANGUAGES)
        if language != "unused"
        for variant, kind in enumerate(_UCA1400_KINDS)
    }
)

_BY_NAME: Mapping[str, Collation] = MappingProxyType(
    {c.name: c for charset in CHARSETS.values() for c in charset.collations}
    | {
        f"{charset}_{name}": Collation(f"{charset}_{name}", charset, first + offset, False, UCA1400_SORT_LENGTH)
        for charset, first in UCA1400_FIRST.items()
        for name, offset in UCA1400.items()
    }
)
_BY_ID: Mapping[int, Collation] = MappingProxyType({c.id: c for c in _BY_NAME.values()})


def charset(name: str) -> Charset:
    """The character set of that name in any case; ``utf8`` is utf8mb3, as in MariaDB's default old_mode.

    Raises:
        SQLError: 1115 where there is none.
    """
    lower = name.lower()
    found = CHARSETS.get("utf8mb3" if lower == "utf8" else lower)
    if found is None:
        raise SQLError(1115, f"Unknown character set: '{name}'")
    return found


def collation(name: str, charset_name: str | None = None) -> Collation:
    """The collation of that name in any case.

    Args:
        charset_name: the character set in whose context the name stands: names of UCA 14.0.0 need one.

    Raises:
        SQLError: 1273 where there is none; 1253 where it belongs to another character set.
    """
    lower = name.lower()
    if lower.startswith("utf8_"):
        lower = "utf8mb3_" + lower.removeprefix("utf8_")
    found = _BY_NAME.get(lower)
    if found is None and charset_name:
        found = _BY_NAME.get(f"{charset_name}_{lower}")
    if found is None:
        raise SQLError(1273, f"Unknown collation: '{name}'")
    if charset_name and found.charset != charset_name:
        raise SQLError(1253, f"COLLATION '{found.name}' is not valid for CHARACTER SET '{charset_name}'")
    return found


def collation_by_id(number: int) -> Collation | None:
    """The collation with that number, or None."""
    return _BY_ID.get(number)


def codec(charset_name: str) -> str:
    """Python codec for text in a character set, UTF-8 where Python has none."""
    try:
        return codec_of(charset_name)
    except LookupError:
        return "utf-8"
