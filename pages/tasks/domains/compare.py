"""The domains against a label map of the scan: vendor's grains, phases, a simulation's truth."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.agreement import MISSING, as_labels, rand_and_information
from latentcore.analysis.partitions import PartitionComparison, compare_partitions
from pages.frame.errors import markdown_safe
from pages.tasks.domains.asked import Asked
from pages.tasks.domains.found import Cut, Found, min_size_of
from pages.view.scene import Scene

# Thresholds at which the domains are held against a label map, for the plateau plot.
_ARI_STEPS, _ARI_STEPS_OF_LARGE, _LARGE = 40, 12, 300_000


def show(scene: Scene, asked: Asked, cut: Cut) -> None:
    """Show how well the domains agree with the label map that was chosen, and where not."""
    if not asked.truth:
        st.info(
            "Choose a label map above, *Hold against*: the vendor's grains, phases, clusters or "
            "a known truth. Open one on the Data page where there is none.",
            icon=":material/difference:",
        )
        return
    found = comparison(scene, asked.truth, cut)
    ari, nmi = _scores(f"{cut.key}|{asked.truth}", scene, asked.truth, cut)
    unit = scene.latents.grid.unit if scene.latents.grid is not None else ""
    with st.container(horizontal=True):
        st.metric("ARI", f"{ari:.4f}", help="Adjusted Rand index: 0 is chance, 1 the same.")
        st.metric("NMI", f"{nmi:.4f}", help="Normalized mutual information, 0 to 1.")
        st.metric(
            "Variation of information", f"{found.variation_of_information:.4f}",
            help=f"In nats, 0: the same. {found.split:.3f} because domains split what the label "
            f"map holds together, {found.joined:.3f} because they join what it splits.",
        )  # fmt: skip
        st.metric("Borders found", _percent(found.borders.recall),
                  help="Share of the label map's border length within one step of a domain's "
                  "border (recall).")  # fmt: skip
        st.metric("Borders confirmed", _percent(found.borders.precision),
                  help="Share of the domains' border length within one step of a border of the "
                  "label map (precision).")  # fmt: skip
        st.metric("Points that differ", _percent(found.share_different),
                  help="Once each domain stands for at most one label.")  # fmt: skip
    lengths, of = found.borders, f" {markdown_safe(unit)}" if unit else ""
    st.caption(
        f"Border length of the label map {lengths.reference_length:,.5g}{of}, of the domains "
        f"{lengths.labels_length:,.5g}{of}. Points in no domain or without a label are not "
        "compared. The map *differs from the label map*, beside the domains, shows where they "
        "differ."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if np.isfinite(share) else "–"


def labels_of(scene: Scene, name: str) -> NDArray[np.int32]:
    """Return a label map at the points of the scan, shape (n,)."""
    return as_labels(scene.maps.get(name), name)


def comparison(scene: Scene, name: str, cut: Cut) -> PartitionComparison:
    """Hold the domains against a label map."""
    return _comparison(f"{cut.key}|{name}", scene, name, cut)


@st.cache_resource(max_entries=8, show_spinner="Comparing …")
def _comparison(key: str, _scene: Scene, name: str, _cut: Cut) -> PartitionComparison:
    del key
    assert _scene.latents.grid is not None
    # A point without a latent is no domain of its own.
    labels = np.where(_cut.labels < 0, MISSING, _cut.labels)
    return compare_partitions(_scene.latents.grid, labels, labels_of(_scene, name))


@st.cache_data(max_entries=32, show_spinner=False)
def _scores(key: str, _scene: Scene, name: str, _cut: Cut) -> tuple[float, float]:
    del key
    return _agreement(labels_of(_scene, name), _cut.labels)


def _agreement(reference: NDArray[np.int32], labels: NDArray[np.int32]) -> tuple[float, float]:
    """Return ARI and NMI over the points that are in a domain and have a label."""
    paired = (reference != MISSING) & (labels >= 0)
    return rand_and_information(labels[paired], reference[paired])


def ari_curve(scene: Scene, asked: Asked, found: Found) -> list[float]:
    """Return the ARI against the label map at each threshold of the plateau plot.

    It is computed at some of them, and holds until the next.
    """
    key = f"{found.key}|{scene.key}|{asked.truth}|{min_size_of(asked)}"
    return _ari_curve(key, scene, asked, found)


@st.cache_data(max_entries=16, show_spinner="Comparing at each threshold …")
def _ari_curve(key: str, _scene: Scene, _asked: Asked, _found: Found) -> list[float]:
    del key
    reference = labels_of(_scene, _asked.truth)
    steps = _ARI_STEPS if len(reference) <= _LARGE else _ARI_STEPS_OF_LARGE
    n = len(_found.thresholds)
    computed = np.unique(np.linspace(0, n - 1, steps).astype(int))
    aris = [
        _agreement(
            reference, _found.hierarchy.cut(float(_found.thresholds[k]), min_size_of(_asked))
        )[0]
        for k in computed
    ]
    place = np.searchsorted(computed, np.arange(n), side="right") - 1
    return [aris[k] for k in place]
