"""What ``export`` writes is read back by other readers, and equals what went in."""

from __future__ import annotations

import io
import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from latentcore.cli import main
from latentcore.containers import ScanGrid, ScanMaps, SourceRef
from latentcore.outputs.exports.sources import quality_of
from tests.factories.ebsd import write_edax, write_oxford
from tests.factories.ebsd_text import read_ang, read_ctf

FORMATS = ("ang", "csv", "ctf", "dream3d-csv", "hdf5", "orix")


def exported(folder: Path, *words: str, status: int = 0) -> Path:
    out = folder / "out"
    assert main(["export", *words, "--out", str(out), "--quiet"]) == status
    assert out.exists() == (status == 0)
    return out


def report_of(out: Path) -> dict:
    return json.loads((out / "report.json").read_text())


def shuffled_table(folder: Path, rows: pd.DataFrame, labels: pd.Series) -> tuple[str, str]:
    """Write maps and labels of a scan as tables in two orders."""
    rows.sample(frac=1, random_state=1).to_csv(folder / "maps.csv", index=False)
    places = rows[["x", "y"]].assign(domain=labels)
    places.sample(frac=1, random_state=2).to_csv(folder / "domains.csv", index=False)
    return str(folder / "domains.csv"), str(folder / "maps.csv")


def test_the_reader_of_these_tests_reads_real_files(shared_data: Path) -> None:
    """The numbers are those of the files' README."""
    folder = shared_data / "ebsd_maps"
    twins = read_ctf(folder / "twins.ctf").rows
    assert (len(twins), twins.BC.sum()) == (22_879, 3_394_215)
    assert twins.MAD.mean() == pytest.approx(0.56422046, abs=1e-8)
    assert read_ctf(folder / "decimal_commas.ctf").rows.BC.sum() == 20_194
    assert read_ang(folder / "S00_header_wrong.ang").rows.IQ.mean() == pytest.approx(180.38142857)
    assert list(read_ang(folder / "DA_v7.ang").rows)[12] == "PRIAS Top Strip"


def test_a_real_ctf_comes_back_with_its_grains(shared_data: Path, tmp_path: Path) -> None:
    """Of the real scan's left half every fiftieth point is missing, and the order is random."""
    real = read_ctf(shared_data / "ebsd_maps" / "twins.ctf").rows
    real = real[real.X < 20].reset_index(drop=True).rename(columns={"X": "x", "Y": "y"})
    domain = (real.x // 3 + 10 * (real.y // 5)).astype(int).where(real.Phase > 0, -1)
    kept = real.index % 50 != 7
    labels, maps = shuffled_table(tmp_path, real[kept], domain[kept])
    out = exported(tmp_path, labels, "--format", "ctf", "--from", maps)
    found = read_ctf(out / "domains.ctf")
    assert list(found.rows)[-1] == "GrainIndex"
    assert (found.header["XCells"], found.header["YCells"]) == ("67", "137")
    assert float(found.header["XStep"]) == pytest.approx(0.3)
    rows, indexed = found.rows[kept], real.Phase[kept] > 0
    np.testing.assert_allclose(found.rows[["X", "Y"]], real[["x", "y"]], atol=1e-5)
    for name in ("Phase", "Bands", "Error", "BC", "BS"):
        np.testing.assert_array_equal(rows[name], real[name][kept], err_msg=name)
    for name in ("Euler1", "Euler2", "Euler3", "MAD"):
        np.testing.assert_allclose(
            rows[name][indexed], real[name][kept][indexed], rtol=1e-7, atol=1e-6
        )
    assert rows.groupby("GrainIndex")["Phase"].first()[0] == 0
    pairs = pd.DataFrame({"found": rows.GrainIndex, "asked": domain[kept]}).drop_duplicates()
    assert len(pairs) == domain[kept].nunique() == rows.GrainIndex.nunique()
    missing = found.rows[~kept]
    assert (missing[["Phase", "GrainIndex", "Euler2", "BC"]] == 0).all(axis=None)
    assert (missing.Error == 5).all()
    assert "nodes of the grid hold no point" in " ".join(report_of(out)["notes"])


def test_a_real_ang_comes_back_with_more_columns(shared_data: Path, tmp_path: Path) -> None:
    """Its header names 7 rows, of which 6 are there; phase −1 is not indexed."""
    real = read_ang(shared_data / "ebsd_maps" / "DA_v7.ang").rows
    names = {"Phase index": "phase", "phi1": "phi1_rad", "PHI": "Phi_rad", "phi2": "phi2_rad"}
    real = real.rename(columns=names)
    labels, maps = shuffled_table(tmp_path, real, pd.Series(np.arange(36) % 5 - 1))
    prias = f"{maps}:PRIAS Top Strip"
    out = exported(tmp_path, labels, "--format", "ang", "--from", maps, "--with", prias)
    found = read_ang(out / "domains.ang")
    assert list(found.rows)[10:] == ["domain", "PRIAS Top Strip"]
    indexed = real.phase == 0
    assert indexed.sum() == 30
    for written, own in zip(list(found.rows)[:3], list(names.values())[1:], strict=True):
        np.testing.assert_allclose(
            found.rows[written], real[own].where(indexed, 4 * np.pi), atol=1e-6
        )
    for name in ("x", "y", "IQ", "SEM", "PRIAS Top Strip"):
        np.testing.assert_allclose(found.rows[name], real[name], rtol=1e-6, err_msg=name)
    np.testing.assert_allclose(found.rows.CI, real.CI.where(indexed, -1), rtol=1e-6)
    assert (found.rows["Phase index"] == 0).all()
    np.testing.assert_array_equal(found.rows["domain"], np.arange(36) % 5 - 1)
    assert (found.header["NCOLS_ODD"], found.header["NROWS"]) == ("6", "6")


@pytest.fixture
def oxford(shared_data: Path, tmp_path: Path) -> tuple[str, Path]:
    """Labels in an order of their own, and a vendor's scan of two phases."""
    expected = pd.read_csv(shared_data / "ebsd_vendor_sim" / "expected_points.csv")
    table = pd.DataFrame({"x": expected.x_um, "y": expected.y_um, "grain": expected.grain_id})
    table.sample(frac=1, random_state=0).to_csv(tmp_path / "grains.csv", index=False)
    return f"{tmp_path / 'grains.csv'}:grain", shared_data / "ebsd_vendor_sim" / "oxford_sim.h5oina"


def test_a_vendors_scan_goes_to_ctf_in_the_formats_units(
    oxford: tuple[str, Path], tmp_path: Path
) -> None:
    labels, vendor = oxford
    out = exported(tmp_path, labels, "--format", "ctf", "--from", str(vendor))
    found = read_ctf(out / "grains.ctf")
    with h5py.File(vendor) as file:
        data = file["1/EBSD/Data"]
        degrees = np.degrees(data["Euler"][()].astype(float))
        np.testing.assert_allclose(
            found.rows[["Euler1", "Euler2", "Euler3"]], degrees, rtol=1e-7, atol=1e-6
        )
        mad = np.degrees(data["Mean Angular Deviation"][()])
        np.testing.assert_allclose(found.rows["MAD"], mad, rtol=1e-5, atol=1e-6)
        for name, key in (("BC", "Band Contrast"), ("BS", "Band Slope"), ("Bands", "Bands"),
                          ("Phase", "Phase")):  # fmt: skip
            np.testing.assert_array_equal(found.rows[name], data[key][()])
    assert found.phases[1] == {
        "lengths": "2.866;2.866;2.866", "angles": "90;90;90", "name": "Iron bcc (old)",
        "laue": "11", "space_group": "229",
    }  # fmt: skip
    report = report_of(out)
    assert report["grid"]["unit"] == "µm"  # which only the vendor's file knows
    assert report["orientations"]["n_indexed"] == 154
    assert "not rotated" in report["orientations"]["frame"]
    assert "CS1" in report["orientations"]["convention"]
    index = json.loads((out / "grains_labels.json").read_text())
    grain = pd.read_csv(tmp_path / "grains.csv").sort_values(["y", "x"]).grain.to_numpy()
    named = [index[str(one)]["label"] if one else -1 for one in found.rows.GrainIndex]
    np.testing.assert_array_equal(named, grain)


def test_orix_finds_what_it_writes_itself(oxford: tuple[str, Path], tmp_path: Path) -> None:
    """The names are those of the file that orix 0.15 writes."""
    labels, vendor = oxford
    out = exported(tmp_path, labels, labels, "--format", "orix", "--from", str(vendor))
    with h5py.File(out / "grains.h5") as file, h5py.File(vendor) as source:
        assert file["manufacturer"][0] == b"orix"
        crystal = file["crystal_map"]
        points = {"x", "y", "phi1", "Phi", "phi2", "phase_id", "id", "is_in_data"}
        assert points <= set(crystal["data"])
        assert {one.shape for one in crystal["data"].values()} == {(154,)}
        euler = np.stack([crystal["data"][name] for name in ("phi1", "Phi", "phi2")], axis=1)
        np.testing.assert_allclose(euler, source["1/EBSD/Data/Euler"], rtol=1e-6)
        np.testing.assert_array_equal(crystal["data/phase_id"], source["1/EBSD/Data/Phase"])
        grains = crystal["data/grains_grain"][()]
        np.testing.assert_array_equal(grains, crystal["data/grains_grain_2"])
        phase = crystal["header/phases/1"]
        assert (phase["name"][0], phase["space_group"][0]) == (b"Ni-superalloy", 225)
        assert (phase["point_group"][0], phase["color"][0]) == (b"None", b"tab:blue")
        np.testing.assert_allclose(phase["structure/lattice/abcABG"], [3.524] * 3 + [90] * 3)
        assert isinstance(phase["structure/atoms"], h5py.Group)
        header = {"grid_type", "nx", "ny", "phases", "rotations_per_point", "scan_unit", "x_step",
                  "y_step"}  # fmt: skip
        assert set(crystal["header"]) == header
    table = pd.read_csv(tmp_path / "grains.csv").sort_values(["y", "x"])
    np.testing.assert_array_equal(grains, table["grain"])


@pytest.mark.parametrize("name", ["hdf5", "csv"])
def test_everything_is_in_hdf5_and_csv(name: str, oxford: tuple[str, Path], tmp_path: Path) -> None:
    labels, vendor = oxford
    out = exported(tmp_path, labels, "--format", name, "--from", str(vendor))
    table = pd.read_csv(tmp_path / "grains.csv")
    if name == "csv":
        found = pd.read_csv(out / "grains.csv")
        columns = json.loads((out / "grains_columns.json").read_text())
        assert (columns["units"]["phi1"], columns["units"]["x"]) == ("°", "µm")
        assert set(found["phase_name"]) == {"Ni-superalloy", "Iron bcc (old)"}
        provenance = columns["provenance"]
    else:
        with h5py.File(out / "grains.h5") as file:
            grid = {key: file[f"grid/{key}"][()] for key in ("x", "y")}
            maps = {key: one[()] for key, one in file["source"].items()}
            found = pd.DataFrame({**maps, **grid, "grain": file["labels/grain"][()]})
            assert file["source/phi1"].attrs["unit"] == "°"
            assert "CS1" in file["source"].attrs["euler_convention"]
            provenance = json.loads(file.attrs["provenance"])
    pd.testing.assert_frame_equal(found[["x", "y", "grain"]], table, check_dtype=False)
    assert provenance["from"] == str(vendor)
    order = np.lexsort((found.x, found.y))
    with h5py.File(vendor) as file:
        euler = np.degrees(file["1/EBSD/Data/Euler"][:, 0].astype(np.float64))
    np.testing.assert_array_equal(found.phi1.to_numpy(np.float32)[order], euler.astype(np.float32))


def test_dream3d_gets_features_and_neighbors(tmp_path: Path) -> None:
    """By hand: a 4 × 3 grid with a step of 2, one point of no label and one missing."""
    field = np.array([[3, 3, 5, 5], [3, 9, 5, 5], [-1, 9, 9, 7]])
    y, x = np.mgrid[0:3, 0:4]
    table = pd.DataFrame({"x": 2 * x.ravel(), "y": 2 * y.ravel(), "domain": field.ravel()})
    table["Fe"] = np.arange(12.0)
    table.drop(index=3).to_csv(tmp_path / "made.csv", index=False)
    labels, maps = f"{tmp_path / 'made.csv'}:domain", f"{tmp_path / 'made.csv'}:Fe"
    out = exported(tmp_path, labels, "--format", "dream3d-csv", "--with", maps)
    first, *lines = (out / "made.csv").read_text().splitlines()
    found = pd.read_csv(io.StringIO("\n".join(lines[:5]))).set_index("Feature_ID")
    assert first == "4"
    assert list(found)[-2:] == ["NumNeighbors", "Phases"]
    assert found.Label.tolist() == [3, 5, 7, 9]
    assert found.NumElements.tolist() == [3, 3, 1, 3]
    assert found.NumNeighbors.tolist() == [2, 3, 2, 3]
    assert found["EquivalentDiameters"][1] == pytest.approx(2 * np.sqrt(12 / np.pi))
    assert found[["Centroids_0", "Centroids_1", "Mean Fe"]].loc[4].tolist() == [8 / 3, 10 / 3, 8]
    assert found.SurfaceFeatures.tolist() == [1, 1, 1, 1]
    assert lines[5:] == [
        "Feature_ID,NumNeighbors,NeighborList", "1,2,2,4", "2,3,1,3,4", "3,2,2,4", "4,3,1,2,3",
    ]  # fmt: skip
    ids = np.loadtxt(out / "made_FeatureIds.txt", skiprows=1, dtype=int)
    np.testing.assert_array_equal(ids.reshape(3, 4), [[1, 1, 2, 0], [1, 4, 2, 2], [0, 4, 4, 3]])


@pytest.mark.parametrize("format_", FORMATS)
def test_labels_alone_are_written_and_the_file_says_so(format_: str, tmp_path: Path) -> None:
    table = pd.DataFrame({"x": [0, 1, 2, 3], "y": 0, "cluster": [0, 1, -1, 1], "Fe": 1.5})
    table.to_csv(tmp_path / "one.csv", index=False)
    labels = f"{tmp_path / 'one.csv'}:cluster"
    out = exported(tmp_path, labels, "--format", format_)
    notes = " ".join(report_of(out)["notes"])
    if format_ == "ctf":
        found = read_ctf(out / "one.ctf")
        assert found.rows.GrainIndex.tolist() == [1, 2, 0, 2]
        assert (found.rows.Phase == 0).all()
        assert (found.rows.Error == 3).all()
        assert "no orientations" in found.header["Author"]
    if format_ == "ang":
        found = read_ang(out / "one.ang")
        assert found.rows.cluster.tolist() == [0, 1, -1, 1]
        assert (found.rows.CI == -1).all()
        assert "no orientations" in found.header["OPERATOR"]
    if format_ == "orix":
        with h5py.File(out / "one.h5") as file:
            assert (file["crystal_map/data/phase_id"][()] == -1).all()
    if format_ in ("ctf", "ang", "orix"):
        assert "every point is written as not indexed" in notes
        assert "step is not known in µm" in notes


def test_hostile_names_break_no_header_and_compute_nothing(tmp_path: Path) -> None:
    """Names with tabs, newlines, quotes, words of headers, and formulas."""
    name = 'gr"ain\tof\nPhases\t7,XCells'
    phases = ["=1+1", "@SUM(A1)", "Phases\t9\n# Phase 4"]
    table = pd.DataFrame({"x": [0, 1, 2] * 2, "y": [0] * 3 + [1] * 3})
    table[name] = ["=A1", "+B", "c", "c", "=A1", "@d"]
    table.to_parquet(tmp_path / "bad.parquet")
    angles = {"phi1_deg": 1.0, "Phi_deg": 2.0, "phi2_deg": 3.0, "=cmd()": 1.0}
    maps = str(tmp_path / "maps.parquet")
    table[["x", "y"]].assign(phase=2 * phases, **angles).to_parquet(maps)
    labels = str(tmp_path / "bad.parquet")
    for format_ in FORMATS:
        folder = tmp_path / format_
        folder.mkdir()
        out = exported(folder, labels, "--format", format_, "--from", maps, "--with", maps)
        if format_ == "ctf":
            found = read_ctf(out / "bad.ctf")
            assert (found.header["XCells"], len(found.phases), len(found.rows)) == ("3", 3, 6)
            assert found.rows.Phase.tolist() == [1, 2, 3] * 2  # in the order of the names
            text = (out / "bad.ctf").read_text()
            assert text.count("Phases") == 1
        if format_ == "ang":
            found = read_ang(out / "bad.ang")
            assert [one["number"] for one in found.phases] == ["1", "2", "3"]
            assert found.rows.shape == (6, 10 + 6)
        if format_ in ("csv", "dream3d-csv"):
            cells = (out / "bad.csv").read_text().replace("\n", ",").split(",")
            numbers = pd.to_numeric(pd.Series(cells), errors="coerce").notna()
            texts = [one.strip('"') for one, number in zip(cells, numbers, strict=True)
                     if not number]  # fmt: skip
            assert not [one for one in texts if one.startswith(("=", "+", "-", "@"))]


def test_a_single_phase_counts_from_zero_in_an_ang_only(tmp_path: Path) -> None:
    """EDAX' single phase has the number 0; the point whose CI is −1 is not indexed."""
    coords = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    vendor = write_edax(tmp_path / "scan.h5", coords, None, np.arange(1, 5))
    table = pd.DataFrame(coords * 0.25, columns=["x", "y"]).assign(label=[1, 1, 2, 2])
    table.to_csv(tmp_path / "some.csv", index=False)
    words = (str(tmp_path / "some.csv"), "--from", str(vendor))
    ctf = read_ctf(exported(tmp_path, *words, "--format", "ctf") / "some.ctf")
    ang = read_ang(exported(tmp_path, *words, "--format", "ang") / "some.ang")
    assert ctf.rows.Phase.tolist() == [1, 0, 1, 1]
    assert ctf.phases[0]["laue"] == "11"
    assert ang.rows["Phase index"].tolist() == [0, 0, 0, 0]
    assert ang.rows.CI.tolist() == [0.5, -1, 0.5, 0.5]
    assert ang.rows.Fit.tolist() == [0, 180, 0, 0]
    assert (ang.phases[0]["Symmetry"], ang.phases[0]["MaterialName"]) == ("43", "Nickel")


def test_a_hexagonal_phase_of_another_convention_is_told(tmp_path: Path) -> None:
    """Oxford's angles take x along a*, as .ctf does; readers of .ang take a."""
    coords = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    vendor = write_oxford(tmp_path / "s.h5oina", coords, None, np.arange(4), phase=np.full(4, 2))
    table = pd.DataFrame(coords * 0.25, columns=["x", "y"]).assign(label=1)
    table.to_csv(tmp_path / "some.csv", index=False)
    words = (str(tmp_path / "some.csv"), "--from", str(vendor), "--format")
    assert "along a*" in " ".join(report_of(exported(tmp_path, *words, "ang"))["notes"])
    out = exported(tmp_path, *words, "ctf")
    assert "along" not in " ".join(report_of(out)["notes"])
    assert [one["laue"] for one in read_ctf(out / "some.ctf").phases] == ["11", "9"]


def test_errors_of_h5oina_become_those_of_ctf() -> None:
    grid = ScanGrid.from_coordinates(np.arange(9), np.zeros(9))
    values = np.array([[0, 1, 2, 3, 4, 5, 6, 7, np.nan]], np.float32)
    for reader, wanted in (("oxford-maps", [5, 0, 3, 1, 2, 4, 6, 0]), ("csv-maps", range(8))):
        maps = ScanMaps(values, ("Error",), ("",), grid, ref=SourceRef("f", reader, {}))
        found = quality_of([maps], grid)["error"]
        np.testing.assert_array_equal(found[:8], list(wanted))
        assert np.isnan(found[8])


def test_defdap_reads_them(oxford: tuple[str, Path], tmp_path: Path) -> None:
    """DefDAP 1.3 knows no GrainIndex: all other columns of the .ctf are read."""
    from defdap import ebsd

    labels, vendor = oxford
    words = (labels, "--from", str(vendor), "--format")
    ang = exported(tmp_path, *words, "ang") / "grains.ang"
    with h5py.File(vendor) as file:
        euler = file["1/EBSD/Data/Euler"][()].reshape(11, 14, 3).transpose(2, 0, 1)
        phase = file["1/EBSD/Data/Phase"][()].reshape(11, 14)
    found = ebsd.Map(ang)
    np.testing.assert_array_equal(found.data.phase, phase)
    # It turns φ1 of every .ang by 90°.
    np.testing.assert_allclose(found.data.euler_angle[1:], euler[1:], atol=1e-6)
    ctf = exported(tmp_path, *words, "ctf") / "grains.ctf"
    lines = ctf.read_text().replace("\tGrainIndex", "").splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("Phase\t")) + 1
    lines[start:] = [line.rpartition("\t")[0] for line in lines[start:]]
    ctf.write_text("\n".join(lines))
    found = ebsd.Map(ctf)
    assert (found.shape, found.step_size) == ((11, 14), 0.25)
    assert [one.name for one in found.phases] == ["Ni-superalloy", "Iron bcc (old)"]
    np.testing.assert_array_equal(found.data.phase, phase)
    np.testing.assert_allclose(found.data.euler_angle, euler, atol=1e-6)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("labels.csv:grain", "--format", "cft"), "Did you mean 'ctf'?"),
        (
            ("labels.csv:grain", "--format", "ctf", "--from", "labels.csv"),
            "Euler angles phi1, Phi and phi2",
        ),
        (("labels.csv:grain", "--format", "ctf", "--from", "unclear.csv"), "name no unit"),
        (("labels.csv:grain", "--format", "ang", "--with", "far.csv"), "has a partner"),
        (("labels.csv:grain", "far.csv:grain", "--format", "ang"), "no maps of one scan"),
        (("labels.csv:none", "--format", "ctf"), "no label at any point"),
        (("labels.csv:Fe", "--format", "ctf"), "not labels"),
        (("nowhere.csv", "--format", "ctf"), "nowhere.csv"),
        ((".", "--format", "ctf"), "no finished run"),
    ],
)
def test_bad_input_is_refused_and_leaves_nothing(
    words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame({"x": [0, 1], "y": 0, "grain": [0, 1], "none": -1, "Fe": [0.5, 1.5]})
    table.to_csv("labels.csv", index=False)
    table.assign(x=table.x + 100).to_csv("far.csv", index=False)
    table.assign(phi1=1.0, Phi=1.0, phi2=1.0).to_csv("unclear.csv", index=False)
    exported(tmp_path, *words, status=2)
    assert said in capsys.readouterr().err


def test_labels_of_runs_become_columns_in_micrometers(shared_data: Path, tmp_path: Path) -> None:
    """Domains and grains of one scan, whose tables name no unit: their reports do."""
    vendor = str(shared_data / "ebsd_vendor_sim" / "oxford_sim.h5oina")
    expected = pd.read_csv(shared_data / "ebsd_vendor_sim" / "expected_points.csv")
    table = pd.DataFrame({"x_um": expected.x_um, "y_um": expected.y_um})
    table.assign(latent_d0=10 * expected.grain_id).to_csv(tmp_path / "latents.csv", index=False)
    domains = str(tmp_path / "run")
    words = ["domains", str(tmp_path / "latents.csv"), "--min-size", "1", "--threshold", "5"]
    assert main([*words, "--out", domains, "--quiet"]) == 0
    out = exported(tmp_path, domains, f"{vendor}:phase", "--format", "ang")
    found = read_ang(out / "run.ang")
    assert report_of(out)["grid"]["unit"] == "µm"
    own = pd.read_csv(tmp_path / "run" / "domains.csv").sort_values(["y", "x"])
    np.testing.assert_array_equal(found.rows["domain"], own["domain"])
    np.testing.assert_array_equal(found.rows["phase"], expected["phase"])
