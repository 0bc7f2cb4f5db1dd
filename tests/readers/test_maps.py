"""Map tables in all spellings of the field."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from latentcore import readers
from latentcore.containers import ScanMaps
from latentcore.errors import MalformedFileError, UnknownFormatError


def _maps(tmp_path: Path, text: str, name: str = "t.csv") -> ScanMaps:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return readers.open_maps(path)


@pytest.mark.parametrize("x", ["x", " X ", "X Position", "x_position", "Xpos", "x_indice", "ix"])
def test_coordinate_columns_of_every_spelling(tmp_path: Path, x: str) -> None:
    y = x.replace("x", "y").replace("X", "Y")
    maps = _maps(tmp_path, f"{x},{y},Fe\n5,2,1.5\n6,2,2.5\n5,3,3.5\n6,3,4.5\n")
    assert maps.grid.x.tolist() == [5, 6, 5, 6]
    assert maps.grid.shape == (2, 2)
    assert (maps.names, maps.units) == (("Fe",), ("%",))


@pytest.mark.parametrize(
    "name", ["bandcontrast", "Band_Contrast", " band contrast", "BandContrast"]
)
def test_band_contrast_has_one_name(tmp_path: Path, name: str) -> None:
    assert _maps(tmp_path, f"x,y,{name}\n0,0,255\n1,0,0\n").names == ("bandcontrast",)


def test_unit_of_the_coordinates(tmp_path: Path) -> None:
    maps = _maps(tmp_path, "X (µm);Y (µm);Band Contrast\n0,25;0,5;10\n0,50;0,5;20\n")
    assert maps.grid.unit == "µm"
    assert maps.grid.step == (0.25, 0.25)
    assert maps.get("bandcontrast").tolist() == [10, 20]


def test_text_index_is_the_place(tmp_path: Path) -> None:
    maps = _maps(tmp_path, ',PC_1,PC_2\n"(20, 5)",0.5,1\n"(21, 5)",0.25,2\n')
    assert maps.grid.x.tolist() == [20, 21]
    assert maps.grid.y.tolist() == [5, 5]
    assert maps.names == ("PC_1", "PC_2")
    both = _maps(tmp_path, ',x,y,PC_1\n"(20, 5)",20,5,1\n"(21, 5)",21,5,2\n')
    assert both.names == ("PC_1",)


def test_parquet_index_is_the_place(tmp_path: Path) -> None:
    table = pd.DataFrame({"PC_1": [1.0, 2.0]}, index=["(20, 5)", "(21, 5)"])
    table.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(MalformedFileError, match="no x and y"):
        readers.open_maps(tmp_path / "t.parquet", "csv-maps")
    table.reset_index().to_parquet(tmp_path / "t.parquet")
    assert readers.open_maps(tmp_path / "t.parquet").grid.x.tolist() == [20, 21]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas(tmp_path: Path, separator: str) -> None:
    text = "x,y,Fe,note\n250,0|1,0|12,5|a\n251,0|1,0|0,25|b\n252,0|1,0||b\n253,0|1,0|3|a\n"
    text = text.replace("x,y,Fe,note", "x|y|Fe|note").replace("|", separator)
    maps = _maps(tmp_path, text, "t.tsv")
    np.testing.assert_array_equal(maps.get("Fe"), [12.5, 0.25, np.nan, 3])
    assert maps.categories["note"] == {0: "a", 1: "b"}


def test_rows_without_numbers_are_dropped_and_counted(tmp_path: Path) -> None:
    text = "x,y,bandcontrast\n0,0,7\nx,y,bandcontrast\n1,0,\n2,0,n/a\n,0,9\n3.0,0,8\n"
    maps = _maps(tmp_path, text)
    assert maps.dropped == 4
    assert maps.grid.x.tolist() == [0, 3]
    assert maps.get("bandcontrast").tolist() == [7, 8]


def test_value_that_is_no_number_is_nan_beside_others(tmp_path: Path) -> None:
    maps = _maps(tmp_path, "x,y,Fe,Ni\n0,0,7,1\n1,0,bad,2\n2,0,9,3\n")
    np.testing.assert_array_equal(maps.get("Fe"), [7, np.nan, 9])
    assert maps.dropped == 0


@pytest.mark.parametrize(("values", "count"), [("256,-1,5", "2 of 3"), ("5,5,1e4", "1 of 3")])
def test_impossible_band_contrast_is_counted(tmp_path: Path, values: str, count: str) -> None:
    rows = "".join(f"{x},0,{v}\n" for x, v in enumerate(values.split(",")))
    with pytest.raises(MalformedFileError, match=f"{count} band contrasts .* outside 0 to 255"):
        _maps(tmp_path, "x,y,bandcontrast\n" + rows)


def test_categories(tmp_path: Path) -> None:
    text = (
        "x,y,true_phase,grain_id,cluster_label,phase_fraction,file\n"
        "0,0,Iron,-1,2,0.5,a.png\n1,0,Iron,4,2,1,b.png\n2,0,,4,0,1,c.png\n3,0,Ore,,1,1,d.png\n"
    )
    maps = _maps(tmp_path, text)
    assert maps.names == ("true_phase", "grain_id", "cluster_label", "phase_fraction")
    assert maps.categories["true_phase"] == {0: "Iron", 1: "Ore"}
    assert maps.categories["grain_id"] == {-1: "-1", 4: "4"}
    assert "phase_fraction" not in maps.categories
    np.testing.assert_array_equal(maps.get("true_phase"), [0, 0, np.nan, 1])


def test_units_by_name(tmp_path: Path) -> None:
    maps = _maps(tmp_path, "x,y,Fe,eul1,Phi_deg,gb_um,PCA_1,MAD (rad)\n0,0,1,2,3,4,5,6\n")
    assert maps.units == ("%", "°", "°", "µm", "", "rad")


def test_matrix_with_decimal_commas_and_trailing_separator(tmp_path: Path) -> None:
    maps = _maps(tmp_path, "1,5\t2,0\t3\t\n4\t5\t6,25\t\n", "Al.tsv")
    assert maps.names == ("Al",)
    assert maps.units == ("%",)
    np.testing.assert_array_equal(maps.grid.to_map(maps.values[0]), [[1.5, 2, 3], [4, 5, 6.25]])


def test_two_columns_for_one_map_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedFileError, match="two columns for 'bandcontrast'"):
        _maps(tmp_path, "x,y,bandcontrast,Band Contrast\n0,0,1,1\n")


def test_decimal_commas_between_commas_are_reported(tmp_path: Path) -> None:
    with pytest.raises(MalformedFileError, match="Decimal commas need ; or tab"):
        _maps(tmp_path, "x,y,Fe\n1,0,2,5\n2,0,3,5\n")


def test_table_without_places_is_no_map(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormatError, match="Its columns are 'dim', 'pearson'"):
        _maps(tmp_path, "dim,pearson\n1,0.5\n")


def test_latin_1_and_windows_line_ends(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("x,y,Größe\r\n0,0,1\r\n1,0,2\r\n".encode("latin-1"))
    assert readers.open_maps(tmp_path / "t.csv").names == ("Größe",)
