"""Turn the samples of the scan in view into latents."""

from __future__ import annotations

import streamlit as st

from latentcore.artifacts import read_run
from latentcore.jobs import JobRecord
from pages.access import places
from pages.forms import extract_form, preparation_form
from pages.frame import errors
from pages.frame.units import device_words, duration_text
from pages.jobs.latents_names import name_of, preparation_title
from pages.jobs.panel import job_panel, runner, unwatch, watch, watched
from pages.jobs.past_runs import latents_of
from pages.results import run_files
from pages.scan import loading, state
from pages.scan.missing import no_samples

PAGE = "extract"
MOST_EARLIER = 8


def show_result(record: JobRecord) -> None:
    """Tell what a finished extraction gave, and offer it."""
    run = read_run(record.folder) or {}
    summary = run.get("summary", {})
    facts = [
        f"**{summary.get('n_encoded', 0):,}** of {summary.get('n', 0):,} samples encoded",
        f"**{summary.get('latent_dim', 0):,}** latent dimensions",
    ]
    if summary.get("explained_variance") is not None:
        facts.append(f"{100 * summary['explained_variance']:.1f} % of the variance kept")
    if summary.get("device"):
        device = errors.markdown_safe(device_words(summary["device"]))
        facts.append(f"on {device} in {duration_text(record.elapsed())}")
    st.markdown(" · ".join(facts))
    for note in summary.get("notes", ()):
        st.info(errors.markdown_safe(errors.page_words(note)), icon=":material/info:")
    with st.container(horizontal=True):
        for place in run_files.latents_in(run, record.folder):
            run_files.open_in_explore(place, run, key=f"explore_{place}")
        for name, entry in run.get("files", {}).items():
            run_files.download(
                record.folder, name, entry["bytes"], key=f"get_{record.id}_{name}", label=name
            )


def show_earlier(samples: str) -> None:
    """List what was extracted from this scan before."""
    earlier = latents_of(samples)
    if not earlier:
        return
    st.header("Latents of this scan", divider="grey")
    for place in earlier[:MOST_EARLIER]:
        folder = places.resolve(place).parent
        run = read_run(folder) or {}
        summary = run.get("summary", {})
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            prepared = preparation_title(run) or "usual preparation"
            st.markdown(
                f"**{errors.markdown_safe(name_of(place))}** · "
                f"{summary.get('n_encoded', 0):,} samples · {errors.markdown_safe(prepared)}"
            )
            run_files.open_in_explore(place, run, key=f"earlier_{place}", kind="secondary")
    if len(earlier) > MOST_EARLIER:
        st.caption(f"{len(earlier) - MOST_EARLIER} more are on the Runs page.")


def show_form(scan: state.ScanState, samples: str) -> None:
    """Ask for everything and start the job."""
    source = loading.samples(samples)
    questions, looks = st.columns([2, 3], gap="large")
    with questions:
        model = extract_form.choose_model(PAGE, source)
        recipe = None
        if model is not None:
            recipe = preparation_form.choose_preparation(
                PAGE,
                base=model.base,
                own=model.own,
                on_grid=source.grid is not None,
                neighbors=source.grid is not None,
            )
        points = extract_form.choose_points(PAGE, scan, source)
        execution = extract_form.choose_execution(PAGE, source)
    with looks:
        request, title = None, ""
        if model is not None and recipe is not None and points is not None:
            preparation_form.preview(samples, points.rows, recipe.preparation, model.background)
            request = extract_form.request(scan, model, recipe, points, execution)
            title = f"{model.title} of {places.label(samples)}"
        if st.button(
            "Extract latents", type="primary", icon=":material/play_arrow:",
            disabled=request is None,
        ):  # fmt: skip
            watch(runner().submit("extract", request, title=title).id, PAGE)
        job = watched(PAGE)
        if job is not None and job_panel(job, on_finished=show_result) is None:
            unwatch(PAGE)


scan = state.current()
st.title("Extract")
if scan.samples is None:
    no_samples("encode")
else:
    show_form(scan, scan.samples)
    show_earlier(scan.samples)
