"""Dates and times of a batch that no column can take.

MariaDB reads them in many spellings (Knowledge Base, "Date and Time Literals"). The usual one is judged here; what is
written otherwise is let through unless it holds no number at all: the worker that takes the row refuses it.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qproxy.catalog.model import Column
from qproxy.ingest.batch import ArrowArray, Fault, mask_of
from qproxy.ingest.strings import as_bytes, distinct_faults

#: What is surely good, so that nothing else needs to be looked at.
_PLAIN_DATE = (
    r"^(19[7-9]\d|20[0-2]\d)-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])"
    r"( ([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?)?$"
)
_DATE = re.compile(
    r"\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[ T])(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d*)?)?)?\s*(.*)", re.DOTALL
)
_TIME = re.compile(r"\s*-?(\d+):(\d{1,2})(?::(\d{1,2})(?:\.\d*)?)?\s*(.*)", re.DOTALL)
Checker = Callable[[ArrowArray, bool], Sequence[Fault]]


def time_checker(column: Column) -> Checker:
    """Judges values of a DATE, DATETIME, TIMESTAMP, TIME or YEAR column.

    Args:
        column: of such a type.
    """
    base = column.base_type
    bad = {"time": _bad_time, "year": _bad_year, "timestamp": _bad_timestamp}.get(base, _bad_date)

    def check(values: ArrowArray, escaped: bool) -> Sequence[Fault]:
        texts = as_bytes(values)
        if texts is None:
            return ()
        if base not in ("time", "year"):
            plain = mask_of(pc.match_substring_regex(texts, _PLAIN_DATE)) | mask_of(texts.is_null())
            if plain.all():
                return ()
            wrong = np.zeros(len(texts), bool)
            others = np.flatnonzero(~plain)
            wrong[others] = distinct_faults(texts.take(pa.array(others)), lambda v: bad(v.decode("latin-1")))
        else:
            wrong = distinct_faults(texts, lambda v: bad(v.decode("latin-1")))
        return ((wrong, f"is no {base}, or beyond its range"),)

    return check


def _bad_date(text: str) -> bool:
    found = _DATE.fullmatch(text)
    if found is None:
        return not text.strip()[:1].isdecimal()
    year, month, day = (int(found[i]) for i in (1, 2, 3))
    if found[7] or month > 12 or day > (monthrange(year or 4, month)[1] if month else 31):
        return True
    hour, minute, second = (int(found[i] or 0) for i in (4, 5, 6))
    return hour > 23 or minute > 59 or second > 59


def _bad_timestamp(text: str) -> bool:
    if _bad_date(text):
        return True
    found = _DATE.fullmatch(text)
    if found is None:
        return False
    day = int(found[1]), int(found[2]), int(found[3])
    # A day to either side of the range is left to the worker: it depends on its time zone.
    return day != (0, 0, 0) and not (0 not in day and (1969, 12, 31) <= day <= (2038, 1, 20))


def _bad_time(text: str) -> bool:
    found = _TIME.fullmatch(text)
    if found is None:
        return not re.search(r"\d", text)
    return bool(found[4]) or int(found[1]) > 838 or int(found[2]) > 59 or int(found[3] or 0) > 59


def _bad_year(text: str) -> bool:
    word = text.strip()
    if not word.isdecimal():
        return not word[:1].isdecimal()
    return not (int(word) <= 99 or 1901 <= int(word) <= 2155)
