"""How a map is written on the command line: a file, and which of its columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from latentcore.requests.map_specs import file_of, split_map_spec
from latentcore.storage import split_options


@pytest.mark.parametrize("column", ["Fe", "phase: iron", ":red[x]: y"])
def test_columns_and_files_may_hold_colons(column: str, tmp_path: Path) -> None:
    file = tmp_path / "a:b.csv"
    file.touch()
    assert split_map_spec(str(file)) == (str(file), ())
    assert split_map_spec(f"{file}:{column}") == (str(file), (column.strip(),))


def test_a_file_that_is_not_there_ends_at_the_last_colon() -> None:
    assert split_map_spec("s3://bucket/maps.csv:Fe,Ni") == ("s3://bucket/maps.csv", ("Fe", "Ni"))
    assert split_map_spec("s3://bucket/maps.csv") == ("s3://bucket/maps.csv", ())


def test_options_for_the_reader_stand_between_file_and_column(tmp_path: Path) -> None:
    file = tmp_path / "scan.h5"
    file.touch()
    assert split_map_spec(f"{file}@scan=2:Fe,Ni") == (f"{file}@scan=2", ("Fe", "Ni"))
    assert split_map_spec(f"{file}@scan=Scan 2") == (f"{file}@scan=Scan 2", ())
    assert file_of("s3://bucket/scan.h5@scan=2,data=processed:Fe") == "s3://bucket/scan.h5"
    assert split_options(f"{file}@scan=Scan 2") == (str(file), {"scan": "Scan 2"})
    named = tmp_path / "run@x=1"
    named.touch()
    assert split_options(str(named)) == (str(named), {})
