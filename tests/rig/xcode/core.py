"""A stand-in for the app that is the app's real Swift core: segment-cli, on the request in the app's container.

`core.py DOCUMENTS KIND`; GOLDMASK_RIG_CORE has the program's path and its environment, as ios_host.py makes them. Linux
has no ImageIO, so the cases come decoded.
"""

import json
import os
import sys
from pathlib import Path

from goldmask.contract.bundle import load_request
from goldmask.targets.host import write_decoded


def main(documents: Path) -> None:
    """Become segment-cli, whose bundle goes to where the golden test writes it."""
    folder = documents / "goldmask" / os.environ["GOLDMASK_RUN"]
    decoded = write_decoded(load_request(folder / "request.json"), folder)
    program, environment = json.loads(os.environ["GOLDMASK_RIG_CORE"])
    argv = [program, folder / "request.json", "--out", folder / "bundle", "--decoded", decoded]
    os.environ.update(environment)
    os.execv(program, [str(word) for word in argv])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
