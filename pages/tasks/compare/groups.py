"""Clusters and domains of each encoder, held against those of the others."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.agreement import rand_and_information
from latentcore.analysis.cluster_fits import Fits
from latentcore.analysis.clusterers.kmeans import KMeansClusters
from latentcore.analysis.domains.search import domain_hierarchy
from latentcore.containers import LatentSet, sample_rows
from latentcore.errors import Cancelled, InputError
from latentcore.progress import Progress
from pages.frame import errors
from pages.frame.tables import show_table
from pages.jobs import work
from pages.scan import loading
from pages.tasks.compare.compared import Compared
from pages.view.scene import Scene

_CLUSTERS, _DOMAINS = "KMeans", "Domains"
_STARTS = 50
# KMeans with fifty starts: half a minute, and no more is learned from more points.
_MOST_CLUSTERED = 10_000
_ASKED = "compare_groups_asked"
_SNIPPETS = {
    _CLUSTERS: '''\
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

# x and y: latents of both encoders at their common samples, row by row (see Download){drawn}
a, b = (KMeans({k}, n_init={starts}, random_state=0).fit_predict(values.astype(float))
        for values in (x, y))
print(adjusted_rand_score(b, a), normalized_mutual_info_score(b, a))
''',
    _DOMAINS: '''\
python -m latentcore domains FIRST --out first
python -m latentcore domains OTHER --out other
python -m latentcore agree --labels first --reference other --out agreement
''',
}  # fmt: skip
Labels = Mapping[str, NDArray[np.int32]]


def show(scene: Scene, found: Compared) -> None:
    """Ask for the groups, and show how alike they are between the encoders."""
    method, k = _ask(scene)
    key = f"compare-groups|{found.key}|{method}|{k}"
    if st.button(
        "Compute", key="compare.groups.compute", icon=":material/play_arrow:",
        help="Finds them in the latents of each encoder by itself, with the same settings.",
    ):  # fmt: skip
        work.works().forget(key)
        st.session_state[_ASKED] = key
    if st.session_state.get(_ASKED) != key:
        return
    try:
        labels = work.answer(key, partial(_labels, scene, found, method, k), len(scene.latents))
    except TimeoutError:
        _wait(key, method)
    except Cancelled:
        st.caption(":material/hide_source: Cancelled.")
    except InputError as error:
        errors.show(error)
    else:
        _table(found, method, k, labels)


def _ask(scene: Scene) -> tuple[str, int]:
    which, number = st.columns([2, 1], vertical_alignment="bottom")
    methods = [_CLUSTERS] if scene.latents.grid is None else [_CLUSTERS, _DOMAINS]
    with which:
        method = st.segmented_control(
            "Groups", methods, default=_CLUSTERS, required=True, key="compare.groups",
            help="KMeans with fifty starts on all latent dimensions; or domains, as the Domains "
            "page finds them by itself: connected parts, at the automatic threshold.",
        )  # fmt: skip
    if method == _DOMAINS:
        return str(method), 0
    with number:
        return str(method), int(st.number_input("Clusters", 2, 100, 8, key="compare.groups.k"))


def _wait(key: str, method: str) -> None:
    work.wait_for(
        "compare.groups.cancel",
        partial(work.told_of, key, method, ""),
        partial(work.cancel, key),
        "No agreement is shown then.",
    )


def _table(found: Compared, method: str, k: int, labels: Labels) -> None:
    rows = []
    for pair, (one, other) in found.pairs.items():
        both = (labels[one] >= 0) & (labels[other] >= 0)
        ari, nmi = rand_and_information(labels[one][both], labels[other][both])
        counts = [len(np.unique(labels[name][both])) for name in (one, other)]
        rows.append(
            {
                "Pair": found.pair_title(pair),
                "ARI": ari,
                "NMI": nmi,
                "Groups": f"{counts[0]:,} and {counts[1]:,}",
                "Points": int(both.sum()),
            }
        )
    show_table(pd.DataFrame(rows))
    st.caption(
        "ARI: adjusted Rand index, 0 is chance and 1 the same. NMI: normalized mutual "
        "information, 0 to 1. How either agrees with known labels is in the table above."
    )
    drawn = ""
    if method == _CLUSTERS and len(next(iter(labels.values()))) == _MOST_CLUSTERED:
        drawn = f",\n# of which {_MOST_CLUSTERED:,} are drawn: default_rng(0).choice, sorted"
    with st.expander("Compute these numbers again", icon=":material/code:"):
        text = _SNIPPETS[method].format(k=k, starts=_STARTS, drawn=drawn)
        st.code(text, language="python" if method == _CLUSTERS else "shell")


def _labels(scene: Scene, found: Compared, method: str, k: int, progress: Progress) -> Labels:
    """Return the groups of each encoder at the common points."""
    common = np.flatnonzero(
        np.all([np.isfinite(places).all(axis=1) for places in found.aligned.values()], axis=0)
    )
    if method == _CLUSTERS and len(common) > _MOST_CLUSTERED:
        drawn = np.random.default_rng(0).choice(len(common), _MOST_CLUSTERED, replace=False)
        common = common[np.sort(drawn)]
    labels = {}
    for number, (name, place) in enumerate(found.places.items()):
        progress.step(number, len(found.places), method)
        latents = loading.latents(place)
        rows = sample_rows(scene.latents, latents)[common]
        labels[name] = (
            _clusters(latents.rows(rows), k, progress)
            if method == _CLUSTERS
            else _domains(latents, progress)[rows]
        )
    return labels


def _clusters(values: NDArray[np.float32], k: int, progress: Progress) -> NDArray[np.int32]:
    n, d = values.shape
    with Fits(KMeansClusters(k=k, n_init=_STARTS), n, d, progress) as fits:
        return fits.fit(values.astype(np.float64)).labels


def _domains(latents: LatentSet, progress: Progress) -> NDArray[np.int32]:
    hierarchy = domain_hierarchy(latents, progress=progress)
    return hierarchy.cut(hierarchy.threshold.value)
