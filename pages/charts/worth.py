"""What latents are worth, in numbers, bars and, where it is needed, a warning."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from latentcore.artifacts.records import count, listed, number, optional, read_record, shaped, text
from latentcore.errors import MalformedFileError
from pages.charts.frame import draw
from pages.charts.training import dimensions_chart
from pages.frame import errors
from pages.frame.theme import tones

# As latentcore.analysis.collapse counts: a s.d. above it is active.
ACTIVE_SD = 0.1
# Less KL than this, in nats, is no difference from the prior.
_QUIET_KL = 0.01
_SHARES = {"neighbour_share": optional(number), "ari": optional(number), "n_labels": count}
_WORTH = {
    **dict.fromkeys(("latent_dim", "n_active"), count),
    "sd": listed(optional(number)),
    "kl": optional(listed(optional(number))),
    **dict.fromkeys(("explained", "explained_by_pca", "neighbours_kept"), optional(number)),
    "labels": optional(shaped(_SHARES, tuple(_SHARES))),
    "warning": optional(text),
}


def read_worth(path: Path) -> dict[str, Any] | None:
    """Return what a ``worth.json`` says; None where it is missing or damaged."""
    try:
        return read_record(path, _WORTH, ("latent_dim", "n_active", "sd"))
    except (FileNotFoundError, MalformedFileError):
        return None


def show_worth(worth: Mapping[str, Any], *, key: str) -> None:
    """Show what ``worth.json`` says.

    Parameters
    ----------
    worth : Mapping
        The fields of `latentcore.analysis.worth.Worth`.
    key : str
        Tells these charts from others.
    """
    if worth.get("warning"):
        st.warning(errors.markdown_safe(worth["warning"]), icon=":material/compress:")
    _numbers(worth)
    spread, divergence = st.columns(2)
    with spread:
        bars(worth["sd"], "s.d. of the mean", ACTIVE_SD, key=f"{key}.sd")
    if worth.get("kl") is not None:
        with divergence:
            bars(worth["kl"], "KL (nats)", _QUIET_KL, key=f"{key}.kl")


def bars(
    values: Sequence[float],
    title: str,
    line: float | None,
    *,
    key: str,
    dims: Sequence[int] | None = None,
) -> None:
    """Draw one number per latent dimension; `line` is up to where it carries nothing."""
    chart = dimensions_chart(values, tones(), title=title, dims=dims, line=line)
    draw(chart, key=key, alt=f"{title} of each latent dimension")


def share_text(share: float | None) -> str:
    """Write a share in per cent; – where there is none."""
    return "–" if share is None or not math.isfinite(share) else f"{100 * share:.1f} %"


def _numbers(worth: Mapping[str, Any]) -> None:
    d = worth["latent_dim"]
    with st.container(horizontal=True):
        st.metric(
            "Active dimensions",
            f"{worth['n_active']:,} of {d:,}",
            help=f"Their mean spreads by more than {ACTIVE_SD:g} over the points, where the "
            "prior's s.d. is 1. The others carry next to nothing.",
        )
        if worth.get("explained") is not None:
            _explained(worth, d)
        if worth.get("neighbours_kept") is not None:
            st.metric(
                "Neighbors kept",
                share_text(worth["neighbours_kept"]),
                help="Of the 10 nearest samples, pixel by pixel, so many are among the 10 "
                "nearest latents. A model that looks through noise need not keep them all.",
            )
        if worth.get("labels") is not None:
            label_numbers(worth["labels"])


def _explained(worth: Mapping[str, Any], d: int) -> None:
    pca = worth.get("explained_by_pca")
    st.metric(
        "Variance reconstructed",
        share_text(worth["explained"]),
        None if pca is None else f"PCA {d:,}: {share_text(pca)}",
        # Less than PCA is no fault by itself, so it is neither red nor green.
        delta_color="off",
        delta_arrow="off",
        help=f"Share of the samples' variance, beside a PCA with {d:,} components. A model that "
        "learns what neighbors have in common leaves out noise that PCA copies.",
    )


def label_numbers(labels: Mapping[str, Any]) -> None:
    """Show how well latents separate labels."""
    st.metric(
        "Same label nearby",
        share_text(labels["neighbour_share"]),
        help="Mean share of the 10 nearest latents that have the point's own label.",
    )
    ari = labels["ari"]
    st.metric(
        "ARI of KMeans",
        "–" if ari is None or not math.isfinite(ari) else f"{ari:.3f}",
        help=f"Adjusted Rand index of KMeans with {labels['n_labels']:,} clusters against the "
        "labels: 1 is the same, 0 is chance.",
    )
