"""A folder of videos, or one video: MP4, MOV, MKV, WebM, AVI, MPEG; each a clip of T frames.

Folders below it are read too: see `latentcore.readers.media.files`. Sizes and lengths may be
mixed: see `latentcore.readers.media.reading.Reading` for how they become clips of one shape.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from latentcore.containers import SampleSource, SourceRef
from latentcore.readers import SAMPLES_READERS, register_reader
from latentcore.readers._peek import Peek
from latentcore.readers.media.files import VIDEOS, find_media, look_into
from latentcore.readers.media.reading import Reading
from latentcore.storage import local_path

_USUAL_FRAMES = 64


@register_reader(SAMPLES_READERS, "video")
class Video:
    """Reader of videos that are files of their own."""

    description = "Videos, each a clip of T frames: a folder (or one file) of MP4, MKV, AVI, WebM."
    wants = "a folder of videos and no pictures, or one video"
    options = ("resolution", "fit", "frames", "take", "fps")

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether it is a video, or a folder with videos and without pictures."""
        return peek.media_kinds == {"video"}

    def open(self, ref: SourceRef) -> SampleSource:
        """Look into the videos; they are decoded when they are asked for.

        Parameters
        ----------
        ref : SourceRef
            Options: ``resolution``, ``fit``, ``frames``, ``take`` and ``fps``; see
            `latentcore.readers.media.reading.Reading`.
        """
        from latentcore.readers.media.clips import clip_pixels, frame_count, frame_size
        from latentcore.readers.media.source import MediaSource

        damaged: dict[int, str] = {}
        reading = Reading.parse(ref.options, self.options)
        files = find_media(local_path(ref.location), VIDEOS)
        frames = reading.frames
        if frames is None:
            longest = max(look_into(files, partial(frame_count, fps=reading.fps), damaged))
            frames = min(_USUAL_FRAMES, max(1, longest))
        size = reading.resolution or next(look_into(files, frame_size, damaged))
        return MediaSource(
            location=ref.location,
            reader=ref.reader,
            files=files,
            reading=replace(reading, resolution=size, frames=frames),
            options=self.options,
            channels=3,
            dtype=np.dtype(np.uint8),
            decode=lambda path, how: np.moveaxis(clip_pixels(path, how), 3, 0),
            damaged=damaged,
        )
