"""One video: its header, and the frames that make a clip."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from latentcore.errors import LatentError, MalformedFileError, cause
from latentcore.readers.media.pictures import fitted
from latentcore.readers.media.reading import Reading

# Playlists and scripts, which name other files or addresses, are not among the containers; nor
# is anything opened but the file itself.
_OPTIONS = {
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts",
    "protocol_whitelist": "file",
}
_MOST_PIXELS = 8192 * 8192
# The frames of one clip lie in memory as they are decoded: this many pixels take some 0.8 GB.
_MOST_PIXELS_HELD = 1 << 29
# Containers count frames that an edit list hides; a file that was cut off lacks far more.
_SHARE_THERE = 0.9
_USUAL_RATE = 25.0
_SAME_TIME = 1e-6


def frame_size(path: Path) -> tuple[int, int]:
    """Return (H, W) of a video's frames.

    Raises
    ------
    MalformedFileError
        If it is damaged, no video, or its frames are larger than any.
    """
    with _opened(path) as (_, stream):
        return stream.codec_context.height, stream.codec_context.width


def frame_count(path: Path, fps: float | None = None) -> int:
    """Return how many frames a video has, without decoding them; errors as `frame_size`.

    Parameters
    ----------
    fps : float, optional
        Sampled at so many frames per second; from the mean rate of the video, so about.
    """
    with _opened(path) as (container, stream):
        # Not every container says how many there are; each frame is one packet.
        frames = stream.frames or sum(packet.size > 0 for packet in container.demux(stream))
        rate = stream.average_rate
    return frames if fps is None or not rate else max(1, round(frames / float(rate) * fps))


def clip_pixels(path: Path, reading: Reading) -> NDArray[np.uint8]:
    """Decode a clip, frame by frame; only its own frames are held in memory.

    Parameters
    ----------
    reading : Reading
        With a resolution and a number of frames.

    Returns
    -------
    ndarray of uint8, shape (T, H, W, 3)

    Raises
    ------
    MalformedFileError
        If the video is damaged, cut off, or too large.
    """
    assert reading.frames is not None
    assert reading.resolution is not None
    with _opened(path) as (container, stream):
        held = reading.frames * stream.codec_context.height * stream.codec_context.width
        if held > _MOST_PIXELS_HELD:
            message = (
                f"{reading.frames} frames of the video {path.name!r} are {held:,} pixels; at most "
                f"{_MOST_PIXELS_HELD:,} are held at once. Ask for fewer frames."
            )
            raise MalformedFileError(message)
        kept = _kept_frames(path, container, stream, reading)
        clip = np.empty((reading.frames, *reading.resolution, 3), np.uint8)
        for place in range(reading.frames):
            if place < len(kept):
                frame = kept[place].to_ndarray(format="rgb24")
                clip[place] = fitted(frame, reading.resolution, reading.fit)
            else:
                clip[place] = clip[place - 1]
    return clip


def _kept_frames(
    path: Path, container: InputContainer, stream: VideoStream, reading: Reading
) -> list[av.VideoFrame]:
    assert reading.frames is not None
    kept: deque[av.VideoFrame] = deque(maxlen=reading.frames)
    frames = _Frames(container, stream, reading.fps)
    # Where the middle is, nobody knows before the end: the frames are counted first.
    enough = None if reading.take == "last" else reading.frames
    if reading.take == "middle":
        n = sum(1 for _ in frames)
        frames.refuse_cut_off(path)
        enough = (n + reading.frames) // 2
        container.seek(0)
        frames = _Frames(container, stream, reading.fps)
    for number, frame in enumerate(frames, start=1):
        kept.append(frame)
        if number == enough:
            return list(kept)
    frames.refuse_cut_off(path)
    return list(kept)


class _Frames:
    """The frames of a video in their order: all, or those on the screen at regular times."""

    def __init__(self, container: InputContainer, stream: VideoStream, fps: float | None) -> None:
        self._container = container
        self._stream = stream
        self._fps = fps
        self._decoded = 0

    def __iter__(self) -> Iterator[av.VideoFrame]:
        if self._fps is None:
            yield from self._all()
            return
        start, sampled, shown, shown_at = 0.0, 0, None, 0.0
        gap = 1 / float(self._stream.average_rate or _USUAL_RATE)
        for number, frame in enumerate(self._all()):
            at = number * gap if frame.time is None else frame.time
            if shown is None:
                start = at
            else:
                gap = at - shown_at
                while start + sampled / self._fps < at - _SAME_TIME:
                    yield shown
                    sampled += 1
            shown, shown_at = frame, at
        while shown is not None and start + sampled / self._fps < shown_at + gap - _SAME_TIME:
            yield shown  # the last frame stays as long as the one before it
            sampled += 1

    def _all(self) -> Iterator[av.VideoFrame]:
        for frame in self._container.decode(self._stream):
            self._decoded += 1
            yield frame

    def refuse_cut_off(self, path: Path) -> None:
        """Refuse a video of which far fewer frames were decoded than it announces."""
        announces = self._stream.frames
        if 0 < self._decoded >= _SHARE_THERE * announces:
            return
        announced = f" of the {announces:,} that it announces" if announces else ""
        message = (
            f"The video {path.name!r} is cut off: {self._decoded:,} frames{announced} can be "
            "decoded. Copy it again."
        )
        raise MalformedFileError(message)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    try:
        with av.open(str(path.absolute()), options=_OPTIONS) as container:
            yield container, _picture_stream(path, container)
    except LatentError:
        raise
    except (av.error.FFmpegError, OSError, ValueError, EOFError, RuntimeError) as error:
        message = (
            f"The video {path.name!r} can't be decoded: {cause(error)}. It is damaged, or its "
            "codec is unknown here: copy it again, convert it to MP4, or take it out of the folder."
        )
        raise MalformedFileError(message) from error


def _picture_stream(path: Path, container: InputContainer) -> VideoStream:
    stream = next(iter(container.streams.video), None)
    if stream is None:
        held = ", ".join(sorted({other.type for other in container.streams})) or "nothing"
        message = f"The video {path.name!r} holds no pictures, only {held}."
        raise MalformedFileError(message)
    if stream.codec_context is None:  # the codec's name was damaged, or is not known
        message = "there is no decoder for it"
        raise ValueError(message)
    height, width = stream.codec_context.height, stream.codec_context.width
    if not 0 < height * width <= _MOST_PIXELS:
        message = (
            f"The frames of the video {path.name!r} have {height:,} × {width:,} pixels; from 1 to "
            f"{_MOST_PIXELS:,} are read. Make it smaller."
        )
        raise MalformedFileError(message)
    return stream
