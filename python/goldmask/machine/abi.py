"""Processors, as Android names them."""

import platform


def host_abi() -> str:
    """Android's name for this machine's processor; empty where Android has none."""
    names = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64-v8a", "arm64": "arm64-v8a"}
    return names.get(platform.machine().lower(), "")
