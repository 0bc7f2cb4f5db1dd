"""The Compare page from top to bottom: what is compared, its job, and what was found."""

from __future__ import annotations

from typing import Any

import streamlit as st

from latentcore.errors import InputError, RequestError
from latentcore.jobs import JobRecord
from pages.access import places
from pages.frame import errors
from pages.jobs.latents_names import lasting_name
from pages.jobs.panel import job_panel, runner, unwatch, watch, watched
from pages.jobs.past_runs import own_checkpoint
from pages.scan import loading
from pages.scan.missing import no_latents
from pages.scan.state import ScanState
from pages.tasks.compare import (
    form,
    novelty_form,
    novelty_result,
    reconstruction_form,
    reconstruction_result,
    result,
    sides_form,
    sides_result,
)
from pages.tasks.compare.compared import read_compared
from pages.tasks.compare.waiting import waiting
from pages.view import session
from pages.view.scene import Scene, complete, open_scene

PAGE = "compare"
_MODES = {
    "compare": "Encoders of the same samples",
    "differ": "Two scans, or parts of a collection",
    "novelty": "New samples and what is known",
    "reconstruct": "Samples and their reconstructions",
}
_ABOUT = {
    "compare": "Encoders of the same samples, side by side: which neighbors they share, point by "
    "point, and how well each separates labels.",
    "differ": "Whether latents of two scans have one distribution, how sure that is, and where in "
    "the scans they differ. One encoder must have made both.",
    "novelty": "How unlike a training set, or another scan, each sample is: a percentile that is "
    "calibrated on samples of the reference itself, as a map, and the strangest of them.",
    "reconstruct": "What the model's decoder makes of each sample's latent, and how far that is "
    "from the sample: in pictures, and as a map.",
}
_FORMS = {
    "compare": form.ask,
    "differ": sides_form.ask,
    "novelty": novelty_form.ask,
    "reconstruct": reconstruction_form.ask,
}
_RESULTS = {
    "differ": sides_result.show,
    "novelty": novelty_result.show,
    "reconstruct": reconstruction_result.show,
}


def show(scan: ScanState) -> None:
    """Show the page for the scan in view."""
    st.title("Compare")
    if waiting(PAGE):
        return
    if scan.latents is None:
        no_latents(scan)
        return
    problem = session.begin(loading.version(scan.latents))
    if problem:
        errors.show(RequestError(problem))
    scene = open_scene(scan)
    if not scene.encoded.any():
        st.warning("Not one sample of this file has a latent: every row is NaN.")
        return
    session.replace_parts(complete(session.question(), scene))
    verb = _mode()
    request = _FORMS[verb](scene)
    pressed = st.button(
        "Compare", type="primary", icon=":material/play_arrow:", disabled=request is None
    )
    if pressed and request is not None:
        title = _title(verb, request, lasting_name(scan.latents))
        watch(runner().submit(verb, request, title=title).id, PAGE)
    _job(scene, verb)
    session.write_url()


def _mode() -> str:
    """Ask what is compared: at first what the job in the link compared."""
    job = watched(PAGE)
    record = None if job is None else runner().get(job)
    st.session_state.setdefault(
        "compare.mode", record.verb if record is not None and record.verb in _MODES else "compare"
    )
    mode = st.segmented_control(
        "Compare", list(_MODES), format_func=_MODES.__getitem__, key="compare.mode",
        required=True, label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    return str(mode)


def _title(verb: str, request: Any, first: str) -> str:
    if verb == "novelty":
        return f"Novelty of {first}"
    if verb == "reconstruct":
        return f"Reconstructions of {first}"
    if verb == "differ" and request.between:
        return f"Where {' and '.join(request.between)} differ"
    n = len(request.against if verb == "differ" else request.latents[1:])
    return f"{first} against {f'{n} others' if n > 1 else 'another'}"


def _job(scene: Scene, verb: str) -> None:
    """Show the job that this page watches, and what it found."""
    job = watched(PAGE)
    record = None if job is None else runner().get(job)
    if job is None or (record is not None and record.verb in _MODES and record.verb != verb):
        st.caption(_ABOUT[verb])
        return
    if _is_of_others(record, scene):
        st.info(
            "The comparison made last was of other latents; it is on the Runs page.",
            icon=":material/compare:",
        )
        return
    record = job_panel(job)
    if record is None:
        unwatch(PAGE)
    elif record.finished and record.verb in _MODES:
        try:
            if record.verb in _RESULTS:
                _RESULTS[record.verb](scene, record)
            else:
                result.show(scene, read_compared(record, scene.latents, scene.about))
        except InputError as error:
            errors.show(error)


def _is_of_others(record: JobRecord | None, scene: Scene) -> bool:
    """Tell whether a job compared other latents than those in view."""
    if record is None or record.verb not in _MODES:
        return False
    assert scene.scan.latents is not None
    asked = record.request
    if record.verb == "reconstruct":
        samples = scene.scan.samples
        known = (
            None if samples is None else places.location(samples),
            str(own_checkpoint(scene.scan.latents)),
        )
        return known != (asked.get("location"), asked.get("checkpoint"))
    if record.verb == "novelty":
        compared = [asked.get("latents")]
    elif record.verb == "differ":
        compared = [*(asked.get("latents") or ()), *(asked.get("against") or ())]
    else:
        compared = list(asked.get("latents") or ())[:1]
    return places.location(scene.scan.latents) not in compared
