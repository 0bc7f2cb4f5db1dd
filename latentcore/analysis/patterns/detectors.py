"""Virtual detectors: parts of the pattern whose intensity makes a map of the scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import RequestError

REDUCTIONS = ("sum", "mean")
OPERATIONS = {"-": "difference", "/": "ratio"}

Span = tuple[int, int, int]

_HOW = "Write it as NAME=X0:X1:Y0:Y1, in pixels, or as NAME=disk:X:Y:R."
_LONGEST_NAME = 60
# They separate columns and files where a map is named.
_RESERVED = "=:,*/\\"
# With other counts of pixels a number of the browser's can't be told from one of the pattern's.
_LARGEST = 1 << 20


class Detector(Protocol):
    """A part of the pattern."""

    @property
    def spec(self) -> str:
        """Return it as it is written on the command line."""
        ...

    def spans(self, shape: tuple[int, int]) -> list[Span]:
        """Return its pixels in a pattern (H, W), row by row, as (row, first, last + 1).

        Raises
        ------
        RequestError
            If it doesn't lie on the pattern.
        """
        ...


@dataclass(frozen=True)
class Rectangle:
    """The pixels of columns x0 to x1 − 1 and rows y0 to y1 − 1."""

    x0: int
    x1: int
    y0: int
    y1: int

    @property
    def spec(self) -> str:
        """Return ``X0:X1:Y0:Y1``."""
        return f"{self.x0}:{self.x1}:{self.y0}:{self.y1}"

    def spans(self, shape: tuple[int, int]) -> list[Span]:
        """Return its pixels; see `Detector`."""
        height, width = shape
        if not (0 <= self.x0 < self.x1 <= width and 0 <= self.y0 < self.y1 <= height):
            message = (
                f"The rectangle {self.spec} must hold pixels and lie on the pattern, which has "
                f"{width} × {height} pixels: 0 ≤ X0 < X1 ≤ {width} and 0 ≤ Y0 < Y1 ≤ {height}."
            )
            raise RequestError(message)
        return [(row, self.x0, self.x1) for row in range(self.y0, self.y1)]


@dataclass(frozen=True)
class Disk:
    """The pixels whose centers lie at most `radius` from (x, y).

    Pixel 0 reaches from 0 to 1, its center is at 0.5. A disk may reach beyond the pattern.
    """

    x: float
    y: float
    radius: float

    @property
    def spec(self) -> str:
        """Return ``disk:X:Y:R``."""
        return "disk:" + ":".join(f"{value:.10g}" for value in (self.x, self.y, self.radius))

    def spans(self, shape: tuple[int, int]) -> list[Span]:
        """Return its pixels; see `Detector`."""
        height, width = shape
        rows, columns = (np.arange(n) + 0.5 for n in shape)
        inside = (columns - self.x) ** 2 + ((rows - self.y) ** 2)[:, None] <= self.radius**2
        found = np.flatnonzero(inside.any(axis=1))
        if not len(found):
            message = (
                f"The disk {self.spec} covers the center of no pixel of the pattern, which has "
                f"{width} × {height} pixels. Move it, or give it a larger radius."
            )
            raise RequestError(message)
        first = inside.argmax(axis=1)
        count = inside.sum(axis=1)
        return [(int(row), int(first[row]), int(first[row] + count[row])) for row in found]


def n_pixels(spans: list[Span]) -> int:
    """Return how many pixels a detector has."""
    return sum(last - first for _, first, last in spans)


def pixel_mask(spans: list[Span], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which pixels of a pattern belong to a detector, (H, W)."""
    mask = np.zeros(shape, np.bool_)
    for row, first, last in spans:
        mask[row, first:last] = True
    return mask


def read_detector(text: str) -> Detector:
    """Read ``X0:X1:Y0:Y1`` or ``disk:X:Y:R``.

    Raises
    ------
    RequestError
        If it is neither.
    """
    kind, _, rest = text.strip().partition(":")
    try:
        if kind == "disk":
            x, y, radius = map(float, rest.split(":"))
            if radius > 0 and all(abs(value) <= _LARGEST for value in (x, y, radius)):
                return Disk(x, y, radius)
        else:
            x0, x1, y0, y1 = map(int, text.split(":"))
            if max(map(abs, (x0, x1, y0, y1))) <= _LARGEST:
                return Rectangle(x0, x1, y0, y1)
    except ValueError:
        pass
    shown = text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"
    message = f"{shown!r} is no detector. {_HOW}"
    raise RequestError(message)


def read_detectors(texts: tuple[str, ...]) -> dict[str, Detector]:
    """Read ``NAME=…`` of several detectors.

    Raises
    ------
    RequestError
        If one can't be read, has no usable name, or one that another has.
    """
    found: dict[str, Detector] = {}
    for text in texts:
        name, sign, rest = text.partition("=")
        if not sign:
            message = f"{text[:_LONGEST_NAME]!r} has no name. {_HOW}"
            raise RequestError(message)
        found[check_name(name.strip(), found)] = read_detector(rest)
    return found


def check_name(name: str, taken: Mapping[str, object]) -> str:
    """Return the name of a map if it may be one.

    Raises
    ------
    RequestError
    """
    usable = name and len(name) <= _LONGEST_NAME and name.isprintable()
    if not usable or set(name) & set(_RESERVED) or name.lower() in ("x", "y"):
        message = (
            f"{name[:_LONGEST_NAME]!r} can't be the name of a map: it needs 1 to {_LONGEST_NAME} "
            f"printable characters, none of {' '.join(_RESERVED)}, and isn't x or y."
        )
        raise RequestError(message)
    if name in taken:
        message = f"Two maps are called {name!r}. Give each a name of its own."
        raise RequestError(message)
    return name


@dataclass(frozen=True)
class Combination:
    """The difference, or the ratio, of the mean intensities of two detectors.

    Attributes
    ----------
    operation : str
        ``"-"`` or ``"/"``.
    """

    first: str
    operation: str
    second: str

    def of(self, means: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the map; NaN where it would be divided by 0."""
        first, second = means[self.first], means[self.second]
        if self.operation == "-":
            return first - second
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = first / second
        return np.where(np.isfinite(ratio), ratio, np.nan)


def read_combinations(
    texts: tuple[str, ...], detectors: Mapping[str, Detector]
) -> dict[str, Combination]:
    """Read ``NAME=A-B`` and ``NAME=A/B``, A and B names of detectors.

    Raises
    ------
    RequestError
        If one can't be read, or has a name that another map has.
    """
    found: dict[str, Combination] = {}
    for text in texts:
        name, _, rest = text.partition("=")
        parts = [
            Combination(rest[:place].strip(), sign, rest[place + 1 :].strip())
            for place, sign in enumerate(rest)
            if sign in OPERATIONS
        ]
        known = [one for one in parts if {one.first, one.second} <= detectors.keys()]
        if len(known) != 1:
            message = (
                f"{text[:_LONGEST_NAME]!r} combines no two detectors: write NAME=A-B or NAME=A/B "
                f"with the names of detectors. There are: {', '.join(detectors) or 'none'}."
            )
            raise RequestError(message)
        found[check_name(name.strip(), {**detectors, **found})] = known[0]
    return found


def scaled(sums: NDArray[np.float64], spans: list[Span], reduction: str) -> NDArray[np.float64]:
    """Return sums over a detector as they are, or divided by its number of pixels."""
    return sums / n_pixels(spans) if reduction == "mean" else sums
