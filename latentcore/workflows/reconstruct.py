"""``reconstruct``: samples through a model and back, and where on the scan it fails."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentcore.analysis.pattern_sheets import evenly_spaced
from latentcore.artifacts import RunFolder
from latentcore.encoders import Encoder, open_checkpoint
from latentcore.encoding.denoised import denoising_record
from latentcore.errors import RequestError
from latentcore.inputs.kept import Kept
from latentcore.inputs.models import model_for
from latentcore.inputs.samples import Choice, ChosenSamples, choose_samples
from latentcore.preparation import Preparer
from latentcore.progress import Progress
from latentcore.requests.options import (
    device_option,
    keep_above_option,
    keep_below_option,
    keep_between_option,
    keep_label_option,
    keep_xy_option,
    partition_option,
    prepare_option,
    samples_reader_option,
    samples_roi_option,
)
from latentcore.requests.verbs import option, verb

_SHOWN = 8
_BLOCK = 256


@dataclass(frozen=True)
class ReconstructRequest:
    """What to reconstruct, and with which model."""

    location: str = option(help="file of samples", positional=True, kind="samples")
    checkpoint: str = option(
        help="model.safetensors or a seed VAE .pth: a model that can decode", kind="checkpoint"
    )
    rows: tuple[int, ...] = option(
        (),
        help="rows to draw, and to measure; 8 are drawn and all are measured without it",
        nargs="+",
        repeat=True,
        metavar="N",
        convert=int,
    )
    prepare: tuple[str, ...] = prepare_option("the checkpoint's")
    keep_above: tuple[str | float, ...] | None = keep_above_option()
    keep_below: tuple[str | float, ...] | None = keep_below_option()
    keep_between: tuple[str | float, ...] | None = keep_between_option()
    keep_label: tuple[str, ...] | None = keep_label_option()
    keep_xy: str | None = keep_xy_option()
    roi: tuple[float, ...] | None = samples_roi_option()
    partition: tuple[str, ...] = partition_option()
    device: str = device_option()
    reader: str | None = samples_reader_option()
    seed: int = option(0, help="recorded; nothing here is random", metavar="N", convert=int)


@verb("reconstruct", "Decode what a model encodes, and map the error.", ReconstructRequest,
      pool="thread")  # fmt: skip
def reconstruct(
    request: ReconstructRequest,
    folder: RunFolder,
    progress: Progress,
    *,
    open_model: Callable[..., Encoder] = open_checkpoint,
) -> dict[str, Any]:
    """Reconstruct samples and measure the error of each.

    Parameters
    ----------
    folder : RunFolder
        Gets ``reconstructions.png``, ``reconstruction_error.csv`` (x, y, mse; sample_id, row, mse
        where there is no grid) and, where there is a grid, ``reconstruction_error.png``.
    progress : Progress
        Steps are samples.
    open_model : callable
        As in `latentcore.workflows.extract.verb.extract`.

    Returns
    -------
    dict
        ``encoder, latent_dim, n, n_not_finite, mse_mean, mse_median, explained`` (share of the
        variance of the samples' pixels about each sample's mean).
    """
    with ExitStack() as opened:
        choice = Choice(request.partition, None, Kept.asked(request))
        chosen = choose_samples(request.location, choice, folder, opened, reader=request.reader)
        rows = _rows(request.rows, chosen)
        encoder, preparer, chosen = model_for(
            chosen, request.checkpoint, folder, progress,
            prepare=request.prepare, device=request.device, open_model=open_model,
        )  # fmt: skip
        mse, variance = _errors(encoder, preparer, chosen, rows, progress)
        _draw(encoder, preparer, chosen, rows if request.rows else evenly_spaced(rows, _SHOWN),
              folder)  # fmt: skip
        _write_errors(chosen, rows, mse, folder)
    finite = np.isfinite(mse)
    return {
        "encoder": encoder.name,
        "latent_dim": encoder.latent_dim,
        "device": encoder.device,
        **denoising_record(chosen.source),
        "n": len(rows),
        "n_not_finite": int((~finite).sum()),
        "mse_mean": float(mse[finite].mean()) if finite.any() else None,
        "mse_median": float(np.median(mse[finite])) if finite.any() else None,
        "explained": 1 - float(mse[finite].sum() / max(variance[finite].sum(), 1e-30)),
    }


def _rows(asked: tuple[int, ...], chosen: ChosenSamples) -> NDArray[np.int64]:
    if not asked:
        return chosen.rows
    n = len(chosen.source)
    outside = [row for row in asked if not 0 <= row < n]
    if outside:
        message = f"⟨rows⟩ {outside[0]} was asked for, but the file has rows 0 to {n - 1}."
        raise RequestError(message)
    return np.unique(np.array(asked, np.int64))


def _errors(
    encoder: Encoder,
    preparer: Preparer,
    chosen: ChosenSamples,
    rows: NDArray[np.int64],
    progress: Progress,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return each sample's mean squared residual and the variance of its pixels."""
    from latentcore.encoding.reconstruction import reconstruct as there_and_back

    mse, variance = np.empty(len(rows), np.float32), np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _BLOCK):
        progress.step(start, len(rows), "reconstructing")
        part = slice(start, start + _BLOCK)
        found = there_and_back(encoder, preparer, chosen.source.read(rows[part]))
        mse[part] = found.mse
        variance[part] = found.prepared.var(axis=(1, 2, 3))
    return mse, variance


def _draw(
    encoder: Encoder,
    preparer: Preparer,
    chosen: ChosenSamples,
    rows: NDArray[np.int64],
    folder: RunFolder,
) -> None:
    from latentcore.encoding.reconstruction import reconstruct as there_and_back
    from latentcore.figures.training import pattern_rows_figure

    shown = evenly_spaced(rows, 2 * _SHOWN)
    found = there_and_back(encoder, preparer, chosen.source.read(shown))
    grid = chosen.source.grid
    titles = [
        f"row {row}" if grid is None else f"x {grid.x[row]:g}, y {grid.y[row]:g}" for row in shown
    ]
    lines = [
        ("prepared", found.prepared),
        ("reconstructed", found.reconstructed),
        ("residual", found.residual),
    ]
    folder.write_figure("reconstructions.png", pattern_rows_figure(lines, titles))


def _write_errors(
    chosen: ChosenSamples, rows: NDArray[np.int64], mse: NDArray[np.float32], folder: RunFolder
) -> None:
    from latentcore.figures.maps import map_figure

    grid = chosen.source.grid
    if grid is None:
        folder.write_csv(
            "reconstruction_error.csv",
            pd.DataFrame({"sample_id": chosen.source.sample_ids[rows], "row": rows, "mse": mse}),
        )
        return
    table = pd.DataFrame({"x": grid.x[rows], "y": grid.y[rows], "mse": mse})
    folder.write_csv("reconstruction_error.csv", table)
    whole = np.full(len(grid), np.nan, np.float32)
    whole[rows] = mse
    figure = map_figure(grid, whole, label="mean squared residual", title="Reconstruction error")
    folder.write_figure("reconstruction_error.png", figure)
