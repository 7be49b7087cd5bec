"""The tasks: `./goldmask check` and `inv check` are the same program (python/goldmask/tasks.py)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "python"))

from goldmask.tasks import main, namespace

__all__ = ["namespace"]

if __name__ == "__main__":
    main()
