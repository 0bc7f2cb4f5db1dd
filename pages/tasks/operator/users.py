"""What each user takes of the server."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from latentcore.settings import settings
from pages.access import identity
from pages.frame.tables import show_table
from pages.frame.units import size_text
from pages.operation import people
from pages.people import sharing


def show() -> None:
    """List the users, those who take most of the disk first."""
    found = people.usage()
    nobody = people.SERVER if identity.way_in() else people.EVERYBODY
    rows = [
        {
            "User": name or nobody,
            "Sessions": one.sessions,
            "Disk": one.runs + one.uploads,
            "Runs": one.runs,
            "Uploads": one.uploads,
            "Jobs, 24 h": one.worked / 3600,
        }
        for name, one in found.items()
    ]
    if not rows:
        st.caption("Nobody has used the server yet.")
        return
    frame = pd.DataFrame(rows).sort_values("Disk", ascending=False)
    sizes = ["Disk", "Runs", "Uploads"]
    frame[sizes] = frame[sizes].map(size_text)
    show_table(
        frame,
        column_config={
            "User": st.column_config.TextColumn(width="large"),
            "Jobs, 24 h": st.column_config.NumberColumn(
                format="%.2f h", help="For how long their jobs have worked in the last 24 hours."
            ),
        },
    )
    st.caption(_bounds())
    _give_uploads()


def _give_uploads() -> None:
    """Offer to give what was uploaded before anybody signed in to somebody."""
    found = people.unowned_uploads()
    if not found:
        return
    files = "1 file was" if len(found) == 1 else f"{len(found):,} files were"
    size = size_text(sum(size for _, size in found.values()))
    with st.expander(f"{files} uploaded before anybody signed in ({size})"):
        chosen = st.multiselect(
            "Files",
            sorted(found, key=found.__getitem__),
            format_func=lambda digest: f"{found[digest][0]} ({size_text(found[digest][1])})",
            placeholder="all of them",
            help="Nobody can open them until they are somebody's.",
        )
        sharing.give_button([("upload", one) for one in chosen or found], key="give_uploads_to")


def _bounds() -> str:
    """Say what one user may take."""
    room, hours = settings().user_gb, settings().user_job_hours
    bounds = [f"{room} GB"] if room else []
    bounds += [f"{hours} h of jobs within 24 hours"] if hours else []
    if not bounds:
        return "No limits are set for users (LATENT_USER_GB, LATENT_USER_JOB_HOURS)."
    return f"Each user may take {' and '.join(bounds)}."
