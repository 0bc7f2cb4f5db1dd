"""The real artifacts give the numbers of their README."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from latentcore import readers
from latentcore.containers import Roi, match_rows
from latentcore.errors import UnknownFormatError

ROI = (350, 420, 70, 140)


@pytest.fixture(scope="module")
def pellet(shared_data: Path) -> Path:
    return shared_data / "roi_x350_420_y70_140_dim512"


def test_latent_maps_parquet(pellet: Path) -> None:
    readers.open_latents(pellet / "latent_full_d40.csv.gz")  # imports pandas and pyarrow
    start = time.perf_counter()
    latents = readers.open_latents(pellet / "latent_full_maps.parquet")
    assert time.perf_counter() - start < 2
    assert latents.values.shape == (131_670, 17)
    assert latents.grid is not None
    assert latents.grid.shape == (266, 495)
    assert np.isnan(latents.values).sum(axis=0).tolist() == [13_577] * 17
    assert (latents.dims[0], latents.dims[-1]) == (26, 507)
    inside = latents.take(Roi.from_bounds(ROI).mask(latents.grid))
    assert (len(inside), inside.encoded.sum()) == (4900, 4760)


def test_npy_equals_the_maps(pellet: Path) -> None:
    latents = readers.open_latents(pellet / "latent_full_maps.parquet")
    assert latents.grid is not None
    for path in sorted((pellet / "latents_npy").glob("*.npy")):
        roi = readers.open_latents(path, roi=ROI)
        assert roi.grid is not None
        rows = match_rows(roi.grid, latents.grid)
        expected = latents.dimension(int(roi.dims[0]))[rows]
        np.testing.assert_array_equal(roi.values[:, 0], expected)


def test_published_csv_equals_the_parquet(pellet: Path) -> None:
    one = readers.open_latents(pellet / "latent_full_d40.csv.gz")
    full = readers.open_latents(pellet / "latent_full_maps.parquet")
    np.testing.assert_array_equal(one.values[:, 0], full.dimension(40))


def test_phases(pellet: Path) -> None:
    maps = readers.open_maps(pellet / "phases_and_pca_cnmf_clusters.csv")
    names = maps.categories["true_phase"]
    counts = Counter(names[int(code)] for code in maps.get("true_phase"))
    assert counts == {
        "Iron bcc (old)": 2851, "not_indexed": 1832, "Magnetite": 180, "Hematite": 37,
    }  # fmt: skip


def test_cluster_assignments_are_maps(pellet: Path) -> None:
    (path,) = (pellet / "clusters").glob("*_gmm.csv")
    maps = readers.open_maps(path)
    assert maps.names == ("latent", "bandcontrast", "cluster")
    assert len(maps.grid) == 4900
    assert (maps.get("cluster") == -1).sum() == 140
    assert readers.recognize(path) == ("maps", "csv-maps")


def test_scores_tables_are_nothing_of_ours(pellet: Path) -> None:
    with pytest.raises(UnknownFormatError):
        readers.recognize(pellet / "bandcontrast_latent_scores.csv")


def test_pca_and_cnmf_tables(shared_data: Path) -> None:
    folder = shared_data / "pca_cnmf_x250_300_y30_70"
    pca = readers.open_maps(folder / "pca_scores_pc100_x250-300_y30-70.csv.gz")
    assert pca.names == (*(f"PCA_{i}" for i in range(1, 101)), "cluster_label")
    assert (pca.grid.shape, pca.grid.x_range) == ((40, 50), (250.0, 300.0))
    assert list(pca.categories["cluster_label"]) == [0, 1, 2]
    cnmf = readers.open_maps(folder / "cnmf_weights_pc100_x250-300_y30-70.csv")
    assert list(cnmf.categories["cluster_label"]) == list(range(6))
    assert abs(cnmf.values[:3].sum(axis=0) - 1).max() < 0.5


def test_simulated_scan(shared_data: Path) -> None:
    folder = shared_data / "ebsd_sim"
    with readers.open_samples(folder / "ni_sim_small.h5") as samples:
        assert (len(samples), samples.sample_shape, samples.dtype) == (3600, (1, 60, 60), np.uint8)
        assert samples.grid is not None
        assert samples.grid.shape == (60, 60)
        grid = samples.grid
    contrast = readers.open_maps(folder / "ni_sim_small_bandcontrast.csv")
    assert (contrast.values.min(), contrast.values.max()) == (16, 216)
    truth = readers.open_maps(folder / "ni_sim_small_truth.csv")
    assert (truth.get("phase_id") == 0).sum() == 58
    assert len(truth.categories["grain_id"]) == 23
    values, unmatched = contrast.at(grid)
    assert unmatched == 0
    phase = truth.at(grid)[0][truth.names.index("phase_id")]
    means = [round(float(values[0][phase == number].mean())) for number in range(3)]
    assert means == [30, 116, 159]


def test_elements_have_percent(shared_data: Path) -> None:
    maps = readers.open_maps(shared_data / "ebsd_sim" / "ni_sim_small_elements.csv")
    assert (maps.names, maps.units) == (("Fe", "Ni", "O"), ("%", "%", "%"))


def test_expected_points_take_the_index_columns(shared_data: Path) -> None:
    maps = readers.open_maps(shared_data / "ebsd_vendor_sim" / "expected_points.csv")
    assert (maps.grid.shape, maps.grid.step) == ((11, 14), (1.0, 1.0))
    assert {"x_um", "y_um", "bandcontrast", "phase"} <= set(maps.names)
