"""Measure training against a plain PyTorch loop over the seed's dataset class, in one run.

The plain loop is the seed's: a dataset that looks the HDF5 dataset up for every index and scales
the pattern, a shuffling DataLoader (batch 64, no workers), Adam, and its network, loss and clip
as published: nearest-neighbor upsampling, then a convolution.
Ours is `latentcore.encoding.training`, reading and preparing included. Both make the same number
of epochs over the same file; rounds alternate and the best of each counts. On a busy machine read
the ratio of processor time.

Run: ``python -m benchmarks.bench_training [--patterns N] [--epochs N] [--rounds N] [--threads N]``
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from benchmarks.bench_extraction import LAYOUTS, SIZE, SeedDataset, write_scan
from latentcore.encoders import training_presets
from latentcore.encoders.vae_cnn import VaeCnn
from latentcore.encoding.training import Training
from latentcore.encoding.training_data import collect_patterns
from latentcore.encoding.training_models import build_network
from latentcore.preparation import Preparer
from latentcore.progress import Progress
from latentcore.readers import open_samples

WANTED = 1.5
ARCHITECTURES = {
    "published (512 latents, 5 levels)": (512, {"base": 32, "n_down": 5}),
    "small (16 latents, 3 levels)": (16, {"base": 8, "n_down": 3}),
}


class SeedVae(VaeCnn):
    """The same network, decoded as the seed's code does it."""

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Return patterns: (b, d) → (b, 1, H, W)."""
        x: torch.Tensor = self.fc_decode(z).view(len(z), *self.deepest)
        for layer, size in zip(
            (*self.dec_refine, self.out_head), reversed(self.sizes[:-1]), strict=True
        ):
            x = layer(torch.nn.functional.interpolate(x, size=size, mode="nearest"))
        return x


def plain(path: Path, model: VaeCnn, epochs: int) -> None:
    loader = DataLoader(SeedDataset(path), batch_size=64, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for _, x in loader:
            means, log_variances = model.encode(x)
            z = means + torch.randn_like(means) * torch.exp(0.5 * log_variances)
            error = torch.nn.functional.mse_loss(model.decode(z), x)
            kl = -0.5 * (1 + log_variances - means.pow(2) - log_variances.exp()).mean()
            optimizer.zero_grad()
            torch.autograd.backward(error + kl)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()


def in_bfloat16(path: Path, model: VaeCnn, epochs: int) -> None:
    ours(path, model, epochs, "bfloat16")


def ours(path: Path, model: VaeCnn, epochs: int, precision: str = "float32") -> None:
    preset = training_presets()["as-published"]
    plan = replace(preset.plan, epochs=epochs, held_out=0.0, precision=precision)
    with open_samples(path) as source, tempfile.TemporaryDirectory() as scratch:
        preparer = Preparer(preset.preparation, source.sample_shape)
        patterns = collect_patterns(
            source, np.arange(len(source)), preparer, scratch=Path(scratch), held_out=0.0, seed=0,
            progress=Progress(),
        )  # fmt: skip
        Training(model, patterns, plan, torch.device("cpu"), Path(scratch), "bench").run()


Cost = tuple[float, float]


def timed(work: Callable[[Path, Any, int], None], path: Path, shape: str, epochs: int) -> Cost:
    latent_dim, architecture = ARCHITECTURES[shape]
    model = build_network("vae-cnn", SIZE, latent_dim, architecture, seed=0)
    if work is plain:
        model = SeedVae(SIZE, latent_dim, **architecture)
    started, used = time.perf_counter(), time.process_time()
    work(path, model, epochs)
    return time.perf_counter() - started, time.process_time() - used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patterns", type=int, default=2048)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} threads, {arguments.patterns} patterns of {SIZE}, float32")
    with tempfile.TemporaryDirectory() as folder:
        for layout, settings in LAYOUTS.items():
            path = Path(folder) / f"{layout}.h5"
            write_scan(path, arguments.patterns, "uint8", settings)
            for shape in ARCHITECTURES:
                best = np.full((3, 2), np.inf)
                for _ in range(arguments.rounds):
                    rows = [
                        timed(work, path, shape, arguments.epochs)
                        for work in (plain, ours, in_bfloat16)
                    ]
                    best = np.minimum(best, rows)
                rate = arguments.patterns * arguments.epochs / best
                print(
                    f"{layout:12s} {shape:34s}: plain {rate[0, 0]:6.0f}, ours {rate[1, 0]:6.0f} "
                    f"patterns/s, ratio {rate[1, 0] / rate[0, 0]:5.2f}, of processor time "
                    f"{rate[1, 1] / rate[0, 1]:5.2f} (wanted {WANTED}); in bfloat16 "
                    f"{rate[2, 0]:6.0f}, {rate[2, 1] / rate[0, 1]:5.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
