"""The Compare page from top to bottom: what is compared, its job, and what was found."""

from __future__ import annotations

import streamlit as st

from latentcore.errors import InputError, RequestError
from latentcore.jobs import JobRecord
from pages.access import places
from pages.frame import errors
from pages.jobs.latents_names import lasting_name
from pages.jobs.panel import job_panel, runner, unwatch, watch, watched
from pages.scan import loading
from pages.scan.missing import no_latents
from pages.scan.state import ScanState
from pages.tasks.compare import form, result
from pages.tasks.compare.compared import read_compared
from pages.tasks.compare.waiting import waiting
from pages.view import session
from pages.view.scene import Scene, complete, open_scene

PAGE = "compare"


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
    request = form.ask(scene)
    pressed = st.button(
        "Compare", type="primary", icon=":material/play_arrow:", disabled=request is None
    )
    if pressed and request is not None:
        n = len(request.latents) - 1
        title = f"{lasting_name(scan.latents)} against {n} other{'s' * (n > 1)}"
        watch(runner().submit("compare", request, title=title).id, PAGE)
    _job(scene)
    session.write_url()


def _job(scene: Scene) -> None:
    """Show the job that this page watches, and what it found."""
    job = watched(PAGE)
    if job is None:
        st.caption(
            "Encoders of the same samples, side by side: which neighbors they share, point by "
            "point, and how well each separates labels."
        )
        return
    if _is_of_others(runner().get(job), scene):
        st.info(
            "The comparison made last was of other latents; it is on the Runs page.",
            icon=":material/compare:",
        )
        return
    record = job_panel(job)
    if record is None:
        unwatch(PAGE)
    elif record.finished and record.verb == "compare":
        try:
            result.show(scene, read_compared(record, scene.latents, scene.about))
        except InputError as error:
            errors.show(error)


def _is_of_others(record: JobRecord | None, scene: Scene) -> bool:
    """Tell whether a job compared other latents than those in view."""
    if record is None or record.verb != "compare":
        return False
    assert scene.scan.latents is not None
    first = next(iter(record.request.get("latents") or ()), None)
    return bool(first != places.location(scene.scan.latents))
