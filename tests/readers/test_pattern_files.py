"""Files of patterns alone: versions, grids, damage, and the maps beside them."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from latentcore import readers
from latentcore.errors import InputError, MalformedFileError, RequestError, ShapeError
from latentcore.readers._patterns import ebsp
from latentcore.workflows import execute
from latentcore.workflows.extract.request import ExtractRequest
from tests.factories.ebsd import flat_images, write_edax
from tests.factories.kikuchi import full_grid
from tests.factories.pattern_files import hexagonal_places, write_apex, write_ebsp, write_up

COORDS = full_grid(5, 4)
VALUES = (np.arange(20) * 7 % 20 + 1).astype(np.float32)
IMAGES = flat_images(VALUES)


def _sums(path: Path, **options: object) -> np.ndarray:
    with readers.open_samples(path, **options) as samples:
        return samples.read(slice(None)).sum(axis=(1, 2, 3), dtype=np.int64)


def test_real_files_give_the_numbers_of_their_readme(shared_data: Path) -> None:
    folder = shared_data / "ebsd_patterns"
    sums = _sums(folder / "edax_binary.up1")
    assert (len(sums), sums[0], sums.sum()) == (9, 523_589, 4_732_574)
    with readers.open_samples(folder / "edax_binary.up2") as samples:
        grid = samples.grid
        assert grid is not None and samples.dtype == np.uint16
        assert samples.sample_shape == (1, 60, 60)
        assert samples.read(np.array([0])).sum(dtype=np.int64) == 523_589
        # Rows of 3, 4 and 3: the shorter ones lie half a step to the right.
        assert (grid.shape, grid.shifted_rows, len(grid)) == ((3, 4), "even", 10)
        assert grid.row.tolist() == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2]
        np.testing.assert_allclose(grid.x[:4] / grid.step[0], [0.5, 1.5, 2.5, 0.0])
        assert grid.step[1] / grid.step[0] == pytest.approx(3**0.5 / 2)
    with readers.open_samples(folder / "patterns.ebsp") as samples:
        grid = samples.grid
        assert grid is not None and samples.dtype == np.uint8
        assert (grid.shape, grid.step) == ((3, 3), (1.5, 1.5))
    # The first point's pattern is the last in the file; it is that of the .up1.
    np.testing.assert_array_equal(_sums(folder / "patterns.ebsp")[:1], [523_589])


@pytest.mark.parametrize(("suffix", "dtype"), [("up1", "u1"), ("UP2", "<u2")])
def test_up_of_version_3_has_a_grid_and_of_version_1_none(
    suffix: str, dtype: str, tmp_path: Path
) -> None:
    images = IMAGES.astype(dtype)
    path = write_up(tmp_path / f"a.{suffix}", images, (5, 4), step=(0.5, 0.25), gap=7)
    with readers.open_samples(path) as samples:
        grid = samples.grid
        assert grid is not None and samples.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(samples.read(slice(None))[:, 0], images)
        assert (grid.shape, grid.step, grid.shifted_rows) == ((4, 5), (0.5, 0.25), "none")
    path = write_up(tmp_path / f"b.{suffix}", images, version=1)
    with readers.open_samples(path) as samples:
        assert samples.grid is None
        assert "maps=FILE" in samples.notes[0]  # type: ignore[attr-defined]
    with readers.open_samples(path, "edax-up:shape=4x5") as samples:
        assert samples.grid is not None
        np.testing.assert_array_equal(samples.grid.col, COORDS[:, 0])
    with pytest.raises(ShapeError, match="12 cells"):
        readers.open_samples(path, shape="3x4")


@pytest.mark.parametrize(
    ("lengths", "columns"), [((3, 4, 3, 4), 3), ((4, 3, 4), 4), ((5, 5, 5), 5)]
)
def test_hexagonal_rows_alternate_as_the_count_says(
    lengths: tuple[int, ...], columns: int, tmp_path: Path
) -> None:
    places = hexagonal_places(lengths)
    if len(set(lengths)) == 1:
        places[:, 0] += 0.5 * (np.round(places[:, 1] / (3**0.5 / 2)) % 2)
    images = flat_images(np.arange(len(places)))
    path = write_up(tmp_path / "hex.up1", images, (columns, len(lengths)), hexagonal=True,
                    step=(1.0, 0.866))  # fmt: skip
    with readers.open_samples(path) as samples:
        grid = samples.grid
        assert grid is not None and grid.hexagonal
        assert grid.shape == (len(lengths), max(lengths))
        np.testing.assert_allclose(np.column_stack([grid.x, grid.y]), places, atol=1e-3)


@pytest.mark.parametrize(("count", "said"), [(13, "stopped"), (18, "3 more"), (15, "")])
def test_what_is_there_decides_how_many_patterns_there_are(
    count: int, said: str, tmp_path: Path
) -> None:
    path = write_up(tmp_path / "scan.up1", IMAGES[:count], (5, 3))
    with readers.open_samples(path) as samples:
        assert len(samples) == count
        assert samples.grid is not None
        np.testing.assert_array_equal(samples.grid.row, COORDS[:count, 1])
        assert said in " ".join(samples.notes)  # type: ignore[attr-defined]
        assert bool(said) == bool(samples.notes)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("place", "written", "said"),
    [
        (0, struct.pack("<I", 1 << 31), "version"),
        (4, struct.pack("<II", 1 << 31, 1 << 31), "no detector"),
        (4, struct.pack("<I", 0), "no detector"),
        (12, struct.pack("<I", 0xFFFFFFFF), "first pattern"),
        (12, struct.pack("<I", 3), "version 3, first pattern at byte 3"),
        (17, struct.pack("<II", 0xFFFFFFFF, 0xFFFFFFFF), "which no scan has"),
        (17, struct.pack("<II", 1 << 20, 1 << 20), "which no scan has"),
        (17, struct.pack("<II", 0, 4), "which no scan has"),
        (26, struct.pack("<d", -1.0), "steps -1"),
        (26, struct.pack("<d", float("nan")), "steps nan"),
    ],
)
def test_header_that_lies_is_refused(place: int, written: bytes, said: str, tmp_path: Path) -> None:
    path = write_up(tmp_path / "scan.up1", IMAGES, (5, 4))
    content = bytearray(path.read_bytes())
    content[place : place + len(written)] = written
    path.write_bytes(bytes(content))
    with pytest.raises(MalformedFileError, match=said if place != 12 or b"\xff" not in written
                       else "less than its header"):  # fmt: skip
        readers.open_samples(path)


@pytest.mark.parametrize("version", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["u1", "<u2"])
def test_ebsp_of_every_version(
    version: int, dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ebsp, "_BLOCK", 7)  # a large file's offsets and records come in blocks
    images = IMAGES.astype(dtype)
    order = np.random.default_rng(version).permutation(20)
    path = write_ebsp(tmp_path / "scan.ebsp", images, COORDS * 0.5, version=version, order=order)
    with readers.open_samples(path) as samples:
        np.testing.assert_array_equal(samples.read(slice(None))[:, 0], images)
        if version == 0:
            assert samples.grid is None
            return
        assert samples.grid is not None
        assert samples.grid.step == (0.5, 0.5)
        np.testing.assert_array_equal(samples.grid.row, COORDS[:, 1])


def test_ebsp_tells_missing_points_and_turns_a_rising_y(tmp_path: Path) -> None:
    stored = [0, 1, 2, 5, 6, 11, 19]
    upward = COORDS * [1, -1] + [0, 3]
    path = write_ebsp(tmp_path / "scan.ebsp", IMAGES, upward, stored=stored)
    with readers.open_samples(path) as samples:
        assert samples.grid is not None
        np.testing.assert_array_equal(samples.grid.row, COORDS[stored, 1])
        np.testing.assert_array_equal(samples.read(slice(None))[:, 0], IMAGES[stored])
        notes = " ".join(samples.notes)  # type: ignore[attr-defined]
    assert "7 of 20 points" in notes and "upwards" in notes


def test_ebsp_without_positions_has_no_grid(tmp_path: Path) -> None:
    path = write_ebsp(tmp_path / "scan.ebsp", IMAGES, None)
    with readers.open_samples(path) as samples:
        assert samples.grid is None and len(samples) == 20


def test_compressed_and_cut_ebsp_are_refused_by_name(tmp_path: Path) -> None:
    path = write_ebsp(tmp_path / "scan.ebsp", IMAGES, COORDS, compressed=True)
    with pytest.raises(MalformedFileError, match=r"'scan.ebsp' are compressed.*h5oina"):
        readers.open_samples(path)
    path = write_ebsp(tmp_path / "cut.ebsp", IMAGES, COORDS)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(MalformedFileError, match=r"'cut.ebsp' has 600 bytes.*was cut"):
        readers.open_samples(path)
    (tmp_path / "far.ebsp").write_bytes(struct.pack("<4q", -2, 1 << 60, -5, 8))
    with pytest.raises(MalformedFileError, match="stores no pattern"):
        readers.open_samples(tmp_path / "far.ebsp")


def test_patterns_and_maps_of_one_name_are_one_scan(tmp_path: Path) -> None:
    path = write_up(tmp_path / "scan.up1", IMAGES, version=1)
    alone = readers.open_samples(path).fingerprint()
    # The map's rows come in any order; the patterns follow its points row by row.
    shuffled = np.random.default_rng(2).permutation(20)
    beside = write_edax(tmp_path / "scan.H5", COORDS[shuffled], None, VALUES[shuffled])
    assert readers.recognize_all(path) == {"samples": "edax-up", "maps": "paired-maps"}
    maps = readers.open_maps(path)
    with readers.open_samples(path) as samples:
        assert samples.grid is not None and samples.fingerprint() != alone
        quality, unmatched = maps.at(samples.grid)
        assert unmatched == 0
        brightness = samples.read(slice(None))[:, 0, 0, 0]
        np.testing.assert_array_equal(quality[maps.names.index("IQ")], brightness)
        before = samples.fingerprint()
    write_edax(beside, COORDS, None, VALUES + 1)
    with readers.open_samples(path) as samples:
        assert samples.fingerprint() != before


def test_maps_by_choice_must_fit_and_by_name_need_not(tmp_path: Path) -> None:
    path = write_up(tmp_path / "scan.up1", IMAGES, (5, 4))
    other = write_edax(tmp_path / "other.h5", full_grid(4, 5), None, VALUES)
    few = write_edax(tmp_path / "few.h5", full_grid(4, 4), None, VALUES[:16])
    right = write_edax(tmp_path / "right.h5", COORDS, None, VALUES)
    with pytest.raises(ShapeError, match="of as many points: they are of another scan"):
        readers.open_samples(path, maps=other)
    with pytest.raises(ShapeError, match=r"20 points, but the maps in 'few.h5' have 16"):
        readers.open_maps(path, "paired-maps", maps=few)
    with readers.open_samples(path, f"edax-up:maps={right}") as samples:
        assert samples.grid is not None
        assert samples.grid.step == (0.25, 0.25)
    shutil.copy(few, path.with_suffix(".h5"))
    with readers.open_samples(path) as samples:
        assert len(samples) == 20
        assert "was left alone" in samples.notes[0]  # type: ignore[attr-defined]
    with pytest.raises(ShapeError, match="16"):
        readers.open_maps(path)


def test_edaxh5_and_its_patterns_are_one_scan_from_either_side(tmp_path: Path) -> None:
    lengths = (3, 4, 3)
    values = np.arange(10)
    images = flat_images(values).astype("<u2")
    path = write_up(tmp_path / "scan.up2", images, (3, 3), hexagonal=True, step=(1, 0.866))
    maps = write_apex(tmp_path / "scan.edaxh5", values, (3, 3), "HexGrid")
    assert readers.recognize_all(maps) == {"samples": "edax-up", "maps": "edax-apex"}
    assert readers.recognize_all(path) == {"samples": "edax-up", "maps": "paired-maps"}
    found = readers.open_maps(path)
    assert found.names[:3] == ("IQ", "phase", "CI")
    assert found.categories["phase"] == {-1: "not indexed", 0: "Nickel"}
    assert "phi1" not in found.names and "left out" in " ".join(found.notes)
    for one in (path, maps):
        with readers.open_samples(one) as samples:
            grid = samples.grid
            assert grid is not None and grid.hexagonal
            places = np.column_stack([grid.x, grid.y])
            np.testing.assert_allclose(places, hexagonal_places(lengths), atol=0.2)
            np.testing.assert_array_equal(
                found.at(grid)[0][0], samples.read(slice(None))[:, 0, 0, 0]
            )
    with pytest.raises(RequestError, match="no scan 'OIM Map 7'"):
        readers.open_maps(maps, scan="OIM Map 7")


def test_options_that_make_no_sense(tmp_path: Path) -> None:
    path = write_up(tmp_path / "scan.up1", IMAGES, (5, 4))
    with pytest.raises(RequestError, match="no option 'grid'"):
        readers.open_samples(path, grid="5x4")
    with pytest.raises(RequestError, match=r"No file of maps belongs to 'scan.up1'"):
        readers.open_maps(path, "paired-maps")
    with pytest.raises(InputError, match="no file at"):
        readers.open_samples(path, maps=tmp_path / "gone.ang")


def test_file_that_became_shorter_says_so(tmp_path: Path) -> None:
    path = write_up(tmp_path / "scan.up1", IMAGES, (5, 4))
    with readers.open_samples(path) as samples:
        with path.open("r+b") as file:
            file.truncate(100)
        with pytest.raises(MalformedFileError, match="became shorter"):
            samples.read(slice(None))


def test_extraction_knows_both_files(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 60_000, (20, 6, 5)).astype("<u2")
    path = write_up(tmp_path / "scan.up2", images, version=1)
    write_edax(tmp_path / "scan.h5", COORDS, None, VALUES)
    request = ExtractRequest((str(path),), checkpoint="pca:2", keep_above=(f"{path}:IQ", 4.0))
    execute("extract", request, tmp_path / "one")
    latents = readers.open_latents(tmp_path / "one" / "scan_latents.h5")
    np.testing.assert_array_equal(latents.encoded, VALUES > 4)
    assert latents.grid is not None
    np.testing.assert_array_equal(latents.grid.row, COORDS[:, 1])
    again = execute("extract", request, tmp_path / "one")
    assert again["skipped"]
    write_edax(tmp_path / "scan.h5", COORDS, None, VALUES[::-1])
    with pytest.raises(RequestError, match="finished run"):
        execute("extract", request, tmp_path / "one")
