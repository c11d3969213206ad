"""Fluxes and magnitudes evaluated by MariaDB and DuckDB, against logarithms in Python."""

import math

import numpy as np
import pytest

from tests.sky.evaluation import evaluate, expanded

K = 2.5 / math.log(10)
F0 = 10 ** (-0.4 * 48.6)


@pytest.mark.parametrize(
    ("call", "formula"),
    [
        ("scisql_fluxToAbMag(a)", lambda a, b, c, d: -2.5 * math.log10(a) - 48.6),
        ("scisql_fluxToAbMagSigma(a, b)", lambda a, b, c, d: K * b / a),
        ("scisql_abMagToFlux(c)", lambda a, b, c, d: 10 ** (-0.4 * (c + 48.6))),
        ("scisql_abMagToFluxSigma(c, b)", lambda a, b, c, d: b / K * 10 ** (-0.4 * (c + 48.6))),
        ("scisql_nanojanskyToAbMag(a)", lambda a, b, c, d: -2.5 * math.log10(a) + 31.4),
        ("scisql_nanojanskyToAbMagSigma(a, b)", lambda a, b, c, d: K * b / a),
        ("scisql_abMagToNanojansky(c)", lambda a, b, c, d: 10 ** (0.4 * (31.4 - c))),
        ("scisql_abMagToNanojanskySigma(c, b)", lambda a, b, c, d: b / K * 10 ** (0.4 * (31.4 - c))),
        ("scisql_dnToAbMag(a, d)", lambda a, b, c, d: -2.5 * math.log10(a / d)),
        ("scisql_dnToAbMagSigma(a, b, d, c)", lambda a, b, c, d: K * math.hypot(b / a, c / d)),
        ("scisql_abMagToDn(c, d)", lambda a, b, c, d: d * 10 ** (-0.4 * c)),
        ("scisql_abMagToDnSigma(c, b, d, a)", lambda a, b, c, d: d * 10 ** (-0.4 * c) * math.hypot(b / K, a / d)),
        ("scisql_dnToFlux(a, d)", lambda a, b, c, d: a / d * F0),
        ("scisql_dnToFluxSigma(a, b, d, c)", lambda a, b, c, d: a / d * F0 * math.hypot(b / a, c / d)),
        ("scisql_fluxToDn(a, d)", lambda a, b, c, d: a * d / F0),
        ("scisql_fluxToDnSigma(a, b, d, c)", lambda a, b, c, d: a * d / F0 * math.hypot(b / a, c / d)),
    ],
)
def test_photometry(engine, call, formula):
    random = np.random.default_rng(3)
    a, b, c, d = (random.uniform(1, 100, 50) for _ in range(4))
    found = evaluate(engine, call, a=a, b=b, c=c, d=d)
    expected = [formula(*row) for row in zip(a, b, c, d, strict=True)]
    assert found == pytest.approx(expected, rel=1e-12)
    assert evaluate(engine, call, a=[None], b=[None], c=[None], d=[None]) == [None]


def test_photometry_without_a_value(engine):
    assert evaluate(engine, "scisql_fluxToAbMag(a)", a=[0, -1, 1e-300]) == [None, None, pytest.approx(701.4)]
    assert evaluate(engine, "scisql_nanojanskyToAbMag(-5)") is None
    assert evaluate(engine, "scisql_nanojanskyToAbMagSigma(a, 1)", a=[0]) == [None]
    assert evaluate(engine, "scisql_abMagToNanojansky(a)", a=[-1e6, 1e6]) == [None, 0]
    assert evaluate(engine, "scisql_dnToAbMag(a, 0)", a=[1]) == [None]


def test_quotients_of_integers_keep_their_digits(mariadb):
    text = expanded("scisql_nanojanskyToAbMagSigma(3, 1)").sql("mysql")
    assert mariadb.rows(f"SELECT {text}") == [pytest.approx(K / 3, rel=1e-14)]
    for call in ("scisql_dnToFlux(n, m)", "scisql_dnToAbMagSigma(n, n, m, n)"):
        text = expanded(call).sql("mysql")
        assert mariadb.rows(f"SELECT {text} FROM (SELECT 1 AS n, 3 AS m) AS t") == [
            pytest.approx(F0 / 3 if "Flux" in call else K * math.hypot(1, 1 / 3), rel=1e-14)
        ]
