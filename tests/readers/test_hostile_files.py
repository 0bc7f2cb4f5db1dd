"""Damaged and malicious files end in one clear message, whatever reader is asked."""

from __future__ import annotations

import gzip
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from zipfile import BadZipFile

import h5py
import numpy as np
import pytest

from latentcore import readers
from latentcore.cli import main
from latentcore.errors import InputError, MalformedFileError, UnknownFormatError, UnsafeFileError
from latentcore.readers import _tables
from tests.factories.kikuchi import write_kikuchi

OPENERS = (readers.open_samples, readers.open_latents, readers.open_maps)


class _Bomb:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.trace,)


def _truncated(path: Path) -> None:
    whole = write_kikuchi(path.with_suffix(".whole"), chunk_rows=4).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _external_link(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["coords"] = np.zeros((1, 2), np.int32)
        file["images"] = h5py.ExternalLink("/etc/passwd", "/x")


def _external_storage(path: Path) -> None:
    secret = path.with_suffix(".secret")
    secret.write_bytes(b"secret" * 100)
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "images", (5, 4, 4), np.uint8, external=[(str(secret), 0, h5py.h5f.UNLIMITED)]
        )


def _virtual(path: Path) -> None:
    other = write_kikuchi(path.with_suffix(".other"))
    layout = h5py.VirtualLayout((30, 1, 8, 8), np.uint8)
    layout[...] = h5py.VirtualSource(other, "images", (30, 1, 8, 8))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("images", layout)


def _hidden_link(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["images"] = h5py.SoftLink("/deep/er/images")
        file.create_group("deep/er")["images"] = h5py.ExternalLink("other.h5", "/images")


def _huge(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("images", (1 << 40, 1, 64, 64), np.uint8, chunks=(1, 1, 64, 64))


def _hollow(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("train", (1 << 28, 64), np.float32, chunks=(1024, 64))
        file.create_dataset("valid", (1 << 28, 64), np.float32, chunks=(1024, 64))


def _huge_chunk(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("images", (1 << 31, 1, 1), "u1", chunks=((1 << 31), 1, 1))


def _object_dataset(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("images", (3,), h5py.vlen_dtype(np.uint8))


def _dangling(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["images"] = h5py.SoftLink("/nowhere")
        file["train"] = h5py.SoftLink("/train")


def _object_npy(path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([_Bomb(path.with_suffix(".trace"))], object), allow_pickle=True)
    path.write_bytes(buffer.getvalue())


def _short_npy(path: Path) -> None:
    np.save(path, np.zeros((100, 100)))
    path.write_bytes(path.read_bytes()[:500])


HOSTILE: dict[str, Callable[[Path], object]] = {
    "empty.csv": lambda path: path.write_bytes(b""),
    "empty.h5": lambda path: path.write_bytes(b""),
    "noise.csv": lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)),
    "header.csv": lambda path: path.write_text("x,y,bandcontrast\n"),
    "header_latent.csv": lambda path: path.write_text("x,y,latent_d3\n"),
    "only_xy.csv": lambda path: path.write_text("x,y\n1,2\n"),
    "words.csv": lambda path: path.write_text("x,y,latent_d1\na,b,c\nd,e,f\n"),
    "twice.csv": lambda path: path.write_text("x,y,bandcontrast\n1,1,5\n1,1,6\n"),
    "long_row.csv": lambda path: path.write_text("x,y,Fe\n1,1,5,3\n2,1,6,4\n"),
    "infinite.csv": lambda path: path.write_text("x,y,latent_d1\n1,inf,5\n2,1,6\n"),
    "far.csv": lambda path: path.write_text("x,y,Fe\n0,0,5\n1,0,5\n99999999999,7,6\n"),
    "quote.csv": lambda path: path.write_text('x,y,Fe\n1,1,"5\n2,1,6\n'),
    "half.csv.gz": lambda path: path.write_bytes(gzip.compress(b"x,y,Fe\n1,1,5\n" * 99)[:30]),
    "not.csv.gz": lambda path: path.write_bytes(b"\x1f\x8bno gzip at all"),
    "fake.parquet": lambda path: path.write_bytes(b"PAR1" + b"\x00" * 50 + b"PAR1"),
    "pickle.npy": lambda path: path.write_bytes(pickle.dumps(_Bomb(path.with_suffix(".trace")))),
    "object.npy": _object_npy,
    "short.npy": _short_npy,
    "cube.npy": lambda path: np.save(path, np.zeros((2, 2, 2))),
    "text.npy": lambda path: np.save(path, np.array(["a", "b"])),
    "truncated.h5": _truncated,
    "signature.h5": lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(200)),
    "external_link.h5": _external_link,
    "external_storage.h5": _external_storage,
    "virtual.h5": _virtual,
    "hidden_link.h5": _hidden_link,
    "huge.h5": _huge,
    "hollow.h5": _hollow,
    "huge_chunk.h5": _huge_chunk,
    "objects.h5": _object_dataset,
    "dangling.h5": _dangling,
    "nothing.h5": lambda path: h5py.File(path, "w").close(),
}
UNSAFE = (
    "external_link.h5", "external_storage.h5", "virtual.h5", "hidden_link.h5", "huge.h5",
    "hollow.h5", "object.npy",
)  # fmt: skip
ALL_READERS = [
    (family, name)
    for family in (readers.SAMPLES_READERS, readers.LATENTS_READERS, readers.MAPS_READERS)
    for name in family.names()
]


@pytest.fixture(params=sorted(HOSTILE))
def hostile(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / request.param
    HOSTILE[request.param](path)
    return path


def test_hostile_file_is_refused_by_every_reader(hostile: Path) -> None:
    for family, name in ALL_READERS:
        open_as = next(o for o, f in zip(OPENERS, _families(), strict=True) if f is family)
        if (hostile.name, name) == ("infinite.csv", "csv-maps"):
            continue  # maps drop such rows and count them
        with pytest.raises(InputError) as caught:
            open_as(hostile, reader=name)
        assert hostile.name in str(caught.value)
    assert not hostile.with_suffix(".trace").exists()


def test_hostile_file_is_refused_when_recognized(hostile: Path) -> None:
    for open_as in OPENERS:
        if (hostile.name, open_as) == ("infinite.csv", readers.open_maps):
            continue
        with pytest.raises(InputError) as caught:
            open_as(hostile)
        assert hostile.name in str(caught.value)
    assert not hostile.with_suffix(".trace").exists()


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe_file_is_called_unsafe(name: str, tmp_path: Path) -> None:
    HOSTILE[name](tmp_path / name)
    opened_by = readers.open_samples if "train" not in name else readers.open_latents
    if name in ("object.npy", "hollow.h5"):
        opened_by = readers.open_latents
    with pytest.raises(UnsafeFileError, match="refused"):
        opened_by(tmp_path / name)


def test_command_line_shows_one_message_and_status_2(
    hostile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(hostile), "--json"]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert hostile.name in streams.err
    assert "Traceback" not in streams.err


def test_missing_file_names_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "scan.h5").touch()
    with pytest.raises(InputError, match=r"no file at .*holds: scan\.h5"):
        readers.open_samples(tmp_path / "scam.h5")


@pytest.mark.parametrize("location", ["x" * 5000, "~no_such_user/scan.h5", "a\0b", "/dev/zero"])
def test_paths_that_lead_nowhere_are_reported(location: str) -> None:
    for open_as in OPENERS:
        with pytest.raises(InputError, match=r"There is no file at|can't be looked up"):
            open_as(location)


def test_folder_is_no_scan(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormatError, match="It is a folder"):
        readers.open_samples(tmp_path)


def test_zip_bomb_stops_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tables, "_MOST_BYTES", 100_000)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"x,y,Fe\n" + b"1,1,5\n" * 1_000_000))
    with pytest.raises(MalformedFileError, match="unpacks to more than 100,000 bytes"):
        readers.open_maps(path)


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tables, "_MOST_ROWS", 10)
    path = tmp_path / "long.csv"
    path.write_text("x,y,Fe\n" + "".join(f"{row},0,5\n" for row in range(11)))
    with pytest.raises(MalformedFileError, match="more than 10 rows"):
        readers.open_maps(path)


def _families() -> tuple[object, ...]:
    return readers.SAMPLES_READERS, readers.LATENTS_READERS, readers.MAPS_READERS


def test_what_a_file_says_is_shown_cut_and_without_control_characters() -> None:
    error = InputError(
        "The columns \x1b[31m\u202eeman, " + "x" * 900_000 + " of 'a.csv'\nhave no x."
    )
    text = str(error)
    assert len(text) < 600
    assert text.replace("\n", "").isprintable()
    assert text.startswith("The columns \\x1b[31m\\u202eeman, xxx")
    assert text.endswith("xxx of 'a.csv'\nhave no x.")
    assert len(str(InputError("ab " * 300_000))) <= 12_000


@pytest.mark.parametrize("error", [TypeError, IndexError, SyntaxError, MemoryError, BadZipFile])
def test_whatever_damage_makes_a_library_raise_ends_in_a_message(
    error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raises(*_: object) -> None:
        raise error("odd\x00header")

    path = write_kikuchi(tmp_path / "scan.h5")
    reader = readers.SAMPLES_READERS.get("kikuchi-hdf5")
    for asked in ("open", "recognizes"):
        with monkeypatch.context() as patch:
            patch.setattr(reader, asked, raises, raising=True)
            with pytest.raises(MalformedFileError, match=r"'scan.h5'.*odd\\x00header"):
                readers.open_samples(path, "kikuchi-hdf5" if asked == "open" else None)


@pytest.mark.parametrize("unit", ["[", "(", " ", "[ ", "[a ", "[a] "])
@pytest.mark.parametrize("before", ["x", "x [", "x [µm] "])
def test_headers_of_very_many_brackets_and_blanks_take_no_time(
    before: str, unit: str, tmp_path: Path
) -> None:
    # By what a search of each bracket for its partner took once: a day.
    header = f"{before}{unit * 200_000},y,value"
    (tmp_path / "m.csv").write_text(f"{header}\n0,0,1\n1,0,2\n")
    try:
        readers.open_maps(tmp_path / "m.csv")
    except InputError as error:
        assert len(str(error)) < 2_000


def test_what_a_library_says_of_a_file_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "k.npz"
    np.savez(path, X_s0_=np.zeros((40, 40)), y=np.zeros(3))
    content = bytearray(path.read_bytes())
    content[26:28] = (9_000).to_bytes(2, "little")  # how long the first member's name is
    path.write_bytes(content)
    with pytest.raises(MalformedFileError, match="can't be read") as found:
        readers.open_latents(path, reader="kinoml-npz")
    assert len(str(found.value)) < 600
