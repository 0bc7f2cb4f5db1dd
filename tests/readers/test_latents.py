"""Latents in all layouts: subsets of dimensions, NaN rows, ROIs and round trips."""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from latentcore import containers, readers
from latentcore.artifacts.latents_hdf5 import latents_name, write_latents
from latentcore.containers import InputRecord, LatentSet, Provenance, ScanGrid, partitions_of
from latentcore.errors import MalformedFileError, RequestError, ShapeError
from latentcore.readers import _stored_latents
from latentcore.workflows import execute
from latentcore.workflows.inspect import InspectRequest
from tests.factories.kikuchi import full_grid

FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=False)


@st.composite
def latent_sets(draw: st.DrawFn) -> LatentSet:
    n, d = draw(st.integers(1, 12)), draw(st.integers(1, 4))
    coords = full_grid(4, 3, x0=draw(st.integers(-50, 50)), step=draw(st.integers(1, 3)))
    chosen = np.array(draw(st.permutations(range(12)))[:n])
    scale = draw(st.sampled_from([1.0, 0.25]))
    parts = np.sort(draw(hnp.arrays(np.int64, n, elements=st.integers(0, 2))))
    ids = draw(
        st.lists(st.text(max_size=8).filter(lambda t: "\0" not in t), min_size=n, max_size=n)
    )
    return LatentSet(
        values=draw(hnp.arrays(np.float32, (n, d), elements=FLOATS)),
        sample_ids=np.array(ids, np.str_),
        dims=np.array(draw(st.permutations(range(512)))[:d], np.int32),
        grid=draw(
            st.sampled_from(
                [
                    None,
                    ScanGrid.from_coordinates(
                        coords[chosen, 0] * scale, coords[chosen, 1] * scale, unit="µm"
                    ),
                ]
            )
        ),
        partition=draw(
            st.sampled_from([None, partitions_of(np.array(["train", "valid", "x"])[parts])])
        ),
        labels=draw(st.sampled_from([None, np.arange(n, dtype=np.int32) - 3])),
    )


@given(latents=latent_sets())
@settings(max_examples=40, deadline=None)
def test_our_layout_gives_back_what_was_written(
    latents: LatentSet, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("ours") / "scan_latents.h5"
    write_latents(path, latents)
    got = readers.open_latents(path)
    np.testing.assert_array_equal(got.values, latents.values)
    np.testing.assert_array_equal(got.dims, latents.dims)
    np.testing.assert_array_equal(got.sample_ids, latents.sample_ids)
    np.testing.assert_array_equal(got.labels, latents.labels)
    _assert_same_partition(got, latents)
    assert (got.grid is None) == (latents.grid is None)
    if got.grid is not None and latents.grid is not None:
        np.testing.assert_array_equal(got.grid.x, latents.grid.x)
        np.testing.assert_array_equal(got.grid.y, latents.grid.y)
        assert (got.grid.step, got.grid.unit) == (latents.grid.step, latents.grid.unit)


@given(latents=latent_sets())
@settings(max_examples=25, deadline=None)
def test_table_gives_back_what_was_written(
    latents: LatentSet, tmp_path_factory: pytest.TempPathFactory
) -> None:
    coords = full_grid(4, 3)[: len(latents)]
    table = pd.DataFrame({"x": coords[:, 0], "y": coords[:, 1]})
    for index, dim in enumerate(latents.dims):
        table[f"latent_d{dim}"] = latents.values[:, index]
    folder = tmp_path_factory.mktemp("table")
    table.to_csv(folder / "a.csv", index=False)
    table.to_csv(folder / "b.csv.gz", index=False)
    table.to_parquet(folder / "c.parquet")
    for path in folder.iterdir():
        got = readers.open_latents(path)
        np.testing.assert_array_equal(got.dims, latents.dims)
        np.testing.assert_array_equal(got.values, latents.values)


@given(latents=latent_sets(), data=st.data())
@settings(max_examples=25, deadline=None)
def test_large_latents_are_read_by_need(
    latents: LatentSet, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("large") / "scan_latents.h5"
    write_latents(path, latents)
    whole = readers.open_latents(path)
    rows = np.array(
        data.draw(st.lists(st.integers(0, len(latents) - 1), max_size=20)), dtype=np.int64
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_stored_latents, "_LARGE_BYTES", 0)
        patch.setattr(containers.latents, "_BLOCK_VALUES", data.draw(st.integers(1, 20)))
        got = readers.open_latents(path)
        assert got.stored is not None
        assert len(got) == len(latents)
        # It may still be computed.
        assert got.with_dims(got.dims).fingerprint == got.fingerprint == whole.fingerprint
        np.testing.assert_array_equal(np.vstack([part for _, part in got.blocks()]), whole.values)
        np.testing.assert_array_equal(got.rows(rows), whole.values[rows])
        for dim in latents.dims:
            np.testing.assert_array_equal(got.dimension(dim), whole.dimension(dim))
        some = data.draw(st.lists(st.sampled_from(got.dims.tolist()), min_size=1))
        np.testing.assert_array_equal(
            np.vstack([part for _, part in got.blocks_of(some)]),
            np.column_stack([whole.dimension(dim) for dim in some]),
        )
        different = [len(np.unique(one[np.isfinite(one)])) > 1 for one in whole.values.T]
        np.testing.assert_array_equal(got.varying, different)
        finite = np.isfinite(whole.values).all(axis=1)
        np.testing.assert_array_equal(got.encoded, finite)
        exact = whole.values[finite].astype(np.float64)
        sd = exact.std(axis=0) if len(exact) else np.zeros(whole.shape[1])
        most = float(np.abs(exact).max(initial=0))
        np.testing.assert_allclose(got.spreads, sd, rtol=1e-9, atol=1e-12 * most)
        one_look = readers.open_latents(path)
        np.testing.assert_array_equal(one_look.spreads, got.spreads)
        np.testing.assert_array_equal(one_look.encoded, finite)
        _assert_same_partition(got, latents)
        some = got.take(rows)
        np.testing.assert_array_equal(some.values, whole.take(rows).values)
        np.testing.assert_array_equal(some.sample_ids, whole.sample_ids[rows])
        np.testing.assert_array_equal(got.with_dims(range(whole.shape[1])).values, whole.values)


def test_range_of_large_latents_is_that_of_all_encoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    values[7, 0], values[31, 1], values[44] = -9, 8, (np.nan, 99)
    values[10:16] = np.nan
    monkeypatch.setattr(_stored_latents, "_LARGE_BYTES", 0)
    monkeypatch.setattr(containers.latents, "_BLOCK_VALUES", 6)
    ids = np.arange(50).astype(str)
    write_latents(tmp_path / "l.h5", _some_latents(values=values, sample_ids=ids))
    monkeypatch.setattr(_stored_latents.StoredRows, "load", None)  # not all at once
    said = execute("inspect", InspectRequest(str(tmp_path / "l.h5")))
    assert (said["n_encoded"], said["value_range"]) == (43, [-9, 8])


def test_large_latents_that_were_changed_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_stored_latents, "_LARGE_BYTES", 0)
    write_latents(tmp_path / "l.h5", _some_latents())
    latents = readers.open_latents(tmp_path / "l.h5")
    write_latents(tmp_path / "l.h5", _some_latents(dims=np.array([5, 6], np.int32)))
    with pytest.raises(MalformedFileError, match=r"'l\.h5' were changed or deleted"):
        latents.dimension(3)


def _assert_same_partition(got: LatentSet, wanted: LatentSet) -> None:
    names = [None if one.partition is None else one.partition.each for one in (got, wanted)]
    np.testing.assert_array_equal(*names)


def _some_latents(**changes: object) -> LatentSet:
    values = {
        "values": np.arange(12, dtype=np.float32).reshape(6, 2),
        "sample_ids": np.arange(6).astype(str),
        "dims": np.array([3, 40], np.int32),
        **changes,
    }
    return LatentSet(**values)  # type: ignore[arg-type]


def test_our_layout_is_the_one_described(tmp_path: Path) -> None:
    coords = full_grid(3, 2)
    provenance = Provenance("extract", {"batch": 4}, (InputRecord("a.h5", "r", "f"),), seed=3)
    latents = _some_latents(
        grid=ScanGrid.from_coordinates(coords[:, 0], coords[:, 1]), provenance=provenance
    )
    write_latents(tmp_path / latents_name("some/scan.h5"), latents)
    with h5py.File(tmp_path / "scan_latents.h5") as file:
        assert set(file) == {"samples", "coords", "dims", "sample_ids"}
        assert file["samples"].dtype == np.float32
        assert file["coords"].dtype == np.int32
        assert file.attrs["encoding-type"] == "latentcore-latents"
        assert file.attrs["encoding-version"] == "1"
    got = readers.open_latents(tmp_path / "scan_latents.h5")
    assert got.provenance == provenance


def test_partitions_are_datasets_in_order_of_appearance(tmp_path: Path) -> None:
    partition = np.array(["valid", "train", "valid", "train", "valid", "valid"])
    write_latents(tmp_path / "l.h5", _some_latents(partition=partitions_of(partition)))
    with h5py.File(tmp_path / "l.h5") as file:
        np.testing.assert_array_equal(file["train"][:, 0], [2, 6])
    got = readers.open_latents(tmp_path / "l.h5")
    assert got.partition is not None
    assert got.partition.each.tolist() == ["valid"] * 4 + ["train"] * 2
    assert got.sample_ids.tolist() == ["0", "2", "4", "5", "1", "3"]


@pytest.mark.parametrize("name", ["coords", "a/b", ""])
def test_partition_names_that_the_layout_needs_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RequestError, match="A partition can't be called"):
        write_latents(
            tmp_path / "l.h5", _some_latents(partition=partitions_of(np.array([name] * 6)))
        )
    assert list(tmp_path.iterdir()) == []


def test_newer_version_and_misfit_parts_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "l.h5"
    write_latents(path, _some_latents())
    with h5py.File(path, "a") as file:
        file["labels"] = np.zeros(5, np.int32)
    with pytest.raises(MalformedFileError, match=r"'labels' of 'l.h5' has shape \(5,\).*\(6,\)"):
        readers.open_latents(path)
    with h5py.File(path, "a") as file:
        file.attrs["encoding-version"] = "2"
    with pytest.raises(MalformedFileError, match="is of format version '2'; version"):
        readers.open_latents(path)


def test_nenya_latents_keep_their_partitions(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "l.h5", "w") as file:
        file["valid"] = np.ones((2, 3), np.float64)
        file["train"] = np.zeros((4, 3), np.float32)
    got = readers.open_latents(tmp_path / "l.h5")
    assert got.partition is not None
    assert got.partition.each.tolist() == ["train"] * 4 + ["valid"] * 2
    assert got.sample_ids[-1] == "valid/1"
    assert got.values.dtype == np.float32
    summary = execute("inspect", InspectRequest(str(tmp_path / "l.h5")))
    assert summary["partitions"] == {"train": 4, "valid": 2}
    assert summary["sample_shape"] == [3]


@pytest.mark.parametrize("layout", ["nenya", "ours"])
def test_hdf5_without_coordinates_takes_those_of_a_table(tmp_path: Path, layout: str) -> None:
    values = np.arange(12, dtype=np.float32).reshape(6, 2)
    path, coords = tmp_path / "l.h5", tmp_path / "xy.csv"
    if layout == "nenya":
        with h5py.File(path, "w") as file:
            file["valid"], file["train"] = values[4:], values[:4]
    else:
        write_latents(path, _some_latents(values=values, dims=np.arange(2), grid=None))
    pd.DataFrame(full_grid(3, 2, x0=7), columns=["x", "y"]).to_csv(coords, index=False)
    got = readers.open_latents(path, coords)
    assert got.grid is not None
    np.testing.assert_array_equal(got.grid.x, [7, 8, 9, 7, 8, 9])
    np.testing.assert_array_equal(got.values, values)
    assert got.fingerprint != readers.open_latents(path).fingerprint
    pd.DataFrame(full_grid(3, 3), columns=["x", "y"]).to_csv(coords, index=False)
    with pytest.raises(ShapeError, match=r"'l\.h5' has 6 rows, but 'xy\.csv' gives 9"):
        readers.open_latents(path, coords)
    inside = readers.open_latents(path, coords, roi=(0, 3, 1, 3))
    assert inside.grid is not None
    np.testing.assert_array_equal(inside.grid.y, [1, 1, 1, 2, 2, 2])


def test_nenya_partitions_of_two_models_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "l.h5", "w") as file:
        file["valid"], file["train"] = np.ones((2, 3)), np.zeros((4, 2))
    with pytest.raises(MalformedFileError, match="different numbers of latent dimensions"):
        readers.open_latents(tmp_path / "l.h5")


@pytest.mark.parametrize(
    ("column", "dim"),
    [
        ("latent_d40", 40),
        ("latent_40", 40),
        ("latent_rgb-3_0_8_d103", 103),
        ("latent_sum-auto_d103", 103),
        ("Latent_D7", 7),
    ],
)
def test_tag_names_the_dimension(tmp_path: Path, column: str, dim: int) -> None:
    (tmp_path / "t.csv").write_text(f"x,y,{column},note\n0,0,1.5,a\n1,0,,b\n")
    got = readers.open_latents(tmp_path / "t.csv")
    assert got.dims.tolist() == [dim]
    assert got.encoded.tolist() == [True, False]


def test_one_dimension_under_two_tags(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y,latent_a_d3,latent_b_d3,latent_d1\n0,0,1,1,2\n1,0,,,3\n")
    assert readers.open_latents(path).dims.tolist() == [3, 1]
    path.write_text("x,y,latent_a_d3,latent_b_d3\n0,0,1,2\n")
    with pytest.raises(MalformedFileError, match="are the same latent dimension, but"):
        readers.open_latents(path)


def test_table_that_is_latents_may_serve_as_maps(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y,latent_d3,bandcontrast\n0,0,1.5,7\n1,0,,8\n")
    assert readers.recognize(tmp_path / "t.csv") == ("latents", "latent-map-table")
    assert readers.open_maps(tmp_path / "t.csv").names == ("latent_d3", "bandcontrast")


class TestNpy:
    """Where the rows of a bare array lie."""

    def _coords(self, path: Path) -> Path:
        coords = full_grid(6, 5, x0=10, y0=20)
        table = pd.DataFrame(coords, columns=["x", "y"])
        table["bandcontrast"] = 1
        table.to_csv(path / "coords.csv", index=False)
        return path / "coords.csv"

    def test_whole_field_with_coordinates(self, tmp_path: Path) -> None:
        np.save(tmp_path / "l.npy", np.arange(60.0).reshape(30, 2))
        got = readers.open_latents(tmp_path / "l.npy", coords=self._coords(tmp_path))
        assert got.grid is not None
        assert got.grid.shape == (5, 6)
        assert got.dims.tolist() == [0, 1]

    def test_roi_out_of_coordinates(self, tmp_path: Path) -> None:
        np.save(tmp_path / "latent_d40_roi.npy", np.arange(6.0))
        roi = (11, 14, 22, 24)
        for coords in (self._coords(tmp_path), None):
            got = readers.open_latents(tmp_path / "latent_d40_roi.npy", coords=coords, roi=roi)
            assert got.grid is not None
            assert got.grid.x.tolist() == [11, 12, 13] * 2
            assert got.grid.y.tolist() == [22] * 3 + [23] * 3
            assert got.dims.tolist() == [40]

    def test_whole_field_although_a_roi_is_named(self, tmp_path: Path) -> None:
        np.save(tmp_path / "l.npy", np.arange(30.0))
        got = readers.open_latents(
            tmp_path / "l.npy", coords=self._coords(tmp_path), roi=(11, 14, 22, 24)
        )
        assert len(got) == 30

    def test_without_coordinates_there_is_no_grid(self, tmp_path: Path) -> None:
        np.save(tmp_path / "l.npy", np.arange(30))
        assert readers.open_latents(tmp_path / "l.npy").grid is None

    @pytest.mark.parametrize(
        ("roi", "with_coords", "message"),
        [
            (None, True, "7 rows, but 'coords.csv' gives 30 coordinates"),
            ((11, 14, 22, 24), True, "of which 6 lie in the ROI"),
            ((11, 14, 22, 24), False, "has 3 × 2 = 6 points"),
            ((11.5, 14, 22, 24), False, "must have whole bounds"),
            ((14, 11, 22, 24), False, "is empty"),
        ],
    )
    def test_misfits_are_reported(
        self,
        tmp_path: Path,
        roi: tuple[float, ...] | None,
        with_coords: bool,
        message: str,
    ) -> None:
        np.save(tmp_path / "l.npy", np.arange(7.0))
        coords = self._coords(tmp_path) if with_coords else None
        with pytest.raises((ShapeError, RequestError), match=message):
            readers.open_latents(tmp_path / "l.npy", coords=coords, roi=roi)


def test_gzip_is_known_by_content(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(gzip.compress(b"x,y,latent_d3\n0,0,1.5\n"))
    assert readers.open_latents(tmp_path / "t.csv").dims.tolist() == [3]
