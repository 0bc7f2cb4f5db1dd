"""Latents, maps and ROIs: checked on construction, joined by place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentcore.containers import (
    Clustering,
    Embedding,
    LatentSet,
    Roi,
    ScanGrid,
    ScanMaps,
    default_sample_ids,
    holds_names,
    match_rows,
    numeric,
    partitions_of,
    quantities,
    refuse_names,
)
from latentcore.errors import JoinError, RequestError, ShapeError
from tests.factories.kikuchi import full_grid


def _grid(columns: int = 4, rows: int = 3, **options: int) -> ScanGrid:
    coords = full_grid(columns, rows, **options)
    return ScanGrid.from_coordinates(coords[:, 0], coords[:, 1])


def _latents(n: int = 12, d: int = 2, **changes: object) -> LatentSet:
    values = np.arange(n * d, dtype=np.float32).reshape(n, d)
    given = {
        "values": values,
        "sample_ids": default_sample_ids(n),
        "dims": np.array([3, 40], np.int32)[:d],
        **changes,
    }
    return LatentSet(**given)  # type: ignore[arg-type]


def _maps(grid: ScanGrid) -> ScanMaps:
    values = (grid.x * 1000 + grid.y)[None].astype(np.float32)
    return ScanMaps(values, ("place",), ("",), grid)


class TestLatentSet:
    """Latents know which of the model's dimensions they hold, and which rows are encoded."""

    def test_dimension_is_found_by_its_number(self) -> None:
        np.testing.assert_array_equal(_latents().dimension(40), np.arange(1, 24, 2))
        latents = _latents(dims=np.array([4, 5]))
        with pytest.raises(RequestError, match=r"dimension 7 was asked for, .* hold 4–5"):
            latents.dimension(7)

    def test_nan_rows_are_not_encoded(self) -> None:
        values = np.ones((3, 2), np.float32)
        values[1, 0] = np.nan
        assert _latents(3, values=values).encoded.tolist() == [True, False, True]

    def test_subset_takes_everything_along(self) -> None:
        labels = np.arange(12, dtype=np.int32)
        part = _latents(
            grid=_grid(), labels=labels, partition=partitions_of(labels.astype(str))
        ).take(np.array([5, 2]))
        assert part.sample_ids.tolist() == ["5", "2"]
        assert part.labels is not None
        assert part.labels.tolist() == [5, 2]
        assert part.partition is not None
        assert part.partition.each.tolist() == ["5", "2"]
        assert part.grid is not None
        assert part.grid.x.tolist() == [1, 2]

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"values": np.zeros((12, 2))}, "must be float32"),
            ({"values": np.zeros(12, np.float32)}, r"shape \(12,\)"),
            ({"dims": np.arange(3)}, "3 dims; 2 are needed"),
            ({"sample_ids": np.array(["a"])}, "1 sample_ids; 12"),
            ({"grid": _grid(2, 2)}, "4 grid; 12"),
            ({"labels": np.zeros(2, np.int32)}, "2 labels; 12"),
        ],
    )
    def test_sizes_that_do_not_fit_are_refused(
        self, changes: dict[str, object], message: str
    ) -> None:
        with pytest.raises(ShapeError, match=message):
            _latents(**changes)  # type: ignore[arg-type]


class TestJoin:
    """Two tables meet by place, never by row order."""

    @given(st.permutations(range(12)), st.integers(0, 12))
    def test_rows_are_found_in_any_order(self, order: list[int], kept: int) -> None:
        grid = _grid()
        having = grid.take(np.array(order, np.int64))
        wanted = grid.take(np.arange(12)[:kept])
        rows = match_rows(wanted, having)
        np.testing.assert_array_equal(having.x[rows], wanted.x)
        np.testing.assert_array_equal(having.y[rows], wanted.y)

    def test_points_without_partner_are_counted(self) -> None:
        values, unmatched = _maps(_grid(4, 3)).at(_grid(4, 3, x0=2))
        assert unmatched == 6
        np.testing.assert_array_equal(values[0, :4], [2000, 3000, np.nan, np.nan])

    def test_rounding_is_no_other_place(self) -> None:
        grid = _grid()
        near = ScanGrid.from_coordinates(grid.x + 1e-6, grid.y - 1e-6)
        np.testing.assert_array_equal(match_rows(near, grid), np.arange(12))

    def test_half_a_step_is_another_place(self) -> None:
        grid = _grid()
        shifted = ScanGrid.from_coordinates(grid.x + 0.5, grid.y)
        assert (match_rows(shifted, grid) == -1).all()

    def test_coarse_maps_meet_a_fine_grid(self) -> None:
        values, unmatched = _maps(_grid(2, 2, step=2)).at(_grid(4, 4))
        assert unmatched == 12
        np.testing.assert_array_equal(values[0, [0, 2, 8]], [0, 2000, 2])

    def test_scans_apart_are_refused_with_both_ranges(self) -> None:
        with pytest.raises(JoinError, match=r"cover x 100 to 103.* maps x 0 to 3"):
            _maps(_grid()).at(_grid(x0=100))


def test_maps_are_found_by_name() -> None:
    maps = _maps(_grid())
    assert len(maps) == 1
    assert maps.get("place").shape == (12,)
    with pytest.raises(RequestError, match=r"No map is called 'Fe'\. There are: place"):
        maps.get("Fe")
    with pytest.raises(ShapeError, match="2 maps with 1 units over 12 points"):
        ScanMaps(maps.values, ("a", "b"), ("",), maps.grid)


def test_roi_is_half_open() -> None:
    grid = _grid(10, 10)
    roi = Roi.from_bounds((2, 5, 0, 1))
    assert grid.x[roi.mask(grid)].tolist() == [2, 3, 4]
    assert roi.bounds == (2, 5, 0, 1)
    assert Roi.whole(grid).mask(grid).all()


@pytest.mark.parametrize("bounds", [(5, 2, 0, 1), (0, 1, 3, 3), (0, np.nan, 0, 1)])
def test_empty_roi_is_refused(bounds: tuple[float, ...]) -> None:
    with pytest.raises(RequestError, match="is empty"):
        Roi.from_bounds(bounds)


def test_roi_beside_the_scan_is_refused() -> None:
    with pytest.raises(RequestError, match=r"holds no point. The scan covers x \[0, 4\)"):
        Roi.from_bounds((50, 60, 0, 1)).mask(_grid())


def test_results_are_checked() -> None:
    with pytest.raises(ShapeError, match=r"2 samples, but got \(3, 2\)"):
        Embedding(np.zeros((3, 2), np.float32), np.array(["a", "b"]), "pca")
    clustering = Clustering(np.array([0, -1, 0], np.int32), "dbscan")
    assert clustering.counts == {-1: 1, 0: 2}


def test_columns_of_names_are_reported_from_those_of_numbers() -> None:
    grid = ScanGrid.from_coordinates(np.arange(4), np.zeros(4))
    maps = ScanMaps(
        np.zeros((3, 4), np.float32), ("phase", "cluster", "Fe"), ("", "", "%"), grid,
        categories={"phase": {0: "Iron"}, "cluster": {0: "0"}},
    )  # fmt: skip
    assert holds_names(maps, "phase")
    assert not holds_names(maps, "cluster")
    assert not holds_names(maps, "other")
    assert quantities(maps) == ("Fe",)
    assert numeric(maps) == ("Fe", "cluster")
    refuse_names(maps, ["Fe", "cluster"])
    with pytest.raises(RequestError, match=r"'phase' holds names, such as 'Iron'.*: Fe, cluster"):
        refuse_names(maps, ["Fe", "phase"])
