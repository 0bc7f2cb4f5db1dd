"""A folder of pictures, or one picture: PNG, JPEG, TIFF (8 or 16 bits), WebP.

Folders below it are read too: see `latentcore.readers.media.files` for how they become
partitions and labels. All samples get one shape: the resolution asked for, else that of the first
picture; three channels where any picture has colors; 16 bits where any has, and then 8 bits are
brought to the same range (× 257). Damaged pictures don't count: they are an error when they are
read.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import SampleSource, SourceRef
from latentcore.readers import SAMPLES_READERS, register_reader
from latentcore.readers._peek import Peek
from latentcore.readers.media.files import PICTURES, find_media, look_into
from latentcore.readers.media.reading import Reading
from latentcore.storage import local_path

_EIGHT_TO_SIXTEEN = 257


@register_reader(SAMPLES_READERS, "image-folder")
class ImageFolder:
    """Reader of pictures that are files of their own."""

    description = "Pictures, each a sample: a folder (or one file) of PNG, JPEG, TIFF or WebP."
    wants = "a folder of pictures and no videos, or one picture"
    options = ("resolution", "fit")

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether it is a picture, or a folder with pictures and without videos."""
        return peek.media_kinds == {"picture"}

    def open(self, ref: SourceRef) -> SampleSource:
        """Read the headers of the pictures; they are decoded when they are asked for.

        Parameters
        ----------
        ref : SourceRef
            Options: ``resolution`` and ``fit``; see `latentcore.readers.media.reading.Reading`.
        """
        from latentcore.readers.media.pictures import fitted, picture_header, picture_pixels
        from latentcore.readers.media.source import MediaSource

        damaged: dict[int, str] = {}
        reading = Reading.parse(ref.options, self.options)
        files = find_media(local_path(ref.location), PICTURES)
        headers = list(look_into(files, picture_header, damaged))
        channels = max(header.channels for header in headers)
        dtype = max((header.dtype for header in headers), key=lambda kind: kind.itemsize)

        def decode(path: Path, how: Reading) -> NDArray[np.generic]:
            assert how.resolution is not None
            pixels = picture_pixels(path)
            if pixels.dtype != dtype:
                pixels = pixels.astype(dtype) * dtype.type(_EIGHT_TO_SIXTEEN)
            fitting = np.moveaxis(fitted(pixels, how.resolution, how.fit), 2, 0)
            return np.broadcast_to(fitting, (channels, *how.resolution))

        return MediaSource(
            location=ref.location,
            reader=ref.reader,
            files=files,
            reading=replace(reading, resolution=reading.resolution or headers[0].size),
            options=self.options,
            channels=channels,
            dtype=dtype,
            decode=decode,
            damaged=damaged,
        )
