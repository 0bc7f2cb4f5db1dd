from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from latentcore.errors import InputError, JoinError, RequestError
from latentcore.inputs.kept import Kept
from latentcore.readers import open_samples
from pages.scan import joining, loading
from pages.scan.state import ScanState
from tests.factories.kikuchi import full_grid, write_kikuchi


@pytest.fixture
def scan(demo: Path) -> ScanState:
    return ScanState("demo:demo.h5", ("demo:demo_bandcontrast.csv", "demo:demo_elements.csv"), None)


def joined(scan: ScanState) -> joining.JoinedMaps:
    return joining.joined_maps(scan.maps, loading.grid_key(scan), loading.scan_grid(scan))


def write_latents(path: Path, coords: np.ndarray) -> Path:
    values = {f"latent_{dim}": np.arange(len(coords)) + dim / 10 for dim in range(3)}
    table = pd.DataFrame({"x": coords[:, 0], "y": coords[:, 1], **values})
    table.to_csv(path, index=False)
    return path


def test_samples_are_opened_once_for_all_sessions(scan: ScanState) -> None:
    assert loading.samples("demo:demo.h5") is loading.samples("demo:demo.h5")
    assert loading.kind_of("demo:demo.h5") == ("samples", "kikuchi-hdf5")
    assert loading.kind_of("demo:demo_elements.csv")[0] == "maps"


def test_a_place_of_another_kind_is_refused(scan: ScanState) -> None:
    with pytest.raises(InputError, match=r"'demo_elements\.csv' is no file of samples"):
        loading.samples("demo:demo_elements.csv")


def test_all_maps_are_joined_to_the_points_of_the_scan(scan: ScanState) -> None:
    maps = joined(scan)
    assert maps.names == ("bandcontrast", "Fe", "Ni")
    assert maps.values.shape == (3, 30)
    assert maps.values.dtype == np.float32
    assert maps.get("bandcontrast").tolist() == list(range(30))
    assert set(maps.unmatched.values()) == {0}
    assert maps.origin["Fe"] == ("demo:demo_elements.csv", "Fe")
    with pytest.raises(RequestError, match="There are: bandcontrast, Fe, Ni"):
        maps.get("Al")


def test_rows_follow_the_samples_whatever_their_order(scan: ScanState, data_root: Path) -> None:
    order = np.random.default_rng(1).permutation(30)
    write_kikuchi(data_root / "shuffled.h5", full_grid(6, 5, x0=10)[order])
    shuffled = ScanState("folder:measured/shuffled.h5", scan.maps, None)
    assert joined(shuffled).get("bandcontrast").tolist() == order.tolist()


def test_maps_without_coordinates_to_join_by_are_refused() -> None:
    with pytest.raises(JoinError, match="no coordinates"):
        joining.joined_maps(("demo:demo_elements.csv",), "key", None)
    assert len(joining.joined_maps((), "key", None)) == 0


def test_the_threshold_keeps_what_the_command_line_keeps(scan: ScanState) -> None:
    scan = ScanState(scan.samples, scan.maps, None, ("bandcontrast", 12.0))
    maps = joined(scan)
    mask = joining.kept(scan, maps, 30)
    assert mask.sum() == 17
    wanted = joining.keep_above(scan, maps)
    assert wanted is not None
    spec, threshold = wanted
    with open_samples(spec.rpartition("/")[0] + "/demo.h5") as source:
        assert np.array_equal(mask, Kept(above=(spec, threshold)).mask(source.grid, "scan"))


def test_without_a_threshold_all_points_are_kept(scan: ScanState) -> None:
    assert joining.kept(scan, joined(scan), 30).all()
    assert joining.keep_above(scan, joined(scan)) is None


def test_a_threshold_on_no_map_says_which_there_are(scan: ScanState) -> None:
    scan = ScanState(scan.samples, scan.maps, None, ("gone", 12.0))
    with pytest.raises(RequestError, match="No map is called 'gone'"):
        joining.keep_above(scan, joined(scan))


def test_each_latent_finds_its_sample_by_coordinates(scan: ScanState, data_root: Path) -> None:
    coords = full_grid(6, 5, x0=10)
    order = np.random.default_rng(2).permutation(30)[:12]
    write_latents(data_root / "some.csv", coords[order])
    scan = ScanState("demo:demo.h5", (), "folder:measured/some.csv")
    assert loading.sample_rows(scan).tolist() == order.tolist()


def test_latents_of_another_scan_are_refused(scan: ScanState, data_root: Path) -> None:
    write_latents(data_root / "other.csv", full_grid(6, 5, x0=500))
    scan = ScanState("demo:demo.h5", (), "folder:measured/other.csv")
    with pytest.raises(JoinError, match="not one point in common"):
        loading.sample_rows(scan)
