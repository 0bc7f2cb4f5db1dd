"""The clusters that the panels show: the last ones, until those that are asked for are there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from latentcore.containers import Clustering
from latentcore.errors import RequestError
from pages.frame import errors
from pages.jobs import work
from pages.tasks.explore import clusters, layout
from pages.view import session
from pages.view.question import Question
from pages.view.scene import Scene

_LAST = "explore_last_clusters"


@dataclass(frozen=True, eq=False)
class ShownClusters:
    """The clusters shown last, and what they are an answer to: latents, and the whole question."""

    about: str
    key: str
    clusters: clusters.Clusters

    @property
    def clustering(self) -> Clustering | None:
        """The clusters themselves, where there are any."""
        return self.clusters.clustering


def last(scene: Scene, key: str) -> ShownClusters | None:
    """Return the clusters of this key, else those shown last if they are of these latents."""
    last: ShownClusters | None = st.session_state.get(_LAST)
    if last is None or (last.about, last.key) != (scene.about, key):
        known = clusters.known(key)
        if known is not None:
            last = st.session_state[_LAST] = ShownClusters(scene.about, key, known)
    return last if last is not None and last.about == scene.about else None


def follow(
    scene: Scene,
    question: Question,
    key: str,
    shown: ShownClusters | None,
    notices: DeltaGenerator,
) -> None:
    """Have the clusters computed that are not shown yet, and tell how far they are, or why none."""
    if shown is None or shown.key != key:
        found = clusters.clusters(scene, question)
        if not found.waiting:
            st.session_state[_LAST] = ShownClusters(scene.about, key, found)
            st.rerun()
        with notices:
            before = shown is not None and shown.clustering is not None
            _wait(key, "Those shown are of before." if before else "")
    elif shown.clusters.problem:
        with notices:
            _report_none(question, key, shown.clusters.problem)


def _wait(key: str, meanwhile: str) -> None:
    """Tell how far the clusters are; the container lets clicks through to the button."""
    about = clusters.work_key(key)
    with st.container(key="explore-notice-clusters-wait"):
        work.wait_for(
            f"explore.clusters.cancel.{key}",
            partial(work.told_of, about, "Clustering", meanwhile),
            partial(_cancel, about),
            "No clusters are shown then. Whoever else waits for these is told.",
        )


def _cancel(about: str) -> None:
    """Cancel, and take back the wish to learn from all points, if that was what took long."""
    work.cancel(about)
    if session.question().sample:
        session.update(sample="")


def _report_none(question: Question, key: str, problem: str) -> None:
    with layout.notice("clusters", problem) as shown:
        if shown and problem == clusters.CANCELLED:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(f":material/hide_source: {clusters.CANCELLED}", width="content")
                st.button(
                    "Cluster again", key="explore.clusters.again", icon=":material/replay:",
                    type="tertiary", on_click=_cluster_again, args=(key,),
                )  # fmt: skip
        elif shown and not question.reference and not question.features:
            st.info(
                errors.markdown_safe(problem), icon=":material/layers_clear:"
            )  # nobody asked for what isn't there
        elif shown:
            errors.show(RequestError(problem))


def _cluster_again(key: str) -> None:
    work.works().forget(clusters.work_key(key))
    st.session_state.pop(_LAST, None)
