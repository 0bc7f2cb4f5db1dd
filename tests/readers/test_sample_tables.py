from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentcore import readers
from latentcore.containers import LatentSet, SampleTable, SourceRef, partitions_of
from latentcore.errors import InputError, JoinError, MalformedFileError, RequestError, ShapeError
from latentcore.readers._partitions import partition_ids
from latentcore.readers._peek import Peek
from latentcore.workflows import execute
from latentcore.workflows.inspect import InspectRequest
from tests.factories.layouts import LAYOUTS
from tests.factories.nenya import METADATA_COLUMNS, cutouts, write_cutouts


def latents(train: int = 4, valid: int = 3, location: str = "pp_latents.h5") -> LatentSet:
    partition = np.array(["train"] * train + ["valid"] * valid)
    n = train + valid
    return LatentSet(
        values=np.arange(2 * n, dtype=np.float32).reshape(n, 2),
        sample_ids=partition_ids(partition),
        dims=np.arange(2, dtype=np.int32),
        partition=partitions_of(partition),
        ref=SourceRef(location, "nenya-latents"),
    )


def written(folder: Path, table: pd.DataFrame, kind: str = "parquet") -> Path:
    path = folder / f"table.{kind}"
    if kind == "parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
    return path


# The seven samples of `latents`, shuffled, and what each is worth: ten times its row.
SHUFFLED = np.random.default_rng(0).permutation(7)
WORTH = 10.0 * np.arange(7)
IDENTITIES = {
    "sample_id": {
        "sample_id": [*(f"train/{i}" for i in range(4)), *(f"valid/{i}" for i in range(3))]
    },
    "partition": {"partition": ["train"] * 4 + ["valid"] * 3, "row": [0, 1, 2, 3, 0, 1, 2]},
    "pp_type": {"pp_type": [1] * 4 + [0] * 3, "pp_idx": [0, 1, 2, 3, 0, 1, 2]},
    "ulmo_pp_type": {"ulmo_pp_type": [1.0] * 4 + [0.0] * 3, "ulmo_pp_idx": [0, 1, 2, 3, 0, 1, 2]},
}


@pytest.mark.parametrize("kind", ["parquet", "csv", "tsv", "csv.gz"])
@pytest.mark.parametrize("way", IDENTITIES)
def test_rows_find_their_samples_whatever_their_order(tmp_path: Path, way: str, kind: str) -> None:
    table = pd.DataFrame({**IDENTITIES[way], "DT": WORTH, "lat": -WORTH}).iloc[SHUFFLED]
    path = written(tmp_path, table, kind)
    assert readers.recognize(path) == ("table", "sample-table")
    columns = readers.open_table(path).at(latents())
    assert columns.names == ("DT", "lat")
    np.testing.assert_array_equal(columns.get("DT"), WORTH)
    np.testing.assert_array_equal(columns.get("lat"), -WORTH)
    assert columns.values.dtype == np.float32
    assert (columns.joined_by, columns.unmatched, columns.unused) == ("id", 0, 0)


@given(st.sets(st.integers(0, 6)), st.integers(0, 5), st.randoms(use_true_random=False))
def test_join_equals_a_left_merge_of_pandas(present: set[int], more: int, random) -> None:
    some = latents()
    ids = [str(some.sample_ids[row]) for row in sorted(present)]
    ids += [f"train/{100 + row}" for row in range(more)]
    random.shuffle(ids)
    worth = [random.random() for _ in ids]
    table = SampleTable(
        values=np.array([worth]).reshape(1, -1),
        names=("DT",),
        units=("",),
        sample_ids=np.array(ids, np.str_),
    )
    if not present:
        with pytest.raises(JoinError, match="None of the 7 samples is in"):
            table.at(some)
        return
    joined = table.at(some)
    plain = pd.DataFrame({"id": some.sample_ids.tolist()}).merge(
        pd.DataFrame({"id": ids, "DT": np.array(worth, np.float32)}), on="id", how="left"
    )
    np.testing.assert_array_equal(joined.get("DT"), plain["DT"].to_numpy())
    assert (joined.unmatched, joined.unused) == (7 - len(present), more)


def test_samples_that_are_there_twice_are_refused(tmp_path: Path) -> None:
    table = pd.DataFrame({**IDENTITIES["sample_id"], "DT": WORTH})
    path = written(tmp_path, pd.concat([table, table.iloc[[5]]]))
    with pytest.raises(JoinError, match=r"2 rows that share their sample .* 'valid/1'"):
        readers.open_table(path).at(latents())


def test_order_is_never_taken_for_identity(tmp_path: Path) -> None:
    path = written(tmp_path, pd.DataFrame({"DT": WORTH, "lat": WORTH}))
    with pytest.raises(InputError, match="No reader recognizes"):
        readers.open_table(path)
    table = readers.open_table(path, reader="sample-table")
    with pytest.raises(JoinError, match=r"doesn't say which samples .*\(by='order'\)"):
        table.at(latents())
    columns = table.at(latents(), by="order")
    np.testing.assert_array_equal(columns.get("DT"), WORTH)
    assert (columns.joined_by, columns.unmatched) == ("order", 0)
    with pytest.raises(JoinError, match="has 7 rows, but there are 6 samples"):
        table.at(latents(3, 3), by="order")
    with pytest.raises(RequestError, match="id or order, not by 'luck'"):
        table.at(latents(), by="luck")  # type: ignore[arg-type]


def test_rows_of_no_sample_are_passed_over(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"pp_type": [1, -1, 0, 1], "pp_idx": [2, 2, 1, np.nan], "DT": [1.0, 2, 3, 4]}
    )
    columns = readers.open_table(written(tmp_path, table)).at(latents())
    np.testing.assert_array_equal(columns.get("DT"), [np.nan, np.nan, 1, np.nan, np.nan, 3, np.nan])
    assert (columns.unmatched, columns.unused) == (5, 2)


def test_of_a_table_about_several_files_the_latents_own_is_taken(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "pp_file": [f"s3://viirs/PreProc/VIIRS_{year}_preproc_std.h5" for year in (2013, 2014)],
            "pp_type": 1, "pp_idx": 0, "DT": [1.0, 2.0],
        }
    )  # fmt: skip
    opened = readers.open_table(written(tmp_path, table))
    for location, worth in (
        ("VIIRS_2013_latents_std.h5", 1),
        ("/runs/VIIRS_2014_preproc_std_latents.h5", 2),
    ):
        columns = opened.at(latents(location=location))
        assert columns.get("DT")[0] == worth
        assert columns.unused == 1
    with pytest.raises(JoinError, match=r"about 2 files .*none belongs to 'other\.h5'"):
        opened.at(latents(location="other.h5"))
    alone = readers.open_table(written(tmp_path, table.iloc[:1]))
    assert alone.at(latents(location="renamed.h5")).get("DT")[0] == 1


def test_text_becomes_categories_and_times_decimal_years(tmp_path: Path) -> None:
    times = pd.to_datetime(["1970-01-01", "2013-07-02", None, *["2000-01-01"] * 4])
    table = pd.DataFrame(
        {
            **IDENTITIES["sample_id"],
            "DT_bin": ["0–0.5 K", "0.5–1 K", None, "0–0.5 K", "0–0.5 K", "≥ 4 K", "≥ 4 K"],
            "datetime": times,
            "file": [f"f{i}.nc" for i in range(7)],
            "empty": np.nan,
            "good": [True, False] * 3 + [True],
        }
    )
    columns = readers.open_table(written(tmp_path, table)).at(latents())
    assert columns.names == ("DT_bin", "datetime", "good")
    names = columns.categories["DT_bin"]
    reported = [None if np.isnan(value) else names[int(value)] for value in columns.get("DT_bin")]
    assert reported == [None if pd.isna(one) else one for one in table["DT_bin"]]
    assert columns.get("datetime")[0] == 1970
    assert columns.get("datetime")[1] == pytest.approx(2013.5, abs=2e-3)
    assert np.isnan(columns.get("datetime")[2])
    assert columns.get("good").tolist() == [1, 0, 1, 0, 1, 0, 1]
    with pytest.raises(RequestError, match="There are: DT_bin, datetime, good"):
        columns.get("DT")


def test_metadata_of_nenyas_file_are_a_table(tmp_path: Path) -> None:
    path = write_cutouts(tmp_path / "pp.h5", metadata=True, train=cutouts(4), valid=cutouts(3))
    assert readers.recognize_all(path) == {"samples": "nenya-hdf5", "table": "nenya-metadata"}
    columns = readers.open_table(path).at(latents())
    assert columns.names == METADATA_COLUMNS
    np.testing.assert_allclose(columns.get("lat"), np.r_[0:4, 0:3] - 30.5)
    assert columns.categories["filename"][3] == "f003.nc"
    assert columns.unmatched == columns.unused == 0


def test_metadata_without_names_or_of_numbers(tmp_path: Path) -> None:
    path = tmp_path / "pp.h5"
    with h5py.File(path, "w") as file:
        file["valid"] = cutouts(3)
        file["valid_metadata"] = np.arange(6.0).reshape(3, 2)
    columns = readers.open_table(path).at(latents())
    assert columns.names == ("column_0", "column_1")
    np.testing.assert_array_equal(columns.values[:, 4:], [[0, 2, 4], [1, 3, 5]])
    assert columns.unmatched == 4


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"train_metadata": np.zeros((2, 0))}, "needs a row per cutout"),
        ({"train_metadata": np.zeros((2, 1)), "valid_metadata": np.zeros((2, 2))}, "different col"),
    ],
)
def test_unusable_metadata_are_reported(tmp_path: Path, content: dict, says: str) -> None:
    with h5py.File(tmp_path / "pp.h5", "w") as file:
        for name, values in content.items():
            file[name] = values
    with pytest.raises(MalformedFileError, match=says):
        readers.open_table(tmp_path / "pp.h5")


def test_table_without_values_is_reported(tmp_path: Path) -> None:
    path = written(tmp_path, pd.DataFrame(IDENTITIES["sample_id"]))
    with pytest.raises(MalformedFileError, match="holds no values of samples"):
        readers.open_table(path)


def test_parts_of_a_table_must_fit() -> None:
    with pytest.raises(ShapeError, match="can't go with values"):
        SampleTable(np.zeros((1, 3)), ("a",), ("",), sample_ids=np.array(["0", "1"]))


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_no_other_file_is_taken_for_a_table_of_samples(tmp_path: Path, name: str) -> None:
    layout = LAYOUTS[name]
    path = tmp_path / layout.file_name
    coords = np.stack(np.meshgrid(np.arange(5), np.arange(4)), -1).reshape(-1, 2).astype(np.int32)
    layout.write(path, coords, np.arange(1, 21, dtype=np.float32))
    taken = [one for one, reader in readers.TABLES_READERS.items() if reader.recognizes(Peek(path))]
    assert taken == []


def test_inspect_says_columns_and_how_many_rows_name_their_sample(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"pp_type": [1, -1, 0], "pp_idx": [2, 2, 1], "DT": [1.0, 2, 3], "sea": ["a", "b", "a"]}
    )
    reported = execute("inspect", InspectRequest(str(written(tmp_path, table))))
    assert (reported["kind"], reported["reader"]) == ("table", "sample-table")
    assert (reported["n_samples"], reported["n_named"]) == (3, 2)
    assert reported["partitions"] == {"train": 1, "valid": 1}
    assert reported["maps"] == ["DT", "sea"]
    assert reported["value_ranges"]["DT"] == [1, 3]
    assert reported["categories"] == {"sea": ["a", "b"]}
