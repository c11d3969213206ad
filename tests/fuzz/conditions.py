"""Random conditions of WHERE: areas, ids and everything else."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.expressions import Expressions
from tests.fuzz.froms import From
from tests.fuzz.nodes import Node, node
from tests.fuzz.scene import Scene

_CIRCLES = ("10, 10, 0.5", "0, -5, 1.2", "200, 89, 2", "0, 90, 5", "123, -90, 3", "359.9, -5, 20", "80, 20, 40")
_BOXES = ("0, -10, 20, 15", "350, -20, 10, 20", "0, -90, 360, -80", "5, 60, 300, 90", "0, 0, 360, 10", "9, 9, 11, 11")
_ELLIPSES = ("10, 10, 7200, 3600, 30", "0, -5, 36000, 1800, 90", "200, 89, 20000, 10000, 0")
_POLYGONS = ("8, 8, 12, 8, 10, 12", "358.5, -6, 1.5, -6, 1.2, -4, 358.8, -4", "20, 88, 140, 88.5, 260, 88")


class Conditions:
    """Draws conditions on the rows of a FROM clause.

    Args:
        nested: draws one with a subquery; None where there shall be none.
    """

    def __init__(
        self, scene: Scene, source: From, expressions: Expressions, nested: Callable[[], Node] | None = None
    ) -> None:
        self.scene = scene
        self.rng = scene.rng
        self.source = source
        self.expressions = expressions
        self.nested = nested

    def any(self) -> Node:
        """Some condition: of place, of an id, with a subquery, or any other."""
        way = self.rng.random()
        if way < 0.2 and self.source.area:
            return self._area()
        if way < 0.4:
            return self._id()
        if way < 0.5:
            parts = [self._id(), self._area() if self.source.area else self._id(), self.expressions.comparison()]
            one, other = self.rng.sample(parts, 2)
            return node("({} OR {})", one, other) if self.rng.random() < 0.7 else node("({} AND {})", one, other)
        if way < 0.65 and self.nested is not None:
            found = self.nested()
            if self.rng.random() < 0.15:
                return node("({} OR {})", found, self.expressions.comparison())
            return found
        return node("({})", self.expressions.of("bool", self.rng.choice((0, 1, 1, 2))))

    def _position(self, alias: str) -> tuple[str, str]:
        lon, lat = next(t.position for a, t in self.source.tables if a == alias) or ("", "")
        return f"{alias}.{lon}", f"{alias}.{lat}"

    def _area(self) -> Node:
        around = f"{self.rng.uniform(0, 360):.3f}, {self.rng.uniform(-90, 90):.3f}"
        shape, arguments = self.rng.choice(
            (
                ("Circle", self.rng.choice(_CIRCLES)),
                ("Circle", f"{around}, {self.rng.choice((0.5, 5, 30, 80))}"),
                ("Box", self.rng.choice(_BOXES)),
                ("Between", self.rng.choice(_BOXES)),
                ("Ellipse", self.rng.choice(_ELLIPSES)),
                ("CPoly", self.rng.choice(_POLYGONS)),
            )
        )
        lon, lat = self._position(self.rng.choice(self.source.area))
        if shape == "Between":
            west, south, east, north = arguments.split(", ")
            return Node(f"({lon} BETWEEN {west} AND {east} AND {lat} BETWEEN {south} AND {north})")
        # The plain server's polygons go by their number of corners.
        corners = str(len(arguments.split(",")) // 2) if shape == "CPoly" else ""
        if self.rng.random() < 0.35 and self.source.area[0] == self._restricted():
            lon, lat = self._position(self.source.area[0])
            name = "poly" if shape == "CPoly" else shape.lower()
            self.scene.note("areaspec")
            return Node(
                f"qserv_areaspec_{name}({arguments})",
                kind="bool",
                plain=f"scisql_s2PtIn{shape}{corners}({lon}, {lat}, {arguments}) = 1",
            )
        compared = self.rng.choice((" = 1", " = 1", " = 1", "", " = 0", " <> 0"))
        self.scene.note("scisql area")
        return Node(
            f"scisql_s2PtIn{shape}({lon}, {lat}, {arguments}){compared}",
            plain=f"scisql_s2PtIn{shape}{corners}({lon}, {lat}, {arguments}){compared}",
        )

    def _restricted(self) -> str:
        """The reference that an areaspec means, where that is beyond doubt."""
        if any(t.kind == "derived" for _, t in self.source.tables) or " RIGHT " in self.source.tree.sql(False):
            return ""
        return self.source.area[0]

    def _id(self) -> Node:
        """A condition on a column that places rows."""
        ties = {(a, name) for a, t in self.source.tables for _, name in t.ties}
        ids = [(f"{a}.{c.name}", c) for a, t in self.source.tables for c in t.columns if (a, c.name) in ties]
        if not ids:
            return self.expressions.comparison()
        written, column = self.rng.choice(ids)
        values = [Node(v) for v in self.rng.choices(column.values or ("1",), k=4)]
        form = self.rng.choice(
            (
                "{} = {}",
                "{} = {}",
                "{1} = {0}",
                "{} IN ({}, {}, {})",
                "{} IN ({}, {})",
                "{} NOT IN ({}, {})",
                "{} <> {}",
                "{} BETWEEN {} AND {}",
                "{} > {}",
                "{} <= {}",
                "({} > {} OR {0} < {2})",
                "NOT ({} = {})",
                "{} IS NULL",
                "{} IN ({}, NULL, {})",
                "{} <=> {}",
                "{} IN ({})",
            )
        )
        if "{0}" in form:
            form = form.replace("({}", "({0}", 1).replace("> {}", "> {1}")
        count = 2 if "{1}" in form and "{2}" not in form else 3 if "{2}" in form else form.count("{")
        return Node(form, (Node(written), *values[: count - 1]))
