"""Measure the extraction of sea-surface temperatures by nenya's network against a plain loop.

The plain loop is what a notebook does: a map-style dataset that reads one cutout per index, a
DataLoader (batch 64, no workers), the network as it is written, under ``no_grad``. Ours is
`latentcore.encoding.extraction.extract` with the same weights and file: blocks of rows, each batch
normalization multiplied into its convolution, channels last, tiles of fixed size. Rounds
alternate; the best of each counts. On a busy machine read the ratio of processor time, with
``--threads 1``.

Run: ``python -m benchmarks.bench_cutouts [--depth resnet50] [--cutouts N] [--rounds N]``
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from latentcore.encoders import open_checkpoint
from latentcore.encoders.supcon_resnet import DEPTHS, SupConResNet
from latentcore.encoding.extraction import extract
from latentcore.preparation import Preparation, Preparer
from latentcore.readers import open_samples

SIDE = 64
FEAT_DIM = 256


class Cutouts(Dataset[Any]):
    """Reads one cutout per index."""

    def __init__(self, path: Path) -> None:
        self.file = h5py.File(path, "r")

    def __len__(self) -> int:
        return len(self.file["train"])

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.from_numpy(self.file["train"][index])


def plain_loop(path: Path, model: SupConResNet) -> NDArray[np.float32]:
    with torch.no_grad():
        batches = DataLoader(Cutouts(path), batch_size=64)
        return np.concatenate([model(batch).numpy() for batch in batches])


def ours(path: Path, checkpoint: Path) -> NDArray[np.float32]:
    encoder = open_checkpoint(str(checkpoint), device="cpu", input_shape=(1, SIDE, SIDE))
    with open_samples(path) as source, tempfile.TemporaryDirectory() as scratch:
        preparer = Preparer(Preparation(), source.sample_shape)
        return extract(source, encoder, preparer, scratch=Path(scratch)).latents


def timed(work: Callable[[], NDArray[np.float32]]) -> tuple[float, float, NDArray[np.float32]]:
    """Return (seconds, processor seconds, result)."""
    started, used = time.perf_counter(), time.process_time()
    latents = work()
    return time.perf_counter() - started, time.process_time() - used, latents


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--depth", choices=DEPTHS, default="resnet50")
    parser.add_argument("--cutouts", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    model = SupConResNet(arguments.depth, 1, FEAT_DIM, mlp=True).eval()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path, checkpoint = Path(folder) / "pp.h5", Path(folder) / "last.pth"
        torch.save({"model": model.state_dict(), "epoch": 1}, checkpoint)
        with h5py.File(path, "w") as file:
            values = rng.normal(0, 1, (arguments.cutouts, 1, SIDE, SIDE)).astype(np.float32)
            file.create_dataset("train", data=values, chunks=(64, 1, SIDE, SIDE))
        best = np.full((2, 2), np.inf)
        for _ in range(arguments.rounds):
            *plain, wanted = timed(lambda: plain_loop(path, model))
            *our, latents = timed(lambda: ours(path, checkpoint))
            best = np.minimum(best, [plain, our])
            error = np.abs(latents - wanted).max()
    (plain_s, plain_cpu), (our_s, our_cpu) = best
    n = arguments.cutouts
    print(
        f"{arguments.depth}, {n} cutouts of {SIDE} × {SIDE}, {arguments.threads} thread(s): plain "
        f"{n / plain_s:.1f}, ours {n / our_s:.1f} cutouts/s, ratio {plain_s / our_s:.2f}, of "
        f"processor time {plain_cpu / our_cpu:.2f}; largest difference {error:.1e}"
    )


if __name__ == "__main__":
    main()
