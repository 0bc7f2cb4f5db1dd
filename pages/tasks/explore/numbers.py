"""The inspector's numbers of the selection and the ROI."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from latentcore.analysis.exploration import SelectionStatistics, selection_of
from latentcore.analysis.panel_ids import label_panel
from latentcore.analysis.statistics import Description
from latentcore.containers import Clustering
from pages.frame.errors import markdown_safe
from pages.frame.tables import PERCENT, shortened, show_table
from pages.frame.units import mean_sd_text
from pages.view.question import Question
from pages.view.scene import Scene

Masks = Mapping[str, NDArray[np.bool_]]


def quantities(scene: Scene, question: Question) -> dict[str, NDArray[np.float32]]:
    """Return what is described: the latent dimension and the maps in view."""
    assert question.dim is not None
    maps = {name: scene.maps.get(name) for name in scene.quantities(question)}
    return {f"latent_d{question.dim}": scene.latents.dimension(question.dim), **maps}


def show_selection(
    scene: Scene,
    question: Question,
    inside: NDArray[np.bool_],
    masks: Masks,
    clustering: Clustering | None,
    cards: DeltaGenerator,
) -> None:
    """Show count, area, and mean ± s.d. and quantiles of each quantity.

    Parameters
    ----------
    cards : DeltaGenerator
        Where the counts go.
    """
    found = _statistics(scene, question, inside, masks, clustering)
    names = [name for name in ("A", "B", "ROI") if name in found]
    with cards:
        for name in names:
            with st.container(key=f"explore-card-{name}"):
                _selection_card(scene, name, found[name], found["ROI"].n)
    show_table(_overview(scene, found, names), key="explore.means")
    selected = [name for name in names if name != "ROI" and found[name].n]
    if found["ROI"].partitions and selected:
        _partition_shares(scene, found, selected)
    if clustering is not None:
        _shares(scene, found, names)
    opened = st.expander("Quantiles", key="explore.quantiles", on_change="rerun")
    if opened.open:
        with opened:
            show_table(_quantiles(scene, found, names), key="explore.numbers")


def _statistics(
    scene: Scene,
    question: Question,
    inside: NDArray[np.bool_],
    masks: Masks,
    clustering: Clustering | None,
) -> dict[str, SelectionStatistics]:
    """Return what `selection_statistics` does, each set of points described once.

    Selection A also where there is none, so that its numbers have their place.
    """
    described = quantities(scene, question)
    labels = "" if clustering is None else _labels_key(clustering)
    about = f"{scene.key}|{scene.only_key}|{sorted(described)}|{labels}|{digest(inside)}"
    drawn = {name: mask for name, mask in masks.items() if name == "A" or mask.any()}
    sets = {"ROI": inside, **drawn}
    return {
        name: _described(f"{about}|{digest(mask)}", inside, mask, clustering, described, scene)
        for name, mask in sets.items()
    }


@st.cache_data(max_entries=64, show_spinner=False)
def _described(
    key: str,
    _inside: NDArray[np.bool_],
    _mask: NDArray[np.bool_],
    _clustering: Clustering | None,
    _quantities: Mapping[str, NDArray[np.float32]],
    _scene: Scene,
) -> SelectionStatistics:
    del key  # only part of the cache's key
    labels = None if _clustering is None else _clustering.told_apart(_inside)
    return selection_of(_inside, _mask, labels, _quantities, _scene.latents.grid, _scene.partitions)


def _labels_key(clustering: Clustering) -> str:
    clustered = clustering.clustered
    return label_panel(clustering.labels) + ("" if clustered is None else digest(clustered))


def digest(mask: NDArray[np.bool_]) -> str:
    """Return a short text that tells this mask from others."""
    return hashlib.blake2b(np.packbits(mask).tobytes(), digest_size=12).hexdigest()


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _shown(scene: Scene, name: str) -> str:
    """Return what a set of points is called in a narrow column: ROI, in view, A or B."""
    return scene.region.removeprefix("samples ") if name == "ROI" else name


def _selection_card(scene: Scene, name: str, found: SelectionStatistics, of_roi: int) -> None:
    title = _capital(scene.region) if name == "ROI" else f"Selection {name}"
    if not found.n and name != "ROI":
        st.markdown(f"**{title}: no {scene.points}**")
        st.caption("Nothing is selected yet: brush in any panel by box or lasso.")
        return
    share = f"{100 * found.n / max(1, of_roi):.1f} % of the {scene.region}" if name != "ROI" else ""
    unit = "" if found.area is None else markdown_safe(found.area.unit)
    area = "" if found.area is None else f"{found.area.value:,.6g} {unit}"
    points = scene.points if found.n != 1 else scene.points.removesuffix("s")
    facts = [f"**{title}: {found.n:,} {points}**", share, area]
    st.markdown(" · ".join(part for part in facts if part))
    first = list(found.values.items())[:2]
    called = _short_names(scene, found)
    st.caption(
        " · ".join(f"{markdown_safe(called[name])}: {_mean_sd(value)}" for name, value in first)
    )


def _short_names(scene: Scene, found: SelectionStatistics) -> dict[str, str]:
    """Return what to call each quantity, so that it is no other map of the scan either."""
    return shortened(dict.fromkeys((*found.values, *scene.numeric_maps)))


def _overview(
    scene: Scene, found: Mapping[str, SelectionStatistics], names: Sequence[str]
) -> pd.DataFrame:
    """Return mean ± standard deviation, a row for each quantity and set of points.

    A column for each set would not fit into the side panel of a small window.
    """
    units = {name: scene.maps.unit(name) for name in scene.maps.names}
    called = _short_names(scene, found["ROI"])
    return pd.DataFrame(
        [
            {
                "quantity": f"{called[quantity]} ({unit})" if unit else called[quantity],
                "of": _shown(scene, name),
                "mean ± s.d.": _mean_sd(found[name].values[quantity]),
            }
            for quantity in found["ROI"].values
            for unit in [units.get(quantity, "")]
            for name in names
        ]
    )


def _mean_sd(found: Description) -> str:
    return mean_sd_text(found.mean, found.sd)


def _quantiles(
    scene: Scene, found: Mapping[str, SelectionStatistics], names: Sequence[str]
) -> pd.DataFrame:
    units = {name: scene.maps.unit(name) for name in scene.maps.names}
    return pd.DataFrame(
        _row(_shown(scene, name), quantity, units.get(quantity, ""), found[name].values[quantity])
        for quantity in found["ROI"].values
        for name in names
    )


def _row(name: str, quantity: str, unit: str, found: Description) -> dict[str, object]:
    quantiles = found.quantiles
    return {
        "quantity": f"{quantity} ({unit})" if unit else quantity,
        "points": name,
        "n": found.n_finite,
        "mean": found.mean,
        "s.d.": found.sd,
        "2 %": quantiles[0.02],
        "25 %": quantiles[0.25],
        "median": quantiles[0.50],
        "75 %": quantiles[0.75],
        "98 %": quantiles[0.98],
    }


def _partition_shares(
    scene: Scene, found: Mapping[str, SelectionStatistics], names: Sequence[str]
) -> None:
    made = scene.latents.provenance
    what = "scan" if made is not None and made.verb == "collect" else "partition"
    rows = [
        {
            what: share.name,
            "of": name,
            "n": share.n,
            "share": 100 * share.of_partition,
            "95 %": f"{100 * share.interval[0]:.1f}–{100 * share.interval[1]:.1f}",
        }
        for shares in zip(*(found[name].partitions for name in names), strict=True)
        for name, share in zip(names, shares, strict=True)
    ]
    table = pd.DataFrame(rows)
    st.markdown(f"**{what.capitalize()}s in the selection**")
    share = st.column_config.NumberColumn(
        "share", format=PERCENT, width=70,
        help=f"Of the points of the {what} in the {scene.region}, and its 95 % interval in percent",
    )  # fmt: skip
    show_table(
        table.drop(columns="of") if len(names) == 1 else table, column_config={"share": share}
    )


def _shares(scene: Scene, found: Mapping[str, SelectionStatistics], names: Sequence[str]) -> None:
    table = pd.DataFrame(
        [
            {
                "cluster": share.name,
                "of": _shown(scene, name),
                "n": entry.n,
                "share": 100 * entry.of_selection,
            }
            for share in found["ROI"].clusters
            for name in names
            for entry in found[name].clusters
            if entry.label == share.label
        ]
    )
    st.markdown("**Clusters in the selection**")
    if len(names) == 1:
        table = table.drop(columns="of")
        share = st.column_config.ProgressColumn("share", format=PERCENT, min_value=0, max_value=100)
    else:  # there is no room for bars in the side panel of a small window
        share = st.column_config.NumberColumn("share", format=PERCENT, width=70)
    show_table(table, column_config={"share": share})
