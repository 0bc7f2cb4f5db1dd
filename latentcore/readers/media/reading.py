"""How pictures and clips are brought to one shape: a recorded choice, written as plain text."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from latentcore.errors import RequestError

FITS = ("crop", "pad", "stretch")
TAKES = ("last", "first", "middle")
_LARGEST_SIDE = 4096
_MOST_FRAMES = 4096
_MOST_FPS = 1000.0


@dataclass(frozen=True)
class Reading:
    """How files of different sizes and lengths become samples of one shape.

    Attributes
    ----------
    resolution : tuple of int or None
        (H, W) in pixels that every picture is brought to; that of the first file where None.
    fit : str
        What is done where the proportions differ: ``"crop"`` takes the largest window about the
        center that has them; ``"pad"`` keeps the whole picture between black bars;
        ``"stretch"`` changes its proportions. Resizing is bilinear, with antialiasing.
    frames : int or None
        T of a clip; where None, those of the longest file, but at most 64.
    take : str
        Which frames of a longer video: the ``"last"``, the ``"first"`` or the ``"middle"`` T;
        where an odd number is left over, the middle lies half a frame early. A shorter one is
        filled up by repeating its last frame.
    fps : float or None
        Frames per second that a video is sampled at before some are taken: at each of these times
        the frame that is on the screen. All frames, whatever their times, where None.
    """

    resolution: tuple[int, int] | None = None
    fit: str = "crop"
    frames: int | None = None
    take: str = "last"
    fps: float | None = None

    @classmethod
    def parse(cls, options: Mapping[str, object], known: Sequence[str]) -> Reading:
        """Read a reader's options, given as text (``"64x64"``) or as numbers.

        Parameters
        ----------
        known : sequence of str
            Those that the reader understands.

        Raises
        ------
        RequestError
            If one is unknown, or its value makes no sense.
        """
        for name in options:
            if name not in known:
                message = f"Reading has no option {name!r}. There are: {', '.join(known)}."
                raise RequestError(message)
        found = {name: value for name, value in options.items() if value is not None}
        reading = cls()
        if "resolution" in found:
            reading = dataclasses.replace(reading, resolution=_resolution(found["resolution"]))
        if "frames" in found:
            reading = dataclasses.replace(reading, frames=_frames(found["frames"]))
        if "fps" in found:
            reading = dataclasses.replace(reading, fps=_fps(found["fps"]))
        return dataclasses.replace(
            reading,
            fit=_choice("fit", found.get("fit", reading.fit), FITS),
            take=_choice("take", found.get("take", reading.take), TAKES),
        )

    def options(self, known: Sequence[str]) -> dict[str, object]:
        """Return the options that `parse` turns into this choice, as text."""
        resolution = "" if self.resolution is None else "{}x{}".format(*self.resolution)
        written = {
            "resolution": resolution,
            "fit": self.fit,
            "frames": str(self.frames),
            "take": self.take,
        }
        if self.fps is not None:
            written["fps"] = f"{self.fps!r}"
        return {name: written[name] for name in known if name in written}


def _resolution(value: object) -> tuple[int, int]:
    parts = (
        value.lower().split("x") if isinstance(value, str) else list(cast("Sequence[int]", value))
    )
    try:
        sides = tuple(int(part) for part in parts)
    except (TypeError, ValueError):
        sides = ()
    if len(sides) != 2 or not all(1 <= side <= _LARGEST_SIDE for side in sides):
        message = (
            f"resolution={value!r} can't be made. Write it as HxW in pixels, for example "
            f"resolution=256x256; each side may be from 1 to {_LARGEST_SIDE}."
        )
        raise RequestError(message)
    return sides[0], sides[1]


def _frames(value: object) -> int:
    try:
        frames = int(str(value))
    except ValueError:
        frames = 0
    if not 1 <= frames <= _MOST_FRAMES:
        message = (
            f"frames={value!r} makes no clip. Give a whole number from 1 to {_MOST_FRAMES}, for "
            "example frames=17."
        )
        raise RequestError(message)
    return frames


def _fps(value: object) -> float:
    try:
        fps = float(str(value))
    except ValueError:
        fps = 0.0
    if not 0 < fps <= _MOST_FPS:
        message = (
            f"fps={value!r} is no number of frames per second. Give one above 0 and at most "
            f"{_MOST_FPS:g}, for example fps=5."
        )
        raise RequestError(message)
    return fps


def _choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    if value not in choices:
        message = f"There is no {name}={value}. There are: {', '.join(choices)}."
        raise RequestError(message)
    return str(value)
