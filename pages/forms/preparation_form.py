"""How patterns are prepared: presets, every step by itself, and a live look at the effect."""

from __future__ import annotations

from dataclasses import dataclass, make_dataclass, replace
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.pattern_sheets import evenly_spaced, pattern_sheet
from latentcore.containers import damaged_among
from latentcore.errors import InputError
from latentcore.preparation import (
    BACKGROUNDS,
    SCALES,
    STEPS,
    Preparation,
    Preparer,
    fit_static_background,
)
from latentcore.requests.verbs import option
from pages.forms import denoising_form
from pages.forms.request_form import form_for
from pages.frame import errors
from pages.frame.units import number_text
from pages.scan import loading

OWN = "own"
CUSTOM = "custom"
KIKUCHI = Preparation(background="dynamic", smooth=1.0, scale="z_score")
PRESETS = {
    "kikuchi": ("Kikuchi: background off, smooth, z-score", KIKUCHI),
    "published": ("As published: −1 … 1", Preparation(scale="minus_one_one")),
    "raw": ("Raw values", Preparation()),
    "demean": ("Minus its mean", Preparation(scale="demean")),
}
# What suits samples of a scan grid, and what others; the first is proposed.
_ON_A_GRID = ("kikuchi", "published", "raw")
_ELSEWHERE = ("raw", "demean", "published")
_TITLES = {
    **{name: title for name, (title, _) in PRESETS.items()},
    OWN: "The model's own",
    CUSTOM: "Custom",
}
_NOTES = {
    "kikuchi": "Minus its own blur of 8 px, smoothed by 1 px, mean 0 and standard deviation 1 "
    "per pattern. On scans with known grains this matters more than the model.",
    "demean": "The numbers of each sample about 0: what distinguishes cutouts of warm and cold "
    "water is gone, their fronts are left.",
    "published": "Each pattern from −1 to 1, the background left in, as the published runs do.",
    "raw": "The file's numbers as they are: the brightest samples weigh most.",
    OWN: "What the model was fitted with. Anything else gives latents that mean something else.",
}
_DETAILS: dict[str, dict[str, object]] = {
    "crop": {
        "label": "Crop (y0 y1 x0 x1)",
        "help": "Half-open window in pixels",
        "automatic": "the whole pattern",
        "example": "0 50 5 55",
    },
    "size": {
        "label": "Resize to (H W)",
        "help": "Pixels; bilinear, with antialiasing where it shrinks",
        "automatic": "as it is",
        "example": "60 60",
    },
    "background": {
        "choices": BACKGROUNDS,
        "titles": {
            "static": "static: minus the scan's mean pattern",
            "dynamic": "dynamic: minus the pattern's own blur",
        },
        "help": "What is taken off before anything else",
    },
    "background_sigma": {
        "label": "Background blur (px)",
        "help": "Of the dynamic background: standard deviation of the Gaussian",
        "minimum": 0.1,
    },
    "smooth": {
        "label": "Smooth (px)",
        "help": "Standard deviation of a Gaussian; 0 for none",
        "minimum": 0.0,
    },
    "scale": {
        "label": "Scale of each pattern",
        "choices": SCALES,
        "titles": {
            "zero_one": "0 … 1",
            "minus_one_one": "−1 … 1",
            "type_range": "8 or 16 bits → −1 … 1",
            "z_score": "mean 0, standard deviation 1",
            "demean": "mean 0",
        },
        "help": "A constant pattern becomes zeros",
    },
    "channels": {"choices": (1, 3), "help": "Others are averaged, or one is repeated"},
}
_SHOWN = 6
_FIT_ROWS = 200
_WIDTH = 150


@dataclass(frozen=True)
class Recipe:
    """What was chosen.

    Attributes
    ----------
    preparation : Preparation
        All steps, whoever decided on them.
    arguments : tuple of str
        ``KEY=VALUE`` for the request: only what differs from what the verb does by itself.
    """

    preparation: Preparation
    arguments: tuple[str, ...]


def choose_preparation(
    key: str,
    *,
    base: Preparation,
    own: Preparation | None,
    own_text: tuple[str, str] = (_TITLES[OWN], _NOTES[OWN]),
    on_grid: bool = True,
    neighbors: bool = False,
) -> Recipe | None:
    """Ask how samples are prepared.

    Parameters
    ----------
    base : Preparation
        What the verb does where nothing is said.
    own : Preparation or None
        That of the chosen model, where it has one: it is proposed first.
    own_text : tuple of (str, str)
        What to call it, and what to say of it.
    on_grid : bool
        Whether the samples lie on a scan grid: then they are taken for Kikuchi patterns.
    neighbors : bool
        Whether they can be averaged with their neighbors on the scan.

    Returns
    -------
    Recipe or None
        None where the steps make no sense; the reason is shown.
    """
    usual = _ON_A_GRID if on_grid else _ELSEWHERE
    names = [*([OWN] if own is not None else []), *usual, CUSTOM]
    # A key of its own for each list: a choice that is not on it must not come back.
    chosen = st.radio(
        "Preparation",
        names,
        format_func=lambda name: own_text[0] if name == OWN else _TITLES[name],
        key=f"{key}.preset.{own is not None}{'' if on_grid else '.elsewhere'}",
        persist_state="session",
    )
    if chosen == CUSTOM:
        preparation = _choose_steps(f"{key}.custom", KIKUCHI if on_grid else Preparation())
        if preparation is None:
            return None
    else:
        st.caption(own_text[1] if chosen == OWN else _NOTES[chosen])
        preparation = own if chosen == OWN and own is not None else PRESETS[chosen][1]
    if neighbors:
        preparation = denoising_form.choose_denoising(f"{key}.{chosen}", preparation)
    return Recipe(preparation, preparation.changes(base))


def _choose_steps(key: str, first: Preparation) -> Preparation | None:
    """Ask for each step; further ones of `latentcore.preparation.steps` come below."""
    own = form_for(
        Preparation,
        key=key,
        defaults=first.to_dict() | {"crop": None, "size": None, "steps": ()},
        skip=("steps",),
        details=_DETAILS,
        columns=2,
    )
    fields = [
        (name, type(step.default), option(step.default, help=step.help, choices=step.choices))
        for name, step in STEPS.items()
        if step.stage != "scan"
    ]
    if own is None or not fields:
        return own
    further: Any = form_for(make_dataclass("Steps", fields), key=f"{key}.further", columns=2)
    return further and replace(own, steps=tuple(vars(further).items()))


def preview(
    place: str,
    rows: NDArray[np.int64],
    preparation: Preparation,
    background: NDArray[np.float32] | None = None,
) -> None:
    """Show some patterns as they are and as the encoder will see them.

    Parameters
    ----------
    place : str
        Of the patterns.
    rows : ndarray of int64
        Those that will be encoded.
    background : ndarray of float32, shape (C, H, W), optional
        The static background that belongs to the preparation.
    """
    shown = tuple(evenly_spaced(rows, 2 * _SHOWN + 1)[1::2][:_SHOWN].tolist() or rows[:1].tolist())
    try:
        before, after, facts = _sheets(
            place, loading.version(place), shown, preparation.arguments(), background
        )
    except InputError as error:
        errors.show(error)
        return
    st.caption("As in the file")
    st.image(before, width="stretch", alt="Some samples as they are in the file")
    st.caption(f"As the encoder sees them · {facts}")
    st.image(after, width="stretch", alt="The same samples after preparation")
    denoising_form.show_neighborhood("preview", place, preparation)


@st.cache_data(max_entries=64, show_spinner=False)
def _sheets(
    place: str,
    version: str,
    rows: tuple[int, ...],
    words: tuple[str, ...],
    background: NDArray[np.float32] | None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], str]:
    del version  # part of the key: a changed file is read again
    preparation = Preparation.parse(words)
    source = denoising_form.denoised_samples(place, preparation)
    if preparation.background == "static" and background is None:
        every = evenly_spaced(np.arange(len(source), dtype=np.int64), _FIT_ROWS)
        background = fit_static_background([(source, every)], preparation)
    wanted = np.array(rows, np.int64)
    raw = loading.samples(place).read(wanted)
    read = source.read(wanted)
    preparer = Preparer(preparation, source.sample_shape, background)
    prepared = preparer.prepare(read, raw.dtype)
    prepared = prepared.without(damaged_among(source, wanted))
    channels, *frames, height, width = prepared.values.shape[1:]
    facts = f"{height} × {width} px" + (f", {channels} channels" if channels > 1 else "")
    facts += f", {frames[0]} frames" if frames else ""
    if prepared.finite.all():
        facts += f", {number_text(prepared.values.min())} … {number_text(prepared.values.max())}"
    else:
        useless = int((~prepared.finite).sum())
        facts += f", {useless} of {len(rows)} are damaged or hold NaN and get no latent"
    return _sheet(raw), _sheet(prepared.values), facts


def _sheet(patterns: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Lay out (b, C, H, W), enlarged pixel by pixel: browsers blur small pictures.

    Of clips, (b, C, T, H, W), the frame in the middle is shown.
    """
    still = patterns if patterns.ndim == 4 else patterns[:, :, patterns.shape[2] // 2]
    gray = np.asarray(still, np.float32).mean(axis=1)
    factor = max(1, round(_WIDTH / gray.shape[2]))
    enlarged = gray.repeat(factor, axis=1).repeat(factor, axis=2)
    return pattern_sheet(enlarged, columns=_SHOWN, gap=8)
