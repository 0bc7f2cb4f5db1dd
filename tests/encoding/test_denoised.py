"""Averages over neighborhoods, against the definition written out point by point."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.optimize import brentq

from latentcore.cli import main
from latentcore.containers import ScanGrid
from latentcore.encoding.denoised import DenoisedSamples, denoised, denoising_record
from latentcore.errors import RequestError
from latentcore.preparation import Preparation, Preparer
from tests.encoding.memory_source import MemorySource

TARGETS = {"weak": 0.5, "medium": 0.34, "strong": 0.25}


def two_grains(columns: int = 9, rows: int = 7, size: tuple[int, int] = (11, 12), seed: int = 4):
    """Patterns of two grains with noise, rows of the file shuffled."""
    rng = np.random.default_rng(seed)
    y, x = (axis.ravel() for axis in np.mgrid[0:rows, 0:columns])
    pure = rng.uniform(30, 200, (2, *size))
    grain = (x >= columns // 2).astype(int)
    order = rng.permutation(len(x))
    noisy = pure[grain] + rng.normal(0, 20, (len(x), *size))
    patterns = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)[order, None]
    return patterns, x[order].astype(float), y[order].astype(float), grain[order]


def on_grid(patterns, x, y) -> MemorySource:
    source = MemorySource(patterns)
    source.grid = ScanGrid.from_coordinates(x, y)
    return source


def steps_apart(grid: ScanGrid) -> np.ndarray:
    """How many steps from neighbor to neighbor lead from each point to each on a full lattice."""
    if not grid.hexagonal:
        return np.maximum(abs(grid.row[:, None] - grid.row), abs(grid.col[:, None] - grid.col))
    z = grid.row.astype(int)
    shifted = (z % 2 == 1) if grid.shifted_rows == "odd" else (z % 2 == 0)
    q = (
        grid.col - (z - shifted) // 2
        if grid.shifted_rows == "odd"
        else grid.col - (z + 1 - 1 * shifted) // 2
    )
    dq, dz = q[:, None] - q, z[:, None] - z
    return (abs(dq) + abs(dz) + abs(dq + dz)) // 2


class Definition:
    """Formulas of the paper, pair by pair, in float64."""

    def __init__(self, source: MemorySource, reach: int, strength: str) -> None:
        p = source.samples.astype(np.float64).reshape(len(source), -1)
        self.p, self.apart, self.reach = p, steps_apart(source.grid), reach
        self.finite = np.isfinite(p).all(axis=1)
        height, width = source.sample_shape[-2:]
        y, x = np.mgrid[:height, :width]
        r2 = (y - (height - 1) / 2) ** 2 + (x - (width - 1) / 2) ** 2
        self.inside = (r2 <= (0.98 * min(height, width) / 2) ** 2).ravel()
        self.top = p[self.finite][:, self.inside].max()
        n = len(p)
        self.variance = np.array([self.noise(i) for i in range(n)])
        lams = [self.solved(i, TARGETS[strength]) for i in range(n) if self.variance[i] > 0]
        self.lam = float(np.median([lam for lam in lams if lam is not None]))

    def compare(self, i: int, j: int) -> tuple[float, int]:
        good = self.inside & (self.p[i] < self.top) & (self.p[j] < self.top)
        return float(((self.p[i] - self.p[j])[good] ** 2).sum()), int(good.sum())

    def around(self, i: int, reach: int) -> list[int]:
        if not self.finite[i]:
            return []
        near = np.flatnonzero((self.apart[i] <= reach) & self.finite)
        return [int(j) for j in near if j != i]

    def noise(self, i: int) -> float:
        pairs = [self.compare(i, j) for j in self.around(i, 1)]
        return min((d / (2 * n) for d, n in pairs if n and d / n >= 1e-3), default=0.0)

    def distance(self, i: int, j: int) -> float:
        d, n = self.compare(i, j)
        both = self.variance[i] + self.variance[j]
        return max((d - n * both) / (both * np.sqrt(2 * n)), 0.0)

    def solved(self, i: int, target: float) -> float | None:
        far = np.array([self.distance(i, j) for j in self.around(i, 1)])
        if not ((far < 1e-9).sum() < 1 / target - 1 < len(far)):
            return None
        return brentq(
            lambda lam: 1 / (1 + np.exp(-far / lam**2).sum()) - target, 0.03, 300, xtol=1e-13
        )

    def average(self, i: int) -> np.ndarray:
        weights = {
            j: np.exp(-self.distance(i, j) / self.lam**2) for j in self.around(i, self.reach)
        }
        weights[i] = 1.0
        return sum(w * self.p[j] for j, w in weights.items()) / sum(weights.values())


def awkward(reach: int) -> MemorySource:
    """A scan with a hole, a pattern that is not finite, a copy, and saturated pixels."""
    patterns, x, y, _ = two_grains()
    patterns = patterns.astype(np.float32)
    patterns[(x == 3) & (y == 2)] = patterns[(x == 3) & (y == 3)]
    patterns[(x == 6) & (y == 4), 0, 3, 5] = np.nan
    patterns[::3, 0, 4:6, 4:8] = 300
    keep = ~((x == 5) & (y == 1))
    return on_grid(patterns[keep], x[keep], y[keep])


@pytest.mark.parametrize(("reach", "strength"), [(1, "weak"), (2, "medium"), (3, "strong")])
def test_averages_are_those_of_the_definition(reach: int, strength: str):
    source = awkward(reach)
    wanted = Definition(source, reach, strength)
    found = DenoisedSamples(source, reach, strength)
    assert found.estimate.lam == pytest.approx(wanted.lam, rel=1e-6)
    assert found.estimate.saturation == 300
    noise = np.sqrt(np.median(wanted.variance[wanted.variance > 0]))
    assert found.estimate.noise == pytest.approx(noise, rel=1e-6)
    averages = found.read(slice(None)).reshape(len(source), -1)
    for i in np.flatnonzero(wanted.finite):
        np.testing.assert_allclose(averages[i], wanted.average(i), rtol=2e-6)
    odd = ~wanted.finite
    np.testing.assert_array_equal(averages[odd], source.samples[odd].reshape(odd.sum(), -1))


@pytest.mark.parametrize("first", [0.0, 0.5])
def test_a_hexagonal_window_is_a_hexagon(first: float):
    patterns, x, y, _ = two_grains()
    source = on_grid(patterns, x + np.where(y % 2 == 0, first, 0.5 - first), y * np.sqrt(3) / 2)
    assert source.grid.hexagonal
    wanted = Definition(source, 2, "medium")
    found = DenoisedSamples(source, 2, "medium")
    assert found.estimate.lam == pytest.approx(wanted.lam, rel=1e-6)
    middle = int(np.flatnonzero((source.grid.row == 3) & (source.grid.col == 4))[0])
    look = found.look(middle)
    assert set(look.rows) == {middle, *wanted.around(middle, 2)}
    assert len(look.rows) == 19
    np.testing.assert_allclose(look.after.ravel(), wanted.average(middle), rtol=2e-6)


def test_the_same_bits_in_any_order_and_memory(monkeypatch):
    patterns, x, y, _ = two_grains()
    source = on_grid(patterns, x, y)
    whole = DenoisedSamples(source, 2, "medium")
    monkeypatch.setattr("latentcore.encoding.denoised._KEPT_BYTES", 0)
    monkeypatch.setattr("latentcore.analysis.denoising.denoiser._STORE_BYTES", 1)
    one_by_one = DenoisedSamples(source, 2, "medium", estimate=whole.estimate)
    order = np.random.default_rng(0).permutation(len(source))
    np.testing.assert_array_equal(one_by_one.read(order), whole.read(slice(None))[order])
    again = denoised(source, Preparation(steps=(("nlpar", 2),)), recorded=whole.record())
    np.testing.assert_array_equal(again.read(order[:5]), whole.read(order[:5]))
    assert again.fingerprint() == whole.fingerprint() != source.fingerprint()


def test_weights_end_at_the_border_of_a_grain_and_dead_patterns_stay_dead():
    patterns, x, y, grain = two_grains(size=(60, 60))
    dead = int(np.flatnonzero((x == 1) & (y == 1))[0])
    patterns[dead] = 7
    source = on_grid(patterns, x, y)
    found = DenoisedSamples(source, 3, "strong")
    for row in range(len(source)):
        look = found.look(row)
        there = look.rows >= 0
        assert look.weights.sum() == pytest.approx(1)
        other = (grain[look.rows[there]] != grain[row]) | (look.rows[there] == dead)
        assert look.weights[there][other & (look.rows[there] != row)].max(initial=0) == 0
    assert (found.read(slice(None))[dead] == 7).all()
    pure = np.stack([patterns[(grain == g) & (np.arange(len(x)) != dead)].mean(0) for g in (0, 1)])
    live = np.arange(len(x)) != dead
    errors = [np.square(v - pure[grain]).mean(axis=(1, 2, 3))[live].mean()
              for v in (patterns.astype(float), found.read(slice(None)))]  # fmt: skip
    assert errors[1] < 0.3 * errors[0]


def test_what_has_no_neighbors_is_refused():
    patterns, x, y, _ = two_grains()
    recipe = Preparation.parse(["nlpar=2"])
    with pytest.raises(RequestError, match="have no places on a scan grid"):
        denoised(MemorySource(patterns), recipe)
    with pytest.raises(RequestError, match="copies of each other"):
        denoised(on_grid(np.full_like(patterns, 9), x, y), recipe)
    apart = on_grid(patterns[:4], np.array([0.0, 9, 0, 9]), np.array([0.0, 0, 9, 9]))
    apart.grid = ScanGrid.from_coordinates(apart.grid.x, apart.grid.y, step=(1.0, 1.0))
    with pytest.raises(RequestError, match="they lie apart"):
        denoised(apart, recipe)
    with pytest.raises(RequestError, match="none has neighbors"):
        denoised(on_grid(np.full(patterns.shape, np.nan), x, y), recipe)
    for words, reason in (
        (["nlpar=11"], "nlpar='11' can't be read"),
        (["nlpar=-1"], "nlpar='-1' can't be read"),
        (["nlpar=2.5"], "can't be read"),
        (["nlpar=2", "nlpar_strength=huge"], r"weak\|medium\|strong"),
        (["nlpar_strength=strong"], "does nothing without nlpar="),
    ):
        with pytest.raises(RequestError, match=reason):
            Preparation.parse(words)


def test_recipes_record_it_only_where_it_does_something():
    plain, strong = Preparation(), Preparation.parse(["nlpar=3", "nlpar_strength=strong"])
    assert Preparation.parse(["nlpar=0"]) == plain
    assert Preparation.from_dict(json.loads(json.dumps(strong.to_dict()))) == strong
    assert "nlpar" not in plain.to_dict()
    for base in (plain, strong):
        for wanted in (plain, strong, Preparation.parse(["nlpar=3"])):
            assert Preparation.parse(wanted.changes(base), base) == wanted


def test_a_whole_range_stays_that_of_the_files_pixels():
    patterns, x, y, _ = two_grains()
    recipe = Preparation(scale="type_range", steps=(("nlpar", 1),))
    source = denoised(on_grid(patterns, x, y), recipe)
    from latentcore.encoding._blocks import prepared_batches

    (batch,) = prepared_batches(source, np.arange(4), Preparer(recipe, (1, 11, 12)), 8)
    np.testing.assert_allclose(batch.values, source.read(np.arange(4)) / 127.5 - 1, atol=1e-6)


def test_latents_are_those_of_denoised_patterns_wherever_they_are_made(tmp_path: Path):
    patterns, x, y, _ = two_grains(12, 8)
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["images"], file["coords"] = patterns, np.column_stack([x, y]).astype(int)
    whole = DenoisedSamples(on_grid(patterns, x, y), 2, "strong")
    with h5py.File(tmp_path / "clean.h5", "w") as file:
        file["images"], file["coords"] = (
            whole.read(slice(None)),
            np.column_stack([x, y]).astype(int),
        )

    def latents(name: str, of: str, *words: str) -> np.ndarray:
        out = tmp_path / name
        assert main(["extract", str(tmp_path / f"{of}.h5"), *words, "--out", str(out)]) == 0
        with h5py.File(out / f"{of}_latents.h5") as file:
            return file["samples"][()]

    asked = ("--checkpoint", "pca:3", "--prepare", "nlpar=2", "nlpar_strength=strong")
    found = latents("nlpar", "scan", *asked)
    np.testing.assert_array_equal(found, latents("by_hand", "clean", "--checkpoint", "pca:3"))
    run = json.loads((tmp_path / "nlpar" / "run.json").read_text())
    record = run["summary"]["latents"]["scan_latents.h5"]["denoising"]
    assert record == denoising_record(whole)["denoising"]
    model = json.loads((tmp_path / "nlpar" / "model.json").read_text())
    assert model["preparation"]["nlpar"] == 2
    assert list(model["provenance"]["request"]["resolved"]["denoising"].values()) == [record]
    # A model's recipe holds for other extractions, of some points as of all.
    mask = np.arange(len(x)) % 5 == 0
    np.save(tmp_path / "rows.npy", mask)
    again = latents("again", "scan", "--checkpoint", str(tmp_path / "nlpar"),
                    "--rows", str(tmp_path / "rows.npy"))  # fmt: skip
    np.testing.assert_array_equal(again[mask], found[mask])
    words = ["--checkpoint", str(tmp_path / "nlpar"), "--out", str(tmp_path / "back")]
    assert main(["reconstruct", str(tmp_path / "scan.h5"), *words]) == 0
    assert main(["reconstruct", str(tmp_path / "clean.h5"), "--prepare", "nlpar=0", *words[:2],
                 "--out", str(tmp_path / "back2")]) == 0  # fmt: skip
    tables = [
        (tmp_path / one / "reconstruction_error.csv").read_text() for one in ("back", "back2")
    ]
    assert tables[0] == tables[1]


@pytest.mark.parametrize("strength", TARGETS)
def test_noise_and_width_are_the_same_for_all_radii(strength):
    source = on_grid(*two_grains()[:3])
    found = [DenoisedSamples(source, reach, strength).estimate for reach in (1, 2, 5)]
    assert found[0] == found[1] == found[2]


LOADED_AHEAD = """
import numpy as np
from latentcore.analysis import denoising
from latentcore.analysis.denoising import _loops
from latentcore.encoding.denoised import DenoisedSamples
from tests.encoding.test_denoised import on_grid, two_grains

def compiled():
    loops = vars(_loops).items()
    return {name: list(loop.signatures) for name, loop in loops if hasattr(loop, "signatures")}

denoising.load_ahead()
ahead = compiled()
averaged = DenoisedSamples(on_grid(*two_grains()[:3]), 3, "weak")
averaged.read(slice(None)), averaged.look(3), averaged.unlike(np.arange(9))
assert compiled() == ahead and any(ahead.values()), ahead
"""


def test_nothing_is_left_to_compile_for_the_first_who_asks():
    # In a process of its own: other tests have compiled all of it in this one.
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", LOADED_AHEAD], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
