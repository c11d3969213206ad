"""A random query in parts, each of which can be dropped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.fuzz.nodes import Node

#: Tolerance where DOUBLE values are summed: the order of the sum decides over the last digits.
SUMMED = 1e-9

_AREASPEC = re.compile(r"qserv_areaspec_(box|circle|ellipse|poly)\(([^()]*)\)")
_POLYGON = re.compile(r"scisql_s2PtInCPoly\(([^()]*)\)")
_SHAPES = {"box": "Box", "circle": "Circle", "ellipse": "Ellipse", "poly": "CPoly"}


@dataclass(frozen=True)
class Item:
    """One column of the select list."""

    node: Node
    alias: str = ""

    def __str__(self) -> str:
        return f"{self.node} AS {self.alias}" if self.alias else str(self.node)


@dataclass(frozen=True)
class Key:
    """One key of GROUP BY or ORDER BY.

    Attributes:
        by: ``position`` or ``alias`` of the item with that expression, where it is selected; else the expression.
    """

    node: Node
    by: str = ""
    descending: bool = False

    def written(self, items: Sequence[Item]) -> str:
        """As the query writes it."""
        at = next((n for n, item in enumerate(items) if item.node == self.node), None)
        if at is not None and self.by == "position":
            return str(at + 1)
        if at is not None and self.by == "alias" and items[at].alias:
            return items[at].alias
        return str(self.node)


@dataclass(frozen=True)
class Made:
    """A query.

    Attributes:
        position: longitude and latitude column of the table that an areaspec restricts.
        total: whether ORDER BY fixes the order of all rows.
    """

    items: tuple[Item, ...]
    first: str
    joins: tuple[str, ...] = ()
    where: tuple[Node, ...] = ()
    groups: tuple[Key, ...] = ()
    rollup: bool = False
    having: Node | None = None
    orders: tuple[Key, ...] = ()
    total: bool = False
    limit: int | None = None
    offset: int = 0
    distinct: bool = False
    position: tuple[str, str] | None = None

    def sql(self, limited: bool = True) -> str:
        """The query as a client sends it, or without its LIMIT."""
        parts = ["SELECT DISTINCT" if self.distinct else "SELECT", ", ".join(map(str, self.items))]
        parts.append(f"FROM {self.first}")
        parts += self.joins
        if self.where:
            parts.append("WHERE " + " AND ".join(map(str, self.where)))
        if self.groups:
            parts.append("GROUP BY " + ", ".join(g.written(self.items) for g in self.groups))
            parts += ["WITH ROLLUP"] * self.rollup
        if self.having is not None:
            parts.append(f"HAVING {self.having}")
        if self.orders:
            keys = (o.written(self.items) + " DESC" * o.descending for o in self.orders)
            parts.append("ORDER BY " + ", ".join(keys))
        if limited and self.limit is not None:
            parts.append(f"LIMIT {self.limit}" + (f" OFFSET {self.offset}" if self.offset else ""))
        return " ".join(parts)

    def for_oracle(self, limited: bool = True) -> str:
        """The query as a plain server takes it, which knows no areaspecs, and polygons only by their number."""
        lon, lat = self.position or ("", "")
        sql = _AREASPEC.sub(lambda m: f"scisql_s2PtIn{_SHAPES[m[1]]}({lon}, {lat}, {m[2]}) = 1", self.sql(limited))
        return _POLYGON.sub(lambda m: f"scisql_s2PtInCPoly{len(m[1].split(',')) // 2 - 1}({m[1]})", sql)

    @property
    def relative(self) -> float | None:
        """Tolerance of DOUBLE values, None for the usual one."""
        return None if all(item.node.exact for item in self.items) else SUMMED
