"""The demo scan: the same from the same seed, plausible, and its grains can be found again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from latentcore import readers
from latentcore.demo import DemoScan, make_demo_scan
from latentcore.demo.band_model import BCC_IRON, FCC_NICKEL, _reflectors, master_pattern
from latentcore.demo.rotations import (
    about_axis,
    bunge_degrees,
    from_vectors,
    random_rotations,
    turn,
)
from latentcore.errors import RequestError
from latentcore.workflows import execute
from latentcore.workflows.demo import DemoRequest
from tests.line_counter import lines_run


@pytest.fixture(scope="module")
def scan() -> DemoScan:
    return make_demo_scan(seed=0, columns=40, rows=32, pattern_size=40)


def test_same_seed_same_scan() -> None:
    first, second, other = (
        make_demo_scan(seed, columns=10, rows=8, pattern_size=16) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.bandcontrast, second.bandcontrast)
    np.testing.assert_array_equal(first.elements["Fe"], second.elements["Fe"])
    assert not np.array_equal(first.images, other.images)


def test_layout(scan: DemoScan) -> None:
    assert scan.images.shape == (1280, 1, 40, 40)
    assert scan.images.dtype == np.uint8
    assert scan.coords.dtype == np.int32
    assert (scan.coords[1] - scan.coords[0]).tolist() == [1, 0]
    assert (scan.coords.min(axis=0) > 0).all()
    assert set(np.unique(scan.phase_id)) == {0, 1, 2}
    np.testing.assert_array_equal(scan.grain_id == -1, scan.phase_id == 0)
    assert scan.bandcontrast.min() >= 0
    assert scan.bandcontrast.max() <= 255


def test_band_contrast_says_pores_boundaries_and_grains_apart(scan: DemoScan) -> None:
    solid = scan.phase_id > 0
    pores = scan.bandcontrast[~solid].mean()
    edges = scan.bandcontrast[solid & (scan.gb_distance_px < 0.5)].mean()
    inside = scan.bandcontrast[solid & (scan.gb_distance_px > 2)].mean()
    assert pores < 0.4 * edges < edges < 0.85 * inside


def test_elements_follow_the_phases(scan: DemoScan) -> None:
    deep = scan.gb_distance_px > 3
    for phase, rich, poor in ((1, "Ni", "Fe"), (2, "Fe", "Ni")):
        here = deep & (scan.phase_id == phase)
        assert scan.elements[rich][here].mean() > 85
        assert scan.elements[poor][here].mean() < 15
    solid = scan.phase_id > 0
    assert scan.elements["O"][~solid].mean() > 3 * scan.elements["O"][solid].mean()


def test_grains_are_found_in_the_patterns(scan: DemoScan) -> None:
    """PCA and KMeans on patterns without background recover the truth, as on real scans."""
    from scipy.ndimage import gaussian_filter
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.metrics import adjusted_rand_score

    gray = scan.images[:, 0].astype(np.float32)
    bands = gaussian_filter(gray, (0, 1, 1)) - gaussian_filter(gray, (0, 5, 5))
    flat = bands.reshape(len(scan), -1)
    flat = (flat - flat.mean(axis=1, keepdims=True)) / flat.std(axis=1, keepdims=True)
    latents = PCA(20, random_state=0).fit_transform(flat)
    k = len(np.unique(scan.grain_id))
    found = KMeans(k, n_init=20, random_state=0).fit_predict(latents)
    inside = (scan.gb_distance_px > 1.5) | (scan.phase_id == 0)
    assert adjusted_rand_score(scan.grain_id[inside], found[inside]) > 0.95


@pytest.mark.parametrize(
    ("crystal", "first_plane", "spacing_nm"),
    [(FCC_NICKEL, 3, 0.2034), (BCC_IRON, 2, 0.2027)],
)
def test_bragg_angles(crystal: object, first_plane: int, spacing_nm: float) -> None:
    """The widest spacing is that of {111} in nickel and of {110} in iron."""
    _, sines, weights = _reflectors(crystal)  # type: ignore[arg-type]
    assert sines.min() == pytest.approx(0.0085885 / (2 * spacing_nm), rel=1e-3)
    strongest = np.isclose(weights, 1)
    assert strongest.sum() == {3: 4, 2: 6}[first_plane]
    np.testing.assert_allclose(sines[strongest], sines.min())


def test_master_pattern_has_the_crystal_s_symmetry() -> None:
    master = master_pattern(FCC_NICKEL)
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((3, 1, 4000)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=0)
    still = np.zeros((1, 3), np.float32)
    seen = master.look_up(directions, still)
    fourfold = about_axis(np.array([0.0, 0.0, 1.0]), 90).astype(np.float32)
    threefold = about_axis(np.array([1.0, 1.0, 1.0]), 120).astype(np.float32)
    for matrix in (fourfold, threefold, -np.eye(3, dtype=np.float32)):
        turned = master.look_up(turn(matrix[None], directions), still)
        assert np.corrcoef(seen[0], turned[0])[0, 1] > 0.99


def test_rotations() -> None:
    g = random_rotations(50, np.random.default_rng(0))
    np.testing.assert_allclose(
        g @ g.transpose(0, 2, 1), np.broadcast_to(np.eye(3), g.shape), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(g), 1)
    np.testing.assert_allclose(from_vectors(np.zeros((1, 3)))[0], np.eye(3))
    phi1, phi, phi2 = bunge_degrees(g).T
    z = [about_axis(np.array([0.0, 0.0, 1.0]), -angle) for angle in (phi1[0], phi2[0])]
    x = about_axis(np.array([1.0, 0.0, 0.0]), -phi[0])
    np.testing.assert_allclose(z[1] @ x @ z[0], g[0], atol=1e-12)


@pytest.mark.parametrize(
    "sizes", [{"columns": 4}, {"pattern_size": 3}, {"rows": 10**6}, {"seed": -1}]
)
def test_sizes_that_make_no_sense_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(RequestError, match="at least 8 × 8 points"):
        make_demo_scan(**sizes)


def test_verb_writes_files_that_the_readers_open(tmp_path: Path) -> None:
    summary = execute("demo", DemoRequest(size=12, pattern_size=20), tmp_path / "demo")
    folder = tmp_path / "demo"
    assert summary["files"] == [
        "demo.h5", "demo_bandcontrast.csv", "demo_elements.csv", "demo_truth.csv",
    ]  # fmt: skip
    with readers.open_samples(folder / "demo.h5") as samples:
        assert samples.sample_shape == (1, 20, 20)
        assert samples.grid is not None
        assert samples.grid.shape == (12, 15)
        grid = samples.grid
    for name, columns in (
        ("bandcontrast", ("bandcontrast",)),
        ("elements", ("Fe", "Ni", "O")),
        ("truth", ("grain_id", "phase_id", "phi1_deg", "Phi_deg", "phi2_deg", "gb_distance_px")),
    ):
        maps = readers.open_maps(folder / f"demo_{name}.csv")
        assert maps.names == columns
        assert maps.at(grid)[1] == 0


@pytest.mark.slow
def test_default_scan_is_made_without_a_loop_over_its_points() -> None:
    assert lines_run(lambda: make_demo_scan(columns=80, rows=64)) < 40_000
