"""Verbs on objects: fetched with progress, recorded by their location, kept to one version."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from latentcore.artifacts import read_run
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.errors import StorageError
from latentcore.progress import Progress
from latentcore.readers import open_latents
from latentcore.requests.remote_inputs import remote_inputs
from latentcore.storage.locations import S3Location
from latentcore.workflows import execute
from latentcore.workflows.cluster import ClusterRequest
from latentcore.workflows.collect import CollectRequest
from latentcore.workflows.extract.verb import ExtractRequest
from tests.factories.kikuchi import full_grid, write_kikuchi
from tests.storage.conftest import BUCKET
from tests.storage.server import Server

pytestmark = pytest.mark.usefixtures("configure")


def test_inputs_are_found_in_every_field() -> None:
    request = ClusterRequest(
        latents="s3://a-bucket/one_latents.h5",
        dim=0,
        map="s3://a-bucket/maps/one.csv:bandcontrast",
        method="kmeans",
    )
    assert remote_inputs(request) == [
        S3Location("a-bucket", "one_latents.h5"),
        S3Location("a-bucket", "maps/one.csv"),
    ]


def test_extract_reads_an_object(server: Server, tmp_path: Path) -> None:
    images = np.random.default_rng(0).normal(size=(30, 1, 8, 8)).astype(np.float32)
    write_kikuchi(tmp_path / "scan.h5", full_grid(6, 5), images)
    server.client.upload_file(str(tmp_path / "scan.h5"), BUCKET, "series/scan.h5")
    said: list[str] = []
    execute(
        "extract",
        ExtractRequest(location=("s3://scans/series/scan.h5",), checkpoint="pca:3"),
        tmp_path / "out",
        Progress(lambda done, total, message: said.append(message)),
    )
    run = read_run(tmp_path / "out")
    assert run is not None
    assert "downloading scan.h5" in said
    assert "scan_latents.h5" in run["files"]
    [read] = [entry for entry in run["inputs"] if entry["role"] == "samples"]
    assert read["location"] == "s3://scans/series/scan.h5"
    execute(
        "extract",
        ExtractRequest(location=(str(tmp_path / "scan.h5"),), checkpoint="pca:3"),
        tmp_path / "local",
    )
    name = "scan_latents.h5"
    assert load(tmp_path / "out" / name) == load(tmp_path / "local" / name)


def load(path: Path) -> bytes:
    with h5py.File(path) as file:
        return bytes(file["samples"][()].tobytes())


def test_missing_object_leaves_nothing(tmp_path: Path) -> None:
    request = ExtractRequest(location=("s3://scans/none.h5",), checkpoint="pca:3")
    with pytest.raises(StorageError, match="no object"):
        execute("extract", request, tmp_path / "out")
    assert list(tmp_path.glob("*out*")) == []


def test_scans_on_s3_become_a_collection(server: Server, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        values = rng.normal(size=(30, 3)).astype(np.float32)
        x, y = full_grid(6, 5).T
        grid, dims = ScanGrid.from_coordinates(x, y), np.arange(3, dtype=np.int32)
        write_latents(
            tmp_path / f"{name}.h5", LatentSet(values, default_sample_ids(30), dims, grid)
        )
        server.client.upload_file(str(tmp_path / f"{name}.h5"), BUCKET, f"series/{name}_latents.h5")
    locations = tuple(f"s3://scans/series/{name}_latents.h5" for name in ("one", "two"))
    execute("collect", CollectRequest(latents=locations), tmp_path / "all")
    joined = open_latents(tmp_path / "all/collection_latents.h5")
    assert joined.partition is not None
    assert joined.partition.names == ("one", "two")
    for name in ("one", "two"):
        own = open_latents(tmp_path / f"{name}.h5")
        np.testing.assert_array_equal(joined.values[joined.partition.mask([name])], own.values)
    run = read_run(tmp_path / "all")
    assert run is not None
    assert {entry["location"] for entry in run["inputs"]} == set(locations)
