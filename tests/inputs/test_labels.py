"""Labels by file and column, or by the folder of a run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from latentcore.analysis.agreement import MISSING
from latentcore.artifacts import RunFolder
from latentcore.errors import RequestError
from latentcore.inputs.labels import read_labels

X, Y = np.arange(6) % 3, np.arange(6) // 3


def table(path, **columns):
    pd.DataFrame({"x": X, "y": Y, **columns}).to_csv(path, index=False)
    return str(path)


def run_of(verb, out, name, **columns):
    with RunFolder(out, verb=verb, request={}) as folder:
        folder.write_csv(name, pd.DataFrame({"x": X, "y": Y, **columns}))
        folder.commit({})
    return str(out)


@pytest.mark.parametrize(
    ("verb", "name", "column"),
    [
        ("cluster", "cluster_assignments__t.csv", "cluster"),
        ("domains", "domains.csv", "domain"),
        ("grains", "domains.csv", "domain"),
        ("regions", "labels.csv", "region"),
    ],
)
def test_the_folder_of_a_run(tmp_path, verb, name, column):
    other = {"latent": np.linspace(0, 1, 6)} if verb == "cluster" else {}
    spec = run_of(verb, tmp_path / "run", name, **other, **{column: [0, 0, 1, 1, -1, 2]})
    with RunFolder(tmp_path / "out", verb="agree", request={}) as folder:
        found = read_labels(spec, folder)
        assert folder.inputs[0].location == str(tmp_path / "run" / name)
        assert len(folder.parents) == 1
    assert found.name == column
    assert found.labels.tolist() == [0, 0, 1, 1, -1, 2]
    assert found.given.tolist() == [True, True, True, True, False, True]


def test_texts_numbers_and_texts_among_numbers(tmp_path):
    texts = table(tmp_path / "a.csv", what=["Fe", "Fe", None, "Ni", "Ni", "Fe"], z=1.5)
    found = read_labels(texts)
    assert found.labels.tolist() == [0, 0, MISSING, 1, 1, 0]
    assert [found.text(one) for one in (0, 1)] == ["Fe", "Ni"]
    assert not found.given[2]
    mixed = read_labels(table(tmp_path / "b.csv", label=["1", "1", "2", "pore", "2", None]))
    assert [mixed.text(one) for one in mixed.labels[:5]] == ["1", "1", "2", "pore", "2"]
    numbers = read_labels(
        table(tmp_path / "c.csv", value=[7, 7, 1e6, -1, None, 0], z=1.5) + ":value"
    )
    assert numbers.labels.tolist() == [7, 7, 1_000_000, -1, MISSING, 0]


@pytest.mark.parametrize(
    ("columns", "spec", "message"),
    [
        ({"label": [1, 1, 2, 2, 3, 3], "grain": [0, 0, 0, 1, 1, 1]}, "", "holds 2: label, grain"),
        ({"size": [1.5, 1, 2, 2, 3, 3]}, "", "numbers such as 1.5, not labels"),
        ({"size": [3e9, 1, 2, 2, 3, 3]}, "", "labels up to 3000000000"),
        ({"size": [1] * 6, "a": [None] * 6}, ":a", "holds no label at any of its 6 points"),
        ({"size": [1] * 6}, ":b", "no column 'b'"),
    ],
)
def test_what_is_no_label(tmp_path, columns, spec, message):
    with pytest.raises(RequestError, match=message):
        read_labels(table(tmp_path / "a.csv", **columns) + spec)


def test_folders_without_labels(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match="no finished run, so it holds no labels"):
        read_labels(str(tmp_path / "empty"))
    with pytest.raises(RequestError, match="a run of 'rank'"):
        read_labels(run_of("rank", tmp_path / "rank", "reference.csv", Fe=[1.0] * 6))
    with pytest.raises(RequestError, match=r"lists 0 tables 'domains.csv'"):
        read_labels(run_of("domains", tmp_path / "old", "other.csv", domain=[1] * 6))
