"""Patterns averaged with like neighbors: whether, how strongly, and what becomes of one of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.denoising import TARGETS, NoiseEstimate
from latentcore.analysis.pattern_sheets import evenly_spaced
from latentcore.containers import SampleSource
from latentcore.encoding.denoised import DenoisedSamples
from latentcore.errors import InputError
from latentcore.figures.colors import lut
from latentcore.preparation import Preparation
from pages.charts.pattern_strip import gray_range, pattern_strip
from pages.frame import errors
from pages.people.fragments import fragment
from pages.scan import loading

_LARGEST = 5
_ASKED = 400
_WIDTH = 220
# Along a straight one, three of eight neighbors are of the other grain.
_UNLIKE_AT_A_BORDER = 0.375


def choose_denoising(key: str, preparation: Preparation) -> Preparation:
    """Ask for the averaging; begin with what the preparation has."""
    own = int(preparation.step("nlpar"))
    left, right = st.columns(2)
    with left:
        reach = st.slider(
            "Average with neighbors (radius)",
            0,
            max(_LARGEST, own),
            own,
            key=f"{key}.nlpar.{own}",
            help="Non-local pattern averaging (NLPAR): each pattern becomes the average of those "
            "up to so many steps away on the scan that are like it, measured against their noise. "
            "Grain boundaries stay sharp. 0 leaves the patterns as they are; 3 suits noisy scans.",
            persist_state="session",
        )
    strength = str(preparation.step("nlpar_strength"))
    if reach > 0:
        with right:
            names = tuple(TARGETS)
            strength = st.selectbox(
                "Strength",
                names,
                names.index(strength),
                key=f"{key}.nlpar_strength.{strength}",
                help="How much weight the neighbors have: in the median, a pattern keeps "
                + ", ".join(f"{share:g} ({name})" for name, share in TARGETS.items())
                + " in a window of 3 × 3.",
                persist_state="session",
            )
    others = [one for one in preparation.steps if one[0] not in ("nlpar", "nlpar_strength")]
    steps = (*others, ("nlpar", reach), ("nlpar_strength", str(strength)))
    return replace(preparation, steps=steps)


def denoised_samples(place: str, preparation: Preparation) -> SampleSource:
    """Return the samples of a place as a preparation begins with them.

    Raises `InputError` if they can't be averaged.
    """
    if not preparation.step("nlpar"):
        return loading.samples(place)
    return _averaged(place, int(preparation.step("nlpar")), str(preparation.step("nlpar_strength")))


def show_neighborhood(key: str, place: str, preparation: Preparation) -> None:
    """Show one pattern before and after, and how much its neighbors weigh."""
    reach, strength = int(preparation.step("nlpar")), str(preparation.step("nlpar_strength"))
    source = loading.samples(place)
    if not reach or source.grid is None:
        return
    _point_and_pictures(key, place, reach, strength)


# A fragment: another point draws this, not the whole page.
@fragment
def _point_and_pictures(key: str, place: str, reach: int, strength: str) -> None:
    grid = loading.samples(place).grid
    assert grid is not None
    try:
        first = _at_a_border(place, loading.version(place), strength)
        row = _ask_point(f"{key}.nlpar.{place}", grid.x, grid.y, first)
        pictures, facts = _pictures(place, loading.version(place), reach, strength, row)
    except InputError as error:
        errors.show(error)
        return
    st.image(
        pictures,
        alt="A pattern before and after averaging, and the weights of its neighbors",
    )
    st.caption(f"Before · after · weights of the neighbors, itself in the middle. {facts}")


def _ask_point(key: str, x: NDArray[np.float64], y: NDArray[np.float64], first: int) -> int:
    """Ask for a point by its coordinates; the nearest one there is counts."""
    asked = []
    for column, (name, values) in zip(st.columns([1, 1, 2]), (("x", x), ("y", y)), strict=False):
        asked.append(
            column.number_input(
                f"Pattern at {name}",
                value=float(values[first]),
                format="%g",
                key=f"{key}.{name}",
                help="The first one shown lies at a border, if there is any.",
                persist_state="session",
            )
        )
    return int(np.argmin(np.hypot(x - asked[0], y - asked[1])))


def _averaged(place: str, reach: int, strength: str) -> DenoisedSamples:
    found = _estimate(place, loading.version(place), strength)
    return DenoisedSamples(loading.samples(place), reach, strength, estimate=found)


@st.cache_data(max_entries=32, show_spinner="Measuring the noise of the scan …")
def _estimate(place: str, version: str, strength: str) -> NoiseEstimate:
    """Measure the noise once for all radii: it is that of points and their nearest neighbors."""
    del version  # part of the key: a changed file is read again
    return DenoisedSamples(loading.samples(place), 1, strength).estimate


@st.cache_data(max_entries=32, show_spinner=False)
def _at_a_border(place: str, version: str, strength: str) -> int:
    """Return a point of which some neighbors are unlike, others not; the file's first without."""
    del version
    source = _averaged(place, 1, strength)
    rows = evenly_spaced(np.arange(len(source), dtype=np.int64), _ASKED)
    away = np.abs(source.unlike(rows) - _UNLIKE_AT_A_BORDER)
    return int(rows[np.argmin(np.where(np.isnan(away), np.inf, away))])


@st.cache_data(max_entries=64, show_spinner=False)
def _pictures(
    place: str, version: str, reach: int, strength: str, row: int
) -> tuple[NDArray[np.uint8], str]:
    del version
    source = _averaged(place, reach, strength)
    look = source.look(row)
    both = np.stack([one.reshape(-1, *one.shape[-2:])[0] for one in (look.before, look.after)])
    strip = pattern_strip(both, gray_range(both), width=_WIDTH)
    weights = look.picture
    tall, wide = weights.shape
    ends = np.array([0.0, np.nanmax(weights)])
    width = strip.shape[0] * wide // tall
    shown = pattern_strip(weights[None], ends, width=width, table=lut("viridis"))
    shown[np.isnan(weights).repeat(shown.shape[0] // weights.shape[0], axis=0).repeat(
        shown.shape[1] // weights.shape[1], axis=1)] = 0  # fmt: skip
    found = source.estimate
    patterns = 1 / float(np.square(look.weights).sum())
    facts = (
        f"As much as {patterns:.1f} patterns of equal weight; its own is "
        f"{100 * look.weights.max():.0f} %. On this scan λ = {found.lam:.3g}, noise σ = "
        f"{found.noise:.3g}."
    )
    return _beside(strip, shown), facts


def _beside(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint8]:
    gap = 8
    tall = max(left.shape[0], right.shape[0])
    sheet = np.zeros((tall, left.shape[1] + gap + right.shape[1], 4), np.uint8)
    sheet[: left.shape[0], : left.shape[1]] = left
    sheet[: right.shape[0], left.shape[1] + gap :] = right
    return sheet
