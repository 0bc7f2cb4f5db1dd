"""What vendors' EBSD files may look like, and what is said when they can't be used."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest

from latentcore import readers
from latentcore.cli import main
from latentcore.containers import CrystalSymmetry, notes_of
from latentcore.errors import (
    InputError,
    MalformedFileError,
    RequestError,
    ShapeError,
    UnknownFormatError,
    UnsafeFileError,
)
from latentcore.readers import _rows
from tests.factories.ebsd import (
    VENDORS,
    flat_images,
    write_bruker,
    write_edax,
    write_emsoft,
    write_kikuchipy,
    write_nordif,
    write_oxford,
)
from tests.factories.kikuchi import full_grid

COORDS = full_grid(5, 4)
VALUES = np.arange(1, 21)
IMAGES = flat_images(VALUES)


@pytest.mark.parametrize("vendor", sorted(VENDORS))
def test_maps_have_names_units_and_symmetry(vendor: str, tmp_path: Path) -> None:
    path = VENDORS[vendor](tmp_path / "scan.h5", COORDS, IMAGES, VALUES)
    maps = readers.open_maps(path)
    units = dict(zip(maps.names, maps.units, strict=True))
    for name, angle in zip(("phi1", "Phi", "phi2"), (0.3, 0.7, 1.1), strict=True):
        assert units[name] == "°"
        assert maps.get(name)[2] == pytest.approx(np.degrees(angle))
    assert maps.euler_convention.startswith("Bunge (z-x'-z'', passive)")
    assert "phase" in maps.categories
    assert {one.laue for one in maps.symmetries.values()} <= {"m-3m", "6/mmm"}
    assert maps.grid.unit == "µm"


def test_oxford_elements_and_band_contrast(tmp_path: Path) -> None:
    path = write_oxford(tmp_path / "scan.h5oina", COORDS, None, VALUES, phase=VALUES % 3)
    maps = readers.open_maps(path)
    units = dict(zip(maps.names, maps.units, strict=True))
    np.testing.assert_array_equal(maps.get("Al"), np.arange(20))
    assert (units["Al"], units["Al Ka1 (Window Integral)"]) == ("%", "counts/s")
    assert maps.categories["phase"] == {0: "not indexed", 1: "Aluminium", 2: "Titanium"}
    assert maps.symmetries == {1: CrystalSymmetry("m-3m", "a*"), 2: CrystalSymmetry("6/mmm", "a*")}


def test_oxford_patterns_processed_or_not(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5oina"
    write_oxford(path, COORDS, IMAGES, VALUES, kinds=("Processed", "Unprocessed"))
    with h5py.File(path, "r+") as file:
        file["1/EBSD/Data/Unprocessed Patterns"][...] += 100
    with readers.open_samples(path) as samples:
        assert samples.read(slice(0, 1)).max() == 1
    with readers.open_samples(path, "oxford-h5oina:patterns=unprocessed") as samples:
        assert samples.read(slice(0, 1)).max() == 101
        again = readers.open_ref(samples.ref)
    with again:
        assert again.read(slice(0, 1)).max() == 101


def test_scan_without_patterns_says_that_its_maps_can_be_read(tmp_path: Path) -> None:
    path = write_oxford(tmp_path / "scan.h5oina", COORDS, None, VALUES)
    assert readers.recognize_all(path) == {"maps": "oxford-maps"}
    with pytest.raises(UnknownFormatError, match=r"can be opened as maps \(oxford-maps\)"):
        readers.open_samples(path)
    with pytest.raises(MalformedFileError, match=r"saved without patterns. Its maps can be read"):
        readers.open_samples(path, "oxford-h5oina")


def test_edax_angles_mean_nothing_where_nothing_was_indexed(tmp_path: Path) -> None:
    maps = readers.open_maps(write_edax(tmp_path / "scan.h5", COORDS, None, VALUES))
    assert np.flatnonzero(np.isnan(maps.get("phi1"))).tolist() == [1]
    assert maps.get("CI")[1] == -1


def test_bruker_region_need_not_be_rectangular_nor_in_order(tmp_path: Path) -> None:
    inside = np.delete(COORDS, [4, 19], axis=0)
    order = np.random.default_rng(3).permutation(18)
    values = np.delete(VALUES, [4, 19])
    path = tmp_path / "scan.h5"
    write_bruker(path, inside[order], flat_images(values[order]), values[order])
    with readers.open_samples(path) as samples:
        assert samples.grid is not None
        field = samples.grid.to_map(samples.read(slice(None))[:, 0, 0, 0])
        assert "18 points, out of a map of 20 × 20" in notes_of(samples)[0]
    wanted = VALUES.astype(float).copy()
    wanted[[4, 19]] = np.nan
    np.testing.assert_array_equal(field.ravel(), wanted)
    np.testing.assert_array_equal(readers.open_maps(path).get("RadonQuality"), values[order])


def test_bruker_cell_taken_twice_is_found_out(tmp_path: Path) -> None:
    coords = COORDS.copy()
    coords[3] = coords[2]
    path = write_bruker(tmp_path / "scan.h5", coords, IMAGES)
    with pytest.raises(MalformedFileError, match=r"'scan.h5' make no scan grid.*share"):
        readers.open_samples(path)


def test_bruker_without_cells_is_row_major_over_the_whole_map(tmp_path: Path) -> None:
    path = write_bruker(tmp_path / "scan.h5", COORDS, IMAGES)
    with h5py.File(path, "r+") as file:
        del file["Scan 0/EBSD/SEM"], file["Scan 0/EBSD/Data/X SAMPLE"]
    with readers.open_samples(path) as samples:
        assert samples.grid is not None
        assert samples.grid.shape == (20, 20)
        assert samples.grid.col.tolist() == list(range(20))
        assert "20 of 400 points" in notes_of(samples)[0]


def test_kikuchipy_scan_is_chosen_by_name_or_number(tmp_path: Path) -> None:
    path = write_kikuchipy(tmp_path / "scan.h5", COORDS, IMAGES, VALUES, scans=3)
    for asked, brightness in (("", 1), (":scan=2", 2), (":scan=Scan 3", 3), (":scan=scan 3", 3)):
        reader = f"kikuchipy-hdf5{asked}" if asked else None
        with readers.open_samples(path, reader) as samples:
            assert samples.read(slice(0, 1)).max() == brightness
            assert "Scan 1, Scan 2, Scan 3" in notes_of(samples)[0]
    with pytest.raises(RequestError, match=r"no scan '4'. It has: 'Scan 1', 'Scan 2', 'Scan 3'"):
        readers.open_samples(path, scan=4, reader="kikuchipy-hdf5")
    with pytest.raises(RequestError, match=r"no option 'scn'. It has: scan"):
        readers.open_samples(path, "kikuchipy-hdf5:scn=4")
    with pytest.raises(
        RequestError, match=r"'Scan 2' is no option. Write kikuchipy-hdf5:KEY=VALUE"
    ):
        readers.open_samples(path, "kikuchipy-hdf5:Scan 2")


def test_kikuchipy_takes_the_best_of_several_solutions(tmp_path: Path) -> None:
    path = write_kikuchipy(tmp_path / "scan.h5", COORDS, None, VALUES)
    with h5py.File(path, "r+") as file:
        data = file["Scan 1/EBSD/CrystalMap/crystal_map/data"]
        angles = np.stack([np.arange(20.0), np.zeros(20)], axis=1)
        del data["phi1"]
        data["phi1"] = angles
    found = readers.open_maps(path).get("phi1")
    assert np.flatnonzero(np.isnan(found)).tolist() == [1]  # is_in_data is False there
    wanted = np.degrees(np.delete(np.arange(20.0), 1))
    np.testing.assert_array_equal(np.delete(found, 1), wanted.astype(np.float32))


@pytest.mark.parametrize("padded", [False, True])
def test_unfinished_scan_is_read_as_far_as_it_goes(padded: bool, tmp_path: Path) -> None:
    images = IMAGES.copy()
    images[3] = 0  # a black pattern within is a measured one
    images[13:] = 0
    written = images if padded else images[:13]
    path = write_kikuchipy(
        tmp_path / "scan.h5", COORDS[: len(written)], written, None, cells=(5, 4)
    )
    with readers.open_samples(path) as samples:
        assert len(samples) == 13
        assert samples.grid is not None
        assert samples.grid.shape == (4, 5)
        np.testing.assert_array_equal(samples.read(slice(None))[:, 0], images[:13])
        np.testing.assert_array_equal(samples.read(np.array([12, 3]))[:, 0], images[[12, 3]])
        notes = " ".join(notes_of(samples))
        with pytest.raises(InputError, match=r"rows 0 to 12"):
            samples.read(np.array([13]))
    assert "13 of 20 points were scanned" in notes
    assert ("last 7 of 20 patterns are black" in notes) == padded


def test_scan_of_black_patterns_stays_whole(tmp_path: Path) -> None:
    path = write_oxford(tmp_path / "scan.h5oina", COORDS, np.zeros_like(IMAGES))
    with readers.open_samples(path) as samples:
        assert len(samples) == 20
        assert notes_of(samples) == ("All 20 patterns are black.",)


def test_unfinished_scan_is_reported_by_inspect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_kikuchipy(tmp_path / "scan.h5", COORDS[:9], IMAGES[:9], VALUES[:9], cells=(5, 4))
    assert main(["inspect", str(path), "--json"]) == 0
    streams = capsys.readouterr()
    assert "Note: 9 of 20 points were scanned" in streams.err
    assert '"maps_reader": "kikuchipy-maps"' in streams.out


def test_black_patterns_are_looked_through_only_so_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = np.zeros((20, 3, 4), np.uint8)
    images[0] = 7
    path = write_oxford(tmp_path / "scan.h5oina", COORDS, images)
    monkeypatch.setattr(_rows, "_MOST_LOOKED_BYTES", 0)
    with readers.open_samples(path) as samples:
        assert len(samples) == 20
        assert notes_of(samples) == ("At least the last 1 of 20 patterns are black.",)


@pytest.mark.parametrize("vendor", sorted(VENDORS))
def test_opening_reads_one_pattern_at_most(vendor: str, tmp_path: Path) -> None:
    images = np.ones((200, 200, 200), np.uint8)
    path = VENDORS[vendor](tmp_path / "scan.h5", full_grid(20, 10), images[:, ::-1])
    with readers.open_samples(path):  # imports what it needs
        pass
    tracemalloc.start()
    try:
        with readers.open_samples(path) as samples:
            _, most = tracemalloc.get_traced_memory()
            assert len(samples) == 200
    finally:
        tracemalloc.stop()
    assert most < images.nbytes / 8


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("X Cells", 3, "holds 20 points, but its header declares only 3 × 4 = 12"),
        ("X Cells", 0, "declares 0 × 4 points"),
        ("X Cells", 2**31 - 1, "which no scan of 20 points can have"),
        ("X Step", -1.0, "with steps -1 and"),
        ("X Step", np.nan, "is not finite"),
        ("X Step", [1.0, 2.0], "should be one number"),
        ("Y Cells", None, "lacks '1/EBSD/Header/Y Cells'"),
    ],
)
def test_senseless_headers_are_refused(
    entry: str, value: object, message: str, tmp_path: Path
) -> None:
    path = write_oxford(tmp_path / "scan.h5oina", COORDS, IMAGES, VALUES)
    with h5py.File(path, "r+") as file:
        header = file["1/EBSD/Header"]
        del header[entry]
        if value is not None:
            header[entry] = value
    for open_as in (readers.open_samples, readers.open_maps):
        with pytest.raises(MalformedFileError, match=message) as caught:
            open_as(path)
        assert "scan.h5oina" in str(caught.value)


def test_line_scan_has_one_row(tmp_path: Path) -> None:
    path = write_oxford(tmp_path / "line.h5oina", full_grid(6, 1), IMAGES[:6], VALUES[:6])
    with h5py.File(path, "r+") as file:
        file["1/EBSD/Header/Y Step"][...] = 0
    with readers.open_samples(path) as samples:
        assert samples.grid is not None
        assert (samples.grid.shape, samples.grid.step) == ((1, 6), (0.25, 0.25))


def test_hollow_maps_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5oina"
    write_oxford(path, COORDS)
    with h5py.File(path, "r+") as file:
        for number in range(9):
            name = f"1/EBSD/Data/Map {number}"
            file.create_dataset(name, (1 << 25,), np.uint8, chunks=(1 << 20,))
    with pytest.raises(UnsafeFileError, match=r"declares 12 maps of 33,554,432 points"):
        readers.open_maps(path)


def test_emsoft_asks_for_the_grid(tmp_path: Path) -> None:
    path = write_emsoft(tmp_path / "simulated.h5", IMAGES, np.radians([VALUES] * 3).T)
    assert readers.recognize_all(path) == {"samples": "emsoft-hdf5"}
    with readers.open_samples(path) as samples:
        assert samples.grid is None
        assert "shape=ROWSxCOLUMNS" in notes_of(samples)[0]
    with readers.open_samples(path, "emsoft-hdf5:shape=4x5") as samples:
        assert samples.grid is not None
        assert (samples.grid.shape, samples.grid.unit) == ((4, 5), "")
    maps = readers.open_maps(path, shape="4x5")
    assert maps.names == ("phi1", "Phi", "phi2")
    np.testing.assert_array_equal(maps.grid.to_map(maps.get("phi1")).ravel(), VALUES)
    with pytest.raises(ShapeError, match=r"has 12 cells, but 'simulated.h5' holds 20"):
        readers.open_samples(path, "emsoft-hdf5:shape=3x4")
    with pytest.raises(RequestError, match=r"Write ROWSxCOLUMNS"):
        readers.open_samples(path, "emsoft-hdf5:shape=twelve")
    with pytest.raises(MalformedFileError, match=r"doesn't say where its points are"):
        readers.open_maps(path, "emsoft-maps")


def test_emsoft_takes_coordinates_from_a_table(tmp_path: Path) -> None:
    path = write_emsoft(tmp_path / "simulated.h5", IMAGES, np.zeros((20, 3)))
    table = tmp_path / "xy.csv"
    table.write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in COORDS[::-1]))
    with readers.open_samples(path, coords=str(table)) as samples:
        assert samples.grid is not None
        field = samples.grid.to_map(samples.read(slice(None))[:, 0, 0, 0])
    np.testing.assert_array_equal(field.ravel(), VALUES[::-1])


def test_emsoft_patterns_may_be_folded_to_the_grid(tmp_path: Path) -> None:
    path = write_emsoft(tmp_path / "f.h5", IMAGES.reshape(4, 5, 3, 4), np.zeros((20, 3)))
    with readers.open_samples(path) as samples:
        assert (len(samples), samples.sample_shape) == (20, (1, 3, 4))
        assert samples.grid is not None
        assert samples.grid.shape == (4, 5)
        for rows in (slice(None), slice(3, 12), slice(1, 18, 3), np.array([19, 0, 7, 7])):
            np.testing.assert_array_equal(samples.read(rows)[:, 0], IMAGES[rows])


def test_emsoft_master_pattern_is_no_scan(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "master.h5", "w") as file:
        file["EMData/EBSDmaster/mLPNH"] = np.zeros((1, 2, 5, 5))
    with pytest.raises(UnknownFormatError, match=r"emsoft-hdf5"):
        readers.recognize(tmp_path / "master.h5")


def test_nordif_reads_rows_in_any_order_and_stops_where_the_scan_did(tmp_path: Path) -> None:
    folder = write_nordif(tmp_path / "scan", IMAGES[:14], (5, 4))
    with (folder / "Pattern.dat").open("ab") as file:
        file.write(b"half")
    with readers.open_samples(folder) as samples:
        assert samples.grid is not None
        assert (len(samples), samples.grid.shape, samples.grid.unit) == (14, (4, 5), "µm")
        for rows in (slice(None), slice(9, 2, -3), np.array([13, 0, 13])):
            np.testing.assert_array_equal(samples.read(rows)[:, 0], IMAGES[:14][rows])
        assert notes_of(samples) == ("14 of 20 points were scanned: the scan was stopped early.",)
    with pytest.raises(RequestError, match=r"was closed"):
        samples.read(slice(None))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Resolution\t4x3", "Resolution\t0x3", "which no scan has"),
        ("Resolution\t4x3", "Resolution\t9999999x9999999", "which no scan has"),
        ("Resolution\t4x3", "Resolution\tfour", "no 'Resolution' under .Acquisition settings"),
        ("Number of samples\t4x5", "Number of samples\t2x2", "20 points, but its header declares"),
        ("[Area]", "[Areal]", "no 'Number of samples' under .Area"),
    ],
)
def test_nordif_settings_that_make_no_sense(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    folder = write_nordif(tmp_path / "scan", IMAGES, (5, 4))
    settings = folder / "Setting.txt"
    text = settings.read_bytes().decode("latin-1")
    assert old in text
    settings.write_bytes(text.replace(old, new).encode("latin-1"))
    with pytest.raises(MalformedFileError, match=message):
        readers.open_samples(folder)


def test_nordif_needs_both_files(tmp_path: Path) -> None:
    folder = write_nordif(tmp_path / "scan", IMAGES, (5, 4))
    (folder / "Setting.txt").unlink()
    with pytest.raises(UnknownFormatError, match=r"nordif .wants Pattern.dat and Setting.txt"):
        readers.open_samples(folder / "Pattern.dat")
    with pytest.raises(MalformedFileError, match=r"Pattern.dat and Setting.txt in one folder"):
        readers.open_samples(folder / "Pattern.dat", "nordif")


@pytest.mark.parametrize(
    ("entries", "laue"),
    [
        ({"Space Group": 167}, "-3m"),
        ({"Space Group": 0, "Laue Group": 4}, "4/m"),
        ({"Symmetry": np.array([20], np.int32)}, "2/m"),
        ({"Point Group": "Trigonal (D3d) [-3m]", "Symmetry": 43}, "-3m"),
        ({"Laue Group": "unknown"}, None),
    ],
)
def test_every_laue_group_is_found(entries: dict, laue: str | None, tmp_path: Path) -> None:
    path = write_oxford(tmp_path / "scan.h5oina", COORDS, None, VALUES)
    with h5py.File(path, "r+") as file:
        phase = file["1/EBSD/Header/Phases/1"]
        del phase["Space Group"]
        for name, value in entries.items():
            phase[name] = value
    symmetry = readers.open_maps(path).symmetries.get(1)
    assert (symmetry and symmetry.laue) == laue
