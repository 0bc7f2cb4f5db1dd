"""``inspect`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from latentcore.cli import main
from tests.factories.kikuchi import write_kikuchi


def _inspect(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main(["inspect", *arguments, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert isinstance(summary, dict)
    return summary


def test_scan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_kikuchi(tmp_path / "scan.h5")
    summary = _inspect(capsys, str(path))
    assert summary["kind"] == "samples"
    assert summary["sample_shape"] == [1, 8, 8]
    assert summary["dtype"] == "uint8"
    assert summary["partitions"] == {}
    assert summary["maps"] == []
    assert str(summary["fingerprint"]).startswith("blake2b:")


def test_npy_with_roi_or_coordinates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "latent_d9.npy", np.array([1.0, np.nan, 3.0, 4.0]))
    (tmp_path / "xy.csv").write_text("x,y\n5,1\n6,1\n5,2\n6,2\n")
    bare = _inspect(capsys, str(tmp_path / "latent_d9.npy"))
    assert (bare["grid"], bare["dims"], bare["n_encoded"]) == (None, [9], 3)
    assert bare["value_range"] == [1.0, 4.0]
    placed = [
        _inspect(capsys, str(tmp_path / "latent_d9.npy"), *options)["grid"]
        for options in (("--roi", "5", "7", "1", "3"), ("--coords", str(tmp_path / "xy.csv")))
    ]
    assert placed[0] == placed[1] == {
        "kind": "square",
        "shape": [2, 2], "x_range": [5, 7], "y_range": [1, 3], "step": [1, 1], "unit": "",
    }  # fmt: skip


def test_maps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.csv").write_text("x,y,Fe,phase\n5,1,0.5,ore\n6,1,,ore\nbad,1,1,ore\n")
    summary = _inspect(capsys, str(tmp_path / "m.csv"))
    assert summary["maps"] == ["Fe", "phase"]
    assert summary["n_samples"] == 2
    assert summary["dropped_rows"] == 1
    assert summary["categories"] == {"phase": ["ore"]}


def test_named_reader_overrules_recognition(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "l.csv").write_text("x,y,latent_d3\n5,1,0.5\n")
    assert _inspect(capsys, str(tmp_path / "l.csv"))["kind"] == "latents"
    assert _inspect(capsys, str(tmp_path / "l.csv"), "--reader", "csv-maps")["kind"] == "maps"
    assert main(["inspect", str(tmp_path / "l.csv"), "--reader", "csv"]) == 2
    assert "No reader is called 'csv'. There are:" in capsys.readouterr().err
