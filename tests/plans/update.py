"""Plan every golden query again, and write docs/sql.md: ``make plans``. The difference is for review."""

from __future__ import annotations

from tests.plans.files import FOLDER, TOPICS, anew, dump, load
from tests.plans.page import PAGE, page


def main() -> None:
    topics = {}
    for name in TOPICS:
        topics[name] = anew(load(name))
        (FOLDER / f"{name}.yaml").write_text(dump(topics[name]))
    PAGE.write_text(page(topics))


if __name__ == "__main__":
    main()
