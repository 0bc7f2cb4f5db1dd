"""What leaves the page about samples without a scan grid: a report that re-opens it, a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.exploration import selection_statistics
from latentcore.analysis.partition_shares import comparable
from latentcore.artifacts import to_json
from latentcore.artifacts.region_files import plain_regions
from latentcore.cells import csv_bytes
from latentcore.containers import NO_VALUE, NOISE, Clustering, software_versions
from latentcore.workflows.session.inputs import category_names
from pages.access import places
from pages.regions.kept import kept
from pages.scan import loading
from pages.tasks.explore import against, numbers
from pages.view.question import Question
from pages.view.scene import Scene

Masks = Mapping[str, NDArray[np.bool_]]


def offer(
    scene: Scene,
    question: Question,
    inside: NDArray[np.bool_],
    masks: Masks,
    clustering: Clustering | None,
) -> None:
    """Offer the report and the table of the samples in view."""
    st.write(
        "A report with every number of this view, which re-opens it, and a table of the samples in "
        "view with their latent, columns, cluster and selection."
    )
    st.download_button(
        "session_report.json",
        data=lambda: to_json(report(scene, question, inside, masks, clustering)).encode(),
        file_name="session_report.json",
        mime="application/json",
        icon=":material/download:",
        type="primary",
        on_click="ignore",
    )
    st.download_button(
        "samples_in_view.csv",
        data=lambda: csv_bytes(samples_table(scene, question, inside, masks, clustering)),
        file_name="samples_in_view.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def report(
    scene: Scene,
    question: Question,
    inside: NDArray[np.bool_],
    masks: Masks,
    clustering: Clustering | None,
) -> dict[str, Any]:
    """Return all that the view says, and all that is needed to say it again."""
    values = numbers.quantities(scene, question)
    labels = None if clustering is None else clustering.told_apart(inside)
    regions = kept(scene.latents).regions
    return {
        "encoding-type": "latentcore-session",
        "encoding-version": "1",
        "points": {
            "n": len(scene.latents),
            "n_encoded": int(scene.encoded.sum()),
            "n_in_view": int(inside.sum()),
        },
        "latents_fingerprint": scene.latents.fingerprint,
        "made_by": scene.latents.provenance,
        "tables": {
            places.label(place): {
                "location": places.location(place),
                "fingerprint": loading.table(place).fingerprint,
                "joined_by": how,
                "samples_without_row": scene.maps.unmatched[place],
            }
            for place, how in scene.maps.joined_by.items()
        },
        "filters": question.as_plain().get("filters", {}),
        "clusters": None if clustering is None else _clusters(question, clustering, inside),
        "selections": {
            slot: {"strokes": question.selections.get(slot, ()), "n": int(mask.sum())}
            for slot, mask in masks.items()
        },
        "statistics": selection_statistics(
            inside, masks, labels, values, None, comparable(scene.latents.partition)
        ),
        "A against B": against.compared(scene, masks),
        "regions": plain_regions(regions) if regions else None,
        "versions": software_versions(),
        "view": {"scan": asdict(scene.scan), "question": question.as_plain()},
    }


def _clusters(
    question: Question, clustering: Clustering, inside: NDArray[np.bool_]
) -> dict[str, Any]:
    labels = clustering.told_apart(inside)
    return {
        "of": list(clustering.parameters["features"])  # type: ignore[call-overload]
        if question.features
        else [f"latent_d{question.dim}", question.reference],
        "method": clustering.method,
        "parameters": clustering.parameters,
        "scaling": question.scaling,
        "scores": clustering.scores,
        "engine": clustering.engine,
        "n_noise": int((labels == NOISE).sum()),
        "n_no_value": int((labels == NO_VALUE).sum()),
        "notes": clustering.notes,
    }


def samples_table(
    scene: Scene,
    question: Question,
    inside: NDArray[np.bool_],
    masks: Masks,
    clustering: Clustering | None,
) -> pd.DataFrame:
    """Return the samples in view: row, sample, latent, columns, cluster, in_A and in_B."""
    rows = np.flatnonzero(inside)
    assert question.dim is not None
    columns: dict[str, Any] = {
        "row": rows,
        "sample_id": scene.latents.ids_of(rows),
        f"latent_d{question.dim}": scene.latents.dimension(question.dim)[rows],
    }
    for name in scene.maps.names:
        values, names = scene.maps.get(name)[rows], scene.maps.categories.get(name)
        columns[name] = values if names is None else category_names(values, names)
    if clustering is not None:
        columns["cluster"] = clustering.labels[rows]
    columns |= {f"in_{slot}": mask[rows].astype(np.int8) for slot, mask in masks.items()}
    return pd.DataFrame(columns)
