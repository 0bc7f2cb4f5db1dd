"""What a reconstruction of samples says: how much is lost, and where."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.artifacts import read_run
from latentcore.containers import LatentSet
from latentcore.jobs import JobRecord
from latentcore.readers import open_maps, open_table
from pages.results.figures import show_figure
from pages.tasks.compare.outcome import offer_files, offer_maps
from pages.view.scene import Scene


def show(scene: Scene, record: JobRecord) -> None:
    """Show a finished run of ``reconstruct``."""
    run = read_run(record.folder) or {}
    st.markdown(_sentence(run.get("summary", {})))
    picture, beside = st.columns([3, 2], gap="medium")
    with beside:
        offer_maps(
            scene, "reconstruction_error",
            lambda: {"reconstruction error": errors_at(scene.latents, record.folder)},
        )  # fmt: skip
    with picture:
        _picture(record.folder / "reconstruction_error.png", "mean squared residual of each point")
    _picture(
        record.folder / "reconstructions.png", "samples as prepared, reconstructed, the residual"
    )
    offer_files(record, key="compare.reconstruction")


def _picture(file: Path, what: str) -> None:
    if file.is_file():
        show_figure(file, what)


def _sentence(summary: Mapping[str, Any]) -> str:
    median, mean = (_said(summary.get(name)) for name in ("mse_median", "mse_mean"))
    lost = summary.get("n_not_finite") or 0
    without = f" {lost:,} have none: they are not finite." if lost else ""
    return (
        f"The model's reconstruction of {summary.get('n', 0):,} samples holds "
        f"**{100 * summary.get('explained', np.nan):.1f} %** of the variance of their "
        f"pixels about each one's mean. The mean squared residual is {median} at the median, "
        f"{mean} on average (in the units of the prepared samples).{without}"
    )


def _said(value: float | None) -> str:
    return "unknown" if value is None else f"**{value:.3g}**"


def errors_at(latents: LatentSet, folder: Path) -> NDArray[np.float32]:
    """Return each sample's mean squared residual, (n,); NaN where it was not reconstructed."""
    file = folder / "reconstruction_error.csv"
    if latents.grid is not None:
        values, _ = open_maps(file).at(latents.grid)
        return np.asarray(values[0])
    table = open_table(file)
    return np.asarray(table.at(latents).values[table.names.index("mse")], np.float32)
