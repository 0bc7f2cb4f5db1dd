"""Sizes, durations and measured values as people write them."""

from __future__ import annotations

import math


def duration_text(seconds: float) -> str:
    """Write a duration as people say it: ``0.8 s``, ``42 s``, ``3 min 5 s``, ``2 h 10 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def number_text(value: float, digits: int = 3) -> str:
    """Write a number with some significant digits, and a minus sign that is none of a hyphen."""
    return f"{value:.{digits}g}".replace("-", "−")


def percentile_text(value: float) -> str:
    """Write a percentile; what is below 100 never reads as 100: ``93.1``, ``99.97``."""
    for digits in (1, 2):
        text = f"{value:.{digits}f}"
        if value >= 100 or float(text) < 100:
            return text
    return "> 99.99"


def size_text(size: float) -> str:
    """Write a number of bytes as people say it."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size:.0f} B"


def device_words(device: str) -> str:
    """Write what PyTorch calls a device: ``the CPU``, ``cuda:0``."""
    return "the CPU" if device == "cpu" else device


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def mean_sd_text(mean: float, sd: float) -> str:
    """Write a mean and its standard deviation, both to the third digit of the latter.

    ``157.9 ± 38.6``; a mean of 5e-8 beside a standard deviation of 15.7 is ``0.0 ± 15.7``. Very
    small or large ones share a power of ten: ``(0.92 ± 1.85)·10⁻⁴``.
    """
    mean, sd = float(mean), float(sd)  # NumPy rounds halves in another way
    if not math.isfinite(mean):
        return "–"
    if not math.isfinite(sd):
        return f"{mean:.5g}".replace("-", "−")
    if sd == 0:
        return f"{mean:.5g} ± 0".replace("-", "−")
    size = math.floor(math.log10(max(abs(mean), sd)))
    power = 0 if -3 <= size < 6 else size
    decimals = max(0, 2 - math.floor(math.log10(sd)) + power)
    scaled = (one / 10.0**power for one in (mean, sd))
    # Added to nothing, so that no minus sign stands before it.
    rounded = [f"{round(one, decimals) + 0.0:,.{decimals}f}" for one in scaled]
    text = " ± ".join(rounded).replace("-", "−")
    return f"({text})·10{str(power).translate(_SUPERSCRIPTS)}" if power else text
