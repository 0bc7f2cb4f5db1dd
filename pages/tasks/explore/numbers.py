"""The inspector's tables: the selection, A against B, and the clusters."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from latentcore.analysis.clustering import latent_name
from latentcore.analysis.exploration import (
    SelectionStatistics,
    comparison,
    label_panel,
    selection_of,
)
from latentcore.analysis.separation import Separation
from latentcore.analysis.statistics import Comparison, Description
from latentcore.containers import Clustering, cluster_name
from latentcore.errors import Cancelled
from pages.frame.errors import markdown_safe
from pages.frame.tables import shortened, show_table
from pages.frame.units import duration_text, mean_sd_text
from pages.jobs import work
from pages.tasks.explore.clusters import Clusters, separation_key, separation_of, tell_of_waiting
from pages.view import session
from pages.view.question import LATENT, Question
from pages.view.scene import Scene

# Features with bars of their own, beyond which there is a table; and those with a column.
_MOST_BARS = 3
_MOST_FEATURES = 6

Masks = Mapping[str, NDArray[np.bool_]]

_INDEPENDENCE = (
    "Intervals take points as independent. Neighboring points of a scan are not: read them as "
    "the narrowest they could be."
)

_SAMPLES_INDEPENDENCE = (
    "Intervals take samples as independent. Cutouts of one image or one day are not: read them as "
    "the narrowest they could be."
)


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
    about = f"{scene.key}|{scene.only_key}|{sorted(described)}|{labels}|{_digest(inside)}"
    drawn = {name: mask for name, mask in masks.items() if name == "A" or mask.any()}
    sets = {"ROI": inside, **drawn}
    return {
        name: _described(f"{about}|{_digest(mask)}", inside, mask, clustering, described, scene)
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
    return label_panel(clustering.labels) + ("" if clustered is None else _digest(clustered))


def _digest(mask: NDArray[np.bool_]) -> str:
    return hashlib.blake2b(np.packbits(mask).tobytes(), digest_size=12).hexdigest()


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _shown(scene: Scene, name: str) -> str:
    """Return what a set of points is called: the ROI, samples in view, A or B."""
    return scene.region if name == "ROI" else name


def _selection_card(scene: Scene, name: str, found: SelectionStatistics, of_roi: int) -> None:
    title = _capital(scene.region) if name == "ROI" else f"Selection {name}"
    share = f"{100 * found.n / max(1, of_roi):.1f} % of the {scene.region}" if name != "ROI" else ""
    unit = "" if found.area is None else markdown_safe(found.area.unit)
    area = "" if found.area is None else f"{found.area.value:,.6g} {unit}"
    points = scene.points if found.n != 1 else scene.points.removesuffix("s")
    facts = [f"**{title}: {found.n:,} {points}**", share, area]
    st.markdown(" · ".join(part for part in facts if part))
    if not found.n and name != "ROI":
        st.caption("Nothing is selected yet: brush in any panel by box or lasso.")
        return
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
            "share": share.of_partition,
            "95 %": f"{100 * share.interval[0]:.1f}–{100 * share.interval[1]:.1f}",
        }
        for shares in zip(*(found[name].partitions for name in names), strict=True)
        for name, share in zip(names, shares, strict=True)
    ]
    table = pd.DataFrame(rows)
    st.markdown(f"**{what.capitalize()}s in the selection**")
    share = st.column_config.NumberColumn(
        "share", format="percent", width=70,
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
                "share": entry.of_selection,
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
        share = st.column_config.ProgressColumn("share", format="percent", min_value=0, max_value=1)
    else:  # there is no room for bars in the side panel of a small window
        share = st.column_config.NumberColumn("share", format="percent", width=70)
    show_table(table, column_config={"share": share})


def show_comparison(scene: Scene, masks: Masks) -> None:
    """Show the difference and effect size of each quantity, selection A against B."""
    found = compared(scene, masks)
    if not found:
        st.info(
            "Brush one selection, switch to slot B above the panels, and brush another: "
            "then their difference and effect size stand here.",
            icon=":material/compare_arrows:",
        )
        return
    overlap = next(iter(found.values())).overlap
    if overlap:
        st.warning(
            f"{overlap:,} {scene.points} are in both selections and count on both sides.",
            icon=":material/warning:",
        )
    table = [
        {
            "quantity": name,
            "Cliff's δ": entry.cliffs_delta,
            "Hedges' g": entry.hedges_g,
            "n A": entry.n_a,
            "n B": entry.n_b,
            "mean A − mean B": entry.difference,
            "95 % from": entry.interval[0],
            "95 % to": entry.interval[1],
            "P(A > B)": entry.auc,
            "K–S": entry.ks,
        }
        for name, entry in found.items()
    ]
    key = f"explore.against.{_masks_key(masks)}"
    show_table(
        pd.DataFrame(table), key=key, selection_mode="single-row",
        on_select=lambda: _show_quantity(scene, list(found), key),
    )  # fmt: skip
    st.caption(
        "All dimensions and maps, the largest effect first; choose a row to see it in the panels. "
        "Cliff's δ: P(A > B) − P(A < B) (Cliff 1993). Hedges' g: difference in "
        "pooled standard deviations. P(A > B): chance that one of A has the larger value. "
        + (_INDEPENDENCE if scene.latents.grid is not None else _SAMPLES_INDEPENDENCE)
    )


def _masks_key(masks: Masks) -> str:
    return "".join(_digest(masks[slot]) for slot in ("A", "B"))


def compared(scene: Scene, masks: Masks) -> dict[str, Comparison]:
    """Compare A and B in every latent dimension and every map of numbers."""
    if not (masks["A"].any() and masks["B"].any()):
        return {}
    return _all_compared(f"{scene.key}|{_masks_key(masks)}", scene, masks)


@st.cache_data(max_entries=8, show_spinner="Comparing A with B in all dimensions and maps …")
def _all_compared(key: str, _scene: Scene, _masks: Masks) -> dict[str, Comparison]:
    del key  # only part of the cache's key
    # The selected alone, read once: of large files all columns would not fit into memory.
    rows = np.flatnonzero(_masks["A"] | _masks["B"])
    columns = _scene.latents.rows(rows).T
    dims = {f"latent_d{dim}": one for dim, one in zip(_scene.latents.dims, columns, strict=True)}
    maps = {name: _scene.maps.get(name)[rows] for name in _scene.numeric_maps}
    return comparison({slot: mask[rows] for slot, mask in _masks.items()}, dims | maps)


def _show_quantity(scene: Scene, names: Sequence[str], key: str) -> None:
    """Color the panels by the quantity of the row that was chosen."""
    rows = st.session_state[key]["selection"]["rows"]
    if not rows or rows[0] >= len(names):
        return
    name = names[rows[0]]
    dims = {f"latent_d{dim}": int(dim) for dim in scene.latents.dims}
    if name in scene.numeric_maps:
        session.update(color=name, limits=None)
    else:
        session.update(dim=dims[name], color=LATENT, limits=None)


def show_clusters(scene: Scene, question: Question, computed: Clusters) -> None:
    """Show each cluster's numbers, and which feature separates them."""
    if computed.waiting:
        tell_of_waiting()
        return
    clustering = computed.clustering
    if clustering is None or question.dim is None:
        st.info("There are no clusters to describe.", icon=":material/scatter_plot:")
        return
    inside = scene.inside(question)
    found = _separation_or_state(scene, question, clustering)
    shares = {} if found is None else found.share
    names = sorted(shares, key=lambda name: -(shares[name] or 0.0))[:_MOST_FEATURES]
    columns = {
        _feature_title(scene, question, name): _feature(scene, question, name) for name in names
    }
    labels = clustering.told_apart(inside)
    rows = [
        _cluster_row(cluster_name(int(label)), labels == label, columns)
        for label in np.unique(labels[inside])
    ]
    for note in clustering.notes:
        st.caption(f":material/info: {markdown_safe(note)}")
    _sample(question, clustering)
    if found is not None:
        _separation(found, clustering)
    show_table(pd.DataFrame(rows))
    if len(shares) > len(names):
        st.caption(f"Of {len(shares)} features the {len(names)} that separate most are shown.")
    by_k = clustering.scores.get("by_k")
    if by_k:
        _criterion(str(clustering.scores.get("criterion", "")), by_k)  # type: ignore[arg-type]
    st.caption(markdown_safe(f"{clustering.engine} · {_parameters_text(clustering)}"))


def _sample(question: Question, clustering: Clustering) -> None:
    """Offer to learn from all points, with the time that it takes; and the way back."""
    if question.sample:
        st.button(
            "Learn from a sample", key="explore.sample.some", icon=":material/speed:",
            on_click=session.update, kwargs={"sample": ""},
        )  # fmt: skip
    elif clustering.sampling is not None:
        seconds = clustering.sampling.seconds_all
        expected = "" if seconds is None else f" · about {duration_text(seconds)}"
        st.button(
            f"Learn from all {clustering.sampling.of:,} points{expected}",
            key="explore.sample.all", icon=":material/select_all:",
            on_click=session.update, kwargs={"sample": "all"},
            help="As the time grew with the sample; other work on this server makes it longer.",
        )  # fmt: skip


def _feature(scene: Scene, question: Question, name: str) -> NDArray[np.float32]:
    """Return the values of a feature by what the clustering calls it."""
    assert question.dim is not None
    if name in question.maps_clustered:
        return scene.maps.get(name)
    dims = {latent_name(int(dim)): int(dim) for dim in scene.latents.dims}
    return scene.latents.dimension(dims.get(name, question.dim))


def _feature_title(scene: Scene, question: Question, name: str) -> str:
    if not question.features and name not in scene.maps.names:
        return f"latent {question.dim}"
    return name.replace("latent_d", "latent ") if name not in scene.maps.names else name


def _cluster_row(
    name: str, mask: NDArray[np.bool_], columns: Mapping[str, NDArray[np.float32]]
) -> dict[str, object]:
    def mean_sd(values: NDArray[np.float32]) -> str:
        own = values[mask].astype(np.float64)
        own = own[np.isfinite(own)]
        return mean_sd_text(own.mean(), own.std(ddof=1)) if len(own) > 1 else "–"

    return {
        "cluster": name,
        "n": int(mask.sum()),
        **{f"{name}: mean ± s.d.": mean_sd(values) for name, values in columns.items()},
    }


def _separation_or_state(
    scene: Scene, question: Question, clustering: Clustering
) -> Separation | None:
    """Return what separates the clusters; where that isn't known yet, show what can be done."""
    key = separation_key(scene, question)
    try:
        return separation_of(scene, question, clustering)
    except TimeoutError:
        work.wait_for(
            f"explore.separation.cancel.{key}",
            partial(work.told_of, key, "Looking for what separates them", ""),
            partial(work.cancel, key),
            "The clusters stay.",
        )
    except Cancelled:
        st.button(
            "What separates the clusters?", key="explore.separation.again",
            icon=":material/replay:", on_click=work.works().forget, args=(key,),
        )  # fmt: skip
    return None


def _separation(found: Separation, clustering: Clustering) -> None:
    st.markdown("**What separates the clusters**")
    st.markdown(markdown_safe(found.verdict))
    shares = {name: share for name, share in found.share.items() if share is not None}
    if len(shares) <= _MOST_BARS:
        for column, (name, share) in zip(
            st.columns(max(1, len(shares))), shares.items(), strict=False
        ):
            text = markdown_safe(f"{name}: {100 * share:.1f} % of the separation")
            column.progress(min(1.0, share), text=text)
        return
    given: Mapping[str, Mapping[str, float]]
    given = clustering.parameters["features"]  # type: ignore[assignment]
    table = pd.DataFrame(
        {
            "feature": name,
            "weight": given[name]["weight"],
            "share of the variance": given[name]["variance_share"],
            "share of the separation": share,
            "own variance between clusters (η²)": found.eta_squared[name],
        }
        for name, share in sorted(shares.items(), key=lambda entry: -entry[1])
    )
    bar = st.column_config.ProgressColumn
    show_table(
        table, height=35 * (min(len(table), 8) + 1) + 3,
        column_config={
            name: bar(name, format="percent", min_value=0, max_value=1)
            for name in table.columns[2:]
        },
    )  # fmt: skip


def _criterion(name: str, by_k: Mapping[str, float]) -> None:
    table = pd.DataFrame({"k": [int(k) for k in by_k], name: list(by_k.values())})
    with st.expander(f"{name.upper()} over k"):
        st.line_chart(table, x="k", y=name, height=220)


def _parameters_text(clustering: Clustering) -> str:
    shown = {
        name: value
        for name, value in clustering.parameters.items()
        if not isinstance(value, Mapping) and value is not None
    }
    return ", ".join(f"{name} {value}" for name, value in shown.items())
