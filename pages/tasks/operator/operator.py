"""The whole server, for whoever looks after it: names and sizes, and nothing of what is in them."""

from __future__ import annotations

import streamlit as st

from pages.operation.allowed import may_operate
from pages.tasks.operator import jobs, machine, users

st.title("Server")
if not may_operate():
    st.info(
        "This page is for those who look after the server (LATENT_OPERATORS).",
        icon=":material/lock:",
    )
    st.stop()

machine.health()
machine.problems()
st.header("Jobs", divider="grey")
jobs.show()
st.header("Users", divider="grey")
users.show()
left, right = st.columns(2, gap="large")
with left:
    machine.disk_use()
with right:
    machine.versions()
