"""A stand-in for the app of fault tests: answers a request with a bundle that was recorded on the host.

`answer.py DOCUMENTS KIND`; the recorded bundle is GOLDMASK_RIG_ANSWERS. What goes wrong is machine.py's fault.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import machine


def main(documents, kind):
    """Write a bundle, case by case, as the golden test does."""
    fault = machine.fault()
    folder = documents / "goldmask" / os.environ["GOLDMASK_RUN"]
    request = json.loads((folder / "request.json").read_text("utf-8"))
    answers = Path(os.environ["GOLDMASK_RIG_ANSWERS"])
    bundle = json.loads((answers / "bundle.json").read_text("utf-8"))
    recorded = {result["case"]: result for result in bundle["results"]}
    bundle["target"] = {"name": "ios", "kind": kind, "platform": "ios", "abi": "x86_64", "os": "iOS 18.2"}
    bundle["results"] = []
    out = folder / "bundle"
    if fault == "missing-bundle":
        return
    (out / "masks").mkdir(parents=True)
    for case in request["cases"]:
        assert (folder / case["file"]).is_file() and (folder / request["model"]["file"]).is_file()
        # `crash UDID`: on that simulator only, whose folder the app's is in.
        if fault in ("crash", *(f"crash {part}" for part in documents.parts)) and bundle["results"]:
            os.kill(os.getpid(), signal.SIGABRT)
        result = recorded[case["id"]]
        result.pop("taps", None)
        if fault == "tampered-mask":
            (out / result["mask"]).write_bytes(b"no mask")
        elif fault == "huge-mask":
            with (out / result["mask"]).open("wb") as stream:
                stream.truncate(65 << 20)
        elif fault == "pipe":
            os.mkfifo(out / result["mask"])  # reading it would never end
        elif fault == "link":
            (out / result["mask"]).symlink_to(answers / result["mask"])
        else:
            shutil.copyfile(answers / result["mask"], out / result["mask"])
        if fault == "wrong-mask":
            (out / result["mask"]).write_bytes((answers / "wrong.png").read_bytes())
            result["mask_sha256"] = os.environ["GOLDMASK_RIG_WRONG_SHA256"]
        if fault == "escape":
            result["mask"] = "../request.json"
        bundle["results"].append(result)
        (out / "bundle.json").write_text(json.dumps(bundle), "utf-8")
        print(json.dumps({"case": case["id"]}), flush=True)
        if fault == "hang-test":
            machine.hang()
    if fault == "not-json":
        (out / "bundle.json").write_text("{", "utf-8")
    if fault == "other-model":
        (out / "bundle.json").write_text(json.dumps(bundle | {"model": {"name": "tiny", "sha256": "0" * 64}}), "utf-8")
    if fault == "other-pipeline":
        (out / "bundle.json").write_text(json.dumps(bundle | {"pipeline": "lib_task_api"}), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
