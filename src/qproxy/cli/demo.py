"""``qproxy demo``: a sample of the sky served from this process."""

from __future__ import annotations

import argparse
import asyncio

HOST = "127.0.0.1"

WELCOME = """qproxy ready on {host}:{port}

The 200,000 brightest Tycho-2 stars, and synthetic detections of them, in the database `sky`. Connect as `demo`, without
a password, from this machine:

    mariadb -h {host} -P {port} -u demo sky

or from Python:

    import pymysql
    connection = pymysql.connect(host="{host}", port={port}, user="demo", database="sky")

Three queries worth trying:

    SELECT COUNT(*) FROM Star;

    SELECT starId, ra, decl, vtMag FROM Star WHERE qserv_areaspec_circle(83.82, -5.39, 1.0) ORDER BY vtMag LIMIT 5;

    SELECT b.name, COUNT(*) AS n, ROUND(AVG(d.mag - s.vtMag), 3) AS colour
    FROM Star AS s JOIN Detection AS d ON d.starId = s.starId JOIN Band AS b ON b.bandId = d.bandId
    WHERE s.vtMag < 6 GROUP BY b.name ORDER BY b.name;

Ctrl-C stops it; nothing is kept.
"""


def run(args: argparse.Namespace) -> int:
    """Load the sample, serve it until SIGINT or SIGTERM.

    Raises:
        QproxyError: the sample could not be loaded, or the port is in use.
    """
    import uvloop

    uvloop.run(_serve(args.port))
    return 0


async def _serve(port: int) -> None:
    from qproxy.config import Config
    from qproxy.demo.build import build_demo
    from qproxy.service.app import collecting_rarely, running, stopped

    store, backends = await build_demo()
    try:
        async with running(Config(), store, backends, HOST, port) as server:
            with collecting_rarely():
                print(WELCOME.format(host=HOST, port=server.port), end="", flush=True)
                await stopped()
    finally:
        await asyncio.gather(*(backend.close() for backend in backends.values()))
        store.close()
