"""The recorded recipe: what is done to a sample, checked, and written down."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from latentcore.errors import RequestError, ShapeError
from latentcore.preparation.steps import STEPS

BACKGROUNDS = ("none", "static", "dynamic")
SCALES = ("none", "zero_one", "minus_one_one", "z_score", "demean", "type_range")

# (C, H, W), or (C, T, H, W) of a clip.
Shape = tuple[int, ...]

# Detectors have some 2,000 pixels a side; beyond this a matrix of side² would not fit in memory.
_LARGEST_SIDE = 4096
_LARGEST_SIGMA = 1000.0


@dataclass(frozen=True)
class Preparation:
    """A recipe; see `latentcore.preparation` for the order of its steps.

    Attributes
    ----------
    crop : tuple of int or None
        Half-open window (y0, y1, x0, x1) in pixels.
    size : tuple of int or None
        (H, W) in pixels to resize to: bilinear, with antialiasing where it shrinks.
    background : str
        ``"none"``, ``"static"`` (minus the mean pattern over the scan's kept points) or
        ``"dynamic"`` (minus the pattern's own Gaussian blur).
    background_sigma : float
        Of that blur, in pixels of the cropped pattern.
    smooth : float
        σ of a Gaussian in pixels, before resizing; 0 for none.
    scale : str
        Per sample: ``"none"``; ``"zero_one"`` (minimum to 0, maximum to 1); ``"minus_one_one"``;
        ``"z_score"`` (mean 0, standard deviation 1); ``"demean"`` (mean 0). With all of these but
        ``"none"`` a constant sample becomes zeros. ``"type_range"`` brings the whole range of an
        8- or 16-bit type to [-1, 1], the same way for all samples.
    channels : int
        1 (others are averaged) or 3 (one is repeated).
    steps : tuple of (str, value)
        Further steps (`latentcore.preparation.steps`) that do something, in alphabetical order.

    Raises
    ------
    RequestError
        If a value makes no sense.
    """

    crop: tuple[int, int, int, int] | None = None
    size: tuple[int, int] | None = None
    background: str = "none"
    background_sigma: float = 8.0
    smooth: float = 0.0
    scale: str = "none"
    channels: int = 1
    steps: tuple[tuple[str, str | float], ...] = ()

    def __post_init__(self) -> None:
        for key, choices in (("background", BACKGROUNDS), ("scale", SCALES)):
            if getattr(self, key) not in choices:
                raise RequestError(_unknown(f"{key}=", str(getattr(self, key)), choices))
        if self.channels not in (1, 3):
            message = f"channels={self.channels} can't be prepared. There are: 1, 3."
            raise RequestError(message)
        if not 0 < self.background_sigma <= _LARGEST_SIGMA:
            message = (
                f"background_sigma={self.background_sigma:g} is no width for a blur: give pixels, "
                f"more than 0 and at most {_LARGEST_SIGMA:g} (the default is 8)."
            )
            raise RequestError(message)
        if not 0 <= self.smooth <= _LARGEST_SIGMA:
            message = (
                f"smooth={self.smooth:g} is no width for a blur: give pixels, from 0 (none) "
                f"to {_LARGEST_SIGMA:g}."
            )
            raise RequestError(message)
        self._check_geometry()
        effective = {name: value for name, value in self.steps if value != STEPS.get(name).default}
        useful = (entry for entry in effective.items() if _needed(entry[0]) in ("", *effective))
        object.__setattr__(self, "steps", tuple(sorted(useful)))

    def _check_geometry(self) -> None:
        if self.crop is not None:
            y0, y1, x0, x1 = self.crop
            if not (0 <= y0 < y1 and 0 <= x0 < x1):
                message = (
                    f"crop={y0}:{y1}:{x0}:{x1} is empty or starts below 0. It is Y0:Y1:X0:X1 in "
                    "pixels, half-open: crop=0:50:5:55 keeps 50 × 50."
                )
                raise RequestError(message)
        if self.size is not None and not all(1 <= side <= _LARGEST_SIDE for side in self.size):
            message = (
                f"size={self.size[0]}x{self.size[1]} can't be made: each side must be from 1 to "
                f"{_LARGEST_SIDE} pixels."
            )
            raise RequestError(message)

    @classmethod
    def parse(cls, words: Iterable[str], base: Preparation | None = None) -> Preparation:
        """Read ``KEY=VALUE`` words.

        Parameters
        ----------
        words : iterable of str
            For example ``["background=dynamic", "crop=0:50:5:55", "size=60x60"]``.
        base : Preparation, optional
            Where the keys that are not named come from: a model's own recipe, for example.

        Raises
        ------
        RequestError
            If a key is unknown or given twice, or a value can't be read.
        """
        values: dict[str, Any] = {}
        for word in words:
            key, separator, text = word.partition("=")
            key = key.strip()
            if not separator:
                message = (
                    f"The preparation {word!r} lacks its value: write KEY=VALUE. "
                    f"Keys are: {', '.join(_keys())}."
                )
                raise RequestError(message)
            value = _value_of(key, text.strip())
            if values.setdefault(key, value) != value:
                message = f"The preparation key {key!r} was given twice, with different values."
                raise RequestError(message)
        recipe = (base or cls())._with(values)
        for key, value in values.items():
            if key not in _BUILT_IN and _needed(key) and recipe.step(key) != value:
                message = (
                    f"{key}={_written(value)} does nothing without {_needed(key)}=…. Give both, or "
                    "leave it out."
                )
                raise RequestError(message)
        return recipe

    def step(self, name: str) -> str | float:
        """Return the value of one of the further steps; where it does nothing, its default."""
        return dict(self.steps).get(name, STEPS.get(name).default)

    def _with(self, values: Mapping[str, Any]) -> Preparation:
        """Return the recipe with some values changed, of its own fields or of further steps."""
        own = {key: value for key, value in values.items() if key in _BUILT_IN}
        further = {key: value for key, value in values.items() if key not in _BUILT_IN}
        steps = tuple({**dict(self.steps), **further}.items())
        return dataclasses.replace(self, **own, steps=steps)

    def arguments(self) -> tuple[str, ...]:
        """Return the ``KEY=VALUE`` words that `parse` turns into this recipe."""
        return tuple(f"{key}={_written(value)}" for key, value in self.to_dict().items())

    def changes(self, base: Preparation) -> tuple[str, ...]:
        """Return the ``KEY=VALUE`` words that `parse` turns into this recipe, given a base."""
        undone = {name: STEPS.get(name).default for name, _ in base.steps} | dict(self.steps)
        words = {*self.arguments(), *(f"{name}={value}" for name, value in undone.items())}
        return tuple(sorted(words - set(base.arguments())))

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as a JSON-like dictionary."""
        values = {key: getattr(self, key) for key in _BUILT_IN} | dict(self.steps)
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in values.items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preparation:
        """Read what `to_dict` returned, perhaps by way of a JSON file.

        Raises
        ------
        RequestError
            If a key is unknown or a value is of the wrong kind.
        """
        return cls()._with(
            {key: _value_of(str(key), _written(value)) for key, value in values.items()}
        )

    def output_shape(self, sample_shape: Sequence[int]) -> Shape:
        """Return the (C, H, W) that samples of another (C, H, W) are prepared to.

        Of a clip, (C, T, H, W), the frames stay as many as they are.

        Raises
        ------
        ShapeError
            If the crop reaches beyond the sample, or its channels can't be turned into `channels`.
        """
        channels, *frames, height, width = sample_shape
        height, width = self.cropped(height, width)
        if channels not in (1, 3) and self.channels == 3:
            message = (
                f"The samples have {channels} channels, which can't become 3. "
                "Use channels=1, which averages them."
            )
            raise ShapeError(message)
        return (self.channels, *frames, *(self.size or (height, width)))

    def cropped(self, height: int, width: int) -> tuple[int, int]:
        """Return the (height, width) that the crop leaves.

        Raises
        ------
        ShapeError
            If it reaches beyond the sample.
        """
        if self.crop is None:
            return height, width
        y0, y1, x0, x1 = self.crop
        if y1 > height or x1 > width:
            message = (
                f"crop={y0}:{y1}:{x0}:{x1} reaches beyond the samples of {height} × {width} "
                f"pixels. Y1 may be at most {height}, X1 at most {width}."
            )
            raise ShapeError(message)
        return y1 - y0, x1 - x0


def written_keys() -> str:
    """Return how each key is written, for help texts: ``crop=Y0:Y1:X0:X1, size=HxW, …``."""
    own = {key: form for key, (_, form, _) in _BUILT_IN.items()}
    further = {name: step.form for name, step in STEPS.items()}
    return ", ".join(f"{key}={form}" for key, form in (own | further).items())


def _keys() -> tuple[str, ...]:
    return (*_BUILT_IN, *STEPS.names())


def _needed(step: str) -> str:
    """Return the step without which another does nothing; most need none."""
    needed: str = getattr(STEPS.get(step), "needs", "")
    return needed


def _unknown(kind: str, name: str, choices: tuple[str, ...]) -> str:
    """Say that there is nothing of a name, and what there is."""
    near = difflib.get_close_matches(name, choices, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"There is no {kind} {name!r}.{hint} There are: {', '.join(choices)}."


def _value_of(key: str, text: str) -> object:
    """Read the value of a key."""
    if key not in _keys():
        raise RequestError(_unknown("preparation key", key, _keys()))
    if text.lower() == "none" and key in ("crop", "size"):
        return None
    read: Callable[[str], object]
    if key in _BUILT_IN:
        read, form, example = _BUILT_IN[key]
    else:
        step = STEPS.get(key)
        read, form, example = step.read, step.form, ""
    try:
        return read(text)
    except ValueError:
        such = f", for example {key}={example}" if example else ""
        message = f"{key}={text!r} can't be read. Write it as {key}={form}{such}."
        raise RequestError(message) from None


def _written(value: object) -> str:
    """Write a value as it is read: four numbers as a crop, two as a size."""
    if isinstance(value, list | tuple):
        return (":" if len(value) == 4 else "x").join(str(entry) for entry in value)
    return "none" if value is None else str(value)


def _crop(text: str) -> tuple[int, ...]:
    return _whole_numbers(text, ":", 4)


def _size(text: str) -> tuple[int, ...]:
    return _whole_numbers(text.lower(), "x", 2)


def _whole_numbers(text: str, separator: str, count: int) -> tuple[int, ...]:
    numbers = tuple(int(part) for part in text.split(separator))
    if len(numbers) != count:
        raise ValueError(text)
    return numbers


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


# How each key's value is read, how it is written, and an example.
_BUILT_IN: Mapping[str, tuple[Callable[[str], object], str, str]] = {
    "crop": (_crop, "Y0:Y1:X0:X1", "0:50:5:55"),
    "size": (_size, "HxW", "60x60"),
    "background": (str, "|".join(BACKGROUNDS), ""),
    "background_sigma": (_finite, "PIXELS", "8"),
    "smooth": (_finite, "PIXELS", "1"),
    "scale": (str, "|".join(SCALES), ""),
    "channels": (int, "1|3", "3"),
}
