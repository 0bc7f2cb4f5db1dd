"""Damage a tiny valid file of a reader in many ways, and see what opening each of them does.

    python -m benchmarks.fuzz READER… [-n 300] [--seed 0]

Every damaged copy is opened by name, read whole and recognized, in a child process that opens one
after the other as a server does, may take 10 s for each and grow by 1 GiB of addresses. Listed is
whatever hung, grew, crashed, answered with anything but a clear message, or with one longer than
600 characters or of more than one line per sentence. READER is a name of `tests.factories.layouts`,
``safetensors`` or ``torch-weights`` for checkpoints, ``features-npz`` or ``features-parquet`` as
`latentcore.FeatureDataset` reads them, ``sample-table``, ``probe``, ``embedding``, ``regions``, or
``all``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from benchmarks.limited_child import Child
from latentcore import readers
from latentcore.artifacts.embedding_model import EMBEDDING_MODEL, read_embedding_model
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.artifacts.probe_model import PROBE_MODEL, read_probe_model
from latentcore.artifacts.region_files import regions_json
from latentcore.cli import main as latentcore
from latentcore.containers import (
    LatentSet,
    Region,
    RegionSet,
    SampleSource,
    ScanGrid,
    ScanPoints,
    default_sample_ids,
)
from latentcore.encoders import open_checkpoint
from latentcore.encoders.checkpoints import DEMO, checkpoint_file
from latentcore.errors import InputError
from latentcore.inputs.regions import read_regions
from latentcore.readers.stored_features import open_features
from tests.encoders.models import seed_state
from tests.factories.damaged_files import damage
from tests.factories.kikuchi import full_grid
from tests.factories.layouts import LAYOUTS, Layout

_LONGEST = 600
# It names all that there is, of which pages show the first sentence.
_LIST = "No reader recognizes"
Coords = NDArray[np.int32]
Values = NDArray[np.float32]
_COORDS = full_grid(5, 4)
_VALUES = (np.arange(20) * 7 % 20 + 1).astype(np.float32)
_OPENERS: dict[str, Callable[..., object]] = {
    "samples": readers.open_samples,
    "latents": readers.open_latents,
    "maps": readers.open_maps,
    "features": lambda path, **_: _all_samples(path),
    "table": readers.open_table,
    "probe": lambda path, **_: read_probe_model(path),
    "embedding": lambda path, **_: read_embedding_model(path),
    "regions": lambda path, **_: read_regions(str(path)),
    "checkpoint": lambda path, **_: open_checkpoint(
        str(path), device="cpu", input_shape=(1, 20, 24)
    ),
}


def _own_weights(path: Path, _coords: object, _values: object) -> None:
    shutil.copyfile(checkpoint_file(DEMO), path)
    shutil.copyfile(checkpoint_file(DEMO).with_name("model.json"), path.with_name("model.json"))


def _torch_weights(path: Path, _coords: object, _values: object) -> None:
    torch.save(seed_state(), path)


def _all_samples(path: Path) -> None:
    features = open_features(path)
    try:
        for row in range(min(len(features), 10_000)):
            features.sample(row)
    finally:
        features.close()


def _table(path: Path, _coords: object, values: NDArray[np.float32]) -> None:
    ids = [f"valid/{row}" for row in range(len(values))]
    pd.DataFrame({"sample_id": ids, "DT": values, "sea": "Arctic"}).to_csv(path, index=False)


def _run_of(verb: str, *words: str) -> Callable[[Path, Coords, Values], None]:
    """Return what writes the file that a verb leaves, of latents and labels."""

    def write(path: Path, coords: Coords, _values: Values) -> None:
        rng = np.random.default_rng(0)
        with tempfile.TemporaryDirectory() as folder:
            at, labels = f"{folder}/x_latents.h5", np.arange(len(coords)) % 2
            grid = ScanGrid.from_coordinates(*coords.T)
            latents = rng.normal(labels[:, None], 0.1, (len(coords), 3)).astype(np.float32)
            ids, dims = default_sample_ids(len(coords)), np.arange(3, dtype=np.int32)
            write_latents(Path(at), LatentSet(latents, ids, dims, grid))
            table = pd.DataFrame({"x": coords[:, 0], "y": coords[:, 1], "label": labels})
            table.to_csv(f"{folder}/map.csv", index=False)
            given = [word.format(map=f"{folder}/map.csv:label") for word in words]
            if latentcore([verb, at, *given, "--out", f"{folder}/run", "--quiet"]):
                sys.exit(f"{verb} has failed.")
            shutil.copyfile(Path(folder, "run", path.name), path)

    return write


def _regions(path: Path, coords: Coords, _values: object) -> None:
    scan = ScanPoints(ScanGrid.from_coordinates(*coords.T), fingerprint="blake2b:aa").scan
    regions = RegionSet(scan).added(Region("pore", "#0072b2", np.arange(7)))
    path.write_text(regions_json(regions.added(Region("grain", "#000000", np.array([9])))))


_TARGETS = LAYOUTS | {
    "features-npz": Layout("features-npz", "features", "k.npz", LAYOUTS["kinoml-npz"].write),
    "features-parquet": Layout(
        "features-parquet", "features", "k.parquet", LAYOUTS["awkward-parquet"].write
    ),
    "sample-table": Layout("sample-table", "table", "table.csv", _table),
    "probe": Layout(
        "probe", "probe", PROBE_MODEL, _run_of("probe", "--labels", "{map}", "--folds", "2")
    ),
    "embedding": Layout(
        "embedding", "embedding", EMBEDDING_MODEL, _run_of("project", "--method", "pca")
    ),
    "regions": Layout("regions", "regions", "regions.json", _regions),
    "safetensors": Layout("safetensors", "checkpoint", "model.safetensors", _own_weights),
    "torch-weights": Layout("torch-weights", "checkpoint", "vae.pth", _torch_weights),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader", nargs="+", choices=["all", *sorted(_TARGETS)], metavar="READER")
    parser.add_argument("-n", type=int, default=300, help="copies for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the copies that were answered badly")
    asked = parser.parse_args()
    names = sorted(_TARGETS) if asked.reader == ["all"] else asked.reader
    bad = sum(fuzz(_TARGETS[name], asked.n, asked.seed, asked.keep) for name in names)
    return 1 if bad else 0


def fuzz(layout: Layout, n: int, seed: int, keep: Path | None) -> int:
    """Try n copies of one layout; return how many were answered badly."""
    found: Counter[str] = Counter()
    slowest = (0.0, 0)
    rng = np.random.default_rng(seed)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "whole", layout.file_name)
        whole.parent.mkdir()
        layout.write(whole, _COORDS, _VALUES)
        attempt(layout, whole)  # whatever is imported late is imported before the forks
        child = Child(lambda path: attempt(layout, path))
        for number in range(n):
            where = Path(folder, str(number))
            shutil.copytree(whole.parent, where)
            path = where / layout.file_name
            how = damage(path, rng)
            answer = child.attempt(path)
            slowest = max(slowest, (child.took_s, number))
            found[answer if answer in ("read", "refused") else "bad"] += 1
            if answer not in ("read", "refused"):
                print(f"{layout.reader} #{number} {how}: {answer}", flush=True)
                if keep is not None:
                    shutil.copytree(where, keep / f"{layout.reader}-{number}", dirs_exist_ok=True)
            shutil.rmtree(where)
        child.end()
    took = time.perf_counter() - start
    longest_s, number = slowest
    print(
        f"{layout.reader}: {n} copies in {took:.0f} s, {dict(found)}; "
        f"#{number} took {longest_s:.1f} s of processor time, the longest",
        flush=True,
    )
    return found["bad"]


def attempt(layout: Layout, path: Path) -> str:
    """Open and read a file, and recognize it; return "read", "refused" or what went wrong."""
    warnings.simplefilter("error")
    steps: tuple[Callable[[], object], ...] = (
        lambda: _read(layout, path),
        lambda: readers.recognize_all(path),
    )
    answers = [_answer(step) for step in steps]
    return next((one for one in answers if one not in ("read", "refused")), answers[0])


def _answer(step: Callable[[], object]) -> str:
    try:
        step()
    except InputError as error:
        text = str(error)
        if len(text) > _LONGEST and not text.startswith(_LIST):
            return f"says too much ({len(text)} characters): {text[:200]!r}"
        if any(not one.isprintable() and one != "\n" for one in text):
            return f"says what can't be printed: {text[:200]!r}"
        return "refused"
    except MemoryError:
        return f"grew: {traceback.format_exc(limit=-3)[-900:]}"
    except BaseException:  # noqa: BLE001 - that is what is looked for
        return f"traceback: {traceback.format_exc(limit=-4)[-1_200:]}"
    return "read"


def _read(layout: Layout, path: Path) -> None:
    named = layout.reader if layout.reader in LAYOUTS else None
    opened = _OPENERS[layout.kind](path, reader=named, **layout.options(path))
    if isinstance(opened, SampleSource):
        with opened:
            for start in range(0, min(len(opened), 10_000), 1_000):
                opened.read(slice(start, start + 1_000))


if __name__ == "__main__":
    sys.exit(main())
