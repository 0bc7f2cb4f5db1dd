"""What leaves the Explore page: figures, tables, a report that re-opens it, and a snippet."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.errors import InputError
from latentcore.figures.colors import MISSING_COLORS, MISSING_USUAL, is_diverging
from latentcore.jobs import JobRecord
from latentcore.workflows import VERBS
from pages.access import places
from pages.frame import errors
from pages.jobs.latents_names import lasting_name
from pages.jobs.panel import job_panel, runner
from pages.regions import files
from pages.regions.kept import kept
from pages.results.run_files import when_asked
from pages.results.verb_files import offer_export
from pages.tasks.explore import panel_choices, reports, sample_report
from pages.tasks.explore.clusters import Clusters, tell_of_waiting
from pages.view import embeddings
from pages.view.question import CLUSTER, LATENT, ORIENTATION, REGION, SIMILARITY, Question
from pages.view.scene import Scene
from pages.view.scene_rows import rows_file

_JOB = "explore_session"
# In the order in which people want them; the rest follows by name.
_FIRST = ("session_report.json", "cluster_latent_bc", "cluster_assignments", "selection.csv")
_MIME = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".npy": "application/octet-stream",
    ".png": "image/png",
    ".py": "text/x-python",
}
_ZIPPED_AT_MOST = 400_000_000


def show(
    scene: Scene,
    question: Question,
    inside: NDArray[np.bool_],
    masks: Mapping[str, NDArray[np.bool_]],
    found: Clusters,
) -> None:
    """Offer the files of the view, and take a report back."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        if found.waiting:
            tell_of_waiting("The files come with them.")
        elif scene.latents.grid is None:
            sample_report.offer(scene, question, inside, masks, found.clustering)
        else:
            clustered = _files(scene, question)
            _export(scene, clustered)
    with right:
        reports.reopen()
        st.markdown("**Link to this view**")
        st.caption(
            "The address bar carries the whole view: dimension, colors, clusters, ROI or filters, "
            "and selections. Who may reach this server can open it."
        )


def _export(scene: Scene, view: JobRecord | None) -> None:
    """Offer the label maps in view, and the clusters once the view's files are there."""
    tables = [] if view is None else sorted(view.folder.glob("cluster_assignments__*.csv"))
    labels = {"clusters of this view": f"{tables[0]}:cluster"} if tables else {}
    labels |= {name: _spec(scene, name) for name in scene.maps.categories}
    if labels:
        about = scene.key + ("" if view is None else view.id)
        offer_export(labels, key="explore.export", about=about)


def _files(scene: Scene, question: Question) -> JobRecord | None:
    """Offer the files of the view; return the job that has written them."""
    if not question.reference and not question.features:
        st.info(
            "Figures and tables need a map beside the latents. Open one on the Data page.",
            icon=":material/download:",
        )
        return None
    request = session_request(scene, question)
    # A file may be replaced by another of the same name: its request stays the same.
    asked = scene.key + json.dumps(asdict(request), sort_keys=True, default=str)
    known = st.session_state.get(_JOB)
    record = runner().get(known[1]) if known is not None and known[0] == asked else None
    if record is None or not (record.active or record.finished):
        st.write(
            "Figures at 300 dpi in the colors of the screen, tables with all digits, a report "
            "that re-opens this view, and a snippet that computes its numbers again."
        )
        if st.button("Prepare the files", icon=":material/inventory_2:", type="primary"):
            record = runner().submit(
                "session", request, title=f"View of {lasting_name(scene.scan.latents)}"
            )
            st.session_state[_JOB] = (asked, record.id)
            st.rerun()
        if record is not None and record.error:
            errors.show(InputError(record.error))
        return None
    if record.active:
        job_panel(record.id)
        return None
    _offer(record)
    return record


def _offer(record: JobRecord) -> None:
    names = file_names(record.folder)
    st.download_button(
        f"All {len(names)} files",
        data=when_asked(lambda: zipped(record.folder, names), record.folder),
        file_name=f"{record.folder.name}.zip",
        mime="application/zip",
        icon=":material/folder_zip:",
        type="primary",
        on_click="ignore",
        disabled=sum((record.folder / name).stat().st_size for name in names) > _ZIPPED_AT_MOST,
    )
    for name in names:
        path = record.folder / name
        st.download_button(
            errors.markdown_safe(f"{name}  ·  {_size(path.stat().st_size)}"),
            data=when_asked(path.read_bytes, record.folder),
            file_name=name,
            mime=_MIME[path.suffix],
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
            key=f"explore.download.{name}",
        )
    snippet = record.folder / "session_again.py"
    if snippet.is_file():
        with st.expander("Python that computes these numbers again", icon=":material/code:"):
            st.code(snippet.read_text(encoding="utf-8"), language="python")


def _order(name: str) -> tuple[int, str]:
    for place, start in enumerate(_FIRST):
        if name.startswith(start):
            return place, name
    return len(_FIRST), name


def file_names(folder: Path) -> list[str]:
    """Return the names of a view's files, those first that people want."""
    return sorted((path.name for path in folder.iterdir() if path.suffix in _MIME), key=_order)


def zipped(folder: Path, names: list[str]) -> bytes:
    """Return an archive of some of a folder's files, in a folder of the same name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.write(folder / name, f"{folder.name}/{name}")
    return packed.getvalue()


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB"


def session_request(scene: Scene, question: Question) -> Any:
    """Return the request of the verb ``session`` that writes what the page shows."""
    assert scene.scan.latents is not None
    regions = kept(scene.latents)
    some = bool(regions.shown)
    drawn = panel_choices.drawn_embedding(scene, question, regions=some)
    latent = question if question.color == LATENT else panel_choices.colored(question, LATENT)
    shades = latent.color_map_of(LATENT)
    violins = panel_choices.violins(scene, question, regions=some)
    request = VERBS.get("session").request
    return request(
        latents=places.location(scene.scan.latents),
        dim=question.dim,
        map=tuple(_spec(scene, name) for name in question.maps_clustered),
        **_features(scene, question),
        method=question.method,
        scaling=question.scaling,
        sample=question.sample or None,
        learn_from=question.learn_from or None,
        numbers="scan",
        roi=question.roi,
        rows=rows_file(scene),
        also=tuple(f"{name}={_spec(scene, name)}" for name in scene.numeric_maps),
        labels=tuple(f"{name}={_spec(scene, name)}" for name in scene.maps.categories),
        embedding=_embedding(scene, drawn),
        draw_pca=drawn.embedding != "umap",
        color="region" if drawn.color == REGION and some else _coloring(scene, drawn, question.dim),
        color_cmap=scene.color_map(drawn, drawn.color),
        color_limits=None if drawn.color == LATENT else drawn.limits,
        pinned=drawn.pinned if drawn.color == SIMILARITY else None,
        active=question.active,
        selection=_selection(question),
        regions=places.location(files.kept_file(regions)) if regions.regions else None,
        distributions=json.dumps(violins) if violins else None,
        cmap=shades,
        missing_color=drawn.missing if drawn.missing in MISSING_COLORS else MISSING_USUAL,
        # Those of the whole scan, whatever the ROI is.
        limits=scene.limits(latent, LATENT, symmetric=is_diverging(shades)),
        view=json.dumps({"scan": asdict(scene.scan), "question": question.as_plain()}),
        **question.parameters,
    )


def _features(scene: Scene, question: Question) -> dict[str, Any]:
    """Return the fields of the request about features, none for the pair in view."""
    choice = question.clustered
    if isinstance(choice, tuple):
        return {}
    dims = ("all",) if choice.dims is None else tuple(map(str, choice.dims))
    # The file's own name of a map; the scene's may tell two files apart.
    names = {name: scene.maps.origin[name][1] for name in choice.maps}
    weights = tuple(f"{names.get(name, name)}={one!r}" for name, one in choice.weights.items())
    return {"dims": dims, "weights": weights or None}


def _spec(scene: Scene, name: str) -> str:
    place, column = scene.maps.origin[name]
    return f"{places.location(place)}:{column}"


def _coloring(scene: Scene, question: Question, dim: int | None) -> str:
    """Return what colors the embedding on the screen, as ``session`` wants it."""
    name = question.color
    if name in scene.maps.names:
        return f"map={_spec(scene, name)}"
    if name == ORIENTATION:
        return f"orientation={places.location(scene.maps.orientation_from)}"
    if name == SIMILARITY and question.pinned is not None:
        return "similarity"
    if name == CLUSTER:
        return "cluster"
    return "latent" if question.dim == dim else f"latent={question.dim}"


def _embedding(scene: Scene, question: Question) -> str | None:
    """Return the file of the UMAP, where it is shown or strokes were drawn in it."""
    drawn = any(
        shape.panel.startswith("umap-")
        for shapes in question.selections.values()
        for shape in shapes
    )
    if question.embedding != "umap" and not drawn:
        return None
    record = embeddings.umap_job(scene, question)
    if record is None or not record.finished:
        return None
    return str(record.folder / "embedding.parquet")


def _selection(question: Question) -> str | None:
    if not any(question.selections.values()):
        return None
    return json.dumps(
        {
            slot: [shape.as_plain() for shape in shapes]
            for slot, shapes in question.selections.items()
        }
    )
