"""Measure extraction against the seed's loop, side by side in one run.

The seed's loop is a map-style dataset that looks the HDF5 dataset up anew for every index, scales
each pattern to [-1, 1] and hands it to a DataLoader (batch 64, no workers: on two cores they make
it slower), the whole VAE encoder under ``no_grad``. Ours is
`latentcore.encoding.extraction.extract` with the same weights, scaling and file. Files are written
here: one pattern per chunk, and gzip chunks of 256 patterns. Rounds alternate, and the best of each
counts, since other programs only ever slow a measurement down. On a busy machine read the ratio of
processor time, with ``--threads 1``: threads that wait for each other there burn most of what is
measured.

Run: ``python -m benchmarks.bench_extraction [--patterns N] [--rounds N] [--threads N]``
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

from latentcore.encoders.vae import VaeEncoder
from latentcore.encoders.vae_cnn import VaeCnn
from latentcore.encoding.extraction import extract
from latentcore.preparation import Preparation, Preparer
from latentcore.readers import open_samples

SIZE = (60, 60)
LAYOUTS: dict[str, dict[str, Any]] = {
    "row-chunked": {"chunks": (1, 1, *SIZE)},
    "block-gzip": {"chunks": (256, 1, *SIZE), "compression": "gzip", "compression_opts": 4},
}
TARGETS = {"row-chunked": 1.7, "block-gzip": 8.0}


class SeedDataset(Dataset[Any]):
    """Reads as the seed does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: h5py.File | None = None
        with h5py.File(path) as file:
            self.n = len(file["images"])

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> tuple[tuple[int, int], torch.Tensor]:
        if self.file is None:
            self.file = h5py.File(self.path, "r")
        image = self.file["images"][index].astype(np.float32)
        x, y = self.file["coords"][index]
        low, high = image.min(), image.max()
        image = (image - low) / (high - low) * 2 - 1 if high > low else np.zeros_like(image)
        return (int(x), int(y)), torch.from_numpy(image)


def seed_loop(path: Path, model: VaeCnn) -> NDArray[np.float32]:
    latents = []
    with torch.no_grad():
        for _, batch in DataLoader(SeedDataset(path), batch_size=64):
            means, _ = model.encode(batch.to("cpu", dtype=torch.float32))
            latents.append(means.numpy())
    return np.concatenate(latents)


def ours(path: Path, encoder: VaeEncoder) -> NDArray[np.float32]:
    with open_samples(path) as source, tempfile.TemporaryDirectory() as scratch:
        preparer = Preparer(Preparation(scale="minus_one_one"), source.sample_shape)
        return extract(source, encoder, preparer, scratch=Path(scratch)).latents


def write_scan(path: Path, n: int, dtype: str, layout: dict[str, object]) -> None:
    rng = np.random.default_rng(0)
    row, column = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    columns = int(np.ceil(n**0.5))
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", (n, 1, *SIZE), dtype, **layout)
        for start in range(0, n, 256):
            b = min(256, n - start)
            angle = rng.uniform(0, np.pi, (b, 1, 1))
            bands = np.sin((row * np.cos(angle) + column * np.sin(angle)) / 4)
            images[start : start + b, 0] = 120 + 50 * bands + rng.normal(0, 12, (b, *SIZE))
        places = np.arange(n)
        file["coords"] = np.column_stack([places % columns, places // columns]).astype(np.int32)


def timed(work: Callable[[], NDArray[np.float32]]) -> tuple[float, float, NDArray[np.float32]]:
    """Return (seconds, processor seconds, result)."""
    started, used = time.perf_counter(), time.process_time()
    latents = work()
    return time.perf_counter() - started, time.process_time() - used, latents


def compare(path: Path, encoder: VaeEncoder, model: VaeCnn, rounds: int) -> NDArray[np.float64]:
    """Return the best times per pattern, in seconds: [[seed, its processor], [ours, its]]."""
    best = np.full((2, 2), np.inf)
    for _ in range(rounds):
        *seed, seed_latents = timed(lambda: seed_loop(path, model))
        *our, our_latents = timed(lambda: ours(path, encoder))
        best = np.minimum(best, [seed, our])
        np.testing.assert_allclose(our_latents, seed_latents, atol=1e-4)
    return best / len(our_latents)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patterns", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    model = VaeCnn(SIZE, latent_dim=32, base=32, n_down=4).eval()
    encoder = VaeEncoder(model, preparation=None, device=torch.device("cpu"))
    print(f"{arguments.threads} threads, {arguments.patterns} patterns of {SIZE}")
    resident = torch.randn(512, 1, *SIZE).numpy()
    seconds = min(timed(lambda: encoder.encode(resident))[0] for _ in range(3))
    print(f"encoder alone, patterns in memory: {512 / seconds:.0f} patterns/s", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for layout, settings in LAYOUTS.items():
            for dtype in ("uint8", "float32"):
                path = Path(folder) / f"{layout}-{dtype}.h5"
                write_scan(path, arguments.patterns, dtype, settings)
                seed, our = compare(path, encoder, model, arguments.rounds)
                print(
                    f"{layout:12s} {dtype:8s} {path.stat().st_size / 1e6:6.1f} MB: "
                    f"seed {1 / seed[0]:5.0f}, ours {1 / our[0]:5.0f} patterns/s, "
                    f"ratio {seed[0] / our[0]:5.2f}, of processor time {seed[1] / our[1]:5.2f} "
                    f"(wanted {TARGETS[layout]})",
                    flush=True,
                )


if __name__ == "__main__":
    main()
