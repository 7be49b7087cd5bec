"""What draws on a device, and that a renderer on the CPU makes a latency of the GPU delegate advice."""

import pytest

from goldmask.android.device_state import Battery, DeviceState, facts_of, flags_of, parse_renderer

# handwritten, after SurfaceFlinger.cpp of Android 14
SWIFTSHADER = "GLES: Google (Google Inc.), Android Emulator OpenGL ES Translator (Google SwiftShader), OpenGL ES 3.0"
LINES = "Display 0\n------------RE GLES (Ganesh)------------\n{}\nEGL implementation : 1.5\n"


@pytest.mark.parametrize(
    ("line", "renderer", "flags"),
    [
        (SWIFTSHADER, SWIFTSHADER.removeprefix("GLES: ").removesuffix(", OpenGL ES 3.0"), ["SOFTWARE-GPU"]),
        (
            "GLES: Mesa, llvmpipe (LLVM 15.0.7, 256 bits), OpenGL ES 3.2",
            "Mesa, llvmpipe (LLVM 15.0.7, 256 bits)",
            ["SOFTWARE-GPU"],
        ),
        ("  GLES: ARM, Mali-G710, OpenGL ES 3.2 v1.r38p1", "ARM, Mali-G710", []),
        ("GLES: Adreno", "Adreno", []),
        ("Can't find service: SurfaceFlinger", "", []),
    ],
)
def test_a_renderer_of_the_cpu_is_flagged(line, renderer, flags):
    found = parse_renderer(LINES.format(line))
    state = DeviceState({"ro.hardware.egl": "mali"}, Battery(80, True), 0, renderer=found)
    assert found == renderer and flags_of(state, 0, False) == flags
    assert facts_of(state, 0, False).gpu == (renderer or "mali")


def test_a_renderer_is_printable_and_short():
    assert parse_renderer("GLES: a\x1b[31m, b, c") == r"a\x1b[31m, b"
    assert len(parse_renderer(f"GLES: {'x' * 390}")) == 200
