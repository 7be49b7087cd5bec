"""Where app code runs: each module turns a request into a bundle."""
