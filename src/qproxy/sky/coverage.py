"""Coverage: the chunks, and where known the sub-chunks, that a query can touch."""
