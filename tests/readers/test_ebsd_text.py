"""Text maps of EBSD and Channel 5: what real files hold, and what headers get wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from latentcore import readers
from latentcore.cli import main
from latentcore.containers import ScanMaps
from latentcore.errors import InputError, MalformedFileError, UnknownFormatError
from latentcore.readers._ebsd import text_file
from tests.factories.ebsd_files import (
    CRC_FIELDS,
    CTF_TITLES,
    NICKEL,
    ang_grid,
    ang_rows,
    ang_text,
    cpr_text,
    crc_records,
    ctf_text,
)
from tests.factories.hexagonal import hexagonal_points
from tests.factories.kikuchi import full_grid

COORDS = full_grid(5, 4)
CONTRAST = list(range(20, 40))
X, Y = COORDS.T.astype(float)


@pytest.fixture
def real(shared_data: Path) -> Path:
    return shared_data / "ebsd_maps"


def opened(path: Path, content: str | bytes) -> ScanMaps:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return readers.open_maps(path)


def counts(maps: ScanMaps, name: str) -> dict[int, int]:
    numbers, times = np.unique(maps.get(name), return_counts=True)
    return dict(zip(map(int, numbers), map(int, times), strict=True))


def angles_of(maps: ScanMaps) -> np.ndarray:
    return np.stack([maps.get(name) for name in ("phi1", "Phi", "phi2")])


def test_magnesium_twins(real: Path) -> None:
    maps = readers.open_maps(real / "twins.ctf")
    assert (maps.grid.shape, maps.grid.unit, len(maps.grid)) == ((137, 167), "µm", 22_879)
    np.testing.assert_allclose(maps.grid.step, 0.3)
    assert counts(maps, "phase") == {0: 46, 1: 22_833}
    assert counts(maps, "Error") == {0: 22_108, 3: 771}
    assert maps.categories["Error"] == {0: "success", 3: "no solution"}
    assert maps.categories["phase"] == {0: "not indexed", 1: "Magnesium"}
    assert maps.get("bandcontrast").sum(dtype=float) == 3_394_215
    assert maps.get("MAD").mean(dtype=float) == pytest.approx(0.56422046, abs=1e-8)
    assert np.isnan(angles_of(maps)).sum() == 3 * 46
    first = [one[0] for one in angles_of(maps)]
    np.testing.assert_allclose(first, [99.591, 20.385, 37.253], rtol=1e-6)
    assert (maps.symmetries[1].laue, maps.symmetries[1].hexagonal_x) == ("6/mmm", "a*")
    assert maps.cells[1].lattice == (3.2089, 3.2089, 5.2101, 90, 90, 120)
    assert maps.cells[1].space_group == 194
    assert maps.units[maps.names.index("phi1")] == maps.units[maps.names.index("MAD")] == "°"
    assert "CS0" in maps.euler_convention
    assert (maps.notes, maps.dropped) == ((), 0)


def test_decimal_commas(real: Path) -> None:
    maps = readers.open_maps(real / "decimal_commas.ctf")
    assert (maps.grid.shape, maps.grid.step) == ((5, 40), (0.5, 0.5))
    assert counts(maps, "phase") == {0: 10, 1: 190}
    assert counts(maps, "Error") == {0: 137, 3: 62, 4: 1}
    assert maps.get("bandcontrast").sum() == 20_194
    assert maps.cells[1].lattice == (3.231, 3.231, 5.148, 90, 90, 120)


def test_points_measured_one_by_one_are_a_table(real: Path) -> None:
    path = real / "eclogite_interactive.ctf"
    table = readers.open_table(path)
    values = dict(zip(table.names, table.values, strict=True))
    assert len(table) == 617
    assert (values["x"].min(), values["x"].max()) == (1.9108, 716.5)
    assert (values["y"].min(), values["y"].max()) == (1.91, 622.9)
    numbers, times = np.unique(values["phase"], return_counts=True)
    assert dict(zip(numbers, times, strict=True)) == {0: 4, 4: 165, 5: 215, 6: 61, 7: 172}
    assert table.categories["phase"][5] == "Omphacite"
    assert {"phi1", "MAD", "BS", "Error"} <= set(table.names)
    assert readers.recognize_all(path) == {"table": "channel5-points"}
    with pytest.raises(UnknownFormatError, match=r"can be opened as table \(channel5-points\)"):
        readers.open_maps(path)
    with pytest.raises(MalformedFileError, match=r"617 points .* open it as a table"):
        readers.open_maps(path, reader="ctf")


@pytest.mark.parametrize(
    ("file", "shape", "step", "n", "quality", "ci", "phases"),
    [
        ("S00_header_wrong.ang", (40, 35), 0.4, 1400, 180.38142857, None, {0: 1400}),
        ("ACOM.ang", (15, 15), 2, 225, 38.14266667, -1, {1: 225}),
        ("HexHeader.ang", (4, 40), 0.25, 160, None, -1, {0: 160}),
        ("ShortFile.ang", (3, 40), 0.25, 88, None, -1, {0: 88}),
        ("DA_v7.ang", (6, 6), 0.8, 36, None, -2, {-1: 6, 0: 30}),
    ],
)
def test_real_ang(real: Path, file, shape, step, n, quality, ci, phases) -> None:
    maps = readers.open_maps(real / file)
    assert (maps.grid.shape, len(maps.grid), maps.grid.hexagonal) == (shape, n, False)
    np.testing.assert_allclose(maps.grid.step, step)
    assert counts(maps, "phase") == phases
    if quality is not None:
        assert maps.get("IQ").mean(dtype=float) == pytest.approx(quality, abs=1e-6)
    if ci is not None:
        assert maps.get("CI").min() == ci
    np.testing.assert_array_equal(np.isnan(maps.get("phi1")), maps.get("CI") <= -1)
    assert maps.symmetries[max(phases)].laue == "m-3m"


def test_headers_that_contradict_the_rows_are_reported(real: Path) -> None:
    said = {name: readers.open_maps(real / name).notes for name in
            ("S00_header_wrong.ang", "HexHeader.ang", "ShortFile.ang", "DA_v7.ang",
             "Corrupted_XCells.ctf")}  # fmt: skip
    assert [len(notes) for notes in said.values()] == [1] * 5
    (note,) = said["S00_header_wrong.ang"]
    assert "claims 140 × 160 nodes of a square grid with steps of 0.1 µm, 22,400 points" in note
    assert "hold 35 × 40 nodes of a square grid with steps of 0.4 µm, 1,400 points" in note
    assert "hexagonal grid" in said["HexHeader.ang"][0]
    assert "40 × 3 nodes" in said["ShortFile.ang"][0]
    assert "6 × 7 nodes" in said["DA_v7.ang"][0]
    assert "1.23e+17 × 5 nodes" in said["Corrupted_XCells.ctf"][0]


def test_further_columns_and_units_of_real_ang(real: Path) -> None:
    prias = readers.open_maps(real / "DA_v7.ang")
    assert prias.names[-3:] == ("PRIAS Bottom Strip", "PRIAS Center Square", "PRIAS Top Strip")
    assert prias.get("PRIAS Top Strip")[0] == pytest.approx(1347.797363)
    assert prias.get("phi1")[0] == pytest.approx(np.degrees(0.75753))
    assert prias.units[prias.names.index("Fit")] == "°"
    astar = readers.open_maps(real / "ACOM.ang")
    assert astar.grid.unit == "nm"
    assert any("nm" in note for note in astar.notes)
    assert "ASTAR" in astar.euler_convention


def test_grains_of_a_real_ctf_and_ang(real: Path, tmp_path: Path) -> None:
    """The counts for 10° and 15° are in `tests/analysis/orientations`."""
    for file, n in (("twins.ctf", 126), ("DA_v7.ang", None)):
        out = tmp_path / file
        assert main(["grains", str(real / file), "--out", str(out), "--quiet"]) == 0
        report = json.loads((out / "report.json").read_text())
        assert report["n_domains"] == n or n is None
        assert report["euler_convention"]
        assert report["notes"] == []
    assert report["n_not_indexed"] == 6


def test_an_ang_leaves_and_comes_back(real: Path, tmp_path: Path) -> None:
    """Labels and maps of a real file, exported in its format, are read back."""
    source = real / "DA_v7.ang"
    own = readers.open_maps(source)
    labels = pd.DataFrame({"x": own.grid.x, "y": own.grid.y, "domain": np.arange(36) % 5 - 1})
    labels.sample(frac=1, random_state=0).to_csv(tmp_path / "domains.csv", index=False)
    words = ["--with", f"{source}:PRIAS*", "--from", str(source)]
    for format_ in ("ang", "ctf"):
        out = tmp_path / format_
        command = ["export", str(tmp_path / "domains.csv"), "--format", format_, *words]
        assert main([*command, "--out", str(out), "--quiet"]) == 0
        back = readers.open_maps(out / f"domains.{format_}")
        values, unmatched = back.at(own.grid)
        again = dict(zip(back.names, values, strict=True))
        assert (unmatched, back.notes) == (0, ())
        for angle in ("phi1", "Phi", "phi2"):
            np.testing.assert_allclose(again[angle], own.get(angle), atol=1e-4)
        label = "domain" if format_ == "ang" else "GrainIndex"
        shift = 0 if format_ == "ang" else 1
        np.testing.assert_array_equal(again[label], np.arange(36) % 5 - 1 + shift)
        assert len(back.categories[label]) == 5
        assert {phase.laue for phase in back.symmetries.values()} == {"m-3m"}
        if format_ == "ang":
            np.testing.assert_allclose(
                again["PRIAS Top Strip"], own.get("PRIAS Top Strip"), rtol=1e-6
            )
            np.testing.assert_array_equal(again["CI"], np.maximum(own.get("CI"), -1))


@pytest.mark.parametrize("encode", ["plain", "latin-1", "gzip", "bom", "cr", "no line end"])
def test_ctf_in_every_dress(tmp_path: Path, encode: str) -> None:
    phases = (NICKEL.replace("Nickel", "Größe µ"),)
    text = ctf_text(COORDS, CONTRAST, phases=phases, end={"cr": "\r"}.get(encode, "\r\n"))
    content = {
        "latin-1": text.encode("latin-1"),
        "gzip": gzip.compress(text.encode()),
        "bom": b"\xef\xbb\xbf" + text.encode(),
        "no line end": text.rstrip().encode(),
    }.get(encode, text.encode())
    maps = opened(tmp_path / "a.ctf", content)
    assert maps.get("bandcontrast").tolist() == CONTRAST
    assert maps.categories["phase"] == {1: "Größe µ"}
    assert (maps.dropped, maps.notes) == (0, ())


def test_ctf_of_several_phases_by_hand(tmp_path: Path) -> None:
    phases = (NICKEL, "5,0;5,0;12\t90;90;120\tNickel\t7\t152", "1;2;3\t90;90;90\tOre\t3\t225")
    text = ctf_text(
        COORDS, CONTRAST, phases=phases, titles=(*CTF_TITLES, "GrainIndex", "Al K", "BC"),
        Phase=np.arange(20) % 5, Error=np.where(np.arange(20) % 2, 4, 9),
    ).replace("AcqE2\t0", "AcqE2\t90")  # fmt: skip
    maps = opened(tmp_path / "a.ctf", text)
    assert maps.categories["phase"] == {
        0: "not indexed", 1: "Nickel (1)", 2: "Nickel (2)", 3: "Ore", 4: "phase 4",
    }  # fmt: skip
    assert maps.cells[2].lattice == (5, 5, 12, 90, 90, 120)
    assert [maps.symmetries[one].laue for one in (1, 2, 3)] == ["m-3m", "-3m", "m-3m"]
    assert "Laue group mmm, but a space group (225) of m-3m" in maps.notes[0]
    assert maps.categories["Error"] == {4: "high MAD", 9: "error 9"}
    assert np.isnan(maps.get("phi1")[::5]).all()
    assert np.isfinite(maps.get("phi1")).sum() == 16
    assert set(maps.names) - {*CTF_TITLES} == {
        "bandcontrast", "phase", "phi1", "Phi", "phi2", "GrainIndex", "Al K", "bandcontrast (2)",
    }  # fmt: skip
    assert "turned by (0, 90, 0)°" in maps.euler_convention


@pytest.mark.parametrize(
    ("change", "dropped", "note"),
    [
        (lambda text: text[:-20], 1, "no whole row of 11 numbers"),
        (lambda text: text.rstrip()[:-1], 0, "last number may be cut"),
        (lambda text: text.replace("\t25\t7", "\twhat\t7"), 0, "1 cells hold no number"),
        (lambda text: text.replace("1\t3\t2\t8", "1\tx\t2\t8"), 1, "no whole row"),
        (lambda text: text.replace("1\t3\t2\t8", "1\t1e999\t2\t8"), 1, "no whole row"),
        (lambda text: text.replace("1\t3\t2\t8\t0", "1\t3\t2\t8"), 1, "no whole row"),
        (lambda text: text.replace("\t25\t7", "\tнет\t7"), 0, "1 cells hold no number"),
        (lambda text: text.replace("Phases\t1", "Phases\t9"), 0, "announces 9 phases"),
        (lambda text: text.replace("XStep\t1", "XStep\t-1"), 0, "steps of -1 and 1 µm"),
        (lambda text: text.replace("XCells\t5", "XCells\tNaN"), 0, "nan × 4 nodes"),
    ],
)
def test_damaged_ctf_loses_only_its_bad_rows(tmp_path: Path, change, dropped, note) -> None:
    maps = opened(tmp_path / "a.ctf", change(ctf_text(COORDS, CONTRAST)))
    assert (maps.dropped, len(maps.grid)) == (dropped, 20 - dropped)
    assert note in " ".join(maps.notes)
    assert all(len(one) < 400 for one in maps.notes)


def test_coordinates_with_too_few_digits_go_by_the_header(tmp_path: Path) -> None:
    """Channel 5 prints five digits: beyond 1000 µm, steps of 0.15 µm are gone."""
    y, x = (axis.ravel() for axis in np.mgrid[0:4, 0:30])
    grid = "JobMode\tGrid\nXCells\t30\nYCells\t4\nXStep\t0.15\nYStep\t0.15"
    printed = {"X": np.char.mod("%.5g", 1000 + x * 0.15), "Y": np.char.mod("%.5g", y * 0.15)}
    text = ctf_text(np.column_stack([x, y]), x, header=grid, **printed)
    maps = opened(tmp_path / "a.ctf", text)
    np.testing.assert_array_equal(maps.grid.to_map(maps.get("bandcontrast"))[2], np.arange(30))
    assert maps.grid.step == (0.15, 0.15)
    assert "too few digits" in maps.notes[0]
    wrong = opened(tmp_path / "b.ctf", text.replace("XCells\t30", "XCells\t20"))
    assert "claims 20 × 4 nodes" in wrong.notes[0]


@pytest.mark.parametrize("columns", [6, 7, 8, 9, 10, 12])
def test_ang_of_any_width_with_and_without_header(tmp_path: Path, columns: int) -> None:
    rows = np.column_stack([ang_rows(X, Y, CONTRAST), np.full(20, 4.25), np.full(20, 5.5)])
    order = np.random.default_rng(0).permutation(20)
    bare = ang_text(rows[order, :columns])
    for text in (bare, "".join(line for line in bare.splitlines(True) if line[0] != "#")):
        maps = opened(tmp_path / "a.ang", text)
        assert maps.grid.to_map(maps.get("IQ")).tolist() == np.reshape(CONTRAST, (4, 5)).tolist()
        wanted = ["IQ", "CI", "phase", "SEM", "Fit", "column 11", "column 12"][: columns - 5]
        assert set(maps.names) == {*wanted, "phi1", "Phi", "phi2"}
        np.testing.assert_allclose(angles_of(maps)[:, 0], np.degrees([0.1, 0.2, 0.3]), rtol=1e-6)
        assert maps.notes == ()


def test_headerless_ang_is_known_by_its_rows(tmp_path: Path) -> None:
    rows = ang_rows(X, Y, CONTRAST)
    text = "".join(ang_text(rows).splitlines(True)[-20:])
    assert opened(tmp_path / "rows.txt", text).ref.reader == "ang"
    with pytest.raises(UnknownFormatError):
        opened(tmp_path / "other.txt", text.replace("0.10000", "99.0000"))


def test_phases_of_ang(tmp_path: Path) -> None:
    phase = np.arange(20) % 3
    several = opened(
        tmp_path / "two.ang",
        ang_text(ang_rows(X, Y, CONTRAST, phase=phase), phases=("Iron", "Iron")),
    )
    assert several.categories["phase"] == {0: "not indexed", 1: "Iron (1)", 2: "Iron (2)"}
    np.testing.assert_array_equal(np.isnan(several.get("phi1")), phase == 0)
    mixed = opened(tmp_path / "one.ang", ang_text(ang_rows(X, Y, CONTRAST, phase=phase % 2)))
    assert mixed.categories["phase"] == {0: "not indexed", 1: "Nickel"}
    ci = np.where(phase == 1, -1, 0.5)
    angle = np.where(phase == 2, 4 * np.pi, 0.3)
    single = opened(
        tmp_path / "ci.ang", ang_text(ang_rows(X, Y, CONTRAST, ci=ci, phi1=angle, Phi=angle))
    )
    assert single.categories["phase"] == {0: "Nickel"}
    np.testing.assert_array_equal(np.isnan(angles_of(single)), [phase > 0] * 3)
    np.testing.assert_array_equal(single.get("CI"), ci.astype(np.float32))


def test_emsoft_titles_degrees_and_units(tmp_path: Path) -> None:
    rows = ang_rows(X, Y, CONTRAST, phi1=190.0)
    more = "# EMsoft v5\n# COLUMN_COUNT: 3\n# COLUMN_HEADERS: a, b\n"
    maps = opened(tmp_path / "a.ang", ang_text(rows, more=more))
    assert maps.get("phi1")[0] == pytest.approx(190)
    assert "Angles up to 190 can't be radians" in " ".join(maps.notes)
    assert "names 2 columns, but the rows hold 10" in " ".join(maps.notes)
    assert "EMsoft" in maps.euler_convention
    titles = "phi1, PHI, phi2, x, y, IQ, CI, Phase index, SEM, Al K"
    units = "# COLUMN_UNITS: degrees, degrees, degrees, nm, nm, , , , , counts\n"
    named = opened(tmp_path / "b.ang", ang_text(rows, more=f"# COLUMN_HEADERS: {titles}\n{units}"))
    assert named.get("Phi")[0] == pytest.approx(0.2)
    assert (named.grid.unit, named.units[named.names.index("Al K")]) == ("nm", "counts")


@pytest.mark.parametrize("shifted", ["odd", "even"])
def test_hexagonal_ang(tmp_path: Path, shifted: str) -> None:
    x, y = hexagonal_points(6, 7, 0.5, shifted, shorter=shifted == "odd").T
    even = 6 if shifted == "odd" else 7
    grid = ang_grid(7, 6, even=even, kind="HexGrid#").replace("XSTEP: 1.0", "XSTEP: 0.5")
    grid = grid.replace("YSTEP: 1.0", "YSTEP: 0.433013")
    text = ang_text(ang_rows(x, y, np.arange(len(x))), grid=grid)
    maps = opened(tmp_path / "hex.ang", text)
    assert (maps.grid.shape, maps.grid.shifted_rows, maps.notes) == ((6, 7), shifted, ())
    np.testing.assert_allclose(maps.grid.step, (0.5, 0.433013), rtol=1e-4)
    wrong = opened(tmp_path / "sqr.ang", text.replace("HexGrid#", "SqrGrid"))
    assert "claims 7 × 6 nodes of a square grid" in wrong.notes[0]
    assert "hexagonal" in wrong.notes[0]


def project(folder: Path, records: np.ndarray, *, cpr: str = "a.cpr", crc: str = "a.crc", **said):
    cells = said.pop("cells", (5, 4))
    (folder / cpr).write_text(cpr_text(cells, **said), encoding="latin-1")
    records.tofile(folder / crc)
    return folder / cpr


def test_channel5_records_by_hand(tmp_path: Path) -> None:
    fields = (*CRC_FIELDS[::-1], 9, 101, 102, 103)
    records = crc_records(
        20, fields, phase=np.arange(20) % 2, f3=np.linspace(0, 6, 20), f7=CONTRAST, f8=9, f6=0.75,
        f10=8, f11=3, f12=0.5, f9=1, f101=np.arange(20) * 2, f102=5, f103=6,
    )  # fmt: skip
    path = project(tmp_path, records, cpr="A.CPR", crc="A.crc", fields=fields, GridDistX=0.5,
                   GridDistY=0.25, windows=("Al K", "x", "Al K"))  # fmt: skip
    maps = readers.open_maps(path)
    assert maps.names == ("bandcontrast", "phase", "BS", "Bands", "MAD", "Error", "phi1", "Phi",
                          "phi2", "Reliability Index", "field 9", "Al K", "EDS window 2",
                          "Al K (2)")  # fmt: skip
    assert (maps.grid.shape, maps.grid.step, maps.grid.unit) == ((4, 5), (0.5, 0.25), "µm")
    assert maps.get("bandcontrast").tolist() == CONTRAST
    indexed = np.arange(20) % 2 == 1
    expected = np.where(indexed, np.degrees(np.linspace(0, 6, 20)), np.nan)
    np.testing.assert_allclose(maps.get("phi1"), expected, rtol=1e-6)
    assert (maps.get("Al K") == np.arange(20) * 2).all()
    assert maps.units[maps.names.index("Al K")] == "counts"
    assert maps.categories["Error"] == {3: "no solution"}
    assert maps.categories["phase"] == {0: "not indexed", 1: "Nickel"}
    assert (maps.symmetries[1].laue, maps.cells[1].space_group) == ("m-3m", 225)
    by_records = readers.open_maps(tmp_path / "A.crc")
    np.testing.assert_array_equal(by_records.values, maps.values)
    assert by_records.fingerprint == maps.fingerprint


def test_channel5_points_one_by_one_are_a_table(tmp_path: Path) -> None:
    fields = (1, 2, *CRC_FIELDS)
    rng = np.random.default_rng(0)
    records = crc_records(9, fields, f1=rng.normal(size=9), f2=rng.normal(size=9), f7=range(9))
    path = project(tmp_path, records, fields=fields, xCells=None, yCells=None, NoOfPoints=9)
    for named in (path, path.with_suffix(".crc")):
        assert readers.recognize_all(named) == {"table": "channel5-points"}
        table = readers.open_table(named)
        np.testing.assert_array_equal(table.get("x"), records["f1"])
        np.testing.assert_array_equal(table.get("bandcontrast"), range(9))
    gridded = project(tmp_path, crc_records(20, fields, f1=X, f2=Y), fields=fields, cpr="b.cpr",
                      crc="b.crc")  # fmt: skip
    np.testing.assert_array_equal(readers.open_maps(gridded).grid.x, X)


def test_cut_and_lying_channel5(tmp_path: Path) -> None:
    records = crc_records(20, f7=CONTRAST)
    path = project(tmp_path, records[:17])
    path.with_suffix(".crc").write_bytes(records.tobytes()[: 17 * records.itemsize + 5])
    maps = readers.open_maps(path)
    assert (maps.dropped, len(maps.grid), maps.get("bandcontrast").tolist()) == (
        1, 17, CONTRAST[:17],
    )  # fmt: skip
    assert "cut" in maps.notes[0]
    assert "hold 5 × 4 nodes" in maps.notes[1]
    for message, said, n in (
        ("could|no scan of", {"cells": (10**18, 4)}, 20),
        ("no scan of", {"GridDistX": -1.0}, 20),
        ("says neither", {"xCells": "many"}, 20),
        ("declares only", {"cells": (3, 3)}, 20),
        ("counts 9 fields, but lists 2", {"fields": (3, 4, "x", *range(5, 11))}, 20),
        ("no whole record", {}, 0),
        ("doesn't consist of records of 25 bytes", {"fields": CRC_FIELDS[::-1]}, 19),
    ):
        lying = project(tmp_path, crc_records(n, f8=200, f10=9, f11=100), **said)
        with pytest.raises(InputError, match=message) as caught:
            readers.open_maps(lying)
        assert len(str(caught.value)) < 400
    for kept, missing in ((".cpr", ".crc"), (".crc", ".cpr")):
        lying = project(tmp_path, records)
        lying.with_suffix(missing).unlink()
        with pytest.raises(InputError, match=rf"'a\{missing}' is not beside it"):
            readers.open_maps(lying.with_suffix(kept))


HOSTILE = {
    "utf16.ctf": ctf_text(COORDS, CONTRAST).encode("utf-16"),
    "titles.ctf": b"Channel Text File\r\nPhases\t1\r\n1\t2\t3\r\n",
    "wide.ctf": b"Channel Text File\nX\tY\t" + b"a\t" * 9000 + b"\n1\t2\n",
    "empty.ctf": b"Channel Text File\r\n",
    "noplace.ctf": ctf_text(COORDS, CONTRAST, X="here").encode(),
    "twice.ctf": ctf_text(COORDS // 2, CONTRAST).encode(),
    "only.ctf": b"Channel Text File\nX\tY\n1\t2\n",
    "far.ctf": ctf_text(COORDS, CONTRAST, X=[*range(19), 10**15]).encode(),
    "header.ang": b"# GRID: SqrGrid\n# XSTEP: 1\n",
    "words.ang": b"# GRID: SqrGrid\n" + b"one two three four five six seven\n" * 9,
    "narrow.ang": b"# GRID: SqrGrid\n1 2 3\n",
    "wide.ang": b"# GRID: SqrGrid\n" + b"1 " * 9000,
    "line.ang": b"# GRID: " + b"x" * 3_000_000,
    "endless.ctf": b"Channel Text File\nX\tY\tBC\n" + b"7" * 30_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_gets_one_short_message(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(HOSTILE[name])
    with pytest.raises(InputError) as caught:
        readers.open_maps(tmp_path / name, reader=name.rpartition(".")[2])
    assert name in str(caught.value)
    assert len(str(caught.value)) < 500


def test_blocks_meet_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"a.ctf": ctf_text(COORDS, CONTRAST, end="\r\n").encode()}
    texts["a.ang"] = ang_text(ang_rows(X, Y, CONTRAST)).encode()
    texts["a.ctf.gz"] = gzip.compress(texts["a.ctf"])
    for size in (97, 256, 1001):
        monkeypatch.setattr(text_file, "_BLOCK_BYTES", size)
        for name, content in texts.items():
            maps = opened(tmp_path / name, content)
            found = "IQ" if "ang" in name else "bandcontrast"
            assert maps.get(found).tolist() == CONTRAST
            assert (maps.notes, maps.dropped) == ((), 0)
