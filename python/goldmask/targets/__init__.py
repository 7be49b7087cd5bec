"""Where app code runs: each module here turns a request into a bundle."""

from ..setup import Setup

__all__ = ["Setup"]
