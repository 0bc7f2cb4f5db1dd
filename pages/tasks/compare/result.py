"""What a comparison found: its numbers, linked panels, the points that moved, and files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.exploration import selected_by_slot
from latentcore.analysis.panel_ids import ROW_PANEL, panel_axes
from latentcore.analysis.pattern_sheets import pattern_sheet
from latentcore.analysis.selection import Shape, row_shapes
from latentcore.artifacts import read_run
from pages.frame import errors
from pages.frame.tables import show_table
from pages.frame.theme import tones
from pages.frame.units import duration_text, size_text
from pages.jobs.panel import cancel
from pages.jobs.work import wait_for
from pages.panels.linked_panels import linked_panels, read_state
from pages.results import run_files
from pages.results.figures import show_figure
from pages.scan import loading
from pages.tasks.compare import groups
from pages.tasks.compare import spaces as spaces_of
from pages.tasks.compare.compared import Compared
from pages.tasks.compare.panels_view import MOST_SPACES, SHARED, build_view
from pages.view import session
from pages.view.embeddings import EmbeddingView
from pages.view.question import Question
from pages.view.scene import Scene

_PANELS = "compare.panels"
_TABS = {
    "selection": ":material/select: Selection",
    "movers": ":material/move_down: What moved",
    "groups": ":material/workspaces: Clusters and domains",
    "files": ":material/download: Download",
}
_MOST_PICTURES = 24
_SHEET_COLUMNS = 12
# Column of `comparison.csv` → what the page calls it, and what that is.
_WORTH = {
    "latent_dim": ("Dimensions", "Of the latents."),
    "n_active": ("Active", "Dimensions whose s.d. is above 0.1, where a VAE's prior has 1."),
    "participation_ratio": (
        "Participation ratio",
        "Over so many principal components the variance is spread: (Σλ)² / Σλ².",
    ),
    "components_for_95": ("PCs for 95 %", "Principal components that hold 95 % of the variance."),
    "neighbors_of_same_label": (
        "Same label nearby",
        "Mean share of the 10 nearest latents that have the point's own label.",
    ),
    "ari": ("ARI of KMeans", "Adjusted Rand index of KMeans against the labels."),
    "probe_accuracy": (
        "Probe accuracy",
        "Of a linear probe for the labels, cross-validated by place; beside it the 95 % interval.",
    ),
}


def show(scene: Scene, found: Compared) -> None:
    """Show what was found about the latents in view and others."""
    _worth(found)
    _pairs(found)
    for note in found.report["notes"]:
        st.info(errors.markdown_safe(errors.page_words(note)), icon=":material/info:")
    if scene.shown() is not None:
        _pictures(found)
        _files(found)
        return
    pair, method, color = _ask(scene, found)
    if method == spaces_of.UMAP:
        _wait_for_umaps(scene, found)
    masks = _panels(scene, found, pair, method, color)
    tab = st.segmented_control(
        "Inspector", list(_TABS), format_func=_TABS.__getitem__, default="selection",
        key="compare.tab", label_visibility="collapsed",
    )  # fmt: skip
    if tab == "movers":
        _movers(scene, found, pair)
    elif tab == "groups":
        groups.show(scene, found)
    elif tab == "files":
        _files(found)
    else:
        _selection(scene, found, masks)


def _worth(found: Compared) -> None:
    """Show what each set of latents is worth by itself."""
    rows = []
    for name, called in found.called.items():
        said: Mapping[str, Any] = next(
            (row for row in found.report["encoders"] if row.get("latents") == name), {}
        )
        rows.append({"Latents": called, **_said(said)})
    table = pd.DataFrame(rows).dropna(axis="columns", how="all")
    config = {title: st.column_config.Column(help=text) for title, text in _WORTH.values()}
    show_table(table, column_config={k: v for k, v in config.items() if k not in _numbers(table)})


def _numbers(table: pd.DataFrame) -> set[str]:
    return set(table.select_dtypes("floating").columns)


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    said = {title: row.get(column) for column, (title, _) in _WORTH.items()}
    low, high = row.get("probe_accuracy_low"), row.get("probe_accuracy_high")
    interval = None if low is None or high is None else f"{low:.3f} … {high:.3f}"
    seconds, size = row.get("seconds"), row.get("bytes")
    return said | {
        "95 %": interval,
        "Encoded in": None if seconds is None else duration_text(seconds),
        "Size": None if size is None else size_text(size),
    }


def _pairs(found: Compared) -> None:
    """Show how alike each pair is."""
    report = found.report
    table = pd.DataFrame(
        [
            {
                "Pair": found.pair_title(pair),
                "Shared neighbors": report["shared_neighbors"].get(pair),
                "CKA": report["cka"].get(pair),
                "Procrustes disparity": report["procrustes_disparity"].get(pair),
            }
            for pair in found.pairs
        ]
    )
    show_table(table)
    st.caption(
        f"At the {report['n']:,} samples that all encoders have. Shared neighbors: share of the "
        f"{report['k']:,} nearest neighbors in common; neighbors drawn at random would share "
        f"{report['shared_neighbors_by_chance']:.2g}. CKA (linear, centered): 1 for latents that "
        "differ by rotation and scale only. Procrustes disparity: 0 for those, at most 1."
    )


def _pictures(found: Compared) -> None:
    """Show the pictures of the run, where there are more points than a browser takes."""
    st.caption("There are too many points for linked panels: these are the pictures of the run.")
    for name in ("shared_neighbors.png", "aligned.png"):
        if (found.folder / name).is_file():
            alt = name.removesuffix(".png").replace("_", " ")
            show_figure(found.folder / name, alt, width="content")


def _ask(scene: Scene, found: Compared) -> tuple[str, str, str]:
    first, second, third = st.columns([3, 2, 2], gap="medium", vertical_alignment="bottom")
    with first:
        pair = st.selectbox(
            "Shared neighbors of", list(found.pairs), format_func=found.pair_title,
            key=f"compare.pair.{len(found.pairs)}", disabled=len(found.pairs) == 1,
        )  # fmt: skip
    with second:
        method = st.segmented_control(
            "Embeddings", list(spaces_of.METHODS), format_func=spaces_of.METHODS.__getitem__,
            default=spaces_of.ALIGNED, required=True, key="compare.method", help=spaces_of.HELP,
        )  # fmt: skip
    with third:
        color = st.selectbox(
            "Color by", [SHARED, *scene.maps.names],
            format_func=lambda name: "shared neighbors" if name == SHARED else name,
            key=f"compare.color.{'|'.join(scene.maps.names)}",
        )  # fmt: skip
    return pair, str(method), color


def _wait_for_umaps(scene: Scene, found: Compared) -> None:
    jobs = spaces_of.umaps_under_way(scene, session.question(), found)
    if jobs:
        wait_for(
            "compare.umap.cancel",
            partial(spaces_of.told_of, jobs),
            partial(_cancel, jobs),
            "Those that are shown already stay.",
        )


def _cancel(jobs: tuple[str, ...]) -> None:
    for job in jobs:
        cancel(job)


def _panels(
    scene: Scene, found: Compared, pair: str, method: str, color: str
) -> Mapping[str, NDArray[np.bool_]]:
    """Mount the panels; return the points that are selected."""
    messages: list[str] = []
    everything = spaces_of.spaces(scene, session.question(), found, method, messages)
    chosen = _side_by_side(everything, found, pair)
    left_out = len(everything) - len(chosen)
    if left_out:
        messages.append(f"{left_out} more embeddings are shown with their pairs.")
    question = session.question().in_panels([view.panel for view in chosen.values()])
    view = build_view(
        scene, question, found, chosen, pair=pair, color=color, theme=tones().theme,
        messages=tuple(messages),
    )  # fmt: skip
    linked_panels(view, key=_PANELS, on_change=lambda: _adopt(question.selections))
    axes = panel_axes(
        question.selections, latents=scene.latents, maps={},
        embeddings={one.panel: one.coordinates for one in chosen.values()},
    )  # fmt: skip
    return selected_by_slot(question.selections, axes, scene.inside(question))


def _side_by_side(
    views: Mapping[str, EmbeddingView], found: Compared, pair: str
) -> dict[str, EmbeddingView]:
    """Return the embeddings that are shown: all, or where there are many the pair's and others."""
    first = dict.fromkeys(name for name in (*found.pairs[pair], *views) if name in views)
    shown = set(islice(first, MOST_SPACES))
    return {name: view for name, view in views.items() if name in shown}


def _adopt(shown: Mapping[str, tuple[Shape, ...]]) -> None:
    """Take over what the user did in panels that showed these strokes."""
    done = read_state(_PANELS)
    if done is not None:
        if dict(done.selections) != dict(shown):
            session.update(selections=done.selections)
        session.update(active=done.active, roi=done.roi, pinned=done.pinned)


def _selection(scene: Scene, found: Compared, masks: Mapping[str, NDArray[np.bool_]]) -> None:
    """Show the share of neighbors in common of what is selected, beside that of all."""
    inside = scene.inside(session.question())
    asked = {"All" if inside.all() else f"In the {scene.region}": inside}
    asked |= {f"Selection {slot}": mask for slot, mask in masks.items() if mask.any()}
    if len(asked) == 1:
        st.caption("Brush points in any panel: where the others put them, and what they share.")
    rows = []
    for title, mask in asked.items():
        row: dict[str, Any] = {"Points": title, "n": int(mask.sum())}
        for pair in found.pairs:
            share = found.share[pair][mask]
            known = share[np.isfinite(share)].astype(np.float64)
            row[found.pair_title(pair)] = known.mean() if len(known) else np.nan
        rows.append(row)
    show_table(pd.DataFrame(rows))
    st.caption("Mean share of nearest neighbors in common; neighbors are sought among all points.")
    for slot, mask in masks.items():
        if mask.any():
            st.markdown(f"**Selection {slot}**")
            _sheet(scene, np.flatnonzero(mask))


def _movers(scene: Scene, found: Compared, pair: str) -> None:
    """List the points of a pair whose neighbors changed most, with their patterns."""
    table = found.movers[found.movers["pair"] == pair].drop(columns="pair")
    if table.empty:
        st.caption("No movers were listed.")
        return
    st.caption(
        "The points that keep the fewest of their neighbors, of equal ones first those that lie "
        "farthest from their place in the other encoder once both are aligned (residual)."
    )
    rows = table["row"].to_numpy()
    st.button(
        "Select them in the panels", key="compare.movers.select", icon=":material/select:",
        on_click=_select, args=(rows.tolist(),),
    )  # fmt: skip
    _sheet(scene, rows)
    show_table(table.rename(columns={"row": "point"}))


def _select(rows: list[int]) -> None:
    before: Question = session.question()
    shapes = row_shapes(ROW_PANEL, rows)
    session.update(selections={**before.selections, "A": shapes}, active="A")


def _sheet(scene: Scene, points: NDArray[np.integer]) -> None:
    """Show the patterns of some points, the first of many, where the patterns are open."""
    if scene.sample_rows is None or scene.scan.samples is None:
        return
    rows = scene.sample_rows[points]
    rows = rows[rows >= 0][:_MOST_PICTURES]
    if len(rows) == 0:
        return
    # Read in the file's order, which rows are unique and sorted in.
    there, back = np.unique(rows, return_inverse=True)
    patterns = _read(loading.version(scene.scan.samples), tuple(there.tolist()), scene)
    st.image(pattern_sheet(patterns[back], columns=_SHEET_COLUMNS), width="stretch")


@st.cache_data(max_entries=16, show_spinner="Reading samples …")
def _read(version: str, rows: tuple[int, ...], _scene: Scene) -> NDArray[np.generic]:
    del version
    assert _scene.scan.samples is not None
    return loading.samples(_scene.scan.samples).read(np.array(rows, np.int64))[:, 0]


def _files(found: Compared) -> None:
    files = (read_run(found.folder) or {}).get("files", {})
    with st.container(horizontal=True):
        run_files.download_all(found.folder, files, key="compare.zip")
        for name, entry in files.items():
            run_files.download(
                found.folder, name, entry["bytes"], key=f"compare.get.{name}", label=name
            )
    with st.expander("Compute the numbers of the first pair again", icon=":material/code:"):
        st.code(_snippet(found), language="python")


def _snippet(found: Compared) -> str:
    """Return the snippet without the server's folders."""
    text: str = found.report["snippet"]
    for location in found.report["latents"].values():
        path = Path(location)
        text = text.replace(location, f"{path.parent.name}/{path.name}")
    return text
