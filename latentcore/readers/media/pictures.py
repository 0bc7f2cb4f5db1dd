"""One picture: what its header says, its pixels, and how they are brought to a size."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageOps

from latentcore.errors import MalformedFileError

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP")
_GRAY = ("1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N")
_COLOR = ("P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")
_TIFFS = (".tif", ".tiff")
_ORIENTATION = 0x0112
# Beyond it Pillow warns of a decompression bomb: some 89 million pixels.
_MOST_PIXELS = 89_478_485

# All that Pillow and tifffile raise on damaged files, MemoryError where a header claims gigabytes;
# warnings count where they are errors.
_DAMAGE = (
    OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError, TypeError, AttributeError,
    ArithmeticError, RuntimeError, MemoryError, struct.error, zlib.error,
    Image.DecompressionBombError, Warning,
)  # fmt: skip


@dataclass(frozen=True)
class PictureHeader:
    """What is known of a picture before it is decoded.

    Attributes
    ----------
    size : tuple of int
        (H, W), turned as a camera says.
    channels : int
        1 (gray) or 3.
    dtype : numpy.dtype
        uint8 or uint16.
    """

    size: tuple[int, int]
    channels: int
    dtype: np.dtype[np.generic]


def picture_header(path: Path) -> PictureHeader:
    """Read a picture's header.

    Raises
    ------
    MalformedFileError
        If it is damaged, larger than any picture, or of a kind that isn't read.
    """
    with _reported(path):
        if _is_wide_color_tiff(path):
            with tifffile.TiffFile(path) as file:
                return _tiff_header(path, file)
        with Image.open(path, formats=_FORMATS) as image:
            return _header(path, image)


def picture_pixels(path: Path) -> NDArray[np.generic]:
    """Decode a picture: uint8 or uint16, shape (H, W, 1) or (H, W, 3).

    Palettes become colors, and transparency is dropped.

    Raises
    ------
    MalformedFileError
        As `picture_header`.
    """
    with _reported(path):
        if _is_wide_color_tiff(path):
            with tifffile.TiffFile(path) as file:
                _tiff_header(path, file)
                return _tiff_pixels(file)
        with Image.open(path, formats=_FORMATS) as image:
            header = _header(path, image)
            turned = ImageOps.exif_transpose(image) if _orientation(image) != 1 else image
            mode = "L" if header.channels == 1 else "RGB"
            if header.dtype == np.uint8 and turned.mode != mode:
                turned = turned.convert(mode)
            pixels = np.asarray(turned)
            return pixels.reshape(*pixels.shape[:2], -1).astype(header.dtype, copy=False)


def float_pixels(path: Path) -> NDArray[np.generic] | None:
    """Return the pixels of a gray TIFF of floats, shape (H, W); None for any other picture.

    Raises
    ------
    MalformedFileError
        As `picture_header`.
    """
    if path.suffix.lower() not in _TIFFS:
        return None
    with _reported(path), tifffile.TiffFile(path) as file:
        page = file.pages.first
        if page.dtype is None or page.dtype.kind != "f" or page.samplesperpixel != 1:
            return None
        _check_size(path, page.imagelength, page.imagewidth)
        if len(file.pages) > 1:
            raise MalformedFileError(_several_pages(path))
        pixels: NDArray[np.generic] = page.asarray()
        return pixels


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        message = (
            f"The picture {path.name!r} can't be read: {error or type(error).__name__}. "
            "It is damaged, or none of PNG, JPEG, TIFF and WebP: copy it again, or take it out "
            "of the folder."
        )
        raise MalformedFileError(message) from error


def _header(path: Path, image: Image.Image) -> PictureHeader:
    _check_size(path, image.height, image.width)
    if image.format == "TIFF" and getattr(image, "n_frames", 1) > 1:
        raise MalformedFileError(_several_pages(path))
    if image.mode not in (*_GRAY, *_COLOR):
        raise MalformedFileError(_wrong_kind(path, f"pixels of mode {image.mode!r}"))
    size = image.height, image.width
    if _orientation(image) in (5, 6, 7, 8):
        size = size[::-1]
    wide = image.mode.startswith("I;16")
    return PictureHeader(
        size, 1 if image.mode in _GRAY else 3, np.dtype(np.uint16 if wide else np.uint8)
    )


def _orientation(image: Image.Image) -> int:
    """Return how a camera was held, 1 for upright; other formats than JPEG rarely say."""
    return int(image.getexif().get(_ORIENTATION, 1)) if image.format == "JPEG" else 1


def _is_wide_color_tiff(path: Path) -> bool:
    """Tell whether it is a TIFF of several 16-bit channels, which Pillow doesn't read."""
    if path.suffix.lower() not in _TIFFS:
        return False
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        return page.dtype == np.uint16 and page.samplesperpixel > 1


def _tiff_header(path: Path, file: tifffile.TiffFile) -> PictureHeader:
    page = file.pages.first
    _check_size(path, page.imagelength, page.imagewidth)
    if len(file.pages) > 1 or page.samplesperpixel not in (3, 4) or page.ndim != 3:
        found = f"{len(file.pages)} page(s) of {page.samplesperpixel} channels of 16 bits"
        raise MalformedFileError(_wrong_kind(path, found))
    return PictureHeader((page.imagelength, page.imagewidth), 3, np.dtype(np.uint16))


def _tiff_pixels(file: tifffile.TiffFile) -> NDArray[np.generic]:
    page = file.pages.first
    pixels: NDArray[np.generic] = page.asarray()
    if page.axes.startswith("S"):  # planes one after the other
        pixels = np.moveaxis(pixels, 0, 2)
    return pixels[:, :, :3]


def _check_size(path: Path, height: int, width: int) -> None:
    if not 0 < height * width <= _MOST_PIXELS:
        message = (
            f"The picture {path.name!r} has {height:,} × {width:,} pixels; from 1 to "
            f"{_MOST_PIXELS:,} are read. Cut it into tiles."
        )
        raise MalformedFileError(message)


def _several_pages(path: Path) -> str:
    return (
        f"{path.name!r} holds several pages, but a picture is one sample. Write each page into a "
        "file of its own."
    )


def _wrong_kind(path: Path, found: str) -> str:
    return (
        f"The picture {path.name!r} holds {found}; read are gray and color of 8 bits and of 16 "
        "bits. Convert it, or write the samples as an HDF5 file."
    )


def fitted(pixels: NDArray[np.generic], size: tuple[int, int], fit: str) -> NDArray[np.generic]:
    """Return a picture of another size, in the same dtype.

    Parameters
    ----------
    pixels : ndarray of uint8 or uint16, shape (h, w, C)
    size : tuple of int
        (H, W).
    fit : str
        See `latentcore.readers.media.reading.Reading`. A picture of that size already is
        returned as it is.

    Returns
    -------
    ndarray, shape (H, W, C)
    """
    h, w = pixels.shape[:2]
    if (h, w) == size:
        return pixels
    height, width = size
    if fit == "pad":
        scale = min(height / h, width / w)
        inner = max(1, round(h * scale)), max(1, round(w * scale))
        padded = np.zeros((height, width, pixels.shape[2]), pixels.dtype)
        top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
        padded[top : top + inner[0], left : left + inner[1]] = _resized(pixels, inner, (0, 0, w, h))
        return padded
    box = (0.0, 0.0, float(w), float(h))
    if fit == "crop":
        scale = min(h / height, w / width)
        used_h, used_w = height * scale, width * scale
        x0, y0 = (w - used_w) / 2, (h - used_h) / 2
        box = (x0, y0, x0 + used_w, y0 + used_h)
    return _resized(pixels, size, box)


def _resized(
    pixels: NDArray[np.generic], size: tuple[int, int], box: tuple[float, float, float, float]
) -> NDArray[np.generic]:
    """Resize a window (x0, y0, x1, y1); of 16 bits each channel by itself, as Pillow can."""
    if pixels.dtype == np.uint8:
        image = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])
        resized = np.asarray(_with_pillow(image, size, box))
        return resized.reshape(*size, pixels.shape[2])
    out = np.empty((*size, pixels.shape[2]), pixels.dtype)
    for channel in range(pixels.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(pixels[:, :, channel], np.float32))
        out[:, :, channel] = np.rint(np.asarray(_with_pillow(plane, size, box)))
    return out


def _with_pillow(
    image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float]
) -> Image.Image:
    return image.resize(size[::-1], Image.Resampling.BILINEAR, box=box)
