"""A vendor's scan on the pages: recognized, named, with its own maps and orientations."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from latentcore import readers
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, default_sample_ids
from pages.panels.linked_panels import packed_colors
from pages.scan import joining, loading
from pages.scan.state import ScanState
from pages.tasks.data import map_panel
from pages.view.question import LATENT, ORIENTATION, Question
from pages.view.question_link import to_query
from pages.view.scene import complete, open_scene
from tests.factories.ebsd import (
    VENDORS,
    flat_images,
    write_emsoft,
    write_kikuchipy,
    write_nordif,
    write_oxford,
)
from tests.factories.kikuchi import full_grid
from tests.pages.conftest import OpenPage
from tests.pages.test_data import scan_of, upload
from tests.pages.test_frame import texts

COORDS = full_grid(6, 5)
VALUES = np.arange(1, 31)
IMAGES = flat_images(VALUES, (8, 8))


@pytest.mark.parametrize("vendor", ["oxford", "bruker"])
def test_upload_opens_patterns_and_maps_at_once(
    vendor: str, open_page: OpenPage, tmp_path: Path
) -> None:
    path = VENDORS[vendor](tmp_path / f"{vendor}.h5", COORDS, IMAGES, VALUES)
    app = upload(open_page(), path)
    assert not app.exception
    assert not app.error
    assert "opened as patterns and maps" in texts(app.success)
    scan = scan_of(app)
    assert scan.maps == (scan.samples,)
    headline = next(text.value for text in app.markdown if "6 × 5 points" in text.value)
    assert headline.lower().startswith(f"**{vendor}")
    assert "step 0.25 µm" in headline
    assert "Train an encoder on its patterns" in headline
    assert "Draw its maps" in headline


def test_orientations_are_offered_among_the_maps(open_page: OpenPage, tmp_path: Path) -> None:
    path = write_oxford(tmp_path / "scan.h5oina", COORDS, IMAGES, VALUES)
    app = upload(open_page(), path)
    shown = next(widget for widget in app.multiselect if widget.label == "Show")
    assert shown.value == ["bandcontrast", "phase", map_panel.ORIENTATION]
    assert "m-3m: red [001], green [101], blue [111]" in texts(app.caption).replace("\\", "")


def test_another_of_several_scans_is_chosen(open_page: OpenPage, tmp_path: Path) -> None:
    path = write_kikuchipy(tmp_path / "scan.h5", COORDS, IMAGES, VALUES, scans=2)
    with h5py.File(path, "r+") as file:
        file["Scan 2/EBSD/CrystalMap/crystal_map/data/scores"][...] *= 10
    app = upload(open_page(), path)
    first = scan_of(app)
    choice = next(widget for widget in app.selectbox if widget.label == "Scan")
    assert (choice.options, choice.value) == (["Scan 1", "Scan 2"], "Scan 1")
    app = choice.select("Scan 2").run()
    assert not app.exception
    second = scan_of(app)
    assert second.samples == f"{first.samples}@scan=Scan 2"
    assert second.maps == (second.samples,)
    assert next(widget for widget in app.selectbox if widget.label == "Scan").value == "Scan 2"
    assert "This is 'Scan 2'" in texts(app.caption)
    assert second.samples is not None
    np.testing.assert_array_equal(loading.maps(second.samples).get("scores"), 10 * VALUES)
    assert loading.samples(second.samples).read(slice(0, 1)).max() == 2


def test_symmetry_is_asked_for_where_no_file_says_it(open_page: OpenPage, tmp_path: Path) -> None:
    path = write_oxford(tmp_path / "scan.h5oina", COORDS, IMAGES, VALUES)
    with h5py.File(path, "r+") as file:
        del file["1/EBSD/Header/Phases"]
    app = upload(open_page(), path)
    shown = next(widget for widget in app.multiselect if widget.label == "Show")
    assert map_panel.ORIENTATION not in shown.options
    app.selectbox(key="maps_symmetry").select("6/mmm").run()
    assert not app.exception
    shown = next(widget for widget in app.multiselect if widget.label == "Show")
    assert shown.value == ["bandcontrast", "phase", map_panel.ORIENTATION]


def test_notes_of_the_file_are_shown(open_page: OpenPage, tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    write_kikuchipy(path, COORDS[:20], IMAGES[:20], VALUES[:20], scans=2, cells=(6, 5))
    app = upload(open_page(), path)
    message = texts(app.caption)
    assert "The file holds 2 scans" in message
    assert "20 of 30 points were scanned" in message


def test_scan_without_patterns_is_one_of_maps(open_page: OpenPage, tmp_path: Path) -> None:
    app = upload(open_page(), write_oxford(tmp_path / "scan.h5oina", COORDS, None, VALUES))
    assert not app.exception
    scan = scan_of(app)
    assert scan.samples is None
    assert len(scan.maps) == 1
    assert "Oxford .h5oina scan, 6 × 5 points" in texts(app.markdown)


def test_samples_without_a_grid_are_no_scan(open_page: OpenPage, tmp_path: Path) -> None:
    app = upload(open_page(), write_emsoft(tmp_path / "s.h5", IMAGES, np.zeros((30, 3))))
    assert not app.exception
    assert "EMsoft .h5 scan" in texts(app.markdown)
    assert "It has no scan grid, so there are no maps" in texts(app.markdown)


def test_nordif_opens_from_a_server_folder(open_page: OpenPage, data_root: Path) -> None:
    write_nordif(data_root / "scan", IMAGES, (6, 5))
    app = open_page("data", samples="folder:measured/scan/Pattern.dat")
    assert not app.exception
    assert not app.error
    assert "NORDIF scan, 6 × 5 points, step 0.25 µm" in texts(app.markdown)


def test_orientations_are_joined_by_place(tmp_path: Path, workspace: Path, data_root: Path) -> None:
    del tmp_path, workspace
    path = write_oxford(data_root / "scan.h5oina", COORDS, IMAGES, VALUES, phase=VALUES % 2)
    with h5py.File(path, "r+") as file:
        file["1/EBSD/Data/Euler"][:, 1] = np.linspace(0, 1, 30)
    place = "folder:measured/scan.h5oina"
    grid = loading.maps(place).grid
    backwards = grid.take(np.arange(30)[::-1])
    forward = joining.joined_maps((place,), "one", grid).orientation
    reverse = joining.joined_maps((place,), "two", backwards).orientation
    assert forward is not None
    assert reverse is not None
    np.testing.assert_array_equal(forward, reverse[::-1])
    assert np.isfinite(forward).all(axis=1).sum() == 15  # phase 0 is not indexed
    scan = ScanState(samples=place, maps=(place,))
    assert loading.scan_grid(scan).shape == (5, 6)


def test_explore_colors_points_by_orientation(open_page: OpenPage, data_root: Path) -> None:
    path = write_oxford(data_root / "scan.h5oina", COORDS, IMAGES, VALUES, phase=VALUES % 2)
    place, latents = "folder:measured/scan.h5oina", "folder:measured/scan_latents.h5"
    values = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
    grid = readers.open_maps(path).grid
    found = LatentSet(values, default_sample_ids(30), np.arange(2, dtype=np.int32), grid)
    write_latents(data_root / "scan_latents.h5", found)
    question = Question(embedding="pca", color=ORIENTATION)
    app = open_page("explore", samples=place, maps=[place], latents=latents, **to_query(question))
    assert not app.exception
    assert not app.error
    chosen = next(box for box in app.selectbox if box.label == "Color by")
    assert chosen.value == ORIENTATION
    assert "bandcontrast" in chosen.options
    scene = open_scene(ScanState(samples=place, maps=(place,), latents=latents))
    assert complete(question, scene).color == ORIENTATION
    bare = open_scene(ScanState(samples=place, latents=latents))
    assert complete(question, bare).color == LATENT


def test_packed_colors_are_those_of_the_orientations() -> None:
    colors = np.array([[1, 0, 0.5], [np.nan] * 3, [0, 1, 1]], np.float32)
    assert packed_colors(colors).tolist() == [0xFF0080, -1, 0x00FFFF]
