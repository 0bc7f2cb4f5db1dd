"""Write pictures and videos, with known pixels."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["clip", "picture", "write_picture", "write_video"]


def picture(seed: int, size: tuple[int, int] = (12, 16), channels: int = 3) -> NDArray[np.uint8]:
    """Return noise of shape (H, W, C)."""
    return np.random.default_rng(seed).integers(0, 256, (*size, channels), dtype=np.uint8)


def clip(seed: int, frames: int = 5, size: tuple[int, int] = (12, 16)) -> NDArray[np.uint8]:
    """Return noise of shape (T, H, W, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (frames, *size, 3), dtype=np.uint8)


def write_picture(path: Path, pixels: NDArray[np.generic], **settings: object) -> Path:
    """Write (H, W), (H, W, 1) or (H, W, 3) in the format of the path's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    squeezed = pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    Image.fromarray(squeezed).save(path, **settings)
    return path


def write_video(path: Path, frames: NDArray[np.uint8], codec: str = "ffv1") -> Path:
    """Write frames of shape (T, H, W, 3); the default codec loses nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(codec, rate=5)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "bgr0" if codec == "ffv1" else "yuv420p"
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path
