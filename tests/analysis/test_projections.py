from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from latentcore.analysis import embedding_quality
from latentcore.analysis.embedding_quality import neighbour_preservation, trustworthiness
from latentcore.analysis.principal_components import pca, principal_axes
from latentcore.analysis.umap_embedding import umap
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids, partitions_of
from latentcore.errors import Cancelled, RequestError
from latentcore.progress import Progress


def latents(values: np.ndarray) -> LatentSet:
    n, d = values.shape
    return LatentSet(values.astype(np.float32), default_sample_ids(n), np.arange(d, dtype=np.int32))


def groups(n: int = 40, d: int = 6, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(center, 1, (n, d)) for center in (0, 8)])


class TestPca:
    def test_agrees_with_scikit_learn_but_for_signs(self):
        values = groups().astype(np.float32)
        model = PCA(3).fit(values.astype(float))
        found = pca(latents(values), components=3)
        ratios = [found.scores[f"explained_variance_ratio_{i}"] for i in range(3)]
        assert ratios == pytest.approx(model.explained_variance_ratio_)
        np.testing.assert_allclose(
            np.abs(found.coordinates), np.abs(model.transform(values.astype(float))), rtol=2e-5,
            atol=1e-5,
        )  # fmt: skip

    def test_largest_loading_is_positive(self):
        _, axes, _ = principal_axes(groups())
        assert (axes[np.arange(6), np.abs(axes).argmax(axis=1)] > 0).all()

    def test_blocks_do_not_change_the_axes(self, monkeypatch):
        whole = principal_axes(groups())
        monkeypatch.setattr("latentcore.analysis.principal_components._BLOCK", 7)
        for one, other in zip(whole, principal_axes(groups()), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-12)

    def test_axes_of_many_rows_are_learned_from_some(self, monkeypatch):
        values = groups(2_000)
        values[7] = np.nan
        whole = pca(latents(values))
        monkeypatch.setattr("latentcore.analysis.principal_components._MOST_LEARNED", 1_000)
        monkeypatch.setattr("latentcore.analysis.principal_components._LEARNED", 500)
        found = pca(latents(values))
        assert found.parameters["n_used"] == 3_999
        assert found.parameters["n_fitted"] in (499, 500)
        assert np.isnan(found.coordinates[7]).all()
        kept = ~np.isnan(whole.coordinates[:, 0])
        one, other = whole.coordinates[kept, 0], found.coordinates[kept, 0]
        assert abs(np.corrcoef(one, other)[0, 1]) > 0.999

    def test_rows_without_latent_stay_nan(self):
        values = groups()
        values[5, 2] = np.nan
        found = pca(latents(values))
        assert np.isnan(found.coordinates[5]).all()
        assert np.isfinite(np.delete(found.coordinates, 5, axis=0)).all()
        assert found.parameters["n_used"] == 79

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            (np.zeros((9, 3)), "All 9 latents are equal"),
            (np.eye(2), "2 of 2 samples have a latent; an embedding needs at least 3"),
            (np.arange(9.0)[:, None], "as many latent dimensions, but there are 1"),
        ],
    )
    def test_what_cannot_be_embedded_is_refused(self, values, expected):
        with pytest.raises(RequestError, match=expected):
            pca(latents(values))

    def test_components_are_two_or_three(self):
        with pytest.raises(RequestError, match="2 or 3 components, but 4"):
            pca(latents(groups()), components=4)


class TestUmapRefuses:
    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({"neighbors": 1}, "at least 2 neighbors, but 1"),
            ({"min_dist": 2.0}, "min_dist must lie in 0 … 1, but is 2"),
            ({"metric": "hamming"}, "one of euclidean, .*but is 'hamming'"),
            ({"fit_on": 3}, "at least 5 rows, but fit_on is 3"),
            ({"seed": -1}, "seed must be from 0 to 4294967295, but is -1"),
            ({"fit_partition": "train"}, "partition 'train', but the latents have no partitions"),
        ],
    )
    def test_senseless_parameters(self, settings, expected):
        with pytest.raises(RequestError, match=expected):
            umap(latents(groups()), **settings)

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("test", "'test', but the latents have the partitions train, valid"),
            ("valid", "Only 3 rows of partition 'valid' have a latent"),
        ],
    )
    def test_partitions_that_nothing_can_be_learned_from(self, name, expected):
        partition = partitions_of(np.array(["train"] * 77 + ["valid"] * 3))
        with pytest.raises(RequestError, match=expected):
            umap(replace(latents(groups()), partition=partition), fit_partition=name)

    def test_identical_rows(self):
        with pytest.raises(RequestError, match="All 20 latents are equal"):
            umap(latents(np.ones((20, 4))))

    def test_too_few_rows(self):
        with pytest.raises(RequestError, match="4 of 4 samples"):
            umap(latents(groups()[:4]))


@pytest.fixture(scope="module")
def found():
    values = groups()
    values[5] = np.nan
    return umap(latents(values))


@pytest.mark.slow
class TestUmap:
    def test_separates_groups_and_keeps_rows(self, found):
        coordinates = found.coordinates
        assert coordinates.shape == (80, 2)
        assert np.isnan(coordinates[5]).all()
        assert np.isfinite(np.delete(coordinates, 5, axis=0)).all()
        first, second = np.delete(coordinates[:40], 5, axis=0), coordinates[40:]
        gap = np.linalg.norm(first.mean(axis=0) - second.mean(axis=0))
        assert gap > 2 * max(first.std(), second.std())

    def test_same_seed_same_coordinates(self, found):
        values = groups()
        values[5] = np.nan
        np.testing.assert_array_equal(umap(latents(values)).coordinates, found.coordinates)
        assert found.parameters["seed"] == 0
        assert found.engine.startswith("umap-learn 0.")

    def test_fit_on_places_the_others(self):
        found = umap(latents(groups()), fit_on=50, components=3, whiten=True)
        assert found.coordinates.shape == (80, 3)
        assert np.isfinite(found.coordinates).all()
        assert found.parameters["n_fitted"] == 50

    def test_by_default_no_more_than_so_many_are_learned_from(self, monkeypatch):
        monkeypatch.setattr("latentcore.analysis.umap_embedding.MOST_FITTED", 50)
        values = groups()
        values[5] = np.nan
        found = umap(latents(values))
        assert (found.parameters["n_fitted"], found.parameters["n_used"]) == (50, 79)
        assert np.isfinite(np.delete(found.coordinates, 5, axis=0)).all()
        assert umap(latents(values), fit_on=60).parameters["n_fitted"] == 60

    def test_learning_from_one_partition_places_the_others(self):
        values = groups()
        values[3] = np.nan
        partition = partitions_of(np.array(["train", "valid"] * 40))
        found = umap(replace(latents(values), partition=partition), fit_partition="valid")
        assert (found.parameters["n_fitted"], found.parameters["n_used"]) == (39, 79)
        assert np.isfinite(np.delete(found.coordinates, 3, axis=0)).all()
        # Rows of the other partition have no part in the layout of this one.
        alone = umap(latents(values[1::2])).coordinates
        np.testing.assert_array_equal(found.coordinates[1::2], alone)

    @pytest.mark.parametrize(("most", "inside"), [(20, 20), (32, 32), (50, 32)])
    def test_landmarks_are_of_the_roi_first(self, most, inside):
        y, x = np.divmod(np.arange(80), 10)
        scan = replace(latents(groups()), grid=ScanGrid.from_coordinates(x, y))
        found = umap(scan, fit_on=most, fit_roi=(2, 6, 0, 8))
        assert found.parameters["n_fitted"] == most
        assert found.parameters["n_fitted_in_roi"] == inside
        assert f"{most} landmarks, {inside} of them in the ROI" in found.parameters["notes"][0]
        again = umap(scan, fit_on=most, fit_roi=(2, 6, 0, 8))
        np.testing.assert_array_equal(found.coordinates, again.coordinates)
        # Where all are learned from, the ROI changes nothing.
        everything = umap(scan, fit_on=80, fit_roi=(2, 6, 0, 8)).coordinates
        np.testing.assert_array_equal(everything, umap(scan).coordinates)

    def test_too_many_neighbors_are_lowered_and_reported(self):
        found = umap(latents(groups()[:8]), neighbors=15)
        assert found.parameters["neighbors"] == 7
        assert "neighbors lowered from 15 to 7" in found.parameters["notes"][0]

    def test_duplicates_are_no_trouble(self):
        values = np.repeat(groups()[:10], 5, axis=0)
        assert np.isfinite(umap(latents(values), neighbors=5).coordinates).all()

    def test_cancelling_stops_the_layout(self):
        progress = Progress()

        def cancel_in_layout(done: int, total: int, message: str) -> None:
            if "layout" in message:
                progress.cancel()

        progress._on_step = cancel_in_layout
        with pytest.raises(Cancelled):
            umap(latents(groups(n=400)), progress=progress)


class TestScores:
    def test_trustworthiness_is_scikit_learns(self):
        values = groups()
        flat = values[:, :2]
        expected = trustworthiness(values, flat, neighbors=5)
        assert expected == {
            "value": pytest.approx(sklearn_trustworthiness(values, flat, n_neighbors=5)),
            "neighbors": 5,
            "rows": 80,
        }

    def test_identity_is_trustworthy_and_preserves_neighbors(self):
        values = np.random.default_rng(0).normal(size=(60, 2))
        assert trustworthiness(values, values)["value"] == 1.0
        assert neighbour_preservation(values, values)["value"] == 1.0

    def test_neighbor_preservation_counts_common_neighbors(self):
        values = np.array([[0.0], [1.0], [2.1], [10.0]])
        moved = np.array([[0.0], [10.0], [2.1], [1.0]])
        # The nearest of each: 1, 0, 1, 2 before; 3, 2, 3, 0 after.
        expected = neighbour_preservation(values, moved, neighbors=1)
        assert expected == {"value": 0.0, "neighbors": 1, "rows": 4, "among": 4}
        # The nearest two: {1,2} {0,2} {0,1} {1,2} before; {2,3} {2,3} {0,3} {0,2} after.
        assert neighbour_preservation(values, moved, neighbors=2)["value"] == pytest.approx(0.5)

    def test_neighbors_are_sought_among_some_of_very_many_rows(self, monkeypatch):
        monkeypatch.setattr(embedding_quality, "_MOST_SOUGHT", 50)
        values = np.random.default_rng(0).normal(size=(300, 4))
        found = neighbour_preservation(values, values[:, :2], rows=300)
        assert found["among"] == 300  # those asked are always among them
        few = neighbour_preservation(values, values[:, :2], rows=20, neighbors=5)
        drawn = [np.random.default_rng(0).choice(300, n, replace=False) for n in (20, 50)]
        asked, among = np.sort(drawn[0]), np.union1d(*drawn)
        kept = 0
        for row in asked:
            others = among[among != row]
            near, shown = (
                others[np.argsort(((space[others] - space[row]) ** 2).sum(axis=1))[:5]]
                for space in (values, values[:, :2])
            )
            kept += len(set(near) & set(shown))
        assert few == {
            "value": pytest.approx(kept / 100), "neighbors": 5, "rows": 20, "among": len(among),
        }  # fmt: skip

    def test_subsample_is_seeded_and_reported(self):
        values = np.random.default_rng(0).normal(size=(300, 4))
        first, second = (trustworthiness(values, values[:, :2], rows=100) for _ in range(2))
        assert first == second
        assert first["rows"] == 100

    def test_rows_without_coordinates_take_no_part(self):
        values = np.random.default_rng(0).normal(size=(30, 3))
        coordinates = values[:, :2].copy()
        coordinates[:10] = np.nan
        assert trustworthiness(values, coordinates)["rows"] == 20
        assert trustworthiness(values, coordinates)["neighbors"] == 9

    def test_too_few_rows_have_no_score(self):
        assert np.isnan(trustworthiness(np.eye(2), np.eye(2))["value"])
        assert np.isnan(neighbour_preservation(np.eye(1), np.eye(1))["value"])


def test_a_row_that_was_not_learned_from_lies_among_its_three_nearest_landmarks():
    partition = partitions_of(np.array(["fit", "other"] * 40))
    values = groups().astype(np.float32)
    found = umap(replace(latents(values), partition=partition), fit_partition="fit").coordinates
    learned, asked = values[::2].astype(float), values[1::2].astype(float)
    distances, near = cKDTree(learned).query(asked, 3)
    excess = distances - distances[:, :1]
    weights = np.exp(-excess / excess.mean(axis=1, keepdims=True))[:, :, None]
    wanted = (weights * found[::2][near]).sum(axis=1) / weights.sum(axis=1)
    np.testing.assert_allclose(found[1::2], wanted, rtol=1e-3, atol=1e-3)
