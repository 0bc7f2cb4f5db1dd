"""By which reference latents are judged."""

from __future__ import annotations

import dataclasses
from typing import Any

import streamlit as st

from latentcore.workflows import VERBS
from pages.access import places
from pages.forms.request_form import form_for
from pages.frame.errors import markdown_safe
from pages.jobs.latents_names import name_of, names_with_scans
from pages.jobs.past_runs import reconstruction_errors
from pages.tasks.compare.others import other_latents
from pages.view.scene import Scene

_SETTINGS = ("neighbors", "calibration", "list", "seed")


def ask(scene: Scene) -> Any | None:
    """Ask for the reference; None as long as there is none."""
    first = scene.scan.latents
    assert first is not None
    offered = other_latents(first)
    if not offered:
        return None
    names = names_with_scans(offered)
    left, right = st.columns([6, 1], gap="medium", vertical_alignment="bottom")
    reference = left.selectbox(
        f"What is known, by which {markdown_safe(name_of(first))} is judged", offered, index=None,
        format_func=names.__getitem__, key=f"compare.novelty.reference.{first}",
        placeholder="Choose latents of the training samples, or of another scan",
    )  # fmt: skip
    request = VERBS.get("novelty").request
    with right.popover("Settings", icon=":material/tune:", width="stretch"):
        made = form_for(
            request,
            key="compare.novelty.settings",
            skip=[one.name for one in dataclasses.fields(request) if one.name not in _SETTINGS],
            defaults={"latents": places.location(first), "reference": ""},
        )
    if reference is None or made is None:
        return None
    rebuilt = _ask_for_errors(first, reference)
    samples = scene.scan.samples
    # Never the file that a record names: an uploaded one may name any file of the server.
    pictures = "none" if samples is None else places.location(samples)
    return dataclasses.replace(
        made, reference=places.location(reference), samples=pictures, errors=rebuilt
    )


def _ask_for_errors(first: str, reference: str) -> tuple[str, str] | None:
    """Ask whether reconstruction errors are judged as well; they must be there of both."""
    own, usual = reconstruction_errors(first), reconstruction_errors(reference)
    wanted = st.toggle(
        "By reconstruction error, too", key="compare.novelty.errors",
        disabled=own is None or usual is None,
        help="A percentile of its own. *Samples and their reconstructions* must have been run for "
        "both, these samples and those of the reference.",
    )  # fmt: skip
    if not wanted or own is None or usual is None:
        return None
    return f"{own}:mse", f"{usual}:mse"
