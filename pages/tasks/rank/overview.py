"""The ranking as a whole: ranks by metric, how alike metrics are, and the files to take away."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import streamlit as st

from latentcore.analysis.rank_table import metric_likeness, scores_table, top_ranks
from latentcore.artifacts import read_run
from latentcore.containers import Ranking
from latentcore.errors import LatentError
from latentcore.jobs import JobRecord
from pages.charts.frame import draw
from pages.charts.ranking import likeness_chart, ranks_chart
from pages.frame import errors
from pages.frame.units import size_text
from pages.jobs.panel import job_panel, runner
from pages.results import run_files
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
        lambda: table.to_csv(index=False).encode(),
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


def show_files(
    slot: str,
    verb: str,
    asked: Any,
    title: str,
    *,
    about: str,
    label: str = "Prepare the files",
    on_finished: Callable[[JobRecord], None] | None = None,
) -> None:
    """Offer to run a verb, then show its job, then what it found, then its files.

    `slot` is where the session keeps the job; another request, or another `about`, begins anew.
    `title` is the job's and `label` the button's. `on_finished` draws what the finished job found.
    """
    text = about + json.dumps(asdict(asked), sort_keys=True, default=str)
    known = st.session_state.get(slot)
    record = runner().get(known[1]) if known is not None and known[0] == text else None
    if record is not None and record.active:
        job_panel(record.id)
    elif record is not None and record.finished:
        if on_finished is not None:
            on_finished(record)
        _offer(record, key=slot)
    else:
        if record is not None and record.error:
            errors.show(LatentError(record.error))
        if st.button(label, icon=":material/inventory_2:", key=f"{slot}.prepare"):
            st.session_state[slot] = (text, runner().submit(verb, asked, title=title).id)
            st.rerun()


def _offer(record: JobRecord, *, key: str) -> None:
    """Offer the files of a finished job: all at once, and each."""
    run = read_run(record.folder) or {}
    files = run.get("files", {})
    run_files.download_all(record.folder, files, key=f"{key}.zip.{record.id}")
    with st.expander(f"{len(files)} files", icon=":material/folder_open:"):
        for name, entry in files.items():
            run_files.download(
                record.folder, name, entry["bytes"], key=f"{key}.{record.id}.{name}",
                label=f"{name}  ·  {size_text(entry['bytes'])}",
            )  # fmt: skip
    kept = errors.markdown_safe(record.folder.name)
    st.caption(f"Kept as {kept} on the Runs page, with everything that repeats it.")
