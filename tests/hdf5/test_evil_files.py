"""Files made to do harm: what looks into them refuses them, or its readers' limits do."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from latentcore import readers
from latentcore.errors import InputError, MalformedFileError, UnsafeFileError
from latentcore.hdf5 import attribute_value, open_hdf5
from latentcore.hdf5.examination import examine
from tests.factories.evil_hdf5 import EVIL

REFUSED_AT_THE_DOOR = {
    "bomb.h5": UnsafeFileError,
    "bomb_of_one_value.h5": UnsafeFileError,
    "packed_twice.h5": UnsafeFileError,
    "index_in_a_circle.h5": MalformedFileError,
}
FAMILIES = {
    readers.open_samples: readers.SAMPLES_READERS,
    readers.open_latents: readers.LATENTS_READERS,
    readers.open_maps: readers.MAPS_READERS,
}


@pytest.fixture(scope="module", params=sorted(EVIL))
def evil(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("evil") / request.param
    EVIL[request.param](path)
    return path


def test_every_reader_refuses_it(evil: Path) -> None:
    for open_as, family in FAMILIES.items():
        for name in family.names():
            with pytest.raises(InputError) as caught:
                open_as(evil, reader=name)
            assert evil.name in str(caught.value)
        with pytest.raises(InputError):
            open_as(evil)


@pytest.mark.parametrize("name", sorted(REFUSED_AT_THE_DOOR))
def test_some_are_not_even_opened(name: str, tmp_path: Path) -> None:
    EVIL[name](tmp_path / name)
    with (
        pytest.raises(REFUSED_AT_THE_DOOR[name], match=f"'{name}' is refused") as caught,
        open_hdf5(tmp_path / name),
    ):
        pass
    sentences = str(caught.value).removesuffix(".").replace(".h5", "").split(". ")
    assert len(sentences) <= 2


def test_what_packs_well_is_no_bomb(tmp_path: Path) -> None:
    path = tmp_path / "black.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("black", data=np.zeros((64, 512, 512), np.uint8), compression=9)
        noise = np.random.default_rng(0).integers(0, 256, (40, 256, 256), np.uint8)
        file.create_dataset("noise", data=noise, chunks=(20, 256, 256), compression=9, shuffle=True)
        file.create_dataset("unwritten", (1 << 20, 60, 60), "u1", chunks=(1, 60, 60), compression=1)
    examine(path)


def test_damage_that_readers_can_catch_is_left_to_them(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        found = file.create_dataset("images", (9, 4, 4), "u1", chunks=(1, 4, 4), compression=1)
        found[:] = 7
        found.id.write_direct_chunk((4, 0, 0), b"no gzip")
        file["coords"] = np.indices((3, 3)).reshape(2, 9).T
    examine(path)
    with (
        readers.open_samples(path) as samples,
        pytest.raises(MalformedFileError, match=r"can't be read"),
    ):
        samples.read(slice(0, 9))


def test_an_attribute_that_is_too_large_is_none(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file.attrs["large"] = np.zeros((1 << 24) + 1, np.uint8)
        file.attrs["small"] = 3
    with open_hdf5(path) as file:
        assert attribute_value(file, "large") is None
        assert attribute_value(file, "small") == 3


def test_a_file_that_moved_in_after_the_look_is_walked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "scan.h5", tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros(3)
    with h5py.File(other, "w") as file:
        file["images"] = h5py.ExternalLink("/etc/passwd", "/x")
    from latentcore.hdf5 import door

    looked = door.examine

    def look_and_swap(asked: Path) -> tuple[int, ...]:
        version = looked(asked)
        shutil.copy(other, path)
        return version

    monkeypatch.setattr(door, "examine", look_and_swap)
    with pytest.raises(UnsafeFileError, match="external link"), open_hdf5(path):
        pass


def test_a_damaged_attribute_that_nobody_reads_keeps_nobody_from_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    EVIL["huge_attribute.h5"](path)
    with open_hdf5(path) as file:
        assert file["whole"].shape == (3, 2, 2)
