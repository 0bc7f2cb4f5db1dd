"""A file that is open elsewhere, in this process or another: nobody gets in the other's way."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest

import latentcore as lc
from latentcore.cli import main
from latentcore.errors import MalformedFileError, UnsafeFileError
from latentcore.hdf5 import open_hdf5
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi

ROOT = Path(__file__).resolve().parents[2]
IMAGES = patterns(30)
LOCKING = [None, True, False, "best-effort"]
MODES = ["r", "r+", "a"]


@pytest.fixture(params=[None, "latest"])
def scan(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w", libver=request.param) as file:
        file.create_dataset("images", data=IMAGES, chunks=(4, 1, 8, 8))
        file["coords"] = full_grid(6, 5)
    return path


def check(samples: lc.SampleSource) -> None:
    np.testing.assert_array_equal(samples.read(slice(None)), IMAGES)


@pytest.mark.parametrize("locking", LOCKING)
@pytest.mark.parametrize("mode", MODES)
def test_a_notebook_has_the_file_open(scan, mode, locking):
    with h5py.File(scan, mode, locking=locking) as theirs:
        with lc.open_samples(scan) as samples:
            check(samples)
            np.testing.assert_array_equal(theirs["images"][7], IMAGES[7])
        np.testing.assert_array_equal(theirs["images"][3], IMAGES[3])


@pytest.mark.parametrize("locking", LOCKING)
@pytest.mark.parametrize("mode", MODES)
def test_a_notebook_opens_the_file_that_is_being_read(scan, mode, locking):
    with lc.open_samples(scan) as samples:
        with h5py.File(scan, mode, locking=locking) as theirs:
            if mode != "r":
                theirs["noted"] = 5
            check(samples)
        check(samples)
    with h5py.File(scan, "r") as theirs:
        assert ("noted" in theirs) == (mode != "r")


@pytest.mark.parametrize("order", ["theirs first", "ours first"])
def test_a_notebook_writes_in_swmr_mode(tmp_path, order):
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w", libver="latest") as theirs:
        images = theirs.create_dataset("images", data=IMAGES, maxshape=(None, 1, 8, 8))
        theirs["coords"] = full_grid(6, 5)
        if order == "ours first":
            theirs.flush()
            samples = lc.open_samples(path)
            theirs.swmr_mode = True
        else:
            theirs.swmr_mode = True
            samples = lc.open_samples(path)
        with samples:
            check(samples)
            images.resize(31, axis=0)
            images.flush()
            check(samples)


def test_what_a_notebook_has_written_so_far_is_read(tmp_path):
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as theirs:
        theirs["images"], theirs["coords"] = np.zeros_like(IMAGES), full_grid(6, 5)
        theirs["images"][...] = IMAGES
        with lc.open_samples(path) as samples:
            check(samples)
    with h5py.File(path, "r+") as theirs:
        theirs["images"][5] = 99
        with lc.open_samples(path) as samples:
            assert (samples.read([5]) == 99).all()


def test_latents_are_read_and_inspected_while_they_are_open(tmp_path):
    path = tmp_path / "scan_latents.h5"
    with h5py.File(path, "w") as theirs:
        theirs["train"] = np.ones((5, 3), np.float32)
        assert len(lc.open_latents(path)) == 5
        assert main(["inspect", str(path)]) == 0
    with h5py.File(path, "r+"):
        assert lc.open_latents(path).values.shape == (5, 3)


@pytest.mark.parametrize("locking", ["TRUE", "FALSE", "BEST_EFFORT"])
def test_whatever_the_environment_says_of_locks_and_whoever_forgets_to_close(tmp_path, locking):
    write_kikuchi(tmp_path / "scan.h5", chunk_rows=4)
    program = (
        "import h5py, latentcore as lc\n"
        "ours = lc.open_samples('scan.h5')\n"
        "with h5py.File('scan.h5', 'a') as theirs: theirs['more'] = 1\n"
        "theirs = h5py.File('scan.h5')\n"
        "print(ours.read([4]).shape, sorted(theirs))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HDF5_USE_FILE_LOCKING": locking},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "(1, 1, 8, 8) ['coords', 'images', 'more']\n"


@contextmanager
def another_program(path: Path, mode: str, *lines: str, **options: object) -> Iterator[None]:
    """Keep a file open in another process, after some lines about ``file``."""
    opened = f"file = h5py.File({str(path)!r}, {mode!r}, **{options!r})"
    program = ["import h5py, sys, numpy as np", opened, *lines, "print(flush=True)"]
    child = subprocess.Popen(
        [sys.executable, "-c", "\n".join([*program, "sys.stdin.read()"])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert child.stdout.readline() == b"\n"
        yield
    finally:
        child.communicate()


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_another_program_holds_the_file(tmp_path, mode):
    scan = write_kikuchi(tmp_path / "scan.h5", images=IMAGES)
    with another_program(scan, mode), lc.open_samples(scan) as samples:
        check(samples)


def test_other_threads_open_and_close_their_own_files(tmp_path, scan):
    other, done = write_kikuchi(tmp_path / "other.h5", images=IMAGES), threading.Event()

    def come_and_go() -> None:
        while not done.is_set():
            h5py.File(other, "r").close()

    # One in 500 was refused as damaged; this many were never all opened.
    with ThreadPoolExecutor(2) as threads:
        threads.submit(come_and_go)
        threads.submit(come_and_go)
        try:
            for _ in range(3_000):
                with open_hdf5(scan):
                    pass
        finally:
            done.set()


def test_another_program_writes_in_swmr_mode(tmp_path):
    scan = tmp_path / "scan.h5"
    with h5py.File(scan, "w", libver="latest") as file:
        file["images"], file["coords"] = IMAGES, full_grid(6, 5)
    swmr = another_program(scan, "r+", "file.swmr_mode = True", libver="latest")
    with swmr, lc.open_samples(scan) as samples:
        check(samples)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_a_file_that_another_program_has_half_written_is_said_to_be_so(tmp_path, libver):
    path = tmp_path / "scan.h5"
    line = "file['images'] = np.ones((30, 1, 8, 8))"
    writing = another_program(path, "w", line, libver=libver)
    with writing, pytest.raises(MalformedFileError) as caught:
        lc.open_samples(path)
    message = str(caught.value)
    assert "'scan.h5' can't be read while another program has it open for writing" in message
    assert "Close it there, then open it again." in message
    assert "Copy" not in message
    with lc.open_samples(path) as samples:
        assert len(samples) == 30


def test_a_cut_file_is_still_called_so(scan):
    scan.write_bytes(scan.read_bytes()[:-300])
    with pytest.raises(MalformedFileError, match="Copy it again"):
        lc.open_samples(scan)


def test_a_file_that_points_out_of_itself_is_refused_while_it_is_open(tmp_path):
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as theirs:
        theirs["coords"] = full_grid(6, 5)
        theirs["images"] = h5py.ExternalLink("other.h5", "/images")
        with pytest.raises(UnsafeFileError, match="refused"):
            lc.open_samples(path)
