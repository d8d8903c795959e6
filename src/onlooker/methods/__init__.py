"""One folder per published method, grouped by the question it answers."""
