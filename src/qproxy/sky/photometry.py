"""Fluxes and magnitudes of sciSQL as SQL expressions.

Source: m = -2.5 log10(f) + zero point, with the AB zero points of Oke and Gunn (-48.6 for erg/s/cm2/Hz) and of
nanojanskys (31.4); errors are propagated to first order, sigma_m = 2.5 / ln(10) * sigma_f / f.
Results are NULL where an argument is NULL, a flux has no logarithm, or a value would leave the doubles.
"""

from __future__ import annotations

import math

from sqlglot import exp

from qproxy.sky import arithmetic as sql

E = exp.Expression

AB_ZERO_POINT = -48.6
NANOJANSKY_ZERO_POINT = 31.4

_POGSON = 2.5 / math.log(10)
#: Flux of magnitude 0, erg/s/cm2/Hz.
_AB_FLUX = 10 ** (0.4 * AB_ZERO_POINT)
# Powers of ten above this are errors in MariaDB.
_LARGEST_EXPONENT = 308.25


def magnitude(flux: E, zero_point: float) -> E:
    """-2.5 log10(flux) + zero_point, NULL for fluxes of 0 and less."""
    logarithm = exp.Anonymous(this="LOG10", expressions=[flux.copy()])
    value = sql.mul(sql.number(-2.5), logarithm)
    if zero_point:
        value = sql.add(value, sql.number(zero_point))
    return sql.case((sql.less(sql.number(0), flux.copy()), value))


def magnitude_sigma(flux: E, sigma: E) -> E:
    """The error of a magnitude."""
    return sql.div(sql.mul(sql.number(_POGSON), sigma.copy()), flux.copy())


def flux(mag: E, zero_point: float) -> E:
    """10^((zero_point - mag) / 2.5), NULL where that is too large."""
    exponent = sql.mul(sql.sub(sql.number(zero_point), mag.copy()), sql.number(0.4))
    faintest = sql.number(zero_point - 2.5 * _LARGEST_EXPONENT)
    power = exp.Pow(this=sql.number(10), expression=exponent)
    return sql.case((sql.less(faintest, mag.copy()), power))


def flux_sigma(mag: E, sigma: E, zero_point: float) -> E:
    """The error of a flux computed from a magnitude."""
    return sql.mul(sql.div(sigma.copy(), sql.number(_POGSON)), flux(mag, zero_point))


def counts_to_magnitude(counts: E, unit: E) -> E:
    """AB magnitude of counts, where ``unit`` counts are magnitude 0."""
    return magnitude(sql.real_div(counts.copy(), unit.copy()), 0.0)


def counts_to_magnitude_sigma(counts: E, sigma: E, unit: E, unit_sigma: E) -> E:
    """The error of that magnitude."""
    return sql.mul(sql.number(_POGSON), _relative(counts, sigma, unit, unit_sigma))


def magnitude_to_counts(mag: E, unit: E) -> E:
    """Counts of an AB magnitude."""
    return sql.mul(unit.copy(), flux(mag, 0.0))


def magnitude_to_counts_sigma(mag: E, sigma: E, unit: E, unit_sigma: E) -> E:
    """The error of those counts."""
    relative = sql.sqrt(
        sql.add(
            sql.square(sql.div(sigma.copy(), sql.number(_POGSON))),
            sql.square(sql.real_div(unit_sigma.copy(), unit.copy())),
        )
    )
    return sql.mul(magnitude_to_counts(mag, unit), relative)


def counts_to_flux(counts: E, unit: E) -> E:
    """Flux, erg/s/cm2/Hz, of counts."""
    return sql.mul(sql.real_div(counts.copy(), unit.copy()), sql.number(_AB_FLUX))


def counts_to_flux_sigma(counts: E, sigma: E, unit: E, unit_sigma: E) -> E:
    """The error of that flux."""
    ratio = sql.real_div(counts.copy(), unit.copy())
    spread = sql.sqrt(sql.add(sql.square(sigma.copy()), sql.square(sql.mul(ratio, unit_sigma.copy()))))
    return sql.mul(sql.div(spread, unit.copy()), sql.number(_AB_FLUX))


def flux_to_counts(value: E, unit: E) -> E:
    """Counts of a flux in erg/s/cm2/Hz."""
    return sql.mul(sql.div(value.copy(), sql.number(_AB_FLUX)), unit.copy())


def flux_to_counts_sigma(value: E, sigma: E, unit: E, unit_sigma: E) -> E:
    """The error of those counts."""
    scale = sql.number(_AB_FLUX)
    return sql.sqrt(
        sql.add(
            sql.square(sql.mul(sql.real_div(sigma.copy(), scale.copy()), unit.copy())),
            sql.square(sql.mul(sql.div(value.copy(), scale), unit_sigma.copy())),
        )
    )


def _relative(counts: E, sigma: E, unit: E, unit_sigma: E) -> E:
    return sql.sqrt(
        sql.add(
            sql.square(sql.real_div(sigma.copy(), counts.copy())),
            sql.square(sql.real_div(unit_sigma.copy(), unit.copy())),
        )
    )
