"""The demo's data, ready to be served from this process."""
