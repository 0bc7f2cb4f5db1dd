"""The samples in view, reconstructed by the model that encoded them: nothing is to be asked."""

from __future__ import annotations

import dataclasses
from typing import Any

import streamlit as st

from latentcore.requests.stored import request_from
from latentcore.workflows import VERBS
from pages.access import places
from pages.jobs.past_runs import checkpoint_of, latents_of, run_of_latents
from pages.view.scene import Scene


def ask(scene: Scene) -> Any | None:
    """Return the request, of the points that were encoded; None where the model isn't known."""
    samples, latents = scene.scan.samples, scene.scan.latents
    found = run_of_latents(latents)
    checkpoint = None if found is None else checkpoint_of(*found)
    if found is None or checkpoint is None or samples is None or latents not in latents_of(samples):
        st.info(
            "The model that made these latents, or what it made them of, isn't known here. Put "
            "samples in view, and latents that were extracted from them on this server.",
            icon=":material/compare:",
        )
        return None
    _, run = found
    known = {one.name for one in dataclasses.fields(VERBS.get("reconstruct").request)}
    as_extracted = {name: value for name, value in run.get("request", {}).items() if name in known}
    place = {"location": places.location(samples), "checkpoint": str(checkpoint)}
    return request_from("reconstruct", {**as_extracted, **place})
