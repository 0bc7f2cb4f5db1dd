"""The inspector's tables of the clusters: the numbers of each, and what separates them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.clustering import latent_name
from latentcore.analysis.separation import Separation
from latentcore.containers import Clustering, cluster_name
from latentcore.errors import Cancelled
from pages.frame.errors import markdown_safe
from pages.frame.tables import PERCENT, show_table, table_height
from pages.frame.units import duration_text, mean_sd_text
from pages.jobs import work
from pages.tasks.explore.clusters import Clusters, separation_key, separation_of, tell_of_waiting
from pages.view import session
from pages.view.question import Question
from pages.view.scene import Scene

# Features with bars of their own, beyond which there is a table; and those with a column.
_MOST_BARS = 3
_MOST_FEATURES = 6


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
            "share of the variance": 100 * given[name]["variance_share"],
            "share of the separation": 100 * share,
            "own variance between clusters (η²)": None if own is None else 100 * own,
        }
        for name, share in sorted(shares.items(), key=lambda entry: -entry[1])
        for own in [found.eta_squared[name]]
    )
    bar = st.column_config.ProgressColumn
    show_table(
        table, height=table_height(len(table), 8),
        column_config={
            name: bar(name, format=PERCENT, min_value=0, max_value=100)
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
