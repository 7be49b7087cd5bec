"""Image files of every kind that decoders disagree about, made byte by byte, with the pixels that are right.

Formats × depths × alpha, each with every orientation and every kind of colour profile; then metadata that must not
count, and files that are damaged. `PYTHONPATH=python .venv/bin/python tests/image_grid.py FOLDER` writes them for
tests/ios/grid.
"""

import io
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from bmps import HEIGHT, RGB, RGBA, RNG, WIDTH, bmp, bmp_files
from PIL import Image
from pngs import COLOURS, packed, png

from goldmask.contract.image import Pixels, decode, orient
from goldmask.contract.png import CHANNELS, DEPTHS, PALETTE

# Every low byte would carry if it were rounded.
DEEP = (RGBA.astype(np.uint16) << 8) | 0xFF
# Which of RGBA's channels a PNG of each colour type has.
PLANES = {0: [0], 2: [0, 1, 2], PALETTE: [0], 4: [0, 3], 6: [0, 1, 2, 3]}


def exif(orientation: int, prefix: bytes = b"", order: str = "<", kind: int = 3) -> bytes:
    """An EXIF block of one tag."""
    mark = b"II" if order == "<" else b"MM"
    value = struct.pack(order + ("HH" if kind == 3 else "I"), orientation, *([0] if kind == 3 else []))
    return prefix + mark + struct.pack(order + "HIHHHI", 42, 8, 1, 0x0112, kind, 1) + value + bytes(4)


def xmp(orientation: int) -> bytes:
    """An XMP packet of one property."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
        f'tiff:Orientation="{orientation}"/></rdf:RDF></x:xmpmeta>'
    ).encode()


def profile(tags: dict[bytes, bytes], space: bytes = b"RGB ") -> bytes:
    """An ICC profile (ICC.1:2001-04) of these tags."""
    white = b"XYZ " + bytes(4) + struct.pack(">iii", 0xF6D6, 0x10000, 0xD32D)
    tags = {b"wtpt": white, b"cprt": b"text" + bytes(4) + b"none\0", **tags}
    at, table, bodies = 128 + 4 + 12 * len(tags), b"", b""
    for name, body in tags.items():
        body += bytes(-len(body) % 4)
        table += name + struct.pack(">II", at + len(bodies), len(body))
        bodies += body
    header = struct.pack(">I4sI4s4s4s", at + len(bodies), bytes(4), 0x02400000, b"mntr", space, b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">iii", 0xF6D6, 0x10000, 0xD32D)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + bodies


def by_matrix() -> bytes:
    """A wide-gamut profile: three primaries and a gamma of 1."""
    primaries = {b"rXYZ": (0.8, 0.3, 0.0), b"gXYZ": (0.1, 0.6, 0.1), b"bXYZ": (0.06, 0.1, 0.72)}
    fixed = {
        name: b"XYZ " + bytes(4) + struct.pack(">iii", *(int(each * 65536) for each in value))
        for name, value in primaries.items()
    }
    return profile(fixed | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), b"curv" + bytes(8)))


def by_table(channels: int = 3) -> bytes:
    """A profile that is a table, as printers and scanners have: one that swaps colours."""
    corners = [tuple(reversed(corner)) for corner in product((0, 200), repeat=3)]
    if channels == 1:
        corners = [(0, 0, 0), (200, 10, 100)]
    identity = bytes(range(256))
    table = b"mft1" + bytes(4) + struct.pack(">BBBB", channels, 3, 2, 0)
    table += struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table += identity * channels + bytes(value for corner in corners for value in corner) + identity * 3
    return profile({b"A2B0": table}, b"RGB " if channels == 3 else b"GRAY")


# Metadata to put into a file: an EXIF block, an XMP packet, a colour profile; any of them may be empty.
Writer = Callable[[bytes, bytes, bytes], bytes]


@dataclass(frozen=True)
class Kind:
    """A format with a depth, a layout and alpha, and its pixels before it is turned; None where it is lossy."""

    name: str
    write: Writer
    pixels: Pixels | None
    channels: int = 3


def png_kinds() -> Iterator[Kind]:
    """All colour types and depths, plain and interlaced, with transparency and without."""
    for colour, depths in DEPTHS.items():
        for depth, interlaced, clear in product(depths, (False, True), (False, True)):
            if clear and colour > PALETTE:
                continue
            samples = (DEEP if depth == 16 else RGBA)[..., PLANES[colour]] >> max(0, 8 - depth)
            if colour == PALETTE:
                pixels = np.frombuffer(COLOURS, np.uint8).reshape(-1, 3)[samples[..., 0]]
            else:
                bytes_ = samples >> 8 if depth == 16 else samples * (255 // ((1 << depth) - 1))
                pixels = bytes_.astype(np.uint8)[..., [0, 0, 0] if CHANNELS[colour] < 3 else [0, 1, 2]]
            transparency = b"\0\x80" if colour == PALETTE else struct.pack(f">{CHANNELS[colour]}H", *samples[0, 0])
            name = f"png{colour}-{depth}{'i' if interlaced else ''}{'t' if clear else ''}"
            write = partial(write_png, samples, depth, colour, interlaced, transparency if clear else b"")
            yield Kind(name, write, pixels, 1 if CHANNELS[colour] < 3 and colour != PALETTE else 3)


def write_png(
    samples: np.ndarray, depth: int, colour: int, interlaced: bool, clear: bytes, exif: bytes, xmp: bytes, icc: bytes
) -> bytes:
    """A PNG with metadata."""
    before = [(b"iCCP", b"p\0\0" + zlib.compress(icc))] if icc else []
    before += [(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)] if xmp else []
    before += [(b"eXIf", exif)] if exif else []
    return png(samples, depth, colour, interlaced=interlaced, before=tuple(before), clear=clear)


def jpeg_kinds() -> Iterator[Kind]:
    """Gray and colour, baseline and progressive, with and without fewer colours than pixels."""
    gray = Image.fromarray(RGB[..., 0])
    for name, image, options in (
        ("gray", gray, {}),
        ("444", Image.fromarray(RGB), {"subsampling": 0}),
        ("420", Image.fromarray(RGB), {"subsampling": 2}),
        ("422-progressive", Image.fromarray(RGB), {"subsampling": 1, "progressive": True}),
        ("restarts", Image.fromarray(RGB), {"restart_marker_blocks": 1}),
        ("rgb", Image.fromarray(RGB), {"keep_rgb": True}),
    ):
        data = saved(image, "JPEG", quality=90, **options)
        yield Kind(f"jpeg-{name}", partial(with_segments, data), None, 1 if image is gray else 3)


def with_segments(data: bytes, exif: bytes, xmp: bytes, icc: bytes) -> bytes:
    """A JPEG with segments behind its first one."""
    bodies = [(0xE2, b"ICC_PROFILE\0\1\1" + icc)] if icc else []
    bodies += [(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp)] if xmp else []
    bodies += [(0xE1, b"Exif\0\0" + exif)] if exif else []
    at = 4 + struct.unpack(">H", data[4:6])[0]
    added = b"".join(struct.pack(">BBH", 0xFF, kind, len(body) + 2) + body for kind, body in bodies)
    return data[:at] + added + data[at:]


def webp_kinds() -> Iterator[Kind]:
    """Lossy and lossless, opaque and not, still and moving."""
    later = Image.fromarray(255 - RGB)
    for name, pixels, options in (
        ("lossy", RGB, {"quality": 80}),
        ("lossy-alpha", RGBA, {"quality": 80, "exact": True}),
        ("lossless", RGB, {"lossless": True}),
        ("lossless-alpha", RGBA, {"lossless": True, "exact": True}),
        ("moving", RGB, {"lossless": True, "save_all": True, "append_images": [later]}),
        ("moving-alpha", RGBA, {"lossless": True, "exact": True, "save_all": True, "append_images": [later]}),
    ):
        write = partial(write_webp, Image.fromarray(pixels), options)
        # Pillow drops colours that nobody sees from an animation's frames.
        lossy = "quality" in options or name == "moving-alpha"
        yield Kind(f"webp-{name}", write, None if lossy else pixels[..., :3])


def write_webp(image: Image.Image, options: dict, exif: bytes, xmp: bytes, icc: bytes) -> bytes:
    """A WebP with metadata. Pillow takes an EXIF prefix away, and so gets a block that only looks like one."""
    data = saved(image, "WEBP", **options, exif=b"?" * len(exif), xmp=xmp, icc_profile=icc)
    return data.replace(b"?" * len(exif), exif) if exif else data


def saved(image: Image.Image, kind: str, **options) -> bytes:
    """An image as Pillow writes it."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def grid() -> Iterator[tuple[str, bytes, Pixels | None]]:
    """(name, file, upright pixels): every kind with each orientation and profile. Of what is lossy, no pixels."""
    profiles = {"": ("", ""), "matrix": (by_matrix(), by_matrix()), "table": (by_table(1), by_table(3))}
    for kind in [*png_kinds(), *jpeg_kinds(), *webp_kinds()]:
        for orientation, profile in product(range(9), profiles):
            icc = profiles[profile][kind.channels == 3] if profile else b""
            data = kind.write(exif(orientation) if orientation else b"", b"", icc)
            pixels = None if kind.pixels is None else orient(kind.pixels, orientation)
            yield f"{kind.name}-{orientation}{profile}", data, pixels
    yield from bmp_files()


def writers() -> dict[str, Writer]:
    """One kind of each format that has metadata."""
    kinds = {kind.name: kind.write for kind in [*png_kinds(), *jpeg_kinds(), *webp_kinds()]}
    return {name: kinds[key] for name, key in (("png", "png2-8"), ("jpeg", "jpeg-420"), ("webp", "webp-lossless"))}


def metadata() -> Iterator[tuple[str, bytes, int]]:
    """(name, file, the orientation that counts): what else a file may say of its orientation and its colours."""
    icc = by_matrix()
    for name, write in writers().items():
        yield f"{name}-xmp", write(b"", xmp(6), b""), 1
        yield f"{name}-xmp-and-exif", write(exif(3), xmp(6), b""), 3
        yield f"{name}-big-endian", write(exif(6, order=">"), b"", b""), 6
        yield f"{name}-long", write(exif(6, kind=4), b"", b""), 6
        yield f"{name}-long-big-endian", write(exif(8, order=">", kind=4), b"", b""), 8
        yield f"{name}-prefixed", write(exif(8, b"Exif\0\0"), b"", b""), 8
        yield f"{name}-exif-of-nothing", write(b"II*\0\x08\0\0\0\0\0\0\0\0\0", xmp(8), b""), 1
        for broken in (b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff", b"II", b"hello, world", exif(0), exif(9)):
            yield f"{name}-exif-{broken.hex()[:50]}", write(broken, b"", b""), 1
        yield f"{name}-profile-broken", write(b"", b"", b"no profile"), 1
        yield f"{name}-profile-cut", write(b"", b"", icc[:200]), 1
    text = f"\nexif\n{len(exif(6)) + 6:8}\n".encode() + exif(6, b"Exif\0\0").hex().encode() + b"\n"
    for name, before, after in (
        ("text", [(b"tEXt", b"Raw profile type exif\0" + text)], []),
        ("text-packed", [(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text))], []),
        ("text-after", [], [(b"tEXt", b"Raw profile type APP1\0" + text)]),
        ("gamma", [(b"gAMA", struct.pack(">I", 100000))], []),
        ("primaries", [(b"cHRM", struct.pack(">8I", *[31270, 32900, 64000, 33000, 15000, 6000, 30000, 60000]))], []),
        ("srgb", [(b"sRGB", b"\2")], []),
        ("hdr", [(b"cICP", bytes([9, 16, 0, 1]))], []),
        ("few-bits", [(b"sBIT", bytes([5, 6, 5]))], []),
        ("background", [(b"bKGD", bytes(6))], []),
        ("moving", [(b"acTL", struct.pack(">II", 2, 0))], []),
    ):
        yield f"png-{name}", png(RGB, 8, 2, before=tuple(before), after=tuple(after)), 1
    yield "png-exif-after", png(RGB, 8, 2, after=((b"eXIf", exif(6)),)), 6
    yield "png-exif-twice", png(RGB, 8, 2, before=((b"eXIf", exif(6)), (b"eXIf", exif(3)))), 6
    yield "png-more-behind", png(RGB, 8, 2) + b"more", 1
    whole = writers()["jpeg"](b"", b"", b"")
    yield "jpeg-exif-twice", with_segments(with_segments(whole, exif(3), b"", b""), exif(6), b"", b""), 6
    yield "jpeg-more-behind", whole + b"more\xff\xd9" + whole, 1
    yield "jpeg-filled", whole.replace(b"\xff\xdb", b"\xff\xff\xff\xdb").replace(b"\xff\xd9", b"\xff\xff\xd9"), 1
    yield "webp-more-behind", writers()["webp"](exif(6), b"", b"") + b"more", 6


def ends_in_gray() -> Iterator[tuple[str, bytes]]:
    """Whole JPEGs that end in what decoders paint where data is missing."""
    for name, mode, progressive in (("gray", "L", False), ("colour", "RGB", False), ("progressive", "RGB", True)):
        picture = np.full((48, 48), 128, np.uint8)
        picture[:16] = 20
        yield name, saved(Image.fromarray(picture).convert(mode), "JPEG", progressive=progressive)


def refused() -> Iterator[tuple[str, bytes]]:
    """Files that are damaged, and kinds that docs/images.md refuses."""
    for depth, colour in ((8, 2), (16, 6), (1, 0), (4, PALETTE)):
        samples = (DEEP if depth == 16 else RGBA)[..., PLANES[colour]] >> max(0, 8 - depth)
        for interlaced in (False, True):
            name = f"png{colour}-{depth}{'i' if interlaced else ''}"
            all_bytes = len(packed(samples, depth, interlaced))
            make = partial(png, samples, depth, colour, interlaced=interlaced)
            yield f"{name}-no-rows", make(pixel_bytes=0)
            yield f"{name}-half", make(pixel_bytes=all_bytes // 2)
            yield f"{name}-byte-missing", make(pixel_bytes=all_bytes - 1)
            yield f"{name}-byte-more", make(more=b"\0")
            yield f"{name}-checksum", make(spoilt=b"IDAT")
            yield f"{name}-no-end", make(end=False)
            yield f"{name}-cut", make()[:-20]
    whole = png(RGB, 8, 2)
    for name, old, new in (
        ("depth", struct.pack(">IIB", WIDTH, HEIGHT, 8), struct.pack(">IIB", WIDTH, HEIGHT, 4)),
        ("no-width", struct.pack(">I", WIDTH), bytes(4)),
    ):
        header = whole[8:33].replace(old, new)
        yield f"png-{name}", whole[:8] + header[:-4] + struct.pack(">I", zlib.crc32(header[4:-4])) + whole[33:]
    yield "png-no-palette", png(RGB[..., 0], 8, PALETTE).replace(b"PLTE", b"pLTE")
    yield "png-large", png(RGB, 8, 2, claims=(9000, 9000))
    yield "png-warned", png(RGB, 8, 2, claims=(10000, 10000))
    yield "png-tall", png(RGB, 8, 2, claims=(1, 65536))
    noisy = RNG.integers(0, 256, (32, 32, 3)).astype(np.uint8)
    for name, options in (
        ("", {}),
        ("-420", {"subsampling": 2}),
        ("-gray", {}),
        ("-restarts", {"restart_marker_blocks": 5}),
    ):
        image = Image.fromarray(noisy[..., 0] if name == "-gray" else noisy)
        data = saved(image, "JPEG", quality=90, **options)
        start = data.index(b"\xff\xda")
        height = data.index(b"\xff\xc0") + 5
        yield f"jpeg{name}-cut", data[: len(data) // 2]
        yield f"jpeg{name}-rows-missing", data[: len(data) // 2].rstrip(b"\xff") + b"\xff\xd9"
        yield f"jpeg{name}-no-data", data[: start + 14] + b"\xff\xd9"
        yield f"jpeg{name}-no-scan", data[:start] + b"\xff\xd9"
        yield f"jpeg{name}-no-end", data[:-2]
        yield f"jpeg{name}-high", data[:height] + struct.pack(">H", 64) + data[height + 2 :]
        yield f"jpeg{name}-no-height", data[:height] + bytes(2) + data[height + 2 :]
    progressive = saved(Image.fromarray(noisy), "JPEG", progressive=True)
    first = progressive.index(b"\xff\xda")
    yield "jpeg-progressive-no-data", progressive[: first + 14] + b"\xff\xd9"
    last = progressive.rindex(b"\xff\xda")
    yield "jpeg-scans", progressive[:-2] + progressive[last:-2] * 100 + b"\xff\xd9"
    yield "jpeg-progressive-first-scan", progressive[: first + 100] + b"\xff\xd9"
    yield "jpeg-cmyk", saved(Image.fromarray(RGB).convert("CMYK"), "JPEG")
    yield "jpeg-arithmetic", data.replace(b"\xff\xc0", b"\xff\xc9")
    yield "jpeg-twelve-bits", data.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c")
    for name in ("lossy", "lossless"):
        data = saved(Image.fromarray(noisy), "WEBP", lossless=name == "lossless")
        cut = data[: len(data) * 2 // 3 // 2 * 2]
        yield f"webp-{name}-cut", cut
        mended = struct.pack("<I", len(cut) - 8), struct.pack("<I", len(cut) - 20)
        yield f"webp-{name}-mended", cut[:4] + mended[0] + cut[8:16] + mended[1] + cut[20:]
    moving = dict((kind.name, kind.write) for kind in webp_kinds())["webp-moving"](b"", b"", b"")
    at = moving.index(b"VP8X") + 12
    yield "webp-frame-of-a-canvas", moving[:at] + struct.pack("<HBHB", WIDTH, 0, HEIGHT, 0) + moving[at + 6 :]
    yield "webp-empty", b"RIFF\4\0\0\0WEBP"
    files = dict((name, data) for name, data, _ in bmp_files())
    for name in ("bmp1", "bmp8", "bmp8-rle", "bmp4-literal", "bmp16", "bmp24", "bmp32"):
        yield f"{name}-cut", files[name][:-8]
        yield f"{name}-header", files[name][:40]
    yield "bmp-delta", bmp([b"\0\2\1\1", b"\0\1"], 8, compression=1, palette=RGB[0])
    yield "bmp-ends-early", bmp([b"\x0d\5\0\0\0\1"], 8, compression=1, palette=RGB[0])
    yield "bmp-long-run", bmp([b"\x0e\5\0\0"] * HEIGHT, 8, compression=1, palette=RGB[0])
    yield "bmp-embedded", bmp([whole], 24, compression=5)
    yield "bmp-mask", bmp([bytes(2 * WIDTH)] * HEIGHT, 16, compression=3, masks=(0x7C01, 0x3E0, 0x1E))
    yield "bmp-no-mask", bmp([bytes(4 * WIDTH)] * HEIGHT, 32, compression=3, masks=(0, 0, 0))
    yield "bmp-wide", bmp([b""], 24, width=1 << 17)
    yield "bmp-narrow", bmp([b""], 24, width=-1)
    yield "gif", saved(Image.fromarray(RGB), "GIF")
    yield "tiff", saved(Image.fromarray(RGB), "TIFF")
    yield "text", b"hello"
    for name in (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"RIFF\0\0\0\0WEBP"):
        yield f"begins-{name.hex()}", name


def write(folder: Path) -> None:
    """Every file, with its pixels as Python decodes them beside it; one without pixels is to be refused."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {f"grid.{name}": data for name, data, _ in grid()}
    files |= {f"metadata.{name}": data for name, data, _ in metadata()}
    for name, data in files.items():
        lossy = "lossy." if "jpeg" in name or "lossy" in name else ""
        (folder / f"{lossy}{name}").write_bytes(data)
        (folder / f"{lossy}{name}.rgb").write_bytes(decode(Path(name), data=data).tobytes())
    for name, data in refused():
        (folder / f"refused.{name}").write_bytes(data)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
