"""The ranking across the scans of a collection: each by itself, and each left out in turn."""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd
import streamlit as st

from latentcore.jobs import JobRecord
from latentcore.workflows.rank.across import ACROSS, BY_PARTITION
from pages.frame.tables import show_table
from pages.results.verb_files import show_files
from pages.tasks.rank.question import question
from pages.tasks.rank.scores import request, titles
from pages.tasks.rank.target import Target
from pages.view import session as explorer
from pages.view.scene import Scene

_JOB = "rank_across_job"
_COLUMNS = {
    "partition": "Scan left out",
    "dim": "Dimension chosen by the others",
    "score_others": "Its score there",
    "score": "Its score here",
    "rank": "Its rank here",
    "best_dim": "Best dimension here",
    "best": "Best score here",
}


def show_across(scene: Scene, target: Target) -> None:
    """Offer to score each scan by itself, and show what was found."""
    st.caption(
        "Each scan is left out in turn: does the dimension that all others choose follow the "
        "reference in it, too? Scores over several scans also see differences between the scans; "
        "those of one scan don't."
    )
    asked: Any = request(scene, explorer.question(), question(), top=0)
    asked = dataclasses.replace(asked, across=True, uncertainty=("none",))
    show_files(
        _JOB, "rank", asked, f"Ranking by {target.reference.name} across scans",
        about=scene.key, label="Score each scan", on_finished=_show,
    )  # fmt: skip


def _show(record: JobRecord) -> None:
    left_out = pd.read_csv(record.folder / ACROSS)
    each = pd.read_csv(record.folder / BY_PARTITION)
    if left_out.empty:
        st.info("No two scans have a score. The report says why.")
        return
    metrics = [name for name in titles() if (left_out["metric"] == name).any()]
    metric = st.segmented_control(
        "By", metrics, format_func=titles().__getitem__, default=metrics[0],
        required=True, key="rank.across.by",
    )  # fmt: skip
    own = left_out[left_out["metric"] == metric]
    held = int((own["rank"] == 1).sum())
    chosen = ", ".join(f"{dim:d}" for dim in sorted(own["dim"].unique()))
    st.markdown(
        f"The others choose dimension **{chosen}**; it is the best of the scan left out in "
        f"**{held} of {len(own)}** scans."
    )
    show_table(own[list(_COLUMNS)].rename(columns=_COLUMNS))
    st.caption("The score of every dimension in each scan by itself:")
    wide = each.pivot_table(index="dim", columns="partition", values=metric, sort=False)
    show_table(wide.reset_index().rename(columns={"dim": "Dimension"}))
