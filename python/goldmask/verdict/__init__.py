"""A bundle against a golden: metrics, gates, and one sentence that says why; nothing is run or written."""
