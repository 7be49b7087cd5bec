"""Where app code runs: each target turns a request into a bundle."""
