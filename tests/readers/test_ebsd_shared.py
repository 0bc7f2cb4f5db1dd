"""The vendors' real and simulated files give every number of their README."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from latentcore import readers
from latentcore.containers import SampleSource, ScanGrid, UnitCell

SIMULATED = ("oxford_sim.h5oina", "edax_sim.h5", "bruker_sim_roi.h5")
# What each vendor's file says of a point's band contrast: README 5 fills all three from one.
QUALITY = {"oxford_sim.h5oina": ("bandcontrast", 1), "edax_sim.h5": ("IQ", 1 / 37),
           "bruker_sim_roi.h5": ("RadonQuality", 255)}  # fmt: skip


@pytest.fixture(scope="module")
def expected(shared_data: Path) -> pd.DataFrame:
    return pd.read_csv(shared_data / "ebsd_vendor_sim" / "expected_points.csv")


@pytest.fixture(params=SIMULATED)
def simulated(request: pytest.FixtureRequest, shared_data: Path) -> Path:
    return shared_data / "ebsd_vendor_sim" / request.param


def _in_order(grid: ScanGrid, expected: pd.DataFrame) -> NDArray[np.int64]:
    """Return the row of the file for each row of the table, by column and line."""
    order = np.lexsort((grid.col, grid.row))
    np.testing.assert_array_equal(grid.col[order], expected.ix)
    np.testing.assert_array_equal(grid.row[order], expected.iy)
    return order


def test_patterns_and_places_are_those_expected(simulated: Path, expected: pd.DataFrame) -> None:
    with readers.open_samples(simulated) as samples:
        assert isinstance(samples, SampleSource)
        grid = samples.grid
        assert grid is not None
        assert (grid.shape, grid.step, grid.unit) == ((11, 14), (0.25, 0.25), "µm")
        order = _in_order(grid, expected)
        sums = samples.read(slice(None)).sum(axis=(1, 2, 3), dtype=np.int64)
        one_by_one = samples.read(order)
    np.testing.assert_array_equal(sums[order], expected.pattern_sum)
    np.testing.assert_array_equal(one_by_one.sum(axis=(1, 2, 3), dtype=int), expected.pattern_sum)
    np.testing.assert_allclose(grid.x[order], expected.x_um, atol=1e-6)
    np.testing.assert_allclose(grid.y[order], expected.y_um, atol=1e-6)


def test_maps_are_those_expected(simulated: Path, expected: pd.DataFrame) -> None:
    maps = readers.open_maps(simulated)
    order = _in_order(maps.grid, expected)
    np.testing.assert_allclose(maps.grid.x[order], expected.x_um, atol=1e-6)
    np.testing.assert_array_equal(maps.get("phase")[order], expected.phase)
    name, factor = QUALITY[simulated.name]
    quality = maps.get(name)[order] * factor
    np.testing.assert_allclose(quality, expected.bandcontrast, rtol=1e-5)
    angles = {"phi1": "phi1_rad", "Phi": "Phi_rad", "phi2": "phi2_rad"}
    for called, column in angles.items():
        assert maps.units[maps.names.index(called)] == "°"
        angle = np.radians(maps.get(called)[order])
        np.testing.assert_allclose(angle, expected[column], atol=1e-4)


def test_grains_are_where_the_maps_say(simulated: Path, expected: pd.DataFrame) -> None:
    """The three files and the table describe one specimen: grains have one orientation each."""
    maps = readers.open_maps(simulated)
    order = _in_order(maps.grid, expected)
    for name in ("Phi", "phase"):
        values = pd.Series(maps.get(name)[order])
        spread = values.groupby(expected.grain_id.to_numpy()).agg(np.ptp)
        assert spread.max() < (np.degrees(0.05) if name == "Phi" else 0.05)


def test_every_map_of_the_file_is_there(shared_data: Path) -> None:
    path = shared_data / "ebsd_vendor_sim" / "oxford_sim.h5oina"
    maps = readers.open_maps(path)
    with h5py.File(path) as file:
        data = file["1/EBSD/Data"]
        for name, values in data.items():
            if values.ndim == 1 and name not in ("X", "Y"):
                called = {"Band Contrast": "bandcontrast", "Phase": "phase"}.get(name, name)
                np.testing.assert_array_equal(maps.get(called), values[()].astype(np.float32))
        polar = np.degrees(data["Euler"][:, 1].astype(np.float64))
        np.testing.assert_array_equal(maps.get("Phi"), polar.astype(np.float32))
    assert "CS1" in maps.euler_convention
    assert maps.names[:2] == ("bandcontrast", "phase")
    assert maps.categories == {"phase": {1: "Ni-superalloy", 2: "Iron bcc (old)"}}
    assert {number: one.laue for number, one in maps.symmetries.items()} == {1: "m-3m", 2: "m-3m"}
    assert maps.units[maps.names.index("Mean Angular Deviation")] == "rad"
    assert maps.cells == {
        1: UnitCell((3.524, 3.524, 3.524, 90, 90, 90), 225),
        2: UnitCell((2.866, 2.866, 2.866, 90, 90, 90), 229),
    }


@pytest.mark.parametrize(
    ("name", "length", "space_group"),
    [("edax_oim_ni_3x3.h5", 3.56, 0), ("kikuchipy_ni_3x3.h5", 3.5236, 225)],
)
def test_real_unit_cells_are_in_angstroms(
    name: str, length: float, space_group: int, shared_data: Path
) -> None:
    """kikuchipy's is in nm, as EMsoft, where it came from, writes it."""
    maps = readers.open_maps(shared_data / "ebsd_vendor" / name)
    assert maps.cells[0] == UnitCell((length, length, length, 90, 90, 90), space_group)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("edax_oim_ni_3x3.h5", "Scan 1/EBSD/Data/Pattern"),
        ("kikuchipy_ni_3x3.h5", "Scan 1/EBSD/Data/patterns"),
        ("emsoft_simulated_10.h5", "EMData/EBSD/EBSDPatterns"),
    ],
)
def test_real_patterns_equal_a_plain_read(name: str, key: str, shared_data: Path) -> None:
    path = shared_data / "ebsd_vendor" / name
    with h5py.File(path) as file:
        plain = file[key][()]
    with readers.open_samples(path) as samples:
        np.testing.assert_array_equal(samples.read(slice(None))[:, 0], plain)
        rows = np.array([5, 0, 5, 2])
        np.testing.assert_array_equal(samples.read(rows)[:, 0], plain[rows])


def test_real_edax_places_points_by_its_header(shared_data: Path) -> None:
    """Its 'Y Position' repeats 'X Position'."""
    path = shared_data / "ebsd_vendor" / "edax_oim_ni_3x3.h5"
    with readers.open_samples(path) as samples:
        assert samples.grid is not None
        assert samples.grid.x.tolist() == [0, 1.5, 3] * 3
        assert samples.grid.y.tolist() == [0] * 3 + [1.5] * 3 + [3] * 3
    maps = readers.open_maps(path)
    assert maps.get("IQ").tolist() == list(range(9))
    assert maps.categories["phase"] == {0: "Nickel"}
    assert "placed by the header" in maps.notes[0]


def test_real_kikuchipy_file_has_two_scans(shared_data: Path) -> None:
    path = shared_data / "ebsd_vendor" / "kikuchipy_ni_3x3.h5"
    maps = readers.open_maps(path, "kikuchipy-maps:scan=2")
    with h5py.File(path) as file:
        data = file["Scan 2/EBSD/CrystalMap/crystal_map/data"]
        np.testing.assert_array_equal(maps.get("scores"), data["scores"][()].astype(np.float32))
        wanted = np.degrees(data["phi1"][()].astype(np.float64)).astype(np.float32)
        np.testing.assert_array_equal(maps.get("phi1"), wanted)
        np.testing.assert_array_equal(maps.grid.y, data["y"][()])
    assert "Scan 1, Scan 2" in maps.notes[0]


def test_real_nordif_scan_opens_by_folder_and_by_either_file(shared_data: Path) -> None:
    folder = shared_data / "ebsd_vendor" / "nordif"
    raw = np.fromfile(folder / "Pattern.dat", np.uint8).reshape(9, 60, 60)
    for location in (folder, folder / "Pattern.dat", folder / "Setting.txt"):
        with readers.open_samples(location) as samples:
            assert samples.grid is not None
            assert (samples.grid.shape, samples.grid.step) == ((3, 3), (1.5, 1.5))
            np.testing.assert_array_equal(samples.read(slice(None))[:, 0], raw)
