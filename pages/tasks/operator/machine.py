"""How the server is: health, settings, disk and versions."""

from __future__ import annotations

import shutil

import pandas as pd
import streamlit as st

from latentcore.containers import software_versions
from latentcore.settings import settings
from latentcore.workflows import execute
from latentcore.workflows.settings import SettingsRequest
from pages.access import disk
from pages.frame.errors import markdown_safe
from pages.frame.tables import show_table
from pages.frame.units import size_text
from pages.jobs.server import server_runner
from pages.operation import metrics
from pages.operation.health import HEALTH

_KNOWN_FOR_S = 60.0
_PARTS = {
    "workspace": "The workspace can be written",
    "disk": "There is room on the disk",
    "jobs": "Jobs are processed",
}
_BROKEN = {
    "workspace": "The workspace can't be written",
    "disk": "The disk is full",
    "jobs": "Jobs are not processed: restart the server",
}


def health() -> None:
    """Show whether the server is well, and how much it has to do."""
    found = HEALTH.look()
    with st.container(horizontal=True, gap="small"):
        for name, well in found.items():
            if well:
                st.badge(_PARTS[name], icon=":material/check_circle:", color="green")
            else:
                st.badge(_BROKEN[name], icon=":material/error:", color="red")
    records = server_runner().list(500)
    memory = metrics.memory()
    told = {
        "Sessions": f"{metrics.sessions():,}",
        "Jobs running": f"{sum(one.state == 'running' for one in records):,}",
        "Jobs waiting": f"{sum(one.state == 'queued' for one in records):,}",
        "Memory": "–" if memory is None else size_text(memory),
        "Free on the disk": size_text(shutil.disk_usage(settings().workspace).free),
    }
    for cell, (label, value) in zip(st.columns(len(told)), told.items(), strict=True):
        cell.metric(label, value, border=True)


def problems() -> None:
    """Show what is wrong with the settings."""
    for note in _notes():
        st.warning(markdown_safe(note), icon=":material/warning:")


def disk_use() -> None:
    """Show what takes room."""
    st.header("Disk", divider="grey")
    sizes = {
        "Runs": disk.runs().total(),
        "Uploads": disk.uploads().total(),
        "Copies of objects": disk.cached(),
    }
    show_table(pd.DataFrame({"What": list(sizes), "Size": map(size_text, sizes.values())}))


def versions() -> None:
    """Show which versions work here."""
    st.header("Versions", divider="grey")
    found = software_versions()
    st.caption(" · ".join(f"{name} {version}" for name, version in found.items()))


@st.cache_data(ttl=_KNOWN_FOR_S, show_spinner=False)
def _notes() -> list[str]:
    # What is elsewhere may take long to answer; `latentcore settings` asks for it, too.
    return list(execute("settings", SettingsRequest(offline=True))["notes"])
