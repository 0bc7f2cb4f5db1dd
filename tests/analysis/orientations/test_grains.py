"""Grains of a scan from its Euler angles and phases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import label

from latentcore.analysis.orientations.grains import find_grains
from latentcore.analysis.orientations.scan import NOT_INDEXED, orientations_of
from latentcore.containers import CrystalSymmetry, ScanGrid, ScanMaps, UnitCell
from latentcore.errors import RequestError
from latentcore.readers import open_maps

ROWS, COLUMNS = 6, 8
Y, X = (axis.ravel() for axis in np.mgrid[:ROWS, :COLUMNS])
GRID = ScanGrid.from_coordinates(X * 0.5, Y * 0.5, unit="µm")
CUBIC = {1: CrystalSymmetry("m-3m")}


def maps_of(phi1, phase=None, names=("phi1", "Phi", "phi2"), units=("°",) * 3, **more) -> ScanMaps:
    """Return a scan that is turned about z by phi1."""
    values = [phi1, np.full(len(X), 30.0), np.full(len(X), 10.0)]
    if phase is not None:
        values, names, units = [*values, phase], (*names, "phase"), (*units, "")
    return ScanMaps(np.array(values, np.float32), tuple(names), tuple(units), GRID, **more)


def test_grains_are_connected_and_alike() -> None:
    phi1 = np.where(X < 3, 0.0, 20.0) + np.where(Y == 0, 90, 0)  # 90° about z: the same crystal
    phi1[X == 7] = np.nan
    found = find_grains(orientations_of(maps_of(phi1), ["m-3m"]), GRID)
    wanted = np.where(X == 7, -1, (X >= 3).astype(int))
    # phi1 turns about the sample's z, which is no crystal axis: row 0 is another crystal.
    wanted[(Y == 0) & (X < 7)] = (X >= 3)[(Y == 0) & (X < 7)]
    wanted[(Y > 0) & (X < 7)] += 2
    np.testing.assert_array_equal(found.domains.labels, wanted)
    assert found.domains.unit == "°"
    across = found.domains.borders.set_index(["a", "b"])["contrast"]
    assert across[0, 1] == pytest.approx(20, abs=1e-3)
    assert found.domains.table()["mean_deviation"].max() < 1e-2


def test_phases_are_borders_without_an_angle() -> None:
    phase = np.where(Y < 2, 1, np.where(Y < 4, 2, 0))
    found = find_grains(
        orientations_of(
            maps_of(np.zeros(48), phase, symmetries={**CUBIC, 2: CrystalSymmetry("6/mmm")})
        ),
        GRID,
    )
    np.testing.assert_array_equal(found.domains.labels.reshape(6, 8)[:, 0], [0, 0, 1, 1, -1, -1])
    assert found.phase.tolist() == [1, 2]
    assert np.isnan(found.domains.borders["contrast"]).tolist() == [True]


def test_the_spread_of_a_bent_grain_by_hand() -> None:
    """1° a column about the sample's z: a grain, though its ends are 7° apart."""
    found = find_grains(orientations_of(maps_of(X.astype(float)), ["m-3m"]), GRID, angle=5)
    assert found.domains.count == 1
    np.testing.assert_allclose(found.domains.deviation, np.abs(X - 3.5), atol=2e-3)
    inside = (X > 0) & (X < 7) & (Y > 0) & (Y < 5)
    np.testing.assert_allclose(found.domains.neighbor_distance[inside], 0.5, atol=2e-3)
    assert (
        find_grains(orientations_of(maps_of(X * 1.0), ["m-3m"]), GRID, angle=0.9).domains.count == 8
    )


def test_small_grains_go_to_the_most_similar_neighbor_of_their_phase() -> None:
    phi1 = np.where(X < 4, 0.0, 40.0)
    phi1[(X == 4) & (Y == 3)] = 10.0
    phase = np.ones(48)
    phase[(X == 1) & (Y == 1)] = 2
    maps = maps_of(phi1, phase, symmetries={**CUBIC, 2: CrystalSymmetry("m-3m")})
    all_of_them = find_grains(orientations_of(maps), GRID)
    assert all_of_them.domains.count == 4
    found = find_grains(orientations_of(maps), GRID, min_size=3)
    assert found.domains.count == 3  # the other phase has no neighbor of its own
    labels = found.domains.labels.reshape(6, 8)
    assert labels[3, 4] == labels[3, 3]
    assert labels[1, 1] not in (labels[0, 0], labels[0, 7])


@pytest.mark.parametrize(
    ("names", "units", "scale"),
    [
        (("phi1", "PHI", "phi2"), ("rad",) * 3, np.pi / 180),
        (("eul1", "eul2", "eul3"), ("°",) * 3, 1),
        (("Euler1", "Euler2", "Euler3"), ("",) * 3, 1),
        (("phi1_deg", "Phi_deg", "phi2_deg"), ("°",) * 3, 1),
        (("phi_1 [rad]", "phi [rad]", "phi_2 [rad]"), ("rad",) * 3, np.pi / 180),
    ],
)
def test_spellings_and_units(names, units, scale) -> None:
    maps = maps_of(np.where(X < 3, 200.0, 220.0), names=names, units=units)
    maps = ScanMaps(maps.values * np.float32(scale), maps.names, maps.units, GRID)
    found = orientations_of(maps, ["m-3m"])
    assert found.disorientation(np.array([2]), np.array([3]))[0] == pytest.approx(20, abs=1e-3)
    assert bool(found.notes) == (units[0] == "")


def test_which_points_are_indexed() -> None:
    phase = np.tile([-1, 0, 1, 2], 12)

    def phases_of(values, laue=("m-3m",), **more):
        found = orientations_of(maps_of(np.zeros(48), values, **more), laue)
        assert (found.phase[np.isnan(found.rotations[:, 0])] == NOT_INDEXED).all()
        return sorted(set(found.phase.tolist()))

    assert phases_of(phase) == [NOT_INDEXED, 1, 2]
    assert phases_of(np.zeros(48)) == [0]
    # kikuchipy counts phases from 0: its header describes phase 0.
    assert phases_of(phase, cells={0: UnitCell(), 1: UnitCell()}) == [NOT_INDEXED, 0, 1, 2]
    named = {"phase": {0: "Ni", 1: "not_indexed", 2: "Zero solution", -1: "x"}}
    assert phases_of(phase, categories=named) == [NOT_INDEXED, 0]
    assert phases_of(phase, ["0=m-3m", "1=6/mmm", "2=m-3m"]) == [NOT_INDEXED, 0, 1, 2]


def test_numbered_phases_of_which_nothing_is_said_are_taken_as_cubic() -> None:
    found = orientations_of(maps_of(X * 1.0, Y % 2 + 1))
    assert {symmetry.laue for symmetry in found.symmetries.values()} == {"m-3m"}
    assert [note for note in found.notes if "phase 2 is: its Laue group was taken as m-3m" in note]
    assert not orientations_of(maps_of(X * 1.0, Y % 2 + 1), ["m-3m"]).notes


@pytest.mark.parametrize(
    ("maps", "laue", "message"),
    [
        (maps_of(X * 1.0, Y % 3 + 1, symmetries=CUBIC), [], r"of phase 2 \(2\).*occur: 1, 2, 3"),
        (maps_of(X * 1.0, Y % 3 + 1), ["4=m-3m"], "names the phase '4', but The scan holds 1, 2"),
        (maps_of(X * 1.0), ["cubic"], "there is no Laue group 'cubic'. The eleven are"),
        (maps_of(X * np.nan), ["m-3m"], "None of the 48 points of The scan is indexed"),
        (maps_of(X * 1.0, names=("phi1", "x1", "phi2")), ["m-3m"], "holds phi1, x1, phi2"),
        (maps_of(X * 0 + 1.0, names=("phi1", "Phi", "phi2"), units=("rad",) * 3), ["m-3m"],
         "have the unit rad, which angles up to 30 don't fit"),
        (ScanMaps(np.ones((3, 48), np.float32), ("phi1", "Phi", "phi2"), ("",) * 3, GRID),
         ["m-3m"], "angles up to 1 may be radians or degrees"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_refused(maps, laue, message) -> None:
    with pytest.raises(RequestError, match=message):
        orientations_of(maps, laue)


@pytest.mark.parametrize(("angle", "size"), [(0, 1), (181, 1), (np.nan, 1), (5, 0)])
def test_parameters_are_checked(angle, size) -> None:
    with pytest.raises(RequestError, match="must be"):
        find_grains(orientations_of(maps_of(X * 1.0), ["1"]), GRID, angle=angle, min_size=size)


def test_a_real_map_of_magnesium(shared_data: Path) -> None:
    """Grains of `twins.ctf` by another program's rule; counts of README 7."""
    maps = open_maps(shared_data / "ebsd_maps/twins.ctf")
    grid, scan = maps.grid, orientations_of(maps)
    assert (scan.phase == NOT_INDEXED).sum() == 46
    for angle, count, large in ((5, 126, 71), (10, 125, 71), (15, 121, 67)):
        grains = find_grains(scan, grid, angle=angle)
        sizes = np.bincount(grains.domains.labels[grains.domains.labels >= 0])
        assert (len(sizes), (sizes >= 10).sum()) == (count, large)
        if angle == 5:
            assert sorted(sizes)[:-6:-1] == [2016, 1794, 1641, 1427, 1287]
    edges = grains.domains.edges
    angles = scan.disorientation(edges.i, edges.j)
    assert ((angles > 15).sum(), (np.abs(angles - 86.3) <= 5).sum()) == (3203, 1852)


def test_the_simulated_scan_has_its_grains(shared_data: Path) -> None:
    truth = pd.read_csv(shared_data / "ebsd_sim/ni_sim_small_truth.csv")
    grid = ScanGrid.from_coordinates(truth["x"].to_numpy(), truth["y"].to_numpy())
    names = ("phi1_deg", "Phi_deg", "phi2_deg", "phase_id")
    values = truth[list(names)].to_numpy(np.float32).T
    maps = ScanMaps(values, names, ("°", "°", "°", ""), grid)
    found = find_grains(orientations_of(maps, ["1=m-3m", "2=m-3m"]), grid)
    labels = found.domains.labels
    assert ((labels < 0) == (truth["phase_id"] == 0)).all()
    grain = truth["grain_id"].to_numpy()
    parts = sum(label((grain == one).reshape(60, 60))[1] for one in np.unique(grain) if one >= 0)
    assert found.domains.count == parts
    pairs = np.unique(np.stack([labels, grain])[:, labels >= 0], axis=1)
    assert pairs.shape[1] == parts  # each grain lies in one of the truth
    inside = labels >= 0
    published = truth["misorientation_to_grain_mean_deg"].to_numpy()
    assert np.corrcoef(found.domains.deviation[inside], published[inside])[0, 1] > 0.9
