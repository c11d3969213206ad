"""sciSQL functions as plain SQL expressions, so that workers need no plugin.

Rules of all of them: angles in degrees; a NULL argument gives 0 for ``scisql_s2PtIn*`` and NULL for the others;
values outside a function's range give NULL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlglot import exp

from qproxy.errors import SQLError, unsupported
from qproxy.sky import arithmetic as sql
from qproxy.sky import containment, meshes
from qproxy.sky import photometry as mags
from qproxy.sky.polygons import FEWEST_VERTICES, MOST_VERTICES
from qproxy.sky.predicates import inside
from qproxy.sky.separation import separation
from qproxy.sky.shapes import region_of

__all__ = ["AGGREGATES", "FUNCTIONS", "REGION_FUNCTIONS", "Function", "expand", "inside", "region_of", "short_name"]

E = exp.Expression
Build = Callable[..., E]

#: Version of sciSQL whose functions these are.
SCISQL_VERSION = "0.3.11"

#: Functions that test whether a point is in a region, lower case, and the shape of each.
REGION_FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "scisql_s2ptinbox": "box",
        "scisql_s2ptincircle": "circle",
        "scisql_s2ptinellipse": "ellipse",
        "scisql_s2ptincpoly": "poly",
    }
)

#: Aggregates, lower case and without prefix, and how many arguments each takes.
AGGREGATES: Mapping[str, int] = MappingProxyType({"median": 1, "percentile": 2})

_NAME = re.compile(r"(scisql_\w+?)(?:_\d+_\d+_\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Function:
    """A scalar function.

    Attributes:
        name: without ``scisql_``.
        counts: the numbers of arguments that it takes.
        build: makes an expression of as many arguments; numbers come as double literals.
        verbatim: whether its arguments come as written instead.
    """

    name: str
    counts: Sequence[int]
    build: Build
    verbatim: bool = False


def short_name(name: str) -> str | None:
    """The name of a sciSQL function, lower case, without its prefix and version; None for other functions."""
    found = _NAME.fullmatch(name)
    return found[1][len("scisql_") :].lower() if found else None


def expand(call: exp.Anonymous) -> E | None:
    """What stands in for a call of a sciSQL function.

    Args:
        call: any call by name; names count whatever their case, with or without a version as in
            ``scisql_angSep_0_3_11``.

    Returns:
        A new expression, or None where the name is not one of sciSQL's.

    Raises:
        SQLError: 1582 for a wrong number of arguments, 1235 for functions that plain SQL cannot express,
            1305 for names that sciSQL does not have, 1123 for scisql_raiseError.
    """
    short = short_name(call.name)
    if short is None:
        return None
    if short in AGGREGATES:
        raise unsupported(
            f"the function scisql_{short} in this place: it is an aggregate; write it in SELECT, HAVING or ORDER BY"
        )
    if short not in FUNCTIONS:
        raise SQLError(1305, f"FUNCTION {call.name} does not exist")
    function = FUNCTIONS[short]
    arguments = list(call.expressions)
    if len(arguments) not in function.counts:
        raise SQLError(1582, f"Incorrect parameter count in the call to native function 'scisql_{function.name}'")
    return function.build(*(arguments if function.verbatim else map(_as_double, arguments)))


def _as_double(argument: E) -> E:
    value = sql.constant(argument)
    return argument if value is None else sql.number(value)


def _version() -> E:
    return exp.Literal.string(SCISQL_VERSION)


def _table() -> Mapping[str, Function]:
    ab, nano = mags.AB_ZERO_POINT, mags.NANOJANSKY_ZERO_POINT
    pairs = range(2 * FEWEST_VERTICES, 2 * MOST_VERTICES + 1, 2)
    functions = [
        Function("angSep", (4, 6), separation),
        Function("s2PtInBox", (6,), containment.in_box),
        Function("s2PtInCircle", (5,), containment.in_circle),
        Function("s2PtInEllipse", (7,), containment.in_ellipse),
        Function("s2PtInCPoly", (3, *(n + 2 for n in pairs)), containment.in_polygon),
        Function("s2CPolyToBin", pairs, meshes.polygon_to_binary),
        Function("s2HtmId", (3,), meshes.htm_id),
        Function("s2HtmLevel", (1,), meshes.htm_level),
        Function("s2CircleHtmRanges", (5,), meshes.circle_ranges),
        Function("s2CPolyHtmRanges", (3,), meshes.polygon_ranges),
        Function("extractInt64", (2,), meshes.integer_at),
        Function("fluxToAbMag", (1,), lambda f: mags.magnitude(f, ab)),
        Function("fluxToAbMagSigma", (2,), mags.magnitude_sigma),
        Function("abMagToFlux", (1,), lambda m: mags.flux(m, ab)),
        Function("abMagToFluxSigma", (2,), lambda m, s: mags.flux_sigma(m, s, ab)),
        Function("nanojanskyToAbMag", (1,), lambda f: mags.magnitude(f, nano)),
        Function("nanojanskyToAbMagSigma", (2,), mags.magnitude_sigma),
        Function("abMagToNanojansky", (1,), lambda m: mags.flux(m, nano)),
        Function("abMagToNanojanskySigma", (2,), lambda m, s: mags.flux_sigma(m, s, nano)),
        Function("dnToAbMag", (2,), mags.counts_to_magnitude),
        Function("dnToAbMagSigma", (4,), mags.counts_to_magnitude_sigma),
        Function("abMagToDn", (2,), mags.magnitude_to_counts),
        Function("abMagToDnSigma", (4,), mags.magnitude_to_counts_sigma),
        Function("dnToFlux", (2,), mags.counts_to_flux),
        Function("dnToFluxSigma", (4,), mags.counts_to_flux_sigma),
        Function("fluxToDn", (2,), mags.flux_to_counts),
        Function("fluxToDnSigma", (4,), mags.flux_to_counts_sigma),
        Function("raiseError", (1,), meshes.raise_error, verbatim=True),
        Function("getVersion", (0,), _version),
    ]
    return MappingProxyType({f.name.lower(): f for f in functions})


#: All scalar functions, by lower-case name without prefix.
FUNCTIONS = _table()
