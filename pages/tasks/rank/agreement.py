"""Agreement: clusters of each latent dimension against reference labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from latentcore.artifacts.records import listed, read_record, text
from latentcore.cells import read_csv
from latentcore.jobs import JobRecord
from latentcore.workflows import VERBS
from pages.access import places
from pages.frame import errors
from pages.frame.tables import told
from pages.regions.files import offer_as_labels
from pages.results.figures import show_figure
from pages.results.verb_files import show_files
from pages.tasks.rank.target import files_with_maps, map_spec
from pages.view import session as explorer
from pages.view.scene import Scene

_JOB = "rank_agree_job"
_METRICS = {"ari": "adjusted Rand index", "nmi": "normalized mutual information"}
_KINDS = {"labels": "Labels", "features": "Features"}
# Beyond this a sweep over k for every dimension takes long: points are drawn.
_MOST_POINTS = 20_000


def show_agreement(scene: Scene) -> None:
    """Hold the clusters of each latent dimension against a reference."""
    st.markdown(
        "Each latent dimension is clustered by itself (Gaussian mixtures, k by an information "
        "criterion) and held against labels: which dimension makes the clusters that the "
        "reference makes?"
    )
    offer_as_labels(scene.latents)
    columns = _choose_reference(scene)
    if not columns:
        return
    asked = _request(scene, columns)
    if asked is None:
        return
    title = f"Agreement with {', '.join(columns[:3])}{' …' if len(columns) > 3 else ''}"
    show_files(
        _JOB, "agree", asked, title, about=scene.key, label="Compare all dimensions",
        on_finished=lambda record: _results(record, asked.metric),
    )  # fmt: skip


def _choose_reference(scene: Scene) -> tuple[str, ...]:
    labels = [name for name in scene.maps.names if name in scene.maps.categories]
    files = files_with_maps(scene.maps)
    kinds = [kind for kind, there in (("labels", labels), ("features", files)) if there]
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    kind = left.segmented_control(
        "Reference", kinds, format_func=_KINDS.__getitem__, default=kinds[0], required=True,
        key=f"rank.agree.kind.{kinds[0]}", persist_state="session",
        help="Labels: phases, grains, clusters. Features: scores of PCA or cNMF, elements; they "
        "are clustered first.",
    )  # fmt: skip
    if kind == "labels":
        chosen = right.selectbox(
            "Label map", labels, key="rank.agree.labels", persist_state="session"
        )
        return (chosen,)
    place = right.selectbox(
        "File", list(files), format_func=places.label, key="rank.agree.file",
        persist_state="session",
    )  # fmt: skip
    names = st.multiselect(
        "Clustered together", files[place], default=files[place],
        key=f"rank.agree.columns.{place}", persist_state="session",
    )  # fmt: skip
    return tuple(names)


def _request(scene: Scene, columns: tuple[str, ...]) -> Any:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        k_min = st.number_input("Fewest clusters", 1, 40, 2, key="rank.agree.kmin", width=150)
        k_max = st.number_input("Most clusters", 1, 40, 12, key="rank.agree.kmax", width=150)
        criterion = st.selectbox("k by", ["bic", "aic"], key="rank.agree.criterion",
                                 format_func=str.upper, width=120)  # fmt: skip
        metric = st.selectbox("Ranked by", list(_METRICS), format_func=_METRICS.__getitem__,
                              key="rank.agree.metric", width=260)  # fmt: skip
        top = st.number_input("Drawn", 0, 12, 3, key="rank.agree.top", width=120)
    n = int(scene.inside(explorer.question()).sum())
    if n > _MOST_POINTS:
        st.caption(
            f"{_MOST_POINTS:,} of the {n:,} points are drawn by a fixed seed. Choose a ROI to "
            "compare each of its points, or run the verb with --sample all."
        )
    assert scene.scan.latents is not None
    return VERBS.get("agree").request(
        latents=places.location(scene.scan.latents),
        reference=map_spec(scene.maps, columns),
        k_min=int(k_min),
        k_max=int(k_max),
        criterion=criterion,
        metric=metric,
        top=int(top),
        sample=str(_MOST_POINTS) if n > _MOST_POINTS else None,
        roi=explorer.question().roi,
    )


def _results(record: JobRecord, metric: str) -> None:
    table = read_csv(record.folder / "agreement.csv", dtype={"reason": "str"})
    report = read_record(record.folder / "report.json", {"notes": listed(text)})
    for note in report.get("notes", ()):
        st.caption(f":material/link_off: {errors.markdown_safe(note)}")
    best = table.iloc[0]
    st.markdown(
        f"Best by {_METRICS[metric]}: **latent {best['dim']:d}**, ARI **{best['ari']:.3f}**, NMI "
        f"**{best['nmi']:.3f}** with {best['k_latent']:g} clusters against "
        f"{best['k_reference']:g} of the reference. An ARI of 0 is chance, 1 is the same."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        shown = table if table["reason"].notna().any() else table.drop(columns="reason")
        st.dataframe(
            shown,
            hide_index=True,
            height=420,
            key=f"rank.agree.table.{record.id}.{record.ended}",
            placeholder="–",
            column_config=_columns(table),
            alt=told(shown, "Agreement of each dimension with the reference"),
        )
    with right:
        pictures = sorted(record.folder.glob("latent_vs_ref_d*.png"), key=_order(table))
        if pictures:
            names = [path.stem.removeprefix("latent_vs_ref_d") for path in pictures]
            dim = st.segmented_control(
                "Dimension", names, default=names[0], required=True, key="rank.agree.pick",
                format_func=lambda name: errors.markdown_safe(f"latent {name}"),
            )  # fmt: skip
            show_figure(
                pictures[names.index(dim)], f"Latent {dim}, its clusters, and the reference"
            )


def _order(table: pd.DataFrame) -> Any:
    place = {str(dim): row for row, dim in enumerate(table["dim"])}

    def of(path: Path) -> int:
        return place.get(path.stem.removeprefix("latent_vs_ref_d"), len(place))

    return of


def _columns(table: pd.DataFrame) -> dict[str, Any]:
    config = st.column_config
    bars = {
        name: config.ProgressColumn(
            name.upper(), min_value=0.0, max_value=max(float(table[name].max()), 0.01),
            format="%.3f", help=_METRICS[name].capitalize(),
        )
        for name in _METRICS
    }  # fmt: skip
    return {
        "dim": config.NumberColumn("Latent", width="small", pinned=True, format="%d"),
        **bars,
        "k_latent": config.NumberColumn("k", help="Clusters of the dimension"),
        "k_reference": config.NumberColumn("k of reference"),
        "n": config.NumberColumn("n", format="localized"),
        "reason": config.TextColumn("Why there is no score", width="large"),
    }
