"""What the tests stand on: private servers, the oracle, the corpus and its data, comparison, faults."""
