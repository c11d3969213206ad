"""The catalogue store: families, databases, workers, users and the query log, through SQLAlchemy."""
