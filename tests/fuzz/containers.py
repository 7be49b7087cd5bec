"""Files made of chunks, boxes or members, whose pieces change while lengths and checksums stay right, or do not."""

import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from mutations import changed
from PIL import Image
from pngs import png

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
Chunk = tuple[bytes, bytes]
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
CLAIMS = (0, 1, 2, 3, 4, 8, 255, 65_535, 1 << 20, 1 << 24, (1 << 31) - 1, (1 << 32) - 1)


def png_chunks(data: bytes) -> list[Chunk]:
    """The chunks of a PNG that is whole."""
    found, at = [], len(PNG)
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def png_of(chunks: Sequence[Chunk]) -> bytes:
    """A PNG of these chunks, with their checksums."""
    return PNG + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def webp_chunks(data: bytes) -> list[Chunk]:
    """The chunks of a WebP that is whole."""
    found, at = [], 12
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at + 4)
        found.append((data[at : at + 4], data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return found


def webp_of(chunks: Sequence[Chunk]) -> bytes:
    """A WebP of these chunks."""
    body = b"".join(kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2) for kind, body in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def jpeg_chunks(data: bytes) -> list[Chunk]:
    """The segments of a JPEG that is whole, scans with their data."""
    found, at = [], 2
    while at < len(data) - 2:
        marker, (length,) = data[at : at + 2], struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        while marker == b"\xff\xda" and not (data[end] == 0xFF and data[end + 1] not in (0, *range(0xD0, 0xD8))):
            end += 1
        found.append((marker, data[at + 4 : end]))
        at = end
    return found


def jpeg_of(chunks: Sequence[Chunk]) -> bytes:
    """A JPEG of these segments; what follows a scan's header is its data."""
    parts = []
    for marker, body in chunks:
        length = 4 + 2 * body[0] if marker == b"\xff\xda" and body else len(body)
        parts.append(marker + struct.pack(">H", min(length, len(body)) + 2 & 0xFFFF) + body)
    return JPEG + b"".join(parts) + b"\xff\xd9"


KINDS = {
    "png": (png_chunks, png_of, (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"eXIf", b"acTL", b"fcTL", b"iCCP")),
    "webp": (webp_chunks, webp_of, (b"VP8X", b"VP8 ", b"VP8L", b"ANIM", b"ANMF", b"ALPH", b"EXIF", b"ICCP")),
    "jpeg": (jpeg_chunks, jpeg_of, tuple(bytes((0xFF, each)) for each in (*range(0xC0, 0xD0), *range(0xD8, 0xF0)))),
}

# What is likelier is there more than once.
CHANGES = ("body", "body", "body", "claim", "claim", "move", "drop", "twice", "rename", "other")


@st.composite
def rearranged(draw: st.DrawFn, seeds: Sequence[tuple[str, bytes]]) -> bytes:
    """One of `seeds`, (kind, bytes), its chunks moved, left out, doubled, renamed or changed; lengths stay right."""
    kind, data = draw(st.sampled_from(seeds))
    split, joined, names = KINDS[kind]
    chunks = split(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(chunks) - 1))
        name, body = chunks[at]
        match draw(st.sampled_from(CHANGES)):
            case "body":
                chunks[at] = (name, draw(changed((body,), at_least=1)))
            case "claim":  # of the header, in which all of them have width and height
                where = draw(st.integers(0, 10))
                size = draw(st.sampled_from((1, 2, 4)))
                value = draw(st.sampled_from(CLAIMS)) & ((1 << 8 * size) - 1)
                order = draw(st.sampled_from(("big", "little")))
                chunks[at] = (name, body[:where] + value.to_bytes(size, order) + body[where + size :])
            case "move":
                chunks.insert(draw(st.integers(0, len(chunks) - 1)), chunks.pop(at))
            case "drop":
                del chunks[at]
            case "twice":
                chunks[at:at] = [chunks[at]] * draw(st.sampled_from((1, 2, 200)))
            case "rename":
                chunks[at] = (draw(st.sampled_from(names)), body)
            case "other":
                chunks.insert(at, (draw(st.sampled_from(names)), draw(st.binary(max_size=40))))
        if not chunks:
            break
    return joined(chunks)


def picture(height: int = 6, width: int = 9, channels: int = 3) -> np.ndarray:
    """uint8 [height, width, channels]; no two pixels are the same."""
    return (
        (np.arange(height * width * channels, dtype=np.uint32) * 37 % 251).astype(np.uint8).reshape(height, width, -1)
    )


def encoded(kind: str, image: Image.Image, **options: object) -> bytes:
    """An image in a format of Pillow's."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def image_seeds() -> dict[str, bytes]:
    """A small image of each kind of each format."""
    rgb, rgba = Image.fromarray(picture()), Image.fromarray(picture(channels=4), "RGBA")
    deep = np.arange(6 * 9 * 4, dtype=np.uint16).reshape(6, 9, 4) * 300
    gray, exif = rgb.convert("L"), Image.Exif()
    exif[0x0112] = 6
    wide = Image.fromarray(np.arange(54, dtype=np.uint16).reshape(6, 9) * 1200)
    return {
        "rgb.png": encoded("PNG", rgb, exif=exif),
        "rgba.png": encoded("PNG", rgba),
        "palette.png": encoded("PNG", rgb.quantize(8), transparency=1),
        "gray16.png": encoded("PNG", wide),
        "bits.png": encoded("PNG", gray.convert("1")),
        "apng.png": encoded("PNG", rgb, save_all=True, append_images=[rgb.rotate(180)]),
        "rgb16.png": png(deep[..., :3], 16, 2),
        "rgba16.png": png(deep, 16, 6, interlaced=True),
        "half.png": png(picture(), 8, 2, pixel_bytes=90),
        "tall.png": png(picture(), 8, 2, claims=(1, 1_000_000)),
        "rgb.jpeg": encoded("JPEG", rgb, exif=exif),
        "xmp.jpeg": encoded("JPEG", rgb, xmp=XMP),
        "fine.jpeg": encoded("JPEG", rgb, quality=95, subsampling=0, restart_marker_blocks=1),
        "progressive.jpeg": encoded("JPEG", rgb, progressive=True),
        "gray.jpeg": encoded("JPEG", gray),
        "cmyk.jpeg": encoded("JPEG", rgb.convert("CMYK")),
        "lossy.webp": encoded("WEBP", rgb, exif=exif),
        "prefixed.webp": encoded("WEBP", rgb, exif=b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")),
        "lossless.webp": encoded("WEBP", rgba, lossless=True),
        "animated.webp": encoded("WEBP", rgb, save_all=True, append_images=[rgb.rotate(180)], duration=40),
        "rgb.bmp": encoded("BMP", rgb),
        "rgba.bmp": encoded("BMP", rgba),
        "palette.bmp": encoded("BMP", rgb.quantize(16)),
        "bits.bmp": encoded("BMP", gray.convert("1")),
        "rle8.bmp": rle8(),
    }


def rle8() -> bytes:
    """A BMP of 4×2 pixels in run lengths, which Pillow reads and does not write."""
    codes = bytes((4, 1, 0, 0, 0, 4, 1, 2, 3, 0, 0, 1))
    colours = bytes(range(16))
    header = struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, 8, 1, len(codes), 0, 0, 4, 0)
    start = 14 + len(header) + len(colours)
    return b"BM" + struct.pack("<IHHI", start + len(codes), 0, 0, start) + header + colours + codes
