"""What came of a training, and the trainings of a scan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from latentcore.artifacts import read_run
from latentcore.cells import read_csv
from latentcore.errors import InputError
from latentcore.jobs import JobRecord
from pages.access import places
from pages.charts.frame import draw
from pages.charts.training import loss_chart
from pages.charts.worth import read_worth, show_worth
from pages.forms import checkpoints
from pages.forms.extract_form import CHECKPOINT
from pages.frame import errors, navigation
from pages.frame.theme import tones
from pages.frame.units import device_words, duration_text
from pages.jobs.panel import runner, state_badge, watch
from pages.jobs.past_runs import trainings_of
from pages.results import run_files
from pages.results.figures import show_figure
from pages.scan import state
from pages.tasks.train import beside

_MODEL = "model.safetensors"
_SHOWN_FILES = (_MODEL, "model.json", "loss.csv")
_STOPPED = {"time": "stopped by its limit of time", "diverged": "stopped because it diverged"}
_MOST_EARLIER = 8
_MOST_JOBS = 200


def show_result(record: JobRecord) -> None:
    """Tell what a finished training gave, and offer it."""
    run = read_run(record.folder) or {}
    summary = run.get("summary", {})
    st.markdown(_facts(summary))
    for warning in summary.get("warnings", ()):
        if warning != (summary.get("worth") or {}).get("warning"):
            st.warning(errors.markdown_safe(warning), icon=":material/warning:")
    with st.container(horizontal=True):
        if st.button(
            "Extract latents with this model",
            key=f"use_{record.id}",
            type="primary",
            icon=":material/memory:",
        ):
            use_for_extraction(f"run:{record.folder.name}/{_MODEL}")
        samples = state.current().samples
        if samples is not None:
            beside.offer(samples, record.folder, run, trainings_of(samples))
        files = run.get("files", {})
        for name in _SHOWN_FILES:
            if name in files:
                run_files.download(
                    record.folder, name, files[name]["bytes"],
                    key=f"get_{record.id}_{name}", label=name,
                )  # fmt: skip
        run_files.download_all(record.folder, files, key=f"zip_{record.id}")
    st.subheader("What is it worth?")
    worth = read_worth(record.folder / "worth.json")
    if worth is not None:
        show_worth(worth, key=f"worth_{record.id}")
    st.subheader("Losses")
    _losses(record, summary)
    picture = record.folder / "reconstructions.png"
    if picture.is_file():
        st.subheader("Reconstructions")
        show_figure(picture, "Samples, their reconstructions, residuals")


def show_earlier(samples: str, shown: str | None) -> None:
    """List the trainings of a scan, also stopped ones, but not the job that is shown already."""
    entries = [entry for entry in _trainings(samples) if entry[0] != shown]
    if not entries:
        return
    st.header("Trainings of this scan", divider="grey")
    for job, folder in entries[:_MOST_EARLIER]:
        _line(job, folder)
    if len(entries) > _MOST_EARLIER:
        st.caption(f"{len(entries) - _MOST_EARLIER} more are on the Runs page.")


def use_for_extraction(place: str) -> None:
    """Go to the Extract page with a model chosen."""
    checkpoints.propose(place)
    st.session_state["extract.kind"] = CHECKPOINT
    navigation.switch_to("extract")


def _facts(summary: dict[str, Any]) -> str:
    device = errors.markdown_safe(device_words(str(summary.get("device", "?"))))
    facts = [
        f"Epoch **{summary.get('best_epoch', 0):,}** of {summary.get('epochs', 0):,} was best",
        f"**{summary.get('n_train', 0):,}** samples trained on",
        f"{summary.get('n_held_out', 0):,} held out",
        f"**{summary.get('latent_dim', 0):,}** latent dimensions",
        f"on {device} in {duration_text(summary.get('seconds', 0))}",
    ]
    wrong = {"with NaN": "n_not_finite", "without contrast": "n_constant"}
    facts += [f"{summary[n]:,} left out {why}" for why, n in wrong.items() if summary.get(n)]
    rate = summary.get("patterns_per_s")
    if isinstance(rate, float | int):
        facts.append(f"{rate:,.0f} samples per second")
    if summary.get("stopped_by") in _STOPPED:
        facts.append(_STOPPED[summary["stopped_by"]])
    if summary.get("resumed_epochs"):
        facts.append(f"resumed after epoch {summary['resumed_epochs']:,}")
    return " · ".join(facts)


def _losses(record: JobRecord, summary: dict[str, Any]) -> None:
    try:
        table = read_csv(record.folder / "loss.csv")
    except OSError:
        return
    draw(
        loss_chart(table, tones(), best_epoch=summary.get("best_epoch")),
        key=f"losses_{record.id}",
        alt="Losses over the epochs",
    )
    st.caption(
        "Training: averaged over the epoch while it was learned from, with the KL weight of that "
        "moment. Held out: at the end of each epoch. The dotted line is the epoch that was kept."
    )


def _trainings(samples: str) -> list[tuple[str, Path]]:
    """Return the job (empty where there is none) and run folder of each training, newest first."""
    try:
        location = places.location(samples)
    except InputError:
        return []
    jobs = [
        (record.id, record.folder)
        for record in runner().list(_MOST_JOBS)
        if record.verb == "train" and record.request.get("location") == location
    ]
    known = {folder for _, folder in jobs}
    runs = [("", folder) for folder in trainings_of(samples) if folder not in known]
    return [*jobs, *runs]


def _line(job: str, folder: Path) -> None:
    record = runner().get(job) if job else None
    run = read_run(folder)
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        if record is not None and not record.finished:
            st.markdown(f"**{errors.markdown_safe(record.title)}**", width="content")
            state_badge(record)
        elif run is not None:
            st.markdown(_summary(run))
        if record is not None:
            st.button("Show", key=f"show_{job}", on_click=watch, args=(job, "train"))
        if (folder / _MODEL).is_file() and st.button(
            "Extract latents", key=f"use_earlier_{folder.name}", icon=":material/memory:"
        ):
            use_for_extraction(f"run:{folder.name}/{_MODEL}")


def _summary(run: dict[str, Any]) -> str:
    summary = run.get("summary", {})
    worth = summary.get("worth") or {}
    made = run.get("created", "")[:16].replace("T", " ")
    parts = [
        f"**{errors.markdown_safe(str(summary.get('encoder', 'model')))}**",
        errors.markdown_safe(
            f"{summary.get('latent_dim', '?')} dimensions, {worth.get('n_active', '?')} active"
        ),
        f"{summary.get('epochs', 0):,} epochs on {summary.get('n_train', 0):,} samples",
        f"{errors.markdown_safe(made)} UTC",
    ]
    return " · ".join(parts)
