"""Maps in HDF5: what vendors and other programs keep beside the points as they were acquired."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from latentcore import readers
from latentcore.cli import main
from latentcore.containers import CrystalSymmetry, UnitCell, notes_of
from latentcore.errors import MalformedFileError, RequestError
from latentcore.inputs.labels import read_labels
from latentcore.inputs.maps import read_map
from tests.factories.dream3d import write_dream3d
from tests.factories.ebsd import flat_images, write_edax, write_kikuchipy, write_orix, write_oxford
from tests.factories.hexagonal import hexagonal_points
from tests.factories.kikuchi import full_grid

COORDS = full_grid(5, 4)
VALUES = np.arange(1, 21)
GRAINS = np.repeat([4, 2, 0, 7], 5)
ERRORS = np.resize([1, 1, 2, 7, 9], 20)


@pytest.fixture
def oina(tmp_path: Path) -> Path:
    """AZtecCrystal has turned the third row, found grains, and given the last row no phase."""
    path = write_oxford(tmp_path / "scan.h5oina", COORDS, None, VALUES)
    with h5py.File(path, "r+") as file:
        file["1/EBSD/Data/Error"] = ERRORS.astype(np.uint8).reshape(-1, 1)
        data = file.create_group("1/Data Processing/Data")
        data["Phase"] = np.where(GRAINS == 0, 0, 2).astype(np.uint8).reshape(-1, 1)
        data["Euler"] = np.tile(np.float32([0.1, 0.2, 0.3]), (20, 1))
        file.copy("1/EBSD/Header/Phases", "1/Data Processing/Header/Phases")
        file["1/Data Processing/Header/Phases/2/Phase Name"][...] = "Titanium (hcp)"
        found = file.create_group("1/Data Processing/Analyses/Grain Detection 1/Data")
        found.create_dataset("Grain Index", data=GRAINS.astype(np.int32), compression="lzf",
                             chunks=(7,))  # fmt: skip
        file["1/Data Processing/Analyses/Kernel 1/Data/Misorientation Angle"] = np.ones((20, 1))
    return path


def test_processed_data_is_beside_the_acquired(oina: Path) -> None:
    maps = readers.open_maps(oina)
    assert maps.categories["phase"] == {1: "Aluminium"}
    assert maps.categories["phase (processed)"] == {0: "not indexed", 2: "Titanium (hcp)"}
    np.testing.assert_allclose(maps.get("Phi")[0], np.degrees(0.7), rtol=1e-6)
    np.testing.assert_allclose(maps.get("Phi (processed)")[0], np.degrees(0.2), rtol=1e-6)
    assert maps.units[maps.names.index("Misorientation Angle (Kernel 1)")] == "rad"
    assert set(maps.symmetries) == {1, 2}


def test_processed_data_takes_the_plain_names_where_it_is_chosen(oina: Path) -> None:
    maps = readers.open_maps(oina, "oxford-maps:data=processed")
    assert maps.categories["phase"][2] == "Titanium (hcp)"
    assert maps.categories["phase (acquired)"] == {1: "Aluminium"}
    np.testing.assert_allclose(maps.get("Phi")[0], np.degrees(0.2), rtol=1e-6)
    assert "bandcontrast" in maps.names
    with pytest.raises(RequestError, match=r"no data 'cleaned'. It has: acquired and processed"):
        readers.open_maps(oina, "oxford-maps:data=cleaned")


def test_detected_grains_are_labels(oina: Path) -> None:
    labels = read_labels(f"{oina}:Grain Index (Grain Detection 1)")
    np.testing.assert_array_equal(labels.labels, GRAINS)
    assert labels.texts == {0: "0", 2: "2", 4: "4", 7: "7"}


def test_error_codes_have_oxfords_names(oina: Path) -> None:
    maps = readers.open_maps(oina)
    named = {1: "success", 2: "no solution", 7: "replaced", 9: "code 9"}
    assert maps.categories["Error"] == named


@pytest.mark.parametrize("placed", [True, False])
def test_points_outside_of_an_irregular_map_are_left_out(placed: bool, tmp_path: Path) -> None:
    path = write_oxford(tmp_path / "scan.h5oina", COORDS, flat_images(VALUES), VALUES)
    outside = [0, 4, 19]
    with h5py.File(path, "r+") as file:
        for group in ("1/EBSD/Data", "1/EDS/Data/Composition", "1/EDS/Data/Window Integral"):
            for name, found in file[group].items():
                if "Patterns" in name or (placed and name in ("X", "Y")):
                    continue
                values = found[()]
                values[outside] = np.nan if values.dtype.kind == "f" else 0
                found[...] = values
    maps = readers.open_maps(path)
    inside = np.delete(VALUES, outside)
    np.testing.assert_array_equal(maps.get("bandcontrast"), inside)
    field = maps.grid.to_map(maps.get("bandcontrast"))
    np.testing.assert_array_equal(field.ravel()[inside - 1], inside)
    assert np.isnan(field).sum() == maps.dropped == 3
    assert any("3 of 20 points lie outside" in note for note in maps.notes)
    with readers.open_samples(path) as samples:
        assert samples.grid is not None
        assert (samples.grid.row * 5 + samples.grid.col).tolist() == list(range(20))


@pytest.mark.parametrize("says", ["HexGrid", "SqrGrid"])
def test_hexagonal_scans_are_placed_by_their_coordinates(says: str, tmp_path: Path) -> None:
    """By hand: rows of 5 and 4 points in turn, the second shifted by half a step."""
    path, n = tmp_path / "scan.h5", 5 + 4 + 5 + 4
    row = np.repeat([0, 1, 2, 3], [5, 4, 5, 4])
    col = np.concatenate([np.arange(count) for count in (5, 4, 5, 4)])
    write_edax(path, np.stack([col, row], axis=1), flat_images(VALUES[:n]), VALUES[:n],
               grid_type=says)  # fmt: skip
    with h5py.File(path, "r+") as file:
        file["Scan 1/EBSD/Data/X Position"][...] = 0.25 * (col + 0.5 * (row % 2))
        file["Scan 1/EBSD/Data/Y Position"][...] = 0.25 * np.sqrt(3) / 2 * row
        file["Scan 1/EBSD/Header/Step Y"][...] = 0.25 * np.sqrt(3) / 2
    for opened in (readers.open_maps(path), readers.open_samples(path)):
        grid = opened.grid
        assert grid is not None
        assert (grid.shape, grid.shifted_rows) == ((4, 5), "odd")
        np.testing.assert_array_equal(grid.row, row)
        np.testing.assert_array_equal(grid.col, col)
        said = any("The header says a square grid" in note for note in _notes(opened))
        assert said == (says == "SqrGrid")


@pytest.mark.parametrize(
    ("lengths", "shifted"), [((5, 4, 5, 4), "odd"), ((5, 6, 5, 6), "even"), ((5, 5, 5, 5), "odd")]
)
def test_hexagonal_scans_without_coordinates_are_placed_by_the_header(
    lengths: tuple[int, ...], shifted: str, tmp_path: Path
) -> None:
    """In real files Y Position may repeat X Position."""
    n, path = sum(lengths), tmp_path / "scan.h5"
    write_edax(path, full_grid(n, 1), None, np.arange(n), grid_type="HexGrid")
    with h5py.File(path, "r+") as file:
        data, header = file["Scan 1/EBSD/Data"], file["Scan 1/EBSD/Header"]
        data["Y Position"][...] = data["X Position"][...] = 0
        header["nColumns"][...], header["nRows"][...] = 5, 4
    grid = readers.open_maps(path).grid
    assert (grid.shape, grid.shifted_rows) == ((4, max(lengths)), shifted)
    assert np.bincount(grid.row).tolist() == list(lengths)
    assert grid.step == pytest.approx((0.25, 0.25 * np.sqrt(3) / 2))


def test_rows_decide_where_the_header_has_another_step(tmp_path: Path) -> None:
    """As in a real .ang: 4 x 5 points of step 1, and a header of 16 x 20 with a step of 0.25."""
    path = write_edax(tmp_path / "scan.h5", COORDS, None, VALUES, step=1.0)
    with h5py.File(path, "r+") as file:
        header = file["Scan 1/EBSD/Header"]
        header["Step X"][...] = header["Step Y"][...] = 0.25
        header["nColumns"][...], header["nRows"][...] = 20, 16
    maps = readers.open_maps(path)
    assert (maps.grid.shape, maps.grid.step) == ((4, 5), (1, 1))
    assert any("make a square grid of 5 × 4 with steps 1 and 1" in note for note in maps.notes)


def test_orix_takes_the_best_of_several_rotations_where_there_is_data(tmp_path: Path) -> None:
    path = write_orix(tmp_path / "map.h5", COORDS, VALUES, rotations=3)
    with h5py.File(path, "r+") as file:
        data = file["crystal_map/data"]
        data["is_in_data"][0] = False
        data["phase_id"][1] = -1
        data["grain"] = np.resize([-1, 3, 5], 20)
    maps = readers.open_maps(path)
    np.testing.assert_array_equal(maps.get("scores"), VALUES[1:])
    np.testing.assert_allclose(maps.get("Phi"), np.degrees(0.7), rtol=1e-6)
    assert maps.categories == {
        "phase": {-1: "not indexed", 0: "austenite"}, "grain": {-1: "-1", 3: "3", 5: "5"},
    }  # fmt: skip
    assert maps.symmetries == {0: CrystalSymmetry("m-3m")}
    assert maps.cells == {0: UnitCell((3.6, 3.6, 3.6, 90, 90, 90), 0)}
    assert (len(maps.grid), maps.grid.shape, maps.dropped) == (19, (4, 5), 1)
    assert any("3 rotations per point" in note for note in maps.notes)
    assert any("1 of 20 points are not in the data" in note for note in maps.notes)


@pytest.mark.parametrize(("unit", "shown"), [("px", ""), ("um", "µm"), ("nm", "nm")])
def test_orix_maps_may_be_hexagonal_or_a_line(unit: str, shown: str, tmp_path: Path) -> None:
    points = hexagonal_points(4, 5)
    grid = readers.open_maps(write_orix(tmp_path / "a.h5", points, VALUES, unit=unit)).grid
    assert (grid.shifted_rows, grid.unit) == ("odd", shown)
    path = write_orix(tmp_path / "line.h5", full_grid(20, 1), VALUES)
    with h5py.File(path, "r+") as file:
        del file["crystal_map/data/y"]
    assert readers.open_maps(path).grid.shape == (1, 20)


def test_our_own_orix_file_opens_again(tmp_path: Path) -> None:
    """Labels, phases, angles and lattice come back; a node that no point has stays empty."""
    source = write_oxford(tmp_path / "scan.h5oina", COORDS, None, VALUES, phase=VALUES % 3)
    table = tmp_path / "made.csv"
    lines = (f"{x * 0.25},{y * 0.25},{n % 4}" for n, (x, y) in enumerate(COORDS) if n != 7)
    table.write_text("\n".join(["x,y,grain", *lines]))
    out = tmp_path / "out"
    words = ["export", f"{table}:grain", "--format", "orix", "--from", str(source)]
    assert main([*words, "--out", str(out)]) == 0
    maps, given = readers.open_maps(out / "made.h5"), readers.open_maps(source)
    assert maps.ref is not None
    assert maps.ref.reader == "orix-maps"
    kept = np.delete(np.arange(20), 7)
    np.testing.assert_array_equal(maps.grid.node, kept)
    np.testing.assert_array_equal(maps.get("grain"), kept % 4)
    indexed = given.get("phase")[kept] > 0
    for name in ("phi1", "Phi", "phi2"):
        wanted = given.get(name)[kept][indexed]
        np.testing.assert_allclose(maps.get(name)[indexed], wanted, rtol=1e-6)
    assert maps.categories["phase"] == {-1: "not indexed", 1: "Aluminium", 2: "Titanium"}
    assert {number: one.laue for number, one in maps.symmetries.items()} == {1: "m-3m", 2: "6/mmm"}
    assert maps.cells[2].space_group == 194


def _cells(planes: int = 1) -> dict[str, np.ndarray]:
    n = 20 * planes
    shape = (planes, 4, 5)
    ids = np.arange(n, dtype=np.int32).reshape(*shape, 1) // 5
    return {
        "EulerAngles": np.tile(np.float32([0.3, 0.7, 1.1]), (*shape, 1)),
        "FeatureIds": ids,
        "Phases": np.minimum(ids, 2),
        "Quats": np.arange(4 * n, dtype=np.float32).reshape(*shape, 4),
        "IPFColor": np.arange(3 * n, dtype=np.uint8).reshape(*shape, 3),
        "Spectra": np.zeros((*shape, 40), np.uint8),
    }


@pytest.mark.parametrize("new", [False, True])
def test_dream3d_cell_arrays_are_maps(new: bool, tmp_path: Path) -> None:
    path = write_dream3d(tmp_path / "a.dream3d", _cells(), spacing=0.5, origin=(2.0, 1.0), new=new)
    maps = readers.open_maps(path)
    assert set(maps.names) == {
        "phase", "phi1", "Phi", "phi2", "FeatureIds", *(f"Quats {one}" for one in "xyzw"),
        "IPFColor 1", "IPFColor 2", "IPFColor 3",
    }  # fmt: skip
    np.testing.assert_allclose(maps.get("phi2"), np.degrees(np.float32(1.1)), rtol=1e-6)
    np.testing.assert_array_equal(maps.get("Quats w"), 4 * np.arange(20) + 3)
    np.testing.assert_array_equal(maps.get("FeatureIds"), np.repeat([np.nan, 1, 2, 3], 5))
    assert maps.categories == {
        "phase": {0: "not indexed", 1: "Nickel", 2: "Titanium"},
        "FeatureIds": {1: "1", 2: "2", 3: "3"},
    }
    assert maps.symmetries == {1: CrystalSymmetry("m-3m"), 2: CrystalSymmetry("6/mmm")}
    assert maps.cells[2] == UnitCell((2.9, 2.9, 4.7, 90, 90, 120))
    assert (maps.grid.shape, maps.grid.step) == ((4, 5), (0.5, 0.5))
    assert (maps.grid.x.min(), maps.grid.y.max()) == (2, 2.5)
    assert any("5 cells have the number 0" in note for note in maps.notes)


def test_dream3d_volumes_are_read_by_slices(tmp_path: Path) -> None:
    path = write_dream3d(tmp_path / "a.dream3d", _cells(3))
    with pytest.raises(RequestError, match=r"5 × 4 × 3 cells, and maps are of one slice.*slice=N"):
        readers.open_maps(path)
    with pytest.raises(RequestError, match=r"there is no slice 3"):
        readers.open_maps(path, "dream3d-maps:slice=3")
    maps = readers.open_maps(path, "dream3d-maps:slice=2")
    np.testing.assert_array_equal(maps.get("FeatureIds"), np.repeat([8, 9, 10, 11], 5))
    assert any("slice 2 of 0 to 2" in note for note in maps.notes)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DIMENSIONS", np.array([10**18, 10**18, 1]), "no image geometry with cell arrays"),
        ("SPACING", np.array([-1.0, 1.0, 1.0]), "which no scan of 20 points can have"),
        ("SPACING", np.array([np.nan, 1.0, 1.0]), "no numbers"),
        ("ORIGIN", np.array([np.inf, 1.0, 1.0]), "no numbers"),
    ],
)
def test_dream3d_geometries_that_can_not_be_are_refused(
    name: str, value: np.ndarray, said: str, tmp_path: Path
) -> None:
    path = write_dream3d(tmp_path / "a.dream3d", _cells())
    with h5py.File(path, "r+") as file:
        geometry = file["DataContainers/ImageDataContainer/_SIMPL_GEOMETRY"]
        del geometry[name]
        geometry[name] = value
    with pytest.raises(MalformedFileError, match=said):
        readers.open_maps(path, "dream3d-maps")


def test_links_that_go_round_end(tmp_path: Path) -> None:
    path = write_dream3d(tmp_path / "a.dream3d", _cells(), new=True)
    with h5py.File(path, "r+") as file:
        top = file["DataStructure"]
        for number in range(40):
            top[f"again {number}"] = top
        top["nowhere"] = h5py.SoftLink("/DataStructure/nowhere")
    with pytest.raises(MalformedFileError, match="link"):
        readers.open_maps(path, "dream3d-maps")
    with h5py.File(path, "r+") as file:
        del file["DataStructure/nowhere"]
    assert "phase" in readers.open_maps(path).names


def test_each_of_several_scans_opens_by_an_option_after_the_file(tmp_path: Path) -> None:
    path = write_kikuchipy(tmp_path / "scan.h5", COORDS, flat_images(VALUES), VALUES, scans=2)
    with h5py.File(path, "r+") as file:
        file["Scan 2/EBSD/CrystalMap/crystal_map/data/scores"][...] *= 10
    for spec in (f"{path}@scan=2:scores", f"{path}@scan=Scan 2:scores"):
        np.testing.assert_array_equal(read_map(spec).values, [10 * VALUES])
    with readers.open_samples(f"{path}@scan=2") as samples:
        assert samples.read(slice(0, 1)).max() == 2
    with pytest.raises(RequestError, match=r"no scan '3'. It has: 'Scan 1', 'Scan 2'"):
        read_map(f"{path}@scan=3")


def _notes(opened: object) -> tuple[str, ...]:
    return getattr(opened, "notes", None) or notes_of(opened)  # type: ignore[arg-type]
