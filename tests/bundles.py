"""A bundle of this computer, for tests that are about its results."""

from collections.abc import Sequence
from typing import Any

from goldmask.contract.bundle import Bundle, ModelInfo, RuntimeInfo, TargetInfo


def host_bundle(results: Sequence[Any]) -> Bundle:
    """A bundle of target `python` with these results, each a `Result` or its fields."""
    return Bundle(
        schema=1,
        target=TargetInfo(name="python", kind="host", platform="linux", abi="x86_64", os="Linux"),
        pipeline="lib_interpreter",
        runtime=RuntimeInfo(name="LiteRT", version="2.3.0", delegate="xnnpack", threads=2),
        model=ModelInfo(name="model", sha256="b" * 64),
        started_at="2026-01-01T00:00:00+00:00",
        results=tuple(results),
    )
