"""Synthetic detections of the demo's stars: made up with a fixed seed, measured by no telescope."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SEED = 20000
#: Colours of a star lie around these: B - V and V - R, in magnitudes.
_MEAN_COLOURS = (0.65, 0.38)
_POSITION_ERROR = 0.05 / 3600
_FIRST_MJD, _LAST_MJD = 57000.0, 60000.0


def write_detections(stars: Path, target: Path) -> int:
    """Write two to four detections a star as a Parquet file.

    Args:
        stars: Parquet file with the columns starId, ra, decl (degrees) and vtMag.
        target: file to write: detectionId, starId, ra, decl, bandId, mjd, mag, magErr.

    Returns:
        The number of detections; the same input always gives the same rows.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    star = pq.read_table(stars)
    random = np.random.default_rng(SEED)
    count = star.num_rows
    which = np.repeat(np.arange(count), random.integers(2, 5, count))
    rows = len(which)
    band = random.integers(1, 4, rows)
    blue = random.normal(_MEAN_COLOURS[0], 0.4, count)
    red = blue * (_MEAN_COLOURS[1] / _MEAN_COLOURS[0])
    offsets = np.stack([blue, np.zeros(count), -red], axis=1)
    error = np.round(random.gamma(4.0, 0.004, rows) + 0.003, 4)
    true_mag = star["vtMag"].to_numpy()[which] + offsets[which, band - 1]
    decl = star["decl"].to_numpy()[which]
    # A fixed error on the sky is a wider one in right ascension towards the poles.
    spread = _POSITION_ERROR / np.maximum(np.cos(np.radians(decl)), 1e-3)
    ra = (star["ra"].to_numpy()[which] + random.normal(0, 1, rows) * spread) % 360.0
    measured = np.clip(decl + random.normal(0, _POSITION_ERROR, rows), -90.0, 90.0)
    table = pa.table(
        {
            "detectionId": np.arange(1, rows + 1, dtype=np.int64),
            "starId": star["starId"].to_numpy()[which],
            "ra": np.round(ra, 8) % 360.0,
            "decl": np.round(measured, 8),
            "bandId": band.astype(np.int8),
            "mjd": np.round(random.uniform(_FIRST_MJD, _LAST_MJD, rows), 5),
            "mag": np.round(random.normal(true_mag, error), 3).astype(np.float32),
            "magErr": error.astype(np.float32),
        }
    )
    pq.write_table(table, target, compression="none", use_dictionary=False, write_statistics=False)
    return rows
