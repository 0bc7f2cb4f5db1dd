"""Two label maps against each other: scores, contingency table, majority mapping, maps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.agreement import LabelAgreement, as_labels, compare_labels
from latentcore.containers import ScanGrid
from latentcore.errors import InputError
from latentcore.workflows import VERBS
from pages.charts.frame import draw
from pages.charts.maps import categories_chart, fitting_height
from pages.charts.ranking import table_chart
from pages.frame import errors
from pages.frame.theme import tones
from pages.results.verb_files import show_files
from pages.tasks.rank.target import map_spec
from pages.view import session as explorer
from pages.view.scene import Scene

_JOB = "rank_label_maps_job"
_HALF_PAGE = 540


def show_label_maps(scene: Scene) -> None:
    """Hold one label map against another, at once."""
    names = [name for name in scene.maps.names if name in scene.maps.categories]
    if len(names) < 2:
        st.info(
            "Two maps of labels are needed: phases, grains, clusters as whole numbers or names. "
            "Open them on the Data page.",
            icon=":material/category:",
        )
        return
    left, right = st.columns(2)
    labels = left.selectbox("Labels", names, index=1, key="rank.labels", persist_state="session")
    reference = right.selectbox(
        "Reference", names, index=0, key="rank.labels.reference", persist_state="session"
    )
    inside = scene.inside(explorer.question())
    try:
        found = _compared(
            f"{scene.key}|{labels}|{reference}|{explorer.question().roi}",
            scene, labels, reference, inside,
        )  # fmt: skip
    except InputError as error:
        errors.show(error)
        return
    _numbers(found)
    _contingency(scene, found, labels, reference)
    asked = VERBS.get("agree").request(
        labels=map_spec(scene.maps, (labels,)),
        reference=map_spec(scene.maps, (reference,)),
        roi=explorer.question().roi,
    )
    show_files(_JOB, "agree", asked, f"{labels} against {reference}", about=scene.key)


@st.cache_data(max_entries=64, show_spinner=False)
def _compared(
    key: str, _scene: Scene, _labels: str, _reference: str, _inside: NDArray[np.bool_]
) -> LabelAgreement:
    del key
    first, second = (
        as_labels(_scene.maps.get(name)[_inside], name) for name in (_labels, _reference)
    )
    return compare_labels(first, second)


def _numbers(found: LabelAgreement) -> None:
    with st.container(horizontal=True):
        st.metric("ARI", f"{found.ari:.4f}", help="Adjusted Rand index: 0 is chance, 1 the same.")
        st.metric("NMI", f"{found.nmi:.4f}", help="Normalized mutual information, 0 to 1.")
        st.metric("Homogeneity", f"{found.homogeneity:.4f}",
                  help="1: each label lies within one reference label.")  # fmt: skip
        st.metric("Completeness", f"{found.completeness:.4f}",
                  help="1: each reference label lies within one label.")  # fmt: skip
        st.metric("Mapped accuracy", f"{100 * found.mapped_accuracy:.1f} %",
                  help="Share of points that are right when each label is called what most of "
                  "its points are.")  # fmt: skip
        st.metric("Points", f"{found.n:,}")


def _contingency(scene: Scene, found: LabelAgreement, labels: str, reference: str) -> None:
    rows, columns = (
        [scene.maps.categories[name].get(label, str(label)) for label in present]
        for name, present in ((labels, found.labels), (reference, found.reference))
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        draw(
            table_chart(
                found.contingency, rows, columns, row_label=labels, column_label=reference
            ),
            key="rank.contingency", alt=f"Points by {labels} and {reference}",
        )  # fmt: skip
    with right:
        named = dict(zip(found.reference, columns, strict=True))
        mapping = pd.DataFrame(
            {
                labels: rows,
                "is mostly": [named[found.mapping[label]] for label in found.labels],
                "share": [100 * line.max() / max(line.sum(), 1) for line in found.contingency],
            }
        )
        st.markdown("**Majority mapping**")
        st.dataframe(
            mapping, hide_index=True, key="rank.mapping",
            column_config={"share": st.column_config.ProgressColumn(
                "Share of its points", min_value=0, max_value=100, format="%.1f %%")},
        )  # fmt: skip
    _maps(scene, (labels, reference))


def _maps(scene: Scene, names: tuple[str, str]) -> None:
    grid = scene.latents.grid
    assert grid is not None
    inside = scene.inside(explorer.question())
    shown = grid.take(inside)
    cut = ScanGrid.from_coordinates(shown.x, shown.y, unit=grid.unit, step=grid.step)
    height = fitting_height(cut, _HALF_PAGE, most=560)
    for column, name in zip(st.columns(2), names, strict=True):
        with column:
            figure = categories_chart(
                scene.maps.get(name)[inside], cut, tones(), name=name,
                names=scene.maps.categories[name], height=height,
            )  # fmt: skip
            draw(figure, key=f"rank.labels.map.{name}", alt=f"Map of {name}")
