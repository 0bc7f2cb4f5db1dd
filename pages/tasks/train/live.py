"""A training that is not finished: its curves and pictures, and what a stopped one has learned."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from latentcore.artifacts import unfinished
from latentcore.artifacts.records import count, listed, mapping, number, optional, read_record
from latentcore.errors import MalformedFileError
from latentcore.jobs import JobRecord
from pages.access.uploads import store_model
from pages.charts.frame import draw
from pages.charts.pattern_strip import gray_range, pattern_strip
from pages.charts.training import loss_chart
from pages.frame.errors import markdown_safe
from pages.frame.theme import tones
from pages.frame.units import duration_text
from pages.jobs.panel import runner
from pages.results.run_files import when_asked
from pages.tasks.train.result import use_for_extraction

_LOOK_EVERY_S = 2.0
_LIVE = {
    **dict.fromkeys(("epoch", "epochs"), count),
    "best_epoch": number,
    **dict.fromkeys(("patterns_per_s", "eta_s"), optional(number)),
    "losses": listed(mapping),
}
_CAPTIONS = ("prepared", "to be reconstructed", "reconstructed")


@st.fragment(run_every=_LOOK_EVERY_S)
def follow(job: str) -> None:
    """Show how a training stands, anew every other second while it works."""
    record = runner().get(job)
    # When it has ended, the job's panel draws the whole page again.
    if record is not None and record.active:
        st.caption(
            "Pause stops after this step; Resume goes on from there, to the same weights as "
            "without a break. Cancel keeps the best weights so far, to be used as they are."
        )
        _show(record)


def show_stopped(record: JobRecord) -> None:
    """Show how far a training came that was stopped or failed, and offer what it has learned."""
    live = _show(record)
    if (scratch_of(record) / "training" / "state.pt").is_file():
        again = "Try again" if record.state == "failed" else "Resume"
        st.caption(
            f"{again} goes on from the last step that was saved, to the same weights as without "
            "a break."
        )
    weights = scratch_of(record) / "checkpoint" / "model.safetensors"
    if not weights.is_file():
        return
    best = f" of epoch {live['best_epoch']:,}" if "best_epoch" in live else ""
    st.markdown(f"The weights{best}, the best until the stop, can be used as they are.")
    with st.container(horizontal=True):
        if st.button("Extract latents with them", key=f"use_{record.id}", icon=":material/memory:"):
            use_for_extraction(_stored(weights))
        for path in (weights, weights.with_suffix(".json")):
            st.download_button(
                markdown_safe(path.name),
                when_asked(path.read_bytes, record.folder),
                file_name=path.name,
                key=f"get_{record.id}_{path.name}",
                icon=":material/download:",
                on_click="ignore",
            )


def scratch_of(record: JobRecord) -> Path:
    """Return where a training leaves its state; see `latentcore.workflows.train.live`."""
    return unfinished(record.folder) / "scratch"


def _show(record: JobRecord) -> Mapping[str, Any]:
    scratch = scratch_of(record)
    live = _read_live(scratch)
    if live is None:
        if record.active:
            st.caption("The curves begin when the samples are read and prepared.")
        return {}
    st.caption(_progress_text(live))
    draw(
        loss_chart(
            pd.DataFrame(live["losses"]),
            tones(),
            best_epoch=live["best_epoch"],
            epochs=live["epochs"],
        ),
        key=f"live_losses_{record.id}",
        alt="Losses over the epochs",
    )
    _pictures(scratch / "live.npy", live["epoch"])
    return live


def _read_live(scratch: Path) -> dict[str, Any] | None:
    try:
        return read_record(scratch / "live.json", _LIVE, tuple(_LIVE))
    except (FileNotFoundError, MalformedFileError):
        return None


def _progress_text(live: Mapping[str, Any]) -> str:
    parts = [
        f"Epoch **{live['epoch']:,}** of {live['epochs']:,}",
        f"best so far: {live['best_epoch']:,}",
    ]
    if live["patterns_per_s"]:
        parts.append(f"{live['patterns_per_s']:,.0f} samples per second")
    if live["eta_s"] is not None and live["epoch"] < live["epochs"]:
        parts.append(f"{duration_text(live['eta_s'])} of training left")
    return " · ".join(parts)


def _pictures(path: Path, epoch: int) -> None:
    try:
        stack = np.load(path, allow_pickle=False)
    except (OSError, ValueError):
        return
    prepared, targets, made = stack
    # A reconstruction on the gray scale of what it should be: faint ones must look faint.
    scales = (gray_range(prepared), gray_range(targets), gray_range(targets))
    for patterns, scale, caption in zip((prepared, targets, made), scales, _CAPTIONS, strict=True):
        when = f"after epoch {epoch}" if epoch else "before the first step"
        after = f", {when}" if patterns is made else ""
        st.caption(f"{caption.capitalize()}{after}")
        st.image(pattern_strip(patterns, scale), width="stretch", alt=f"Some samples, {caption}")


def _stored(weights: Path) -> str:
    """Keep a copy of weights: those in the scratch are replaced when the training goes on."""
    copies = []
    for path in (weights, weights.with_suffix(".json")):
        copy = io.BytesIO(path.read_bytes())
        copy.name = path.name
        copies.append(copy)
    return store_model(copies)
