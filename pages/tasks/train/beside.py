"""The way from a training to the Compare page: its latents beside PCA's and earlier trainings'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from latentcore.preparation import Preparation
from latentcore.workflows import VERBS
from pages.access import places
from pages.frame import navigation
from pages.jobs.awaited import await_latents
from pages.jobs.panel import runner

_MODEL = "model.safetensors"
# More embeddings than four don't stand side by side.
_MOST_EARLIER = 2


def offer(samples: str, folder: Path, run: Mapping[str, Any], earlier: Sequence[Path]) -> None:
    """Offer to compare a finished training with a PCA and with the latest trainings before it."""
    if not (folder / _MODEL).is_file() or not run.get("summary", {}).get("latent_dim"):
        return
    others = [one for one in earlier if one != folder and (one / _MODEL).is_file()][:_MOST_EARLIER]
    beside = " and earlier trainings" if others else ""
    st.button(
        f"Compare with PCA{beside}",
        key=f"compare_{folder.name}",
        icon=":material/compare:",
        on_click=_compare,
        args=(samples, folder, run, others),
        help="Extracts the latents of each where they aren't there yet, and holds them against "
        "each other: the PCA has as many dimensions and the same preparation.",
    )


def _compare(samples: str, folder: Path, run: Mapping[str, Any], others: Sequence[Path]) -> None:
    request = run.get("request", {})
    models = [
        _extract(samples, request, checkpoint=str(one / _MODEL), title=one.name)
        for one in (folder, *others)
    ]
    fitted = _extract(
        samples, request, checkpoint=f"pca:{run['summary']['latent_dim']}",
        prepare=_preparation_of(run), title=f"PCA of {places.label(samples)}",
    )  # fmt: skip
    await_latents(samples, [models[0], fitted, *models[1:]], request.get("labels"))
    navigation.go_to("compare")


def _preparation_of(run: Mapping[str, Any]) -> tuple[str, ...]:
    """Return how to prepare samples for a PCA as they were for a training."""
    from latentcore.workflows.extract.job import FITTED_PREPARATION

    made = Preparation.from_dict(run["summary"].get("preparation") or {})
    return made.changes(FITTED_PREPARATION)


def _extract(
    samples: str,
    request: Mapping[str, Any],
    *,
    checkpoint: str,
    title: str,
    prepare: tuple[str, ...] = (),
) -> str:
    """Ask for the latents of an encoder, of the points that the training looked at; its job."""
    asked = VERBS.get("extract").request(
        location=(places.location(samples),),
        checkpoint=checkpoint,
        prepare=prepare,
        **_points(request),
    )
    return runner().submit("extract", asked, title=f"Latents by {title}").id


def _points(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a training's conditions on points; its ROI isn't one, latents cover the scan."""
    kept = {name: value for name, value in request.items() if name.startswith("keep_")}
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()
    }
