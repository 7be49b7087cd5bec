"""Where app code runs: each module here turns a request into a bundle."""
