"""How files become pixels in apps: turned otherwise than EXIF says, mirrored, or with an alpha that is not dropped."""

from collections.abc import Callable

import numpy as np

from ..contract.image import Pixels, orient
from .hypothesis import Decoding, Fix, Photo

UPRIGHT = 1
_EXIF = Fix(
    kotlin="ExifInterface(stream).getAttributeInt(TAG_ORIENTATION, …), then Bitmap.createBitmap(…, matrix, …)",
    swift="CGImageSourceCreateThumbnailAtIndex with kCGImageSourceCreateThumbnailWithTransform: true",
    python="PIL.ImageOps.exif_transpose(image)",
)
_ONCE = Fix(
    kotlin="turn the Bitmap once: ImageDecoder applies EXIF itself, BitmapFactory does not",
    swift="UIImage draws itself upright; its cgImage is not: turn one of them, not both",
    python="PIL.ImageOps.exif_transpose(image) once; cv2.imread applies EXIF itself",
)
_TURN = Fix(
    kotlin="Matrix().apply { postRotate(imageInfo.rotationDegrees.toFloat()) }",
    swift="connection.videoRotationAngle, or the CGImagePropertyOrientation that is handed on",
    python="numpy.rot90(image, k)",
)
_MIRROR = Fix(
    kotlin="the postScale(-1f, 1f) of a front camera's preview does not belong to the model's input",
    swift="connection.isVideoMirrored = false for the model's input",
    python="image[:, ::-1] or image[::-1]",
)
_BLEND = Fix(
    kotlin="BitmapFactory.Options().apply { inPremultiplied = false }",
    swift="CGImageAlphaInfo.noneSkipLast, and a background that is filled first",
    python='Image.open(file).convert("RGB") drops alpha; a premultiplied array does not',
)


def _ignored(photo: Photo) -> Pixels | None:
    return None if photo.orientation == UPRIGHT else photo.raw


def _twice(photo: Photo) -> Pixels | None:
    return None if photo.orientation == UPRIGHT else orient(photo.upright(), photo.orientation)


def _turned(orientation: int) -> Callable[[Photo], Pixels]:
    return lambda photo: orient(photo.upright(), orientation)


def _blended(background: int) -> Callable[[Photo], Pixels | None]:
    def blend(photo: Photo) -> Pixels | None:
        if photo.alpha is None or photo.alpha.min() == 255:
            return None
        alpha = photo.alpha[..., None].astype(np.uint32)
        mixed = photo.raw * alpha + background * (255 - alpha)
        return orient(((mixed + 127) // 255).astype(np.uint8), photo.orientation)

    return blend


# The likelier ones first: where two cannot be told apart, the first is named.
DECODINGS = (
    Decoding("exif-ignored", "the orientation in EXIF is ignored", _EXIF, apply=_ignored),
    Decoding("exif-twice", "the orientation in EXIF is applied twice", _ONCE, apply=_twice),
    Decoding("rotated-90", "the image is turned by 90° clockwise", _TURN, apply=_turned(6)),
    Decoding("rotated-180", "the image is turned by 180°", _TURN, apply=_turned(3)),
    Decoding("rotated-270", "the image is turned by 90° counter-clockwise", _TURN, apply=_turned(8)),
    Decoding("mirrored", "the image is mirrored left to right", _MIRROR, apply=_turned(2)),
    Decoding("upside-down", "the rows of the image go from bottom to top", _MIRROR, apply=_turned(4)),
    Decoding("image-transposed", "rows and columns of the image are exchanged", _TURN, apply=_turned(5)),
    Decoding("image-transversed", "the image is transposed and turned by 180°", _TURN, apply=_turned(7)),
    Decoding("premultiplied-alpha", "colours are multiplied by alpha", _BLEND, apply=_blended(0)),
    Decoding("blended-on-white", "transparent pixels are blended with white", _BLEND, apply=_blended(255)),
)
