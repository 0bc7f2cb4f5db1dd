"""Files that are read together: patterns and their maps, on the Data page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from latentcore.errors import InputError
from pages.access import places
from pages.access.file_versions import file_version
from pages.access.pairs import put_together
from tests.factories.ebsd import flat_images, write_edax, write_nordif
from tests.factories.kikuchi import full_grid
from tests.factories.pattern_files import write_up
from tests.pages.conftest import OpenPage
from tests.pages.test_data import scan_of, upload
from tests.pages.test_frame import texts

COORDS = full_grid(6, 5)
VALUES = np.arange(1, 31)
IMAGES = flat_images(VALUES, (8, 8))


def test_patterns_and_maps_are_one_scan_whether_brought_at_once_or_later(
    open_page: OpenPage, tmp_path: Path
) -> None:
    patterns = write_up(tmp_path / "scan.up1", IMAGES, version=1)
    app = upload(open_page(), patterns)
    assert "no file of maps has its name" in texts(app.caption)
    for name, others in (("other.h5", ()), ("scan.h5", (patterns,))):
        brought = (write_edax(tmp_path / name, COORDS, None, VALUES), *others)
        app = upload(app, *brought)
        assert not app.exception
        assert not app.error
        said = texts(app.success).replace("\\", "")
        assert "**scan.up1**: opened as patterns and maps (edax-up, paired-maps)" in said
        assert f"**{brought[0].name}**: read together with scan.up1" in said
        scan = scan_of(app)
        assert scan.samples is not None and scan.samples.startswith("pair:")
        assert scan.maps == (scan.samples,)
        assert "6 × 5 points, step 0.25 µm" in texts(app.markdown)
        assert places.place_of(places.location(scan.samples)) == scan.samples


def test_a_wrong_or_missing_companion_is_told_by_its_name(
    open_page: OpenPage, tmp_path: Path
) -> None:
    patterns = write_up(tmp_path / "scan.up1", IMAGES, version=1)
    few = write_edax(tmp_path / "scan.h5", full_grid(4, 4), None, np.arange(16))
    app = upload(open_page(), patterns, few)
    assert not app.exception
    assert "scan of 30 points, but the maps in" in texts(app.error).replace("\\", "")
    assert scan_of(app).samples is not None
    assert scan_of(app).maps == ()
    app = upload(app, write_edax(tmp_path / "right.h5", COORDS, None, VALUES))
    assert scan_of(app).maps == (scan_of(app).samples,)
    folder = write_nordif(tmp_path / "scan", IMAGES, (6, 5))
    app = upload(app, folder / "Pattern.dat")
    assert "'Pattern.dat' is read together with 'Setting.txt'" in texts(app.error)
    app = upload(app, folder / "Pattern.dat", folder / "Setting.txt")
    assert not app.error
    assert "NORDIF scan, 6 × 5 points, step 0.25 µm" in texts(app.markdown)


def test_files_of_a_server_folder_are_read_where_they_lie(
    workspace: Path, data_root: Path, tmp_path: Path
) -> None:
    patterns = write_up(data_root / "scan.up1", IMAGES, version=1)
    maps = write_edax(data_root / "scan.H5", COORDS, None, VALUES)
    here, there = "folder:measured/scan.up1", "folder:measured/scan.H5"
    assert put_together([there, here]) == ([here], {there: here})
    before = file_version(patterns)
    write_edax(maps, COORDS, None, VALUES + 1)
    assert file_version(patterns) != before
    # Under another name it is linked; what the links lead to is asked anew each time.
    maps.rename(data_root / "other.h5")
    (pair,), _ = put_together([here, "folder:measured/other.h5"])
    assert (
        places.resolve(pair).with_suffix(".h5").read_bytes()
        == (data_root / "other.h5").read_bytes()
    )
    (tmp_path / "secret.h5").write_bytes(b"secret")
    (data_root / "other.h5").unlink()
    (data_root / "other.h5").symlink_to(tmp_path / "secret.h5")
    with pytest.raises(InputError, match="no place"):
        places.resolve(pair)
    record = places.pairs_folder() / pair.split(":")[1].split("/")[0] / ".places.json"
    for damage in (b"", b"[]", b"{", json.dumps({"scan.up1": "folder:../x"}).encode()):
        record.write_bytes(damage)
        with pytest.raises(InputError):
            places.resolve(pair)


def test_each_of_two_scans_keeps_its_own_maps(workspace: Path, data_root: Path) -> None:
    for name in ("a.up1", "b.ebsp", "a.ang", "c.ang", "d.up2"):
        (data_root / name).touch()
    brought = [f"folder:measured/{name}" for name in ("c.ang", "a.ang", "b.ebsp", "a.up1")]
    opened, along = put_together(brought)
    assert along == {brought[1]: brought[3]}
    assert set(opened) == {brought[0], brought[2], brought[3]}
    two = [brought[0], brought[2], "folder:measured/d.up2"]
    assert put_together(two) == (two, {})
