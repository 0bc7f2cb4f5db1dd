"""Scores of all dimensions: the quick metrics at once, all of them by a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.ranking import METRICS, metric_names
from latentcore.analysis.ranking.sampled import (
    MOST_ROWS,
    USUAL_ROWS,
    SampledRanking,
    rank_latents,
)
from latentcore.artifacts.records import listed, read_record, text
from latentcore.cells import read_csv
from latentcore.containers import Ranking
from latentcore.jobs import JobRecord
from latentcore.requests.notes import Note
from latentcore.workflows import VERBS
from pages.access import places
from pages.frame import workspace
from pages.frame.errors import show
from pages.jobs.latents_names import lasting_name
from pages.jobs.panel import runner
from pages.tasks.rank.question import RankQuestion
from pages.tasks.rank.target import Target, map_spec
from pages.view.question import Question
from pages.view.scene import Scene

_QUICK = ("pearson", "spearman", "pp_spatial")
# Measured on two cores, per point and dimension: all seven metrics, and what scoring 300 maps
# for intervals and p-values adds for each metric that gets them.
_SECONDS_PER_VALUE = 1e-6
_SECONDS_PER_SURE_VALUE = {"pearson": 1e-6, "spearman": 2e-6, "pp_spatial": 2e-6}
_SECONDS_PER_SLOW_VALUE = 1e-4
_STARTS_ITSELF_S = 10.0
_JOB = "rank_scores_job"


@dataclass(frozen=True, eq=False)
class Scores:
    """What is known of a question so far.

    Attributes
    ----------
    ranking : Ranking
        Of the quick metrics, or of all that were asked for.
    record : JobRecord or None
        The job that computes the rest.
    sure : DataFrame
        dim, metric, score, lower, upper, p, p_corrected of the metrics that have them.
    notes : tuple of Note
        What the verb says of the ranking.
    errors : Mapping of str to ndarray of float64, shape (d,)
        Of each metric the standard errors of a sample's scores.
    """

    ranking: Ranking
    complete: bool
    record: JobRecord | None = None
    sure: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: tuple[Note, ...] = ()
    errors: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def sure_of(self, metric: str) -> pd.DataFrame | None:
        """Return intervals and p-values by one metric, a row per dimension, if there are any."""
        if self.sure.empty or metric not in set(self.sure["metric"]):
            return None
        return self.sure[self.sure["metric"] == metric].set_index("dim")


def titles() -> dict[str, str]:
    """Return what each metric is called."""
    return {name: METRICS.get(name).title for name in metric_names()}


def seconds_for(target: Target, asked: RankQuestion) -> float:
    """Return about how long all that is asked for takes."""
    per_value = _SECONDS_PER_VALUE + sum(
        _SECONDS_PER_SURE_VALUE.get(name, _SECONDS_PER_SLOW_VALUE) for name in asked.sure
    )
    n, d = target.latents.shape
    if n > MOST_ROWS and not asked.all_points:
        # The parts of the sample take as long again as the sample itself.
        n, per_value = 2 * USUAL_ROWS, _SECONDS_PER_VALUE
    return float(n * d * per_value)


def find_scores(scene: Scene, view: Question, asked: RankQuestion, target: Target) -> Scores:
    """Return all scores asked for, or the quick ones and the job that computes the rest."""
    wanted = asked.metrics or metric_names()
    slow = [name for name in wanted if name not in _QUICK]
    if not slow and not asked.sure:
        return _shown(_quick(_key(target, asked, wanted), target, asked, wanted), complete=True)
    record = _job(scene, view, asked, target)
    if record is not None and record.finished:
        return _stored(f"{record.run_id}|{record.ended}", record.folder)
    quick = tuple(name for name in wanted if name in _QUICK) or _QUICK[:1]
    found = _quick(_key(target, asked, quick), target, asked, quick)
    return _shown(found, complete=False, record=record)


def _shown(found: SampledRanking, *, complete: bool, record: JobRecord | None = None) -> Scores:
    notes = (Note("sample", found.note),) if found.note else ()
    return Scores(found.ranking, complete, record, notes=notes, errors=found.errors)


def start(scene: Scene, view: Question, asked: RankQuestion, target: Target) -> None:
    """Ask for all metrics, however long they take."""
    record = runner().submit(
        "rank",
        request(scene, view, asked, top=0),
        title=f"Ranking of {lasting_name(scene.scan.latents)} by {target.reference.name}",
    )
    st.session_state[_JOB] = (_job_key(target, asked), record.id)


def request(
    scene: Scene, view: Question, asked: RankQuestion, *, top: int, seed_names: bool = False
) -> object:
    """Return the request of the verb ``rank`` that asks what the page asks."""
    assert scene.scan.latents is not None
    return VERBS.get("rank").request(
        latents=places.location(scene.scan.latents),
        map=map_spec(scene.maps, asked.columns),
        metric=asked.metrics or None,
        synthesis=asked.synthesis or None,
        weights=asked.weights or None,
        trend_degree=asked.trend_degree,
        roi=view.roi,
        uncertainty=asked.sure or ("none",),
        top=top,
        seed_names=seed_names,
        sample="all" if asked.all_points else None,
    )


def _job(scene: Scene, view: Question, asked: RankQuestion, target: Target) -> JobRecord | None:
    key = _job_key(target, asked)
    known = st.session_state.get(_JOB)
    if known is not None and known[0] == key:
        return runner().get(known[1])
    if known is not None:
        # What nobody looks at any more should not make the next question wait.
        _cancel(known[1])
    st.session_state.pop(_JOB, None)
    if seconds_for(target, asked) > _STARTS_ITSELF_S:
        return None
    try:
        start(scene, view, asked, target)
    except OSError as error:
        told = workspace.trouble(error)
        if told is None:
            raise
        show(told)
        return None
    return runner().get(st.session_state[_JOB][1])


def _cancel(job: str) -> None:
    record = runner().get(job)
    if record is not None and record.active:
        runner().cancel(job)


def _job_key(target: Target, asked: RankQuestion) -> str:
    return f"{_key(target, asked, asked.metrics)}|{','.join(asked.sure)}"


def _key(target: Target, asked: RankQuestion, metrics: tuple[str, ...]) -> str:
    return f"{target.key}|{asked.trend_degree}|{asked.all_points}|{','.join(metrics)}"


@st.cache_resource(max_entries=32, show_spinner="Correlating …")
def _quick(
    key: str, _target: Target, _asked: RankQuestion, _metrics: tuple[str, ...]
) -> SampledRanking:
    del key
    return rank_latents(
        _target.latents,
        _target.reference.values,
        sample="all" if _asked.all_points else None,
        metrics=_metrics,
        trend_degree=_asked.trend_degree,
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def _stored(key: str, _folder: Path) -> Scores:
    del key
    table = read_csv(_folder / "latent_scores.csv", dtype={"reason": "str"}).sort_values("dim")
    metrics = [name for name in metric_names() if name in table]
    ranking = Ranking(
        dims=table["dim"].to_numpy(np.int32),
        scores={name: table[name].to_numpy(np.float64) for name in metrics},
        absolute=frozenset(name for name in metrics if METRICS.get(name).absolute),
        n=table["n"].to_numpy(np.int32),
        reasons=tuple(table["reason"].fillna("")),
    )
    file = _folder / "latent_uncertainty.csv"
    report = read_record(
        _folder / "report.json", {"notes": listed(text), "note_codes": listed(text)}
    )
    notes = report.get("notes", ())
    codes = report.get("note_codes") or [""] * len(notes)
    return Scores(
        ranking,
        complete=True,
        sure=read_csv(file) if file.is_file() else pd.DataFrame(),
        notes=tuple(map(Note, codes, notes)),
        errors={
            name: table[f"{name}_se"].to_numpy(np.float64)
            for name in metrics
            if f"{name}_se" in table
        },
    )
