"""No text of a table is computed by a spreadsheet, and all are read back as they were."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentcore import readers
from latentcore.artifacts import RunFolder
from latentcore.cells import as_meant, csv_bytes, harmless, is_harmless, read_csv, write_csv

FORMULAS = ('=HYPERLINK("http://host/x","a")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1",
            "'=1", "''@a", "\r=2", "\n=3")  # fmt: skip
PLAIN = ("", "Fe", "-5", "+1e-3", "-inf", "'quoted'", "a=b", " =1", "it's", "C K (at%)", "µm")
texts = st.one_of(
    st.sampled_from([*FORMULAS, *PLAIN]),
    st.text(st.sampled_from("'=+-@\t1a "), max_size=6),
)


def is_computed(cell: str) -> bool:
    """Tell by OWASP's list, numbers aside."""
    try:
        if cell == cell.strip():
            float(cell)
            return False
    except ValueError:
        pass
    return cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@given(texts)
def test_harmless_texts_are_computed_by_nobody_and_meant_as_before(text: str) -> None:
    assert not is_computed(harmless(text))
    assert as_meant(harmless(text)) == text


@pytest.mark.parametrize("text", PLAIN)
def test_numbers_and_usual_texts_stay(text: str) -> None:
    assert harmless(text) == text


@given(
    st.lists(texts, min_size=1, max_size=4, unique=True),
    st.lists(texts, min_size=1, max_size=5),
    st.sampled_from(["str", "object", "category"]),
)
def test_tables_come_back_as_they_were(names: list[str], values: list[str], dtype: str) -> None:
    table = pd.DataFrame({name: pd.Series(values, dtype=dtype) for name in names})
    table["number"] = -np.arange(len(values)) - 0.5
    before = table.copy()
    computed = any(is_computed(cell) for cell in (*names, *values))
    assert not (computed and is_harmless(table))
    content = csv_bytes(table)
    pd.testing.assert_frame_equal(table, before)
    cells = [cell for row in csv.reader(io.StringIO(content.decode(), newline="")) for cell in row]
    assert not [cell for cell in cells if is_computed(cell)]
    back = read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
    assert back["number"].astype(float).tolist() == table["number"].tolist()
    if all(names):
        assert list(back.columns) == list(table.columns)
        assert [list(back[name]) for name in names] == [values] * len(names)


def test_usual_tables_are_harmless() -> None:
    table = pd.DataFrame({"C K (at%)": [-1.5, 2.0], "sea": ["Arctic", None], "n": ["-9", "1e5"]})
    assert is_harmless(table)
    assert not is_harmless(table.rename(columns={"sea": "@SUM(A1)"}))


def test_missing_texts_stay_empty_cells() -> None:
    for dtype in ("str", "object", "category"):
        table = pd.DataFrame({"a": pd.Series(["=1", None, "b"], dtype=dtype), "n": [1, 2, 3]})
        assert csv_bytes(table) == b"a,n\n'=1,1\n,2\nb,3\n"


def test_runs_write_and_readers_read_names_of_formulas(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": [0, 1, 0, 1], "y": [0, 0, 1, 1], "=1+1": [1.5, -2, 3, 4]})
    table["@class"] = ["=a", "b", "=a", "b"]
    with RunFolder(tmp_path / "out", verb="map", request={}) as folder:
        folder.write_csv("maps.csv", table)
        folder.write_csv_blocks("blocks.csv", [table[:2], table[2:]])
        folder.commit({})
    content = (tmp_path / "out" / "maps.csv").read_text()
    assert content.startswith("x,y,'=1+1,'@class\n0,0,1.5,'=a\n1,0,-2.0,b\n")
    assert (tmp_path / "out" / "blocks.csv").read_text() == content
    maps = readers.open_maps(tmp_path / "out" / "maps.csv")
    assert maps.names == ("=1+1", "@class")
    assert list(maps.categories["@class"].values()) == ["=a", "b"]


def test_pandas_writes_the_rest_as_ever(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": [0.1, np.nan], "t": ["a,b", 'c"d'], "b": [True, False]})
    write_csv(table, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == table.to_csv(index=False, lineterminator="\n")
