"""ABIs: processors as Android, the ELF header and GNU tools name them, and which of them this machine has."""

import platform
from dataclasses import dataclass


@dataclass(frozen=True)
class Abi:
    """`name` is Android's, `elf_machine` the number in an ELF header (e_machine), `gnu` the triplet of compilers."""

    name: str
    elf_machine: int
    gnu: str


ABIS = {
    abi.name: abi
    for abi in (
        Abi("arm64-v8a", 183, "aarch64-linux-gnu"),
        Abi("armeabi-v7a", 40, "arm-linux-gnueabihf"),
        Abi("x86", 3, "i686-linux-gnu"),
        Abi("x86_64", 62, "x86_64-linux-gnu"),
    )
}
_MACHINES = {"aarch64": "arm64-v8a", "amd64": "x86_64", "arm64": "arm64-v8a", "x86_64": "x86_64"}


def host_abi() -> str:
    """Android's name for this machine's processor; empty where Android has none."""
    return _MACHINES.get(platform.machine().lower(), "")


def abi_of(elf: bytes) -> str:
    """The ABI of an ELF file (System V ABI, e_machine); empty for one that Android does not have, or no ELF file."""
    machine = int.from_bytes(elf[18:20], "little") if elf[:4] == b"\x7fELF" else 0
    return next((abi.name for abi in ABIS.values() if abi.elf_machine == machine), "")
