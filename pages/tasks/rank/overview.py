"""The ranking as a whole: ranks by metric, how alike metrics are, and the files to take away."""

from __future__ import annotations

import streamlit as st

from latentcore.analysis.rank_table import metric_likeness, scores_table, top_ranks
from latentcore.cells import csv_bytes
from latentcore.containers import Ranking
from pages.charts.frame import draw
from pages.charts.ranking import likeness_chart, ranks_chart
from pages.results.verb_files import show_files
from pages.tasks.rank.question import question
from pages.tasks.rank.scores import request, titles
from pages.tasks.rank.target import Target
from pages.view import session as explorer
from pages.view.scene import Scene

_JOB = "rank_files_job"


def show_ranks(ranking: Ranking, *, complete: bool) -> None:
    """Show who is on top by which metric, and which metrics see the same."""
    top = int(st.session_state.get("rank.top", 5))
    dims, ranks = top_ranks(ranking, top)
    named = [titles()[name] for name in ranking.scores]
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.slider("Best of each metric", 1, 15, 5, key="rank.top")
        draw(
            ranks_chart(dims, ranks, named, len(ranking.dims)),
            key="rank.ranks", alt="Rank of the best dimensions by each metric",
        )  # fmt: skip
        st.caption(
            f"Rank among {len(ranking.dims)} dimensions; 1 is the strongest. A dimension that is "
            "on top by mutual information or HSIC only follows the reference in a way that no "
            "straight line shows."
        )
    with right:
        st.markdown("**How alike the metrics rank**")
        draw(
            likeness_chart(metric_likeness(ranking), named),
            key="rank.likeness", alt="Rank correlation between metrics",
        )  # fmt: skip
        st.caption("Spearman's correlation between the rankings of two metrics.")
    if not complete:
        st.caption("Metrics that are still computed follow.")


def show_downloads(scene: Scene, target: Target, ranking: Ranking) -> None:
    """Offer the table at once, and all files of the verb when they were prepared."""
    table = scores_table(ranking)
    st.download_button(
        "latent_scores.csv",
        lambda: csv_bytes(table),
        file_name="latent_scores.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="rank.csv",
        help="The table above with all digits, as far as it is computed.",
    )
    st.markdown("**Everything, with figures at 300 dpi and a report that repeats it**")
    left, right = st.columns(2, vertical_alignment="bottom")
    top = left.number_input("Dimensions of each metric", 0, 20, 3, key="rank.files.top")
    seed_names = right.toggle(
        "Also under the seed's names",
        key="rank.files.seed",
        help="bandcontrast_latent_scores.csv, report_bandcontrast_multi_metric.json, "
        "latent_full_d<D>.csv and .png, and an .npy of the ROI for each dimension.",
    )
    asked = request(
        scene, explorer.question(), question(), top=int(top), seed_names=bool(seed_names)
    )
    show_files(_JOB, "rank", asked, f"Ranking by {target.reference.name}", about=scene.key)
