"""Two label maps against each other: scores, contingency table, maps, and where they differ."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.agreement import LabelAgreement, as_labels, compare_labels
from latentcore.analysis.partitions import (
    DIFFERENT,
    SAME,
    PartitionComparison,
    border_lines,
    compare_partitions,
)
from latentcore.containers import ScanGrid
from latentcore.errors import InputError
from latentcore.figures.agreement import BORDER_COLORS, DIFFERENT_COLOR, SAME_COLOR
from latentcore.figures.colors import hex_to_rgb
from latentcore.workflows import VERBS
from pages.charts.frame import draw
from pages.charts.maps import MOST_CELLS, categories_chart, colors_chart, fitting_height
from pages.charts.ranking import table_chart
from pages.frame import errors
from pages.frame.tables import table_height, told
from pages.frame.theme import tones
from pages.results.verb_files import show_files
from pages.tasks.rank.target import map_spec
from pages.view import session as explorer
from pages.view.scene import Scene

_JOB = "rank_label_maps_job"
_HALF_PAGE = 540
_MOST_IN_TABLE = 24


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
        found, parts = _compared(
            f"{scene.key}|{labels}|{reference}|{explorer.question().roi}",
            scene, labels, reference, inside,
        )  # fmt: skip
    except InputError as error:
        errors.show(error)
        return
    _numbers(found, parts)
    _contingency(scene, found, labels, reference)
    _maps(scene, (labels, reference), parts)
    asked = VERBS.get("agree").request(
        labels=map_spec(scene.maps, (labels,)),
        reference=map_spec(scene.maps, (reference,)),
        roi=explorer.question().roi,
    )
    show_files(_JOB, "agree", asked, f"{labels} against {reference}", about=scene.key)


@st.cache_data(max_entries=64, show_spinner=False)
def _compared(
    key: str, _scene: Scene, _labels: str, _reference: str, _inside: NDArray[np.bool_]
) -> tuple[LabelAgreement, PartitionComparison]:
    del key
    first, second = (
        as_labels(_scene.maps.get(name)[_inside], name) for name in (_labels, _reference)
    )
    assert _scene.latents.grid is not None
    grid = _scene.latents.grid.take(_inside)
    return compare_labels(first, second), compare_partitions(grid, first, second)


def _numbers(found: LabelAgreement, parts: PartitionComparison) -> None:
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
    with st.container(horizontal=True):
        st.metric("Variation of information", f"{parts.variation_of_information:.4f}",
                  help=f"In nats, 0 is the same. {parts.split:.4f} of it because labels split "
                  f"what the reference holds together, {parts.joined:.4f} because they join what "
                  "it splits.")  # fmt: skip
        st.metric("Border recall", _percent(parts.borders.recall),
                  help="Share of the reference's border length that the labels have, too, within "
                  "one step of the scan.")  # fmt: skip
        st.metric("Border precision", _percent(parts.borders.precision),
                  help="Share of the labels' border length that the reference has, too, within "
                  "one step of the scan.")  # fmt: skip
        st.metric("Points that differ", _percent(parts.share_different),
                  help="When each label stands for one reference label and none for two, matched "
                  "so that most points agree. Points with −1 or no label don't count.")  # fmt: skip


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if np.isfinite(share) else "–"


def _contingency(scene: Scene, found: LabelAgreement, labels: str, reference: str) -> None:
    rows, columns = (
        [scene.maps.categories[name].get(label, str(label)) for label in present]
        for name, present in ((labels, found.labels), (reference, found.reference))
    )
    shown, against, table = found.largest(_MOST_IN_TABLE)
    left, right = st.columns([3, 2], gap="large")
    with left:
        draw(
            table_chart(
                table, [rows[row] for row in shown], [columns[column] for column in against],
                row_label=labels, column_label=reference,
            ),
            key="rank.contingency", alt=f"Points by {labels} and {reference}",
        )  # fmt: skip
        if table.size < len(rows) * len(columns):
            st.caption(
                f"The {len(shown)} largest of {len(rows):,} labels against the {len(against)} "
                f"largest of {len(columns):,}. All are in the files below."
            )
    with right:
        named = dict(zip(found.reference, columns, strict=True))
        mapping = pd.DataFrame(
            {
                labels: rows,
                "is mostly": [named[found.mapping[label]] for label in found.labels],
                "share": _largest_shares(found),
            }
        )
        st.markdown("**Majority mapping**")
        st.dataframe(
            mapping, hide_index=True, key="rank.mapping", alt=told(mapping, "Majority mapping"),
            height=table_height(len(mapping)),
            column_config={"share": st.column_config.ProgressColumn(
                "Share of its points", min_value=0, max_value=100, format="%.1f %%")},
        )  # fmt: skip


def _largest_shares(found: LabelAgreement) -> NDArray[np.float64]:
    """Return for each label the share of its points in its largest overlap, in percent."""
    most = np.zeros(len(found.labels))
    np.maximum.at(most, found.overlap.row, found.overlap.counts)
    shares: NDArray[np.float64] = 100 * most / np.bincount(found.overlap.row, found.overlap.counts)
    return shares


def _maps(scene: Scene, names: tuple[str, str], parts: PartitionComparison) -> None:
    grid = scene.latents.grid
    assert grid is not None
    inside = scene.inside(explorer.question())
    cut = grid.cut(inside)
    height = fitting_height(cut, _HALF_PAGE, most=560)
    for column, name in zip(st.columns(2), names, strict=True):
        with column:
            figure = categories_chart(
                scene.maps.get(name)[inside], cut, tones(), name=name,
                names=scene.maps.categories[name], height=height,
            )  # fmt: skip
            draw(figure, key=f"rank.labels.map.{name}", alt=f"Map of {name}")
    points, borders = st.columns(2)
    with points:
        colors = np.full((len(cut), 3), np.nan)
        for value, color in ((SAME, SAME_COLOR), (DIFFERENT, DIFFERENT_COLOR)):
            colors[parts.differs == value] = np.array(hex_to_rgb(color)) / 255
        figure = colors_chart(colors, cut, tones(), name="Points that differ", height=height)
        draw(figure, key="rank.labels.differences", alt="Map of the points that differ")
    with borders:
        halves, kinds = _border_points(
            cut, border_lines(parts.borders.kinds, hexagonal=cut.hexagonal)
        )
        figure = colors_chart(
            kinds, halves, tones(), name="Borders in both, or in one", height=height
        )
        draw(figure, key="rank.labels.borders", alt="Map of the borders of both")
        label, reference = map(errors.markdown_safe, names)
        st.caption(
            f"Gray: borders in both, within one step. :orange[Orange]: only in {label}. "
            f":blue[Blue]: only in {reference}."
        )


def _border_points(
    grid: ScanGrid, kinds: NDArray[np.uint8]
) -> tuple[ScanGrid, NDArray[np.float64]]:
    """Return a grid of half steps, and the color of the border at each of its points.

    Of a large scan several points are one, which shows the border that fewest share.
    """
    k = int(np.ceil(np.sqrt(kinds.size / MOST_CELLS)))
    rows, columns = (-(-size // k) for size in kinds.shape)
    blocks = np.zeros((rows * k, columns * k), np.uint8)
    blocks[: kinds.shape[0], : kinds.shape[1]] = kinds
    coarse = blocks.reshape(rows, k, columns, k).max(axis=(1, 3)).ravel()
    row, col = np.divmod(np.arange(rows * columns), columns)
    (x0, y0), (dx, dy) = grid.origin, (k * step / 2 for step in grid.lattice.step)
    halves = ScanGrid(
        (rows, columns), row.astype(np.int32), col.astype(np.int32), x0 + col * dx, y0 + row * dy,
        (dx, dy), grid.unit,
    )  # fmt: skip
    colors = np.full((len(coarse), 3), np.nan)
    for kind, color in BORDER_COLORS.items():
        colors[coarse == kind] = np.array(hex_to_rgb(color)) / 255
    return halves, colors
