"""A workspace as versions 0.1.0 and 0.2.0 of the program left it, in the formats of their day.

All is written here and by no writer of the program, which would write what it writes today: fewer
fields in records of jobs, preparations and summaries, no fitted model beside an embedding.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from tests.factories.kikuchi import full_grid, write_kikuchi

VERSIONS = ("0.1.0", "0.2.0")

_COORDS = full_grid(6, 5, x0=10)
_CREATED = "2026-11-22T15:00:00+00:00"
_BEGAN = 1_795_000_000.0
_PREPARATION = {
    "crop": None, "size": None, "background": "none", "background_sigma": 8.0, "smooth": 0.0,
    "scale": "z_score", "channels": 1,
}  # fmt: skip
_EXTRACT = {
    "checkpoint": "pca:2", "options": None, "partition": [], "rows": None, "pool": None,
    "resolution": None, "prepare": [], "keep_above": None, "batch_size": None, "device": "auto",
    "seed_names": False, "cutouts": False, "clobber": False, "reader": None, "seed": 0,
}  # fmt: skip
_PROJECT = {
    "method": "umap", "components": 2, "neighbors": 15, "min_dist": 0.1, "metric": "euclidean",
    "fit_on": None, "fit_partition": None, "whiten": False, "seed": 0, "roi": None,
    "coords": None, "reader": None,
}  # fmt: skip
_MAP = {"dim": [0], "roi": None, "coords": None, "reader": None}


@dataclass(frozen=True)
class OldWorkspace:
    """What was put there.

    Attributes
    ----------
    samples, maps, latents, embedding, model : Path
    titles : tuple of str
        Of the jobs that had finished.
    interrupted : str
        The id of one that was running when the server ended.
    """

    samples: Path
    maps: Path
    latents: Path
    embedding: Path
    model: Path
    titles: tuple[str, ...]
    interrupted: str


def write_old_workspace(folder: Path, version: str) -> OldWorkspace:
    """Write uploads, runs and jobs; `version` is one of `VERSIONS`."""
    return _Writer(folder, version).write()


@dataclass(frozen=True)
class _Writer:
    folder: Path
    version: str

    def write(self) -> OldWorkspace:
        samples, maps = self._uploads()
        extract = dict(_EXTRACT) if self.version == "0.1.0" else {**_EXTRACT, "strict": False}
        run = self._begin("extract", {"location": [str(samples)], **extract}, samples)
        latents = run.folder / "scan_latents.h5"
        values = _latents(latents, run.provenance)
        _model(run.folder / "model.safetensors", run.provenance)
        self._end(run, {
            "skipped": False, "encoder": "pca", "latent_dim": 2, "device": "cpu",
            "preparation": _PREPARATION, "explained_variance": 0.9, "n": 30, "n_encoded": 30,
            "latents": {latents.name: {"n": 30, "n_encoded": 30, "resumed_rows": 0}}, "notes": [],
        })  # fmt: skip
        project = self._begin("project", {"latents": str(latents), **_PROJECT}, latents)
        embedding = _embedding(project.folder, values)
        self._end(project, {"method": "umap", "n_samples": 30, "n_embedded": 30})
        drawn = self._begin("map", {"latents": str(latents), **_MAP}, latents)
        np.save(drawn.folder / "latent_full_d0.npy", values[:, 0].reshape(5, 6))
        self._end(drawn, {"maps": [{"dim": 0}]})
        stopped = self._begin("map", {"latents": str(latents), **_MAP, "dim": [1]}, latents)
        stopped.folder.rmdir()
        state = {"state": "running", "title": "stopped", "pid": 1, "owner": "1-c15db5d6"}
        self._job(stopped, state)
        return OldWorkspace(
            samples, maps, latents, embedding, run.folder / "model.safetensors",
            tuple(f"{verb} of {self.version}" for verb in ("extract", "project", "map")),
            stopped.job,
        )  # fmt: skip

    def _uploads(self) -> tuple[Path, Path]:
        scan, table = self.folder / "scan.h5", self.folder / "maps.csv"
        self.folder.mkdir(parents=True)
        write_kikuchi(scan, _COORDS)
        x, y = _COORDS.T
        pd.DataFrame({"x": x, "y": y, "BandContrast": np.arange(30)}).to_csv(table, index=False)
        return self._uploaded(scan), self._uploaded(table)

    def _uploaded(self, file: Path) -> Path:
        digest = hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest()
        folder = self.folder / "uploads" / digest
        folder.mkdir(parents=True)
        return file.rename(folder / file.name)

    def _begin(self, verb: str, request: Mapping[str, Any], location: Path) -> _Run:
        job = hashlib.blake2b(json.dumps(request).encode(), digest_size=6).hexdigest()
        folder = self.folder / "runs" / f"{verb}-{job}"
        folder.mkdir(parents=True)
        digest = hashlib.blake2b(location.read_bytes(), digest_size=16).hexdigest()
        reader, role = ("kikuchi-hdf5", "samples")
        if verb != "extract":
            reader, role = ("latentcore-hdf5", "latents")
        provenance = {
            "verb": verb,
            "request": dict(request),
            "inputs": [
                {
                    "location": str(location),
                    "reader": reader,
                    "fingerprint": f"blake2b:{digest}",
                    "role": role,
                }
            ],
            "parents": [],
            "seed": request.get("seed"),
            "versions": {"python": "3.11.7", "latentcore": self.version, "numpy": "2.4.6"},
            "created": _CREATED,
        }
        return _Run(job, folder, provenance)

    def _end(self, run: _Run, summary: Mapping[str, Any]) -> None:
        files = {
            path.name: {
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "bytes": path.stat().st_size,
            }
            for path in sorted(run.folder.iterdir())
        }
        record = {
            "encoding-type": "latentcore-run", "encoding-version": "1", "run_id": f"{run.job}00",
            **run.provenance, "summary": summary, "files": files,
        }  # fmt: skip
        _write_json(run.folder / "run.json", record)
        self._job(run, {"state": "finished", "ended": _BEGAN + 4, "run_id": f"{run.job}00"})

    def _job(self, run: _Run, state: Mapping[str, Any]) -> None:
        folder = self.folder / "jobs" / run.job
        folder.mkdir(parents=True)
        verb = run.provenance["verb"]
        record = {
            "id": run.job, "verb": verb, "request": run.provenance["request"],
            "out": str(run.folder), "title": f"{verb} of {self.version}", "created": _BEGAN,
            "started": _BEGAN + 1, "ended": 0.0, "done": 30, "total": 30, "message": "encoding",
            "stage_at": _BEGAN + 2, "stage_done": 0, "updated": _BEGAN + 3, "error": "",
            "run_id": "", "pid": 7, "attempt": 1, "owner": "7-de1def15", "cancelling": False,
            "paused": False, **({} if self.version == "0.1.0" else {"automatic": False}), **state,
        }  # fmt: skip
        _write_json(folder / "job.json", record)
        (folder / "log.txt").touch()


@dataclass(frozen=True)
class _Run:
    job: str
    folder: Path
    provenance: Mapping[str, Any]


def _latents(path: Path, provenance: Mapping[str, Any]) -> np.ndarray:
    values = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
    with h5py.File(path, "w") as file:
        file.attrs["encoding-type"] = "latentcore-latents"
        file.attrs["encoding-version"] = "1"
        file.attrs["unit"] = ""
        file.attrs["step"] = np.ones(2)
        file.attrs["provenance"] = json.dumps(provenance)
        file["samples"] = values
        file["dims"] = np.arange(2, dtype=np.int32)
        file["sample_ids"] = np.array([str(row) for row in range(30)], "S2")
        file["coords"] = _COORDS.astype(np.int32)
    return values


def _model(path: Path, provenance: Mapping[str, Any]) -> None:
    record = {
        "encoding-type": "latentcore-model", "encoding-version": "1",
        "encoder": {
            "name": "pca", "latent_dim": 2, "input_shape": [1, 8, 8],
            "architecture": {"latent_dim": 2},
            "fingerprint": "blake2b:6cc5d3a155c91c5f3d3089c8c6b54488",
        },
        "preparation": _PREPARATION, "provenance": dict(provenance),
    }  # fmt: skip
    tensors = {
        "components": np.eye(2, 64, dtype=np.float32),
        "explained_variance": np.ones(2, np.float32),
        "explained_variance_ratio": np.full(2, 0.45, np.float32),
        "mean": np.zeros(64, np.float32),
    }
    save_file(tensors, path, {"latentcore": json.dumps(record)})
    _write_json(path.with_name("model.json"), record)


def _embedding(folder: Path, values: np.ndarray) -> Path:
    x, y = _COORDS.T.astype(np.float64)
    path = folder / "embedding.parquet"
    pd.DataFrame(
        {
            "sample_id": [str(row) for row in range(30)], "x": x, "y": y,
            "U0": values[:, 0], "U1": values[:, 1],
        }
    ).to_parquet(path, index=False)  # fmt: skip
    report = {
        "method": "umap", "engine": "umap-learn", "version": "0.5.12", "parameters": {
            "components": 2, "neighbors": 15, "n_fitted": 30, "n_used": 30, "seed": 0, "notes": []
        },
        "scores": {}, "trustworthiness": 1.0, "n_samples": 30, "n_embedded": 30, "roi": None,
        "collapse": {"n_active": 2, "n_collapsed": 0, "message": ""},
        "table": "embedding.parquet", "figure": "embedding.png",
    }  # fmt: skip
    _write_json(folder / "report.json", report)
    return path


def _write_json(path: Path, record: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(record, indent=2), encoding="utf-8")
