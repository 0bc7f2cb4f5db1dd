"""The demo scan: made once per workspace and version, and given latents once."""

from __future__ import annotations

import logging
import shutil
import threading
import time

import streamlit as st

from latentcore.artifacts import read_run, run_damage
from latentcore.errors import InputError
from latentcore.jobs import JobRecord
from latentcore.workflows import VERBS, execute
from pages.access import claims, identity, places
from pages.jobs.panel import runner
from pages.jobs.past_runs import latents_of

SAMPLES = "demo:demo.h5"
MAPS = ("demo:demo_bandcontrast.csv", "demo:demo_elements.csv", "demo:demo_truth.csv")

# The model that comes with the program: its decoder shows reconstructions at once.
ENCODER = "demo:vae"

_LOGGER = logging.getLogger("latent_explorer")
_MAKING = threading.Lock()
_PATIENCE_SECONDS = 120.0
_ASKED = "demo_latents_job"


def demo_ready() -> bool:
    """Tell whether the demo scan has been made."""
    return read_run(places.demo_folder()) is not None


def ensure_demo() -> None:
    """Make the demo scan if it isn't there, with a spinner; two sessions make it once.

    Raises `InputError` if the workspace can't be written.
    """
    if demo_ready():
        return
    with st.spinner("Making the demo scan: a polycrystal of two phases, some seconds …"):
        _make()


def demo_latents() -> str | None:
    """Return the place of the demo scan's latents, None while there are none."""
    if not demo_ready():
        return None
    return next(iter(latents_of(SAMPLES)), None)


def ensure_demo_latents() -> JobRecord | None:
    """Ask for the demo scan's latents, once per session; the same question is the same job.

    A job that was cancelled or failed stays so until somebody asks for it anew: this is called at
    each rerun of a page. Where the latents are there, the page runs again, with them in view.
    Returns None where the job has left nothing that serves.
    """
    record = None
    if demo_latents() is None:
        ensure_demo()
        asked = st.session_state.get(_ASKED)
        record = runner().get(asked) if asked else None
        if record is None:
            record = _ask_for_latents()
            st.session_state[_ASKED] = record.id
    if record is None or record.finished:
        if demo_latents() is not None:
            st.rerun()  # they have come since the frame looked what is in view
        return None
    if record.state == "finished":
        return runner().rerun(record.id)  # its run has been deleted since
    return record


def prepare() -> None:
    """Make the demo scan and its latents, so that the first visitor finds them."""
    try:
        with identity.acting_as(identity.NOBODY_IN_PARTICULAR):
            runner().warm_up()  # it takes no more of the processor than the rest leaves
            _make()
            # Where people sign in, also those from before they did are shared with everybody.
            if demo_latents() is None or identity.way_in():
                _ask_for_latents()
    except Exception:
        # A visitor who opens the demo gets the message; the server must come up without it.
        _LOGGER.exception("the demo scan could not be prepared")


def _ask_for_latents() -> JobRecord:
    request = VERBS.get("extract").request(location=(places.location(SAMPLES),), checkpoint=ENCODER)
    record = runner().submit("extract", request, title="Latents of the demo scan")
    if identity.way_in():
        claims.share("run", record.folder.name, claims.EVERYBODY, "read")
    return record


def _make() -> None:
    with _MAKING:
        if demo_ready():
            return
        if run_damage(places.demo_folder()):  # made by code, so nothing is lost
            shutil.rmtree(places.demo_folder(), ignore_errors=True)
        try:
            execute("demo", VERBS.get("demo").request(seed=places.DEMO_SEED), places.demo_folder())
        except InputError:
            # Another server on the same workspace may be making it just now.
            if not _comes_soon():
                raise


def _comes_soon() -> bool:
    folder = places.demo_folder()
    stage = folder.with_name(f".{folder.name}.unfinished")
    until = time.monotonic() + _PATIENCE_SECONDS
    while stage.exists() and not demo_ready() and time.monotonic() < until:
        time.sleep(0.2)
    return demo_ready()
