"""``benchmark``: how fast an encoder is on this machine, and what it takes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.encoders import Encoder, feature_record, open_checkpoint, with_pooling
from latentcore.encoders.pooling import POOLINGS
from latentcore.encoding.denoised import denoising_record, pixels_of
from latentcore.errors import RequestError
from latentcore.inputs.models import model_for, reading_size
from latentcore.inputs.samples import Choice, ChosenSamples, choose_samples
from latentcore.preparation import Preparer
from latentcore.progress import Progress
from latentcore.requests.options import (
    device_option,
    prepare_option,
    resolution_option,
    samples_reader_option,
)
from latentcore.requests.verbs import option, verb

_QUANTILES = (50, 90, 95, 99)
_PHASES = ("read", "prepare", "encode")
_SNIPPET = '''\
"""Compute the figures of report.json again from what each iteration took."""

import numpy as np
import pandas as pd

table = pd.read_csv("iterations.csv").query("not warm_up")  # in the run's folder
encode = table["encode_s"]
print("images per second, encoder alone", table["images"].sum() / encode.sum())
whole = table[["read_s", "prepare_s", "encode_s"]].to_numpy().sum()
print("images per second, with reading and preparing", table["images"].sum() / whole)
print("latency in ms", 1000 * np.percentile(encode, [50, 90, 95, 99]))
'''


@dataclass(frozen=True)
class BenchmarkRequest:
    """Which encoder is measured, on which samples, and how often."""

    location: str = option(help="file of samples", positional=True, kind="samples")
    checkpoint: str = option(help="any model that extract takes", kind="checkpoint")
    iterations: int = option(20, help="so many batches are measured", convert=int, metavar="N")
    warm_up: int = option(
        3, help="so many batches go before, and are not counted", convert=int, metavar="N"
    )
    batch_size: int | None = option(
        None, help="samples at once; as many as the encoder takes by itself without it",
        convert=int, metavar="N",
    )  # fmt: skip
    prepare: tuple[str, ...] = prepare_option("the checkpoint's")
    resolution: tuple[int, int] | None = resolution_option()
    pool: str | None = option(None, help="how features become a latent", choices=POOLINGS)
    device: str = device_option()
    reader: str | None = samples_reader_option()


@verb("benchmark", "Measure how fast an encoder is, and what memory it takes.", BenchmarkRequest)
def run(
    request: BenchmarkRequest,
    folder: RunFolder,
    progress: Progress,
    *,
    open_model: Callable[..., Encoder] = open_checkpoint,
) -> dict[str, Any]:
    """Measure reading, preparing and encoding of batches, one after the other.

    An extraction reads ahead while it computes: it takes about as long as the slower of
    ``encode`` and the two others together. Writes ``iterations.csv`` (iteration, warm_up, images,
    read_s, prepare_s, encode_s) and ``report.json``.

    Parameters
    ----------
    open_model : callable
        As in `latentcore.workflows.extract.verb.extract`.

    Returns
    -------
    dict
        What ``report.json`` holds: ``images_per_second`` (of the encoder alone and of all),
        ``latency_ms`` of a batch in the encoder (mean and percentiles), ``share`` of the time by
        phase, ``memory`` (MiB), ``device``, ``machine``.
    """
    _refuse(request)
    with ExitStack() as opened:
        chosen = choose_samples(
            request.location, Choice(), folder, opened, reader=request.reader,
            size=reading_size(request.resolution, request.prepare),
        )  # fmt: skip
        encoder, preparer, chosen = model_for(
            chosen, request.checkpoint, folder, progress,
            prepare=request.prepare, resolution=request.resolution, device=request.device,
            open_model=open_model,
        )  # fmt: skip
        encoder = with_pooling(encoder, request.pool)
        batch = min(request.batch_size or encoder.tile, len(chosen.source))
        table = _measured(request, chosen, encoder, preparer, batch, progress)
    folder.write_csv("iterations.csv", table)
    report = {
        "encoder": encoder.name,
        "encoder_fingerprint": encoder.fingerprint,
        "latent_dim": encoder.latent_dim,
        "input_shape": list(preparer.output_shape),
        "preparation": preparer.preparation.to_dict(),
        **feature_record(encoder),
        **denoising_record(chosen.source),
        "batch_size": batch,
        "iterations": request.iterations,
        "warm_up": request.warm_up,
        **_figures(table[~table["warm_up"]]),
        "memory": _memory(encoder.device),
        "device": encoder.device,
        "machine": _machine(encoder.device),
        "snippet": _SNIPPET,
        "notes": _notes(request, chosen, batch),
    }
    folder.write_json("report.json", report)
    return report


def _refuse(request: BenchmarkRequest) -> None:
    for name, least in (("iterations", 1), ("warm_up", 0), ("batch_size", 1)):
        value = getattr(request, name)
        if value is not None and value < least:
            message = f"{value} ⟨{name}⟩ can't be measured. Give at least {least}."
            raise RequestError(message)


def _measured(
    request: BenchmarkRequest,
    chosen: ChosenSamples,
    encoder: Encoder,
    preparer: Preparer,
    batch: int,
    progress: Progress,
) -> pd.DataFrame:
    """Return a row of seconds for each iteration; batches go through the file in its order."""
    total = request.warm_up + request.iterations
    _reset_peak(encoder.device)
    rows = []
    for iteration in range(total):
        progress.step(iteration, total, "measuring")
        wanted = _rows(iteration, batch, len(chosen.source))
        started = time.perf_counter()
        raw = chosen.source.read(wanted)
        read = time.perf_counter()
        prepared = preparer.prepare(raw, pixels_of(chosen.source))
        values = np.where(
            prepared.finite.reshape(-1, *[1] * (prepared.values.ndim - 1)),
            prepared.values,
            np.float32(0),
        )
        ready = time.perf_counter()
        # What it gives is an array of the host, so it has waited for the device.
        encoder.encode(values, tile=batch)
        ended = time.perf_counter()
        rows.append(
            (iteration, iteration < request.warm_up, len(wanted), read - started, ready - read,
             ended - ready)
        )  # fmt: skip
    progress.step(total, total, "measuring")
    return pd.DataFrame(
        rows, columns=["iteration", "warm_up", "images", *(f"{phase}_s" for phase in _PHASES)]
    )


def _rows(iteration: int, batch: int, n: int) -> NDArray[np.int64]:
    """Return the rows of a batch, ascending; after the last row of the file comes the first."""
    return np.sort((iteration * batch + np.arange(batch, dtype=np.int64)) % n)


def _figures(counted: pd.DataFrame) -> dict[str, Any]:
    seconds = {phase: float(counted[f"{phase}_s"].sum()) for phase in _PHASES}
    images, whole = int(counted["images"].sum()), sum(seconds.values())
    latency = 1000 * counted["encode_s"].to_numpy()
    return {
        "n": images,
        "images_per_second": {"encoder": images / seconds["encode"], "whole": images / whole},
        "latency_ms": {
            "mean": float(latency.mean()),
            **{f"p{share}": float(np.percentile(latency, share)) for share in _QUANTILES},
        },
        "share": {phase: spent / whole for phase, spent in seconds.items()},
    }


def _reset_peak(device: str) -> None:
    import torch

    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)


def _memory(device: str) -> dict[str, float | None]:
    """Return peaks in MiB: of the process since it began, and on the GPU while measured."""
    import torch

    gpu = torch.cuda.max_memory_allocated(device) if device.startswith("cuda") else None
    return {
        "process_peak_mib": _process_peak_mib(),
        "gpu_peak_mib": None if gpu is None else gpu / 2**20,
    }


def _process_peak_mib() -> float | None:
    try:
        import resource
    except ImportError:  # Windows has no such number
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def _machine(device: str) -> dict[str, Any]:
    import platform

    import torch

    cuda = device.startswith("cuda")
    return {
        "gpu": torch.cuda.get_device_name(device) if cuda else None,
        "processor": platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _notes(request: BenchmarkRequest, chosen: ChosenSamples, batch: int) -> list[str]:
    n = len(chosen.source)
    notes = []
    if request.batch_size is not None and request.batch_size > n:
        notes.append(f"The file holds {n} samples, so batches are of {batch}.")
    if batch * (request.iterations + request.warm_up) > n:
        notes.append(
            "Samples were read more than once: what the second reading takes is the disk cache's."
        )
    return notes
