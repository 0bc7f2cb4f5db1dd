"""Train a variational autoencoder on the patterns of the scan in view."""

from __future__ import annotations

import streamlit as st

from latentcore.encoders import training_presets
from pages.access import places
from pages.forms import extract_form, preparation_form
from pages.jobs.panel import job_panel, runner, unwatch, watch, watched
from pages.scan import loading, state
from pages.scan.missing import no_samples
from pages.tasks.train import form, live
from pages.tasks.train.result import show_earlier, show_result

PAGE = "train"
OWN_TEXTS = (
    "As belongs to these settings",
    "What the settings were tried with. Latents are extracted with the same later on.",
)


def show_form(scan: state.ScanState, samples: str) -> None:
    """Ask for everything and start the job."""
    source = loading.samples(samples)
    questions, looks = st.columns([2, 3], gap="large")
    with questions:
        preset = form.choose_preset(PAGE)
        own = training_presets()[preset].preparation
        essentials = form.choose_essentials(PAGE, preset)
        points = extract_form.choose_points(
            PAGE, scan, source, left_out="Nothing is learned from the others."
        )
        recipe = preparation_form.choose_preparation(
            f"{PAGE}.{preset}",
            base=own,
            own=own,
            own_text=OWN_TEXTS,
            neighbors=source.grid is not None,
        )
        answers = {**essentials, **form.choose_details(PAGE, preset, scan, source)}
    with looks:
        if recipe is not None and points is not None:
            preparation_form.preview(samples, points.rows, recipe.preparation)
        request = None
        if recipe is not None and points is not None:
            request = form.request(scan, preset, recipe, points, answers)
        if st.button(
            "Train", type="primary", icon=":material/play_arrow:", disabled=request is None
        ):
            title = f"{form.title(preset)} VAE of {places.label(samples)}"
            watch(runner().submit("train", request, title=title).id, PAGE)
        show_job()


def show_job() -> None:
    """Show the training that this page watches, however it stands."""
    job = watched(PAGE)
    if job is None:
        return
    record = job_panel(job, on_finished=show_result, can_pause=True)
    if record is None:
        unwatch(PAGE)
    elif record.active:
        live.follow(job)
    elif not record.finished:
        live.show_stopped(record)


scan = state.current()
st.title("Train")
if scan.samples is None:
    no_samples("learn from")
else:
    show_form(scan, scan.samples)
    show_earlier(scan.samples, watched(PAGE))
