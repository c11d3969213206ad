"""What came of a run of random queries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

#: Differences that are kept with all their words.
KEPT = 300


@dataclass(frozen=True)
class Outcome:
    """What came of one query.

    Attributes:
        kind: ``alike``, ``refused`` (by the proxy alone, with 1235), ``failed`` (refused by both), ``slow`` (for the
            plain server), ``open`` (plain servers differ too, or one does by its plan) or ``different``.
        reason: of a refusal or failure, as the proxy said it.
        faults: what is wrong with the answer.
        rows: of the answer.
    """

    number: int
    kind: str
    features: frozenset[str]
    reason: str = ""
    faults: tuple[str, ...] = ()
    sql: str = ""
    rows: int = 0


@dataclass
class Tally:
    """What came of a run.

    Attributes:
        kinds: of outcomes.
        reasons: classes of refusals, and what both refuse, with how often each came.
        features: what queries held, asked and refused.
        empty: answers without rows.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)
    refused_features: Counter[str] = field(default_factory=Counter)
    different: list[Outcome] = field(default_factory=list)
    left_open: list[Outcome] = field(default_factory=list)
    empty: int = 0

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Count further outcomes."""
        for outcome in outcomes:
            self.kinds[outcome.kind] += 1
            self.features.update(outcome.features)
            if outcome.kind == "refused":
                self.reasons[reason_class(outcome.reason)] += 1
                self.refused_features.update(outcome.features)
            elif outcome.kind == "failed":
                self.failures[reason_class(outcome.reason)] += 1
            elif outcome.kind == "alike":
                self.empty += not outcome.rows
            elif outcome.kind == "different" and len(self.different) < KEPT:
                self.different.append(outcome)
            elif outcome.kind == "open" and len(self.left_open) < KEPT:
                self.left_open.append(outcome)

    @property
    def asked(self) -> int:
        """All queries."""
        return self.kinds.total()

    def share(self, kind: str) -> float:
        """Of all queries, 0 to 1."""
        return self.kinds[kind] / max(self.asked, 1)

    def lines(self) -> list[str]:
        """What queries held, and why some were refused."""
        found = ["what queries held: asked, refused"]
        for name, count in sorted(self.features.items()):
            found.append(f"  {name:28} {count:7} {self.refused_features[name] / count:6.1%}")
        found += [f"  refused {count:6} times: {reason}" for reason, count in self.reasons.most_common(25)]
        found += [f"  failed  {count:6} times: {reason}" for reason, count in self.failures.most_common(12)]
        return found

    def summary(self, seconds: float) -> str:
        """One line."""
        kinds = self.kinds
        return (
            f"{self.asked} queries, {self.asked / max(seconds, 1e-9):.0f}/s: {kinds['alike']} answered alike "
            f"({self.empty} without rows), {kinds['refused']} refused ({self.share('refused'):.1%}), "
            f"{kinds['failed']} refused by both, {kinds['slow']} too slow for the plain server, "
            f"{kinds['open']} without one right answer, {kinds['different']} different"
        )


def reason_class(text: str) -> str:
    """A refusal without the names and numbers of its query."""
    text = re.sub(r"'(?:[^'\\]|\\.)*'|`[^`]*`", "'..'", text)
    text = re.sub(r"\b(?:[turwkac]\d+|\d+)\b", "N", text)
    return re.sub(r": \.\.\. .*?;", ": ...;", text)[:130]
