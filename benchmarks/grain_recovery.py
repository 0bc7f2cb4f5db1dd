"""How well latents recover grains: methods × scans, beside a PCA with 30 components.

Each scan is trained on by itself, with the same settings and without its truth. Told are the share
of the 10 nearest latents in the same grain, the adjusted Rand index of KMeans with the true number
of grains (50 starts), the AUC with which the mean distance to the 4 neighbors finds points at a
grain boundary, and the seconds of processor time of the training. Pores count as a grain of their
own. The scans are demo scans of several seeds, sizes and noise, their rows shuffled, and, where it
is at hand, the simulated scan of the project's fixture data, as it is and with more noise.

Run: ``python -m benchmarks.grain_recovery [--scan NAME]… [--method NAME]… [--data FOLDER]``
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
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from latentcore.analysis.worth import label_worth
from latentcore.containers import ScanGrid
from latentcore.demo import make_demo_scan
from latentcore.workflows import execute
from latentcore.workflows.extract.verb import ExtractRequest
from latentcore.workflows.train.verb import TrainRequest

Scan = tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int64]]

CLEANED = ("background=dynamic", "smooth=1", "scale=z_score")
METHODS: dict[str, dict[str, object] | None] = {
    "pca-30": None,
    "default": {},
    "default, target self": {"target": "self"},
    "default, KL 1": {"kl_weight": 1.0},
    "default, KL 1e-5": {"kl_weight": 1e-5},
    "default, free bits 0.5": {"free_bits": 0.5},
    "default, no background removed": {"prepare": ("background=none", "smooth=0")},
    "cnn": {"preset": "cnn"},
    "cnn, target self": {"preset": "cnn", "target": "self"},
    "as published, 32 latents": {"preset": "as-published", "latent_dim": 32},
}


def noisier(scan: Scan, noise: float, seed: int = 0) -> Scan:
    images, coords, grain = scan
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(images))
    noisy = images + noise * rng.standard_normal(images.shape, np.float32)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)[order], coords[order], grain[order]


def simulated(data: Path) -> Scan:
    with h5py.File(data / "ebsd_sim" / "ni_sim_small.h5") as file:
        images, coords = file["images"][()], file["coords"][()]
    truth = pd.read_csv(data / "ebsd_sim" / "ni_sim_small_truth.csv")
    return images, coords, truth["grain_id"].to_numpy()


def demo(seed: int, side: int, noise: float, size: int = 60) -> Scan:
    made = make_demo_scan(seed, columns=side, rows=side, pattern_size=size)
    return noisier((made.images, made.coords, made.grain_id.astype(np.int64)), noise, seed)


def scans(data: Path | None) -> dict[str, Callable[[], Scan]]:
    known: dict[str, Callable[[], Scan]] = {
        "demo 1, 60×60": lambda: demo(1, 60, 0),
        "demo 2, 60×60, noise 15": lambda: demo(2, 60, 15),
        "demo 3, 100×100, noise 10": lambda: demo(3, 100, 10),
        "demo 4, 60×60, 40 px": lambda: demo(4, 60, 0, 40),
    }
    if data is None:
        return known
    return {
        "simulated": lambda: simulated(data),
        "simulated, noise 20": lambda: noisier(simulated(data), 20),
        "simulated, noise 40": lambda: noisier(simulated(data), 40),
        **known,
    }


def boundary_auc(latents: NDArray[np.float32], grid: ScanGrid, grain: NDArray[np.int64]) -> float:
    places = np.full((grid.shape[0] + 2, grid.shape[1] + 2), -1)
    places[grid.row + 1, grid.col + 1] = np.arange(len(grain))
    around = np.stack(
        [
            places[grid.row + 1 + dy, grid.col + 1 + dx]
            for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1))
        ],
        axis=1,
    )
    apart = np.linalg.norm(latents[:, None] - latents[around], axis=2)
    other = (grain[around] != grain[:, None]) & (around >= 0)
    mean = np.where(around >= 0, apart, 0).sum(axis=1) / np.maximum((around >= 0).sum(axis=1), 1)
    return float(roc_auc_score(other.any(axis=1), mean))


def measure(scan: Scan, method: dict[str, Any] | None) -> tuple[float, float, float, float]:
    images, coords, grain = scan
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with h5py.File(folder / "scan.h5", "w") as file:
            file["images"], file["coords"] = images, coords
        location, started = str(folder / "scan.h5"), time.process_time()
        if method is None:
            asked = ExtractRequest((location,), "pca:30", prepare=CLEANED, device="cpu")
        else:
            request = TrainRequest(location, device="cpu", **method)
            execute("train", request, folder / "model")
            asked = ExtractRequest((location,), str(folder / "model"), device="cpu")
        seconds = time.process_time() - started
        execute("extract", asked, folder / "latents")
        with h5py.File(folder / "latents" / "scan_latents.h5") as file:
            latents = file["samples"][()]
    found = label_worth(latents, grain)
    auc = boundary_auc(latents, ScanGrid.from_coordinates(coords[:, 0], coords[:, 1]), grain)
    return found.neighbour_share, found.ari, auc, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scan", action="append", help="only scans of that name")
    parser.add_argument("--method", action="append", choices=tuple(METHODS))
    parser.add_argument("--data", type=Path, help="the folder of fixture data")
    arguments = parser.parse_args()
    print(f"{'scan':28s} {'method':32s} same grain    ARI     AUC   CPU s")
    for name, make in scans(arguments.data).items():
        if arguments.scan and name not in arguments.scan:
            continue
        scan = make()
        for method in arguments.method or METHODS:
            share, ari, auc, seconds = measure(scan, METHODS[method])
            print(
                f"{name:28s} {method:32s} {share:10.4f} {ari:6.4f}  {auc:6.4f} {seconds:7.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
