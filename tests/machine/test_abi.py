"""ABIs: one table for the names of processors that Android, ELF files and this machine have."""

import platform
import struct

import lief
import pytest

from goldmask.machine.abi import ABIS, abi_of, host_abi


@pytest.mark.parametrize(
    ("machine", "abi"),
    [("x86_64", "x86_64"), ("AMD64", "x86_64"), ("aarch64", "arm64-v8a"), ("arm64", "arm64-v8a"), ("riscv64", "")],
)
def test_this_machines_processor_by_androids_name(machine, abi, monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert host_abi() == abi


def elf(machine: int) -> bytes:
    """The beginning of an ELF file for a processor."""
    return b"\x7fELF" + bytes(14) + struct.pack("<H", machine)


def test_an_elf_file_names_its_abi():
    """By the numbers that LIEF has for the processors."""
    names = {"AARCH64": "arm64-v8a", "ARM": "armeabi-v7a", "I386": "x86", "X86_64": "x86_64"}
    assert set(names.values()) == set(ABIS)
    for name, abi in names.items():
        assert abi_of(elf(getattr(lief.ELF.ARCH, name).value)) == abi


@pytest.mark.parametrize("data", [b"", b"\x7fELF", elf(243), elf(0), b"MZ" + elf(62)[2:]])
def test_what_is_of_no_abi(data):
    assert abi_of(data) == ""
