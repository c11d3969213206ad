"""SQL cases by topic, and the test that runs each of them on every system."""
