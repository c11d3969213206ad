"""Random conditions of WHERE: areas, ids and everything else."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.fuzz.expressions import Expressions
from tests.fuzz.froms import From
from tests.fuzz.nodes import Node, node
from tests.fuzz.tables import Column

_CIRCLES = (
    "10, 10, 0.5",
    "0, -5, 1.2",
    "200, 89, 2",
    "0, 90, 5",
    "123, -90, 3",
    "359.9, -5, 20",
    "80, 20, 40",
    "12, 3, 0.001",
)
_BOXES = ("0, -10, 20, 15", "350, -20, 10, 20", "0, -90, 360, -80", "5, 60, 300, 90", "0, 0, 360, 10", "9, 9, 11, 11")
_ELLIPSES = ("10, 10, 7200, 3600, 30", "0, -5, 36000, 1800, 90", "200, 89, 20000, 10000, 0")
_POLYGONS = ("8, 8, 12, 8, 10, 12", "358.5, -6, 1.5, -6, 1.2, -4, 358.8, -4", "20, 88, 140, 88.5, 260, 88")


class Conditions:
    """Draws conditions on the rows of a FROM clause.

    Args:
        columns: as the query writes them.
    """

    def __init__(
        self, rng: random.Random, source: From, columns: Sequence[tuple[str, Column]], expressions: Expressions
    ) -> None:
        self.rng = rng
        self.source = source
        self.columns = columns
        self.expressions = expressions

    def any(self) -> Node:
        """Some condition: of place, of an id, or any other."""
        way = self.rng.random()
        if way < 0.22 and self.source.area:
            return self._area()
        if way < 0.45:
            return self._id()
        if way < 0.55:
            parts = [self._id(), self._area() if self.source.area else self._id(), self.expressions.comparison()]
            one, other = self.rng.sample(parts, 2)
            return node("({} OR {})", one, other) if self.rng.random() < 0.7 else node("({} AND {})", one, other)
        found = self.expressions.of("bool", self.rng.choice((0, 1, 1, 2)))
        return node("({})", found)

    def _area(self) -> Node:
        shape, arguments = self.rng.choice(
            (
                ("Circle", self.rng.choice(_CIRCLES)),
                (
                    "Circle",
                    f"{self.rng.uniform(0, 360):.3f}, {self.rng.uniform(-90, 90):.3f}, "
                    f"{self.rng.choice((0.5, 5, 30, 80))}",
                ),
                ("Box", self.rng.choice(_BOXES)),
                ("Ellipse", self.rng.choice(_ELLIPSES)),
                ("CPoly", self.rng.choice(_POLYGONS)),
            )
        )
        if self.rng.random() < 0.4:
            name = "poly" if shape == "CPoly" else shape.lower()
            return Node(f"qserv_areaspec_{name}({arguments})")
        alias = self.rng.choice(self.source.area)
        position = next(t.position for a, t in self.source.tables if a == alias)
        assert position is not None
        call = f"scisql_s2PtIn{shape}({alias}.{position[0]}, {alias}.{position[1]}, {arguments})"
        return Node(call + self.rng.choice((" = 1", " = 1", " = 1", "", " = 0", " <> 0")))

    def _id(self) -> Node:
        """A condition on a column that places rows."""
        ids = [(w, c) for w, c in self.columns if c.name in ("objectId", "refObjectId", "sourceId", "forcedId")]
        if not ids:
            return self.expressions.comparison()
        written, column = self.rng.choice(ids)
        column_node = Node(written)
        values = [Node(v) for v in self.rng.choices(column.values, k=4)]
        near = [Node(str(433_000_000 + 17 * self.rng.randrange(3000))) for _ in range(2)]
        if column.name == "objectId" and self.rng.random() < 0.6:
            values[:2] = near
        forms = (
            "{} = {}",
            "{} = {}",
            "{1} = {0}",
            "{} IN ({}, {}, {})",
            "{} IN ({}, {})",
            "{} NOT IN ({}, {})",
            "{} <> {}",
        )
        more = (
            "{} BETWEEN {} AND {}",
            "{} > {}",
            "NOT ({} = {})",
            "{} IS NULL",
            "{} IN ({}, NULL, {})",
            "{} <=> {}",
            "{} IN ({})",
        )
        form = self.rng.choice(forms + more)
        return Node(form, (column_node, *values[: max(form.count("{") - 1, 0)]))
