"""The one runner of the server's jobs, whoever they belong to."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from latentcore.jobs import JobRunner
from pages.access import identity, places, quotas
from pages.jobs import endings
from pages.jobs.models import job_services


def server_runner() -> JobRunner:
    """Return the server's runner; made at the first call, for all sessions."""
    return _runner(str(places.jobs_folder()))


@st.cache_resource(show_spinner=False, on_release=JobRunner.close)
def _runner(folder: str) -> JobRunner:
    return JobRunner(
        Path(folder),
        services=job_services,
        who=identity.acting_name,
        admit=quotas.check,
        ended=endings.note,
    )
