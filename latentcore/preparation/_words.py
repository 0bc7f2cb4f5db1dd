"""The recipe as ``KEY=VALUE`` words: how each value is read, and how it is written down."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping

from latentcore.errors import RequestError

__all__ = ["BACKGROUNDS", "KEYS", "SCALES", "unknown", "value_of", "written"]

BACKGROUNDS = ("none", "static", "dynamic")
SCALES = ("none", "zero_one", "minus_one_one", "z_score", "demean", "type_range")


def unknown(kind: str, name: str, choices: tuple[str, ...]) -> str:
    """Tell that there is nothing of a name, and what there is."""
    near = difflib.get_close_matches(name, choices, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"There is no {kind} {name!r}.{hint} There are: {', '.join(choices)}."


def value_of(key: str, text: str) -> object:
    """Read the value of a key.

    Raises
    ------
    RequestError
        If the key is unknown, or the value can't be read.
    """
    if key not in KEYS:
        raise RequestError(unknown("preparation key", key, KEYS))
    convert, pattern = _CONVERTERS[key]
    if text.lower() == "none" and key in ("crop", "size"):
        return None
    try:
        return convert(text)
    except ValueError:
        message = f"{key}={text!r} can't be read. Write it as {key}={pattern}."
        raise RequestError(message) from None


def _crop(text: str) -> tuple[int, ...]:
    return _whole_numbers(text, ":", 4)


def _size(text: str) -> tuple[int, ...]:
    return _whole_numbers(text.lower(), "x", 2)


def _whole_numbers(text: str, separator: str, count: int) -> tuple[int, ...]:
    numbers = tuple(int(word) for word in text.split(separator))
    if len(numbers) != count:
        raise ValueError(text)
    return numbers


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def written(value: object) -> str:
    """Write a value as `Preparation.parse` reads it: four numbers as a crop, two as a size."""
    if isinstance(value, list | tuple):
        return (":" if len(value) == 4 else "x").join(str(entry) for entry in value)
    return "none" if value is None else str(value)


# How each key's value is read, and how it is written down.
_CONVERTERS: Mapping[str, tuple[Callable[[str], object], str]] = {
    "crop": (_crop, "Y0:Y1:X0:X1, for example crop=0:50:5:55"),
    "size": (_size, "HxW, for example size=60x60"),
    "background": (str, "|".join(BACKGROUNDS)),
    "background_sigma": (_finite, "PIXELS, for example background_sigma=8"),
    "smooth": (_finite, "PIXELS, for example smooth=1"),
    "scale": (str, "|".join(SCALES)),
    "channels": (int, "1 or channels=3"),
}
KEYS = tuple(_CONVERTERS)
