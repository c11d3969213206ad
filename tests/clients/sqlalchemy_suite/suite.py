"""SQLAlchemy's dialect compliance suite, as far as it reads."""

from sqlalchemy.testing.suite import *  # noqa: F403
