from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from latentcore.artifacts import write_atomic
from pages.access import places
from pages.jobs.panel import runner
from pages.scan import state
from pages.tasks.data import threshold
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi
from tests.pages.conftest import OpenPage
from tests.pages.test_frame import query, texts
from tests.pages.use import open_server_folder


def band_contrast(path: Path, coords: np.ndarray, values: np.ndarray | None = None) -> Path:
    values = np.arange(len(coords)) % 256 if values is None else values
    table = pd.DataFrame({"x": coords[:, 0], "y": coords[:, 1], "BandContrast": values})
    table.to_csv(path, index=False)
    return path


def upload(app: AppTest, *paths: Path) -> AppTest:
    files = [(path.name, path.read_bytes(), "application/octet-stream") for path in paths]
    return app.file_uploader[0].set_value(files).run()


def scan_of(app: AppTest) -> state.ScanState:
    return app.session_state["scan"]


def facts(app: AppTest) -> dict[str, str]:
    return {
        name: str(value).replace("\\", "")
        for table in app.table
        for name, value in table.value.itertuples(index=False)
    }


def test_the_demo_scan_is_shown_whole(open_page: OpenPage) -> None:
    app = open_page()
    assert not app.exception
    assert not app.error
    found = facts(app)
    assert found["patterns"] == "30"
    assert found["size"] == "8 × 8 px"
    assert found["scan grid"] == "6 × 5 points"
    assert found["x"] == "[10, 16)"
    assert found["y"] == "[0, 5)"
    assert found["gaps"] == "none"
    assert [header.value for header in app.header] == ["Patterns", "Maps", "Leave points out"]
    assert "30 of 30 points kept, 100.0 %" in texts(app.markdown)


def test_show_others_picks_other_patterns(open_page: OpenPage) -> None:
    app = open_page()
    before = captions(app)
    button = next(button for button in app.button if button.label == "Show others")
    after = captions(button.click().run())
    assert len(after) == len(before) == 12
    assert after != before


def captions(app: AppTest) -> list[str]:
    return [caption for image in app.get("image") for caption in image.captions]


def test_files_uploaded_together_become_one_scan(open_page: OpenPage, tmp_path: Path) -> None:
    coords = full_grid(6, 5)
    scan = write_kikuchi(tmp_path / "mine.h5", coords)
    bands = band_contrast(tmp_path / "bc.csv", coords)
    app = upload(open_page(), bands, scan)
    assert "mine.h5: opened as patterns (kikuchi-hdf5)" in texts(app.success).replace("**", "")
    shown = scan_of(app)
    assert shown.samples is not None
    assert shown.samples.startswith("upload:")
    assert places.resolve(shown.samples).read_bytes() == scan.read_bytes()
    assert [places.label(place) for place in shown.maps] == ["bc.csv"]
    assert query(app, "samples") == [shown.samples]
    assert app.file_uploader[0].value == []
    assert not app.run().success


def test_wrong_files_are_reported_and_the_others_kept(open_page: OpenPage, tmp_path: Path) -> None:
    coords = full_grid(6, 5)
    good = write_kikuchi(tmp_path / "good.h5", coords)
    no_hdf5 = tmp_path / "text.h5"
    no_hdf5.write_text("hello")
    no_images = tmp_path / "noimages.h5"
    short = tmp_path / "short.h5"
    twice = write_kikuchi(tmp_path / "twice.h5", np.concatenate([coords[:1], coords[:-1]]))
    linked = tmp_path / "linked.h5"
    with h5py.File(no_images, "w") as file:
        file["EBSD"] = 1
    with h5py.File(short, "w") as file:
        file["images"], file["coords"] = patterns(30), coords[:20]
    with h5py.File(linked, "w") as file:
        file["images"], file["coords"] = h5py.ExternalLink("/etc/passwd", "/x"), coords
    empty = tmp_path / "empty.csv"
    empty.touch()
    cut = tmp_path / "cut.png"
    Image.fromarray(patterns(30)[0, 0].repeat(9, 0)).save(cut)
    cut.write_bytes(cut.read_bytes()[:-40])
    app = upload(open_page(), no_hdf5, no_images, short, twice, linked, empty, cut, good)
    message = texts(app.error)
    assert len(app.error) == 7
    # One sentence with the likely way out; which readers were tried is a click away.
    assert "Tried:" not in message and "Tried:" in texts(app.expander[-1].caption)
    details = "\n".join(texts(one.caption) for one in app.expander if one.label == "Details")
    assert "No reader recognizes 'text.h5'" in details
    assert "Its top-level keys are 'EBSD'" in details
    for words in (
        "has the name of an HDF5 file but is not one",
        "is HDF5, but holds no patterns, maps or latents",
        "(20, 2)",
        "1 point shares its coordinates",
        "is refused: '/images' is an external link",
        "'empty.csv' is empty",
        "The picture 'cut.png' can't be read",
    ):
        assert words in message
    assert places.label(scan_of(app).samples or "") == "good.h5"
    assert not app.exception


def test_files_that_read_other_files_are_refused(open_page: OpenPage, tmp_path: Path) -> None:
    coords = full_grid(6, 5)
    own = write_kikuchi(tmp_path / "own.h5", coords)
    secret = tmp_path / "secret.bin"
    secret.write_bytes(patterns(30).tobytes())
    outside, virtual = tmp_path / "outside.h5", tmp_path / "virtual.h5"
    with h5py.File(outside, "w") as file:
        shape = (30, 1, 8, 8)
        file.create_dataset("images", shape, "u1", external=[(str(secret), 0, 30 * 64)])
        file["coords"] = coords
    with h5py.File(virtual, "w") as file:
        layout = h5py.VirtualLayout((30, 1, 8, 8), "u1")
        layout[:] = h5py.VirtualSource(str(own), "images", (30, 1, 8, 8))
        file.create_virtual_dataset("images", layout)
        file["coords"] = coords
    app = upload(open_page(), outside, virtual)
    assert not app.exception
    message = texts(app.error)
    assert len(app.error) == 2
    assert "keeps its values in" in message
    assert "is a virtual dataset made of other files" in message
    assert scan_of(app).samples == "demo:demo.h5"


def test_a_map_of_half_the_points_is_counted(open_page: OpenPage, tmp_path: Path) -> None:
    coords = full_grid(6, 5)
    app = upload(
        open_page(),
        write_kikuchi(tmp_path / "mine.h5", coords),
        band_contrast(tmp_path / "half.csv", coords[:15]),
    )
    assert facts(app)["missing"] == "15 of 30 scan points"
    assert "15 of 30 points have no bandcontrast" in texts(app.warning)


def test_a_map_from_elsewhere_stays_out(open_page: OpenPage, tmp_path: Path) -> None:
    coords = full_grid(6, 5)
    app = upload(
        open_page(),
        write_kikuchi(tmp_path / "mine.h5", coords),
        band_contrast(tmp_path / "elsewhere.csv", coords + 1000),
    )
    assert "'elsewhere.csv' does not belong to this scan" in texts(app.error)
    assert scan_of(app).maps == ()
    assert "No map is open" in texts(app.info)


def test_a_map_from_elsewhere_in_the_url_can_be_taken_out(
    open_page: OpenPage, data_root: Path
) -> None:
    band_contrast(data_root / "elsewhere.csv", full_grid(6, 5) + 1000)
    app = open_page(
        samples="demo:demo.h5", maps=["demo:demo_elements.csv", "folder:measured/elsewhere.csv"]
    )
    assert "does not belong to this scan" in texts(app.error)
    assert not app.exception
    button = next(button for button in app.button if button.label == "Take out of view")
    app = button.click().run()
    assert scan_of(app).maps == ("demo:demo_elements.csv",)
    assert not app.error


def test_a_map_that_is_none_is_said_once_with_the_way_out(
    open_page: OpenPage, data_root: Path
) -> None:
    write_kikuchi(data_root / "patterns.h5", full_grid(6, 5))
    app = open_page(samples="", latents="", maps=["folder:measured/patterns.h5"])
    (error,) = app.error
    assert "'patterns.h5' is no file of maps, but can be opened as samples" in error.value
    assert "Take out of view" in [button.label for button in app.button]


def test_maps_alone_join_the_scan_in_view(open_page: OpenPage, tmp_path: Path) -> None:
    coords = full_grid(6, 5)
    app = upload(open_page(), write_kikuchi(tmp_path / "mine.h5", coords))
    assert scan_of(app).maps == ()
    app = upload(app, band_contrast(tmp_path / "bc.csv", coords))
    assert places.label(scan_of(app).samples or "") == "mine.h5"
    assert len(scan_of(app).maps) == 1


def test_maps_of_another_scan_leave_the_demo(open_page: OpenPage, tmp_path: Path) -> None:
    # They cover the demo scan's points too, as every scan from (0, 0) on does.
    app = upload(open_page(), band_contrast(tmp_path / "field.csv", full_grid(40, 30)))
    assert not texts(app.error)
    assert scan_of(app).samples is None
    assert len(scan_of(app).maps) == 1
    assert "New scan" in texts(app.success)
    assert "None open" in texts(app.caption)
    assert "1,200 of 1,200 points kept" in texts(app.markdown)


def test_maps_whose_points_coincide_by_chance_begin_a_new_scan(
    open_page: OpenPage, tmp_path: Path
) -> None:
    coords = full_grid(6, 5)
    app = upload(open_page(), write_kikuchi(tmp_path / "mine.h5", coords))
    app = upload(app, band_contrast(tmp_path / "other.csv", full_grid(9, 5) + np.array([2, 0])))
    assert "New scan" in texts(app.success)
    assert scan_of(app).samples is None
    assert len(scan_of(app).maps) == 1


def test_patterns_without_coordinates(open_page: OpenPage, tmp_path: Path) -> None:
    path = tmp_path / "bare.h5"
    with h5py.File(path, "w") as file:
        file["images"] = patterns(5)
    app = upload(open_page(), path)
    assert not app.exception
    assert not app.error
    assert facts(app)["scan grid"] == "none: no coordinates"
    assert "It has no scan grid, so there are no maps" in texts(app.markdown)
    assert "Maps" not in texts(app.header)


def test_constant_and_missing_pixels_are_drawn(open_page: OpenPage, tmp_path: Path) -> None:
    images = patterns(6, dtype="float32")
    images[0], images[1] = 3, np.nan
    app = upload(open_page(), write_kikuchi(tmp_path / "odd.h5", full_grid(3, 2), images))
    assert not app.exception
    assert not app.error
    assert len(captions(app)) == 6


def test_an_empty_view_says_what_to_do(open_page: OpenPage) -> None:
    app = open_page(samples="", maps=["demo:demo_elements.csv"])
    app.sidebar.multiselect(key="pick_maps").set_value([]).run()
    assert not app.exception
    assert not app.error
    message = texts(app.caption) + texts(app.info)
    assert "None open" in message
    assert "No map is open" in message


def test_the_threshold_drops_points_and_says_how_many(open_page: OpenPage) -> None:
    app = open_page()
    app.toggle(key="threshold_on").set_value(True).run()
    assert scan_of(app).keep == ("bandcontrast", -1.0)  # at first it drops nothing
    app.slider(key="threshold_slider").set_value(12.0).run()
    assert scan_of(app).keep == ("bandcontrast", 12.0)
    assert "17 of 30 points kept, 56.7 %" in texts(app.markdown)
    assert query(app, "keep") == ["12.0:bandcontrast"]
    app.number_input(key="threshold_number").set_value(99.0).run()
    assert "0 of 30 points kept" in texts(app.markdown)
    assert "lower the threshold" in texts(app.warning)
    app.toggle(key="threshold_on").set_value(False).run()
    assert scan_of(app).keep is None
    assert "keep" not in app.query_params


def test_what_a_threshold_keeps_leaves_as_files(open_page: OpenPage) -> None:
    app = open_page()
    app.toggle(key="threshold_on").set_value(True).run()
    app.slider(key="threshold_slider").set_value(12.0).run()
    row = next(one for one in app.main.select_slider if one.label == "Row of the profile (y)")
    assert row.options == ["0", "1", "2", "3", "4"]
    row.set_value(3).run()
    app.button(key="threshold_files.prepare").click().run()
    [job] = runner().list()
    assert runner().wait(job.id, 60).state == "finished"
    app.run()
    assert not app.exception
    assert not app.error
    report = json.loads((job.folder / "report.json").read_text())
    assert (report["above"], report["n"], report["n_kept"]) == (12.0, 30, 17)
    assert report["row"]["y"] == 3
    assert np.load(job.folder / "mask.npy").sum() == 17


def test_a_threshold_of_a_map_that_is_gone_does_no_harm(open_page: OpenPage) -> None:
    app = open_page(samples="demo:demo.h5", maps="demo:demo_elements.csv", keep="3:bandcontrast")
    assert not app.exception
    assert app.toggle(key="threshold_on").value is False


def test_the_count_reads_as_the_scientist_writes_it() -> None:
    assert threshold.kept_text(2871, 5120) == "2,871 of 5,120 points kept, 56.1 %"


@pytest.mark.parametrize("colors", ["by kind", "grey", "blue-white-red"])
def test_maps_are_chosen_and_colored(open_page: OpenPage, colors: str) -> None:
    app = open_page()
    shown = next(widget for widget in app.main.multiselect if widget.label == "Show")
    app = shown.set_value(["phase_id", "Fe", "bandcontrast", "Ni"]).run()
    app.selectbox(key="maps_colors").set_value(colors).run()
    assert not app.exception
    assert not app.error
    assert len(app.get("plotly_chart")) == 8  # four maps, the grid, three of the threshold


def test_names_of_two_files_are_distinguished(open_page: OpenPage, data_root: Path) -> None:
    for name in ("a.csv", "b.csv"):
        band_contrast(data_root / name, full_grid(6, 5, x0=10))
    app = open_page(samples="demo:demo.h5", maps=["folder:measured/a.csv", "folder:measured/b.csv"])
    shown = next(widget for widget in app.main.multiselect if widget.label == "Show")
    assert shown.options == ["bandcontrast (a.csv · measured)", "bandcontrast (b.csv · measured)"]
    assert "30 of 30 points kept" in texts(app.markdown)


def test_the_server_folder_is_browsed_and_opened(open_page: OpenPage, data_root: Path) -> None:
    (data_root / "sub").mkdir()
    write_kikuchi(data_root / "sub" / "scan.h5", full_grid(4, 3))
    app = open_page()
    assert not any(button.label == "sub" for button in app.button)  # looked up for who wants it
    open_server_folder(app)
    next(button for button in app.button if button.label == "sub").click().run()
    files = next(widget for widget in app.multiselect if widget.label == "Files to open together")
    files.set_value(["folder:measured/sub/scan.h5"]).run()
    app = next(button for button in app.button if button.label == "Open").click().run()
    assert not app.exception
    assert scan_of(app).samples == "folder:measured/sub/scan.h5"
    assert facts(app)["scan grid"] == "4 × 3 points"


def test_no_server_folder_is_reported(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, workspace: Path
) -> None:
    monkeypatch.setenv("LATENT_DATA_ROOTS", "")
    places.settings.cache_clear()
    app = open_page()
    assert "LATENT_DATA_ROOTS" in texts(open_server_folder(app).info)


def test_a_file_that_changes_is_read_again(open_page: OpenPage, data_root: Path) -> None:
    path = write_kikuchi(data_root / "scan.h5", full_grid(4, 3))
    app = open_page(samples="folder:measured/scan.h5")
    assert facts(app)["patterns"] == "12"
    write_kikuchi(data_root / "new.h5", full_grid(5, 3))
    write_atomic(path, (data_root / "new.h5").read_bytes())
    assert facts(app.run())["patterns"] == "15"


def test_a_damaged_file_in_view_is_reported_once(open_page: OpenPage, data_root: Path) -> None:
    (data_root / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 100)
    app = open_page(samples="folder:measured/broken.h5")
    assert not app.exception
    assert len(app.error) == 1
