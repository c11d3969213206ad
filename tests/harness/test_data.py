from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import yaml

from tests.harness import data
from tests.harness.data import Catalogue
from tests.harness.files import Striping, tsv, write_descriptions
from tests.harness.schema import TABLES


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return data.make()


def test_equal_seeds_give_equal_rows(catalogue: Catalogue) -> None:
    assert data.make() == catalogue
    assert data.make(1).tables != catalogue.tables


def test_rows_fit_their_tables(catalogue: Catalogue) -> None:
    for spec in TABLES:
        assert {len(row) for row in catalogue.tables[(spec.database, spec.name)]} <= {len(spec.columns)}


def test_ids_are_unique(catalogue: Catalogue) -> None:
    for table in ("Object", "Source", "RefObject"):
        ids = [row[0] for row in catalogue.tables[("sky", table)]]
        assert len(set(ids)) == len(ids)


def test_pairs_lie_on_both_sides_of_stripe_borders_and_of_longitude_zero(catalogue: Catalogue) -> None:
    objects = {row[0]: row[1:3] for row in catalogue.tables[("sky", "Object")]}
    references = {row[0]: row[1:3] for row in catalogue.tables[("sky", "RefObject")]}
    pairs = [
        (references[r], objects[o])
        for r, o, *_ in catalogue.tables[("sky", "RefMatch")]
        if r is not None and o is not None
    ]
    assert len(pairs) > 300
    for stripes in (3, 18, 85):
        height = 180 / stripes
        across = [1 for (_, a), (_, b) in pairs if (float(a) + 90) // height != (float(b) + 90) // height]  # type: ignore[arg-type]
        assert across, f"no pair across a border of {stripes} stripes"
    assert [1 for (a, _), (b, _) in pairs if abs(float(a) - float(b)) > 180]  # type: ignore[arg-type]


def test_special_characters_are_escaped() -> None:
    assert tsv([(1, None, "a\tb\nc\\d", b"\0\xff")]) == b"1\t\\N\ta\\tb\\nc\\\\d\t\\0\xff\n"


def test_descriptions_name_files_with_all_rows(catalogue: Catalogue, tmp_path: Path) -> None:
    sky, extra = write_descriptions(tmp_path, catalogue, Striping(18, 10))
    described = yaml.safe_load(sky.read_text(encoding="utf-8"))
    assert described["family"] == {"stripes": 18, "sub_stripes": 10, "overlap": 0.01667}
    assert set(described["tables"]) == {spec.name for spec in TABLES if spec.database == "sky"}
    parts = sorted(tmp_path.glob("Object-*.tsv.gz"))
    whole = b"".join(gzip.decompress(part.read_bytes()) for part in parts)
    assert whole == tsv(catalogue.tables[("sky", "Object")])
    assert yaml.safe_load(extra.read_text(encoding="utf-8"))["tables"]["Forced"]["director"] == "sky.Object"
