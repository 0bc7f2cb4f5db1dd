"""Requests for a process that runs in another folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from latentcore.requests.anywhere import anywhere


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    for name in ("scan.h5", "maps.csv", "rows.npy"):
        Path(name).touch()
    Path("pca").mkdir()
    return str(tmp_path)


def test_files_get_their_whole_path(here: str) -> None:
    asked = {
        "location": ["scan.h5@reader=kikuchi-hdf5", "s3://scans/b.h5", "none.h5"],
        "checkpoint": "pca:16",
        "rows": "rows.npy",
        "keep_above": [["maps.csv:bc", 3.5]],
        "reader": "pca",
        "options": None,
        "clobber": True,
    }
    assert anywhere("extract", asked) == {
        **asked,
        "location": [
            f"{here}/scan.h5@reader=kikuchi-hdf5",
            "s3://scans/b.h5",
            f"{here}/none.h5",
        ],
        "rows": f"{here}/rows.npy",
        "keep_above": [[f"{here}/maps.csv:bc", 3.5]],
    }
