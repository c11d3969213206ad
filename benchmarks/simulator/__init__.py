"""Simulated workers: the protocol and the waiting are real, the rows are made up."""
