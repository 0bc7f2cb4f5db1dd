"""The server's jobs, as pages see them: one runner, and a panel that shows how a job stands.

The id of the job that a page watches stands in the URL, so that a reload or a second browser
finds it again; what the panel shows comes from the job's folder, whoever started it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import streamlit as st

from latentcore.artifacts import run_damage
from latentcore.errors import InputError, LatentError
from latentcore.jobs import JobRecord, rate_and_eta
from pages.access import identity
from pages.frame import errors
from pages.frame.units import duration_text
from pages.jobs.models import lease, model
from pages.jobs.own_jobs import OwnJobs
from pages.jobs.server import server_runner

__all__ = [
    "cancel",
    "job_panel",
    "lease",
    "model",
    "progress_text",
    "runner",
    "state_badge",
    "state_look",
    "unwatch",
    "waiting_text",
    "watch",
    "watched",
]

_JOB = "job"
_LOOK_EVERY_S = 1.0
# Of the jobs that another one waits for.
_MOST_NAMED = 3

# state → (icon, color of the badge)
_LOOKS = {
    "queued": (":material/hourglass_empty:", "gray"),
    "running": (":material/autorenew:", "blue"),
    "finished": (":material/check_circle:", "green"),
    "cancelled": (":material/cancel:", "gray"),
    "failed": (":material/error:", "red"),
    "interrupted": (":material/power_off:", "orange"),
}
_PAUSED = (":material/pause_circle:", "violet")
_PARTLY_FAILED = (":material/warning:", "orange")
_AGAIN = {
    "cancelled": ("Resume", "Goes on where it stopped; what was done is not done again."),
    "interrupted": ("Resume", "Goes on where it stopped; what was done is not done again."),
    "failed": ("Try again", "Asks the same question once more."),
}


def runner() -> OwnJobs:
    """Return the server's runner as the present user sees it."""
    return OwnJobs(server_runner())


def watch(job: str, page: str) -> None:
    """Let a page show a job, now and after a reload.

    Parameters
    ----------
    job : str
        The job's id.
    page : str
        Name of the page.
    """
    st.session_state[_key(page)] = job
    st.query_params[_JOB] = job


def watched(page: str) -> str | None:
    """Return the job that a page shows: the one in the URL, else the one of this session."""
    job = st.query_params.get(_JOB) or st.session_state.get(_key(page))
    if job:
        st.session_state[_key(page)] = job
        if st.query_params.get(_JOB) != job:  # Streamlit clears the URL when the page changes
            st.query_params[_JOB] = job
    return job


def unwatch(page: str) -> None:
    """Let a page show no job any more."""
    st.session_state.pop(_key(page), None)
    st.query_params.pop(_JOB, None)


def job_panel(
    job: str,
    *,
    on_finished: Callable[[JobRecord], None] | None = None,
    can_pause: bool = False,
) -> JobRecord | None:
    """Show how a job stands; while it is active, anew every second.

    Parameters
    ----------
    job : str
        Its id.
    on_finished : callable, optional
        Draws what can be done with a finished job, inside of the panel.
    can_pause : bool
        Whether to offer a pause beside the cancel: for jobs that people stop to go on later.

    Returns
    -------
    JobRecord or None
        None where there is no such job (any more), or the user, an operator, sees only that it is
        there.
    """
    record, seen = runner().known(job), runner().get(job) is not None
    if record is None and (damage := runner().damage(job)):
        errors.show(LatentError(damage))
        return None
    if record is None:
        shared = " or it belongs to somebody who doesn't share it" if identity.way_in() else ""
        st.info(
            f"This job is not on record any more: it was deleted{shared}. Start it anew, or see "
            "the Runs page for what is there.",
            icon=":material/search_off:",
        )
        return None
    with st.container(border=True, key=f"job_panel_{job}"):
        if record.active:
            _live(job, can_pause)
        else:
            _ended(record) if seen else _heading(record)
            if record.finished and on_finished is not None and seen:
                on_finished(record)
    return record if seen else None


def state_badge(record: JobRecord) -> None:
    """Show a job's state in its color."""
    text, icon, color = state_look(record)
    st.badge(text, icon=icon, color=color)  # type: ignore[arg-type]


def state_look(record: JobRecord) -> tuple[str, str, str]:
    """Return what a job's state is called, its icon and its color."""
    if record.cancelling:
        return ("pausing" if record.paused else "cancelling", *_LOOKS[record.state])
    if _is_paused(record):
        return ("paused", *_PAUSED)
    if record.partly_failed:
        return ("partly failed", *_PARTLY_FAILED)
    return (record.state, *_LOOKS[record.state])


def waiting_text(record: JobRecord) -> str:
    """Say what a queued job waits for, how far that is, and for how long it has waited."""
    waited = f" Waiting for {duration_text(max(0.0, time.time() - record.created))}."
    ahead = runner().ahead(record.id)
    if ahead:
        titles = ", ".join(map(_as_awaited, ahead[:_MOST_NAMED]))
        titles += " …" if len(ahead) > _MOST_NAMED else "."
        jobs = "job comes" if len(ahead) == 1 else "jobs come"
        return f"{len(ahead)} {jobs} before it: {titles}{waited}"
    if record.automatic and runner().warming:
        return "UMAP is being compiled, which is done once on a machine." + waited
    return "Its process is being started." + waited


def _as_awaited(record: JobRecord) -> str:
    """Return a job's title and, where it runs, how far it is."""
    if record.state != "running":
        return record.title
    share = f" {100 * record.share:.0f} %" if record.total else ""
    return f"{record.title} ({record.message or 'starting'}{share})"


@st.fragment(run_every=_LOOK_EVERY_S)
def _live(job: str, can_pause: bool) -> None:
    record = runner().known(job)
    if record is None or not record.active:
        st.rerun()  # the whole page: what has ended may change more than this panel
    may_stop = runner().may_stop(record)
    _heading(record)
    st.progress(record.share, text=errors.markdown_safe(progress_text(record)))
    with st.container(horizontal=True, vertical_alignment="center"):
        if can_pause:
            st.button(
                "Pause",
                key=f"pause_{job}",
                icon=":material/pause_circle:",
                disabled=record.cancelling or not may_stop,
                on_click=_pause,
                args=(job,),
                help="Stops after this step and keeps its state: Resume goes on from there.",
            )
        st.button(
            "Cancel",
            key=f"cancel_{job}",
            icon=":material/stop_circle:",
            disabled=record.cancelling or not may_stop,
            on_click=cancel,
            args=(job,),
            help=_cancel_help(record),
        )
        st.caption(errors.markdown_safe(_outlook(record)))


def _ended(record: JobRecord) -> None:
    _heading(record)
    if record.state == "failed":
        errors.show(LatentError(record.error))
    elif record.state == "finished" and (problem := run_damage(record.folder)):
        errors.show(LatentError(problem))
    elif record.state == "finished" and not record.finished:
        st.warning(
            "Its run folder was deleted. Ask again to make it anew.",
            icon=":material/folder_off:",
        )
    elif record.partly_failed:
        st.warning(errors.markdown_safe(record.error), icon=":material/warning:")
    elif record.state == "cancelled" and record.error:
        errors.show(LatentError(record.error))
    elif record.state != "finished" and record.total:
        how = "Paused" if _is_paused(record) else "Stopped"
        st.caption(f"{how} at {record.done:,} of {record.total:,}.")
    if record.state in _AGAIN and runner().may_change(record):
        title, help_text = _AGAIN[record.state]
        st.button(
            title,
            key=f"again_{record.id}",
            type="primary" if _is_paused(record) else "secondary",
            icon=":material/replay:",
            on_click=_rerun,
            args=(record.id,),
            help=help_text,
        )


def _heading(record: JobRecord) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{errors.markdown_safe(record.title)}**", width="content")
        state_badge(record)
        if record.started:
            st.caption(f"{duration_text(record.elapsed())}", width="content")


def progress_text(record: JobRecord) -> str:
    """Say how far an active job is, how fast it goes, and how long it still takes."""
    if record.state == "queued":
        return "Waiting"
    if not record.total:
        return record.message or "Starting"
    parts = [f"{record.message}: {record.done:,} of {record.total:,}".removeprefix(": ")]
    speed = rate_and_eta(record, time.time())
    if speed is not None:
        rate, left = speed
        parts += [f"{_rate_text(rate)} per second", f"{duration_text(left)} left"]
    return " · ".join(parts)


def _rate_text(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.2g}"


def _outlook(record: JobRecord) -> str:
    if record.cancelling:
        return "Stops at the next step."
    if record.state == "running":
        return "You may close this page; the job goes on."
    return waiting_text(record)


def _cancel_help(record: JobRecord) -> str:
    if identity.acting_name() in record.wanted_by and len(record.wanted_by) > 1:
        return "Others have asked for it, too: for them it goes on."
    return "What is done so far is kept for a resume."


def _is_paused(record: JobRecord) -> bool:
    return record.state == "cancelled" and record.paused


def _pause(job: str) -> None:
    _carefully(partial(runner().cancel, pause=True), job)


def cancel(job: str) -> None:
    """Cancel a job on somebody's click; say so where it is gone already."""
    _carefully(runner().cancel, job)


def _rerun(job: str) -> None:
    _carefully(runner().rerun, job)


def _carefully(action: Callable[[str], JobRecord], job: str) -> None:
    """Do something to a job that another session may just have deleted."""
    try:
        action(job)
    except InputError as error:
        st.toast(errors.markdown_safe(str(error)), icon=":material/error:")


def _key(page: str) -> str:
    return f"watched_job_{page}"
