"""How a batch goes about it: where results go besides, and who does the work."""

from __future__ import annotations

import os
from typing import Any

import streamlit as st

from latentcore.errors import InputError
from latentcore.settings import settings
from latentcore.workflows.batch.executors import EXECUTORS
from pages.access import locations, s3
from pages.frame import errors


def ask_execution(key: str) -> dict[str, Any] | None:
    """Ask for upload, tidying up, executor and workers; None where they make no sense."""
    with st.expander("Upload and workers", icon=":material/cloud_upload:"):
        stored = _ask_upload(key)
        executor = _ask_executor(key)
        workers = st.number_input(
            "Inputs worked on at once",
            min_value=1,
            max_value=64 if executor == "dask" else (os.cpu_count() or 1),
            value=None,
            step=1,
            key=f"{key}.workers.{executor}",
            placeholder="as many as the cluster has" if executor == "dask" else "one",
            help="More than one: each input gets a process of its own, and the cores are shared "
            "out. On a GPU one is usually quickest.",
        )
    return None if stored is None else {**stored, "executor": executor, "workers": workers}


def _ask_upload(key: str) -> dict[str, Any] | None:
    buckets = s3.offered()
    if not buckets:
        st.caption(
            "Results stay in this server's workspace. To offer S3 for inputs and results, the "
            "operator names buckets in `LATENT_S3_BUCKETS`."
        )
        return {}
    typed = st.text_input(
        "Upload results to",
        key=f"{key}.upload",
        placeholder=f"s3://{buckets[0]}/results",
        help="Each run folder's files go there as soon as they are written. Empty: they stay here.",
        persist_state="session",
    ).strip()
    clean_up = st.toggle(
        "Tidy up behind each input",
        key=f"{key}.clean_up",
        help="Removes the local copy of an object when its results are safe; with an upload the "
        "local results too, so that this page can't open them any more.",
        persist_state="session",
    )
    if not typed:
        return {"clean_up": clean_up}
    try:
        return {"upload": locations.allowed_url(typed), "clean_up": clean_up}
    except InputError as error:
        errors.show(error)
        return None


def executors() -> tuple[str, ...]:
    """Return the executors that this server can use."""
    return tuple(
        name
        for name in EXECUTORS.names()
        if name != "dask" or settings().dask_scheduler is not None
    )


def _ask_executor(key: str) -> str:
    if len(executors()) == 1:
        return executors()[0]
    titles = {"local": "This server", "dask": "Dask cluster"}
    return st.segmented_control(
        "Where", executors(), default="local", required=True, key=f"{key}.executor",
        format_func=lambda name: titles.get(name, name),
        help="The cluster is the one that the operator has named in LATENT_DASK_SCHEDULER.",
    )  # fmt: skip
