"""Unknown files are looked into by other processes, once, and whatever happens to those is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from latentcore.errors import InputError, MalformedFileError
from latentcore.hdf5 import examiners, open_hdf5
from tests.factories.kikuchi import write_kikuchi

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="ends processes by POSIX' signals")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[examiners._Desk]:
    """Let the actor stand for the process that looks into files."""
    made = examiners._Desk()
    monkeypatch.setattr(examiners, "_MODULE", "tests.hdf5.actor")
    monkeypatch.setattr(examiners, "_desk", made)
    yield made
    made.close()


@pytest.fixture
def named(tmp_path: Path, desk: examiners._Desk) -> Callable[[str], Path]:
    def make(name: str) -> Path:
        path = tmp_path / f"{name}.h5"
        path.touch()
        return path

    return make


def asked(path: Path) -> int:
    return len(path.with_suffix(".asked").read_text())


def test_a_file_is_looked_into_once_until_it_is_another(named: Callable[[str], Path]) -> None:
    path = named("good")
    first = examiners.examine(path)
    assert examiners.examine(path) == first
    assert asked(path) == 1
    path.write_text("longer")
    assert examiners.examine(path) != first
    assert asked(path) == 2
    other = path.with_name("other")
    other.write_text("LONGER")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)  # same name, size and time
    examiners.examine(path)
    assert asked(path) == 3


@posix
def test_a_file_that_crashes_its_process_is_refused_by_name(named: Callable[[str], Path]) -> None:
    path = named("crashes")
    for _ in range(2):
        with pytest.raises(MalformedFileError, match=r"'crashes.h5' is refused: .*crashed"):
            examiners.examine(path)
    assert asked(path) == 1
    examiners.examine(named("good"))


@posix
def test_a_process_that_an_earlier_file_broke_is_no_witness(named: Callable[[str], Path]) -> None:
    examiners.examine(named("breaks"))
    path = named("suffers")
    examiners.examine(path)
    assert asked(path) == 2


def test_a_file_that_hangs_its_process_is_refused_by_name(
    named: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = named("hangs")
    examiners.examine(named("good"))  # the process has started
    monkeypatch.setattr(examiners, "_PATIENCE_S", 0.3)
    with pytest.raises(MalformedFileError, match=r"'hangs.h5' is refused: .*not come to an end"):
        examiners.examine(path)
    monkeypatch.undo()


@posix
def test_a_process_that_somebody_else_ended_is_no_fault_of_the_file(
    named: Callable[[str], Path],
) -> None:
    path = named("killed")
    for times in (1, 2):
        with pytest.raises(InputError, match=r"'killed.h5' can't be looked into.*Try it again"):
            examiners.examine(path)
        assert asked(path) == times


def test_where_no_process_starts_nothing_is_opened(
    desk: examiners._Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(examiners, "_MODULE", "tests.hdf5.no_such_module")
    with pytest.raises(InputError, match=r"can't be started \(status 1\)"):
        examiners.examine(write_kikuchi(tmp_path / "scan.h5"))


def test_threads_share_few_processes_and_none_is_left(
    named: Callable[[str], Path], desk: examiners._Desk
) -> None:
    paths = [named(f"good{number}") for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(examiners.examine, paths))
    assert [asked(path) for path in paths] == [1] * len(paths)
    processes = [one._worker for one in desk._idle]
    assert 1 <= len(processes) <= examiners._PROCESSES
    desk.close()
    assert not any(one.alive for one in processes)


def test_what_is_remembered_is_bounded(
    named: Callable[[str], Path], desk: examiners._Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examiners, "_MOST_REMEMBERED", 2)
    first, *others = paths = [named(f"good{number}") for number in range(3)]
    for path in (*paths, *others, first):
        examiners.examine(path)
    assert [asked(path) for path in paths] == [2, 1, 1]
    assert len(desk._found) == 2


_FORKS = """
import os, sys
from pathlib import Path
from latentcore.hdf5 import examiners, open_hdf5

for path in map(Path, sys.argv[1:]):
    child = os.fork()
    with open_hdf5(path) as file:
        assert "images" in file
    assert len(examiners._desk._idle) == 1
    if child == 0:
        sys.exit()
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_fork_has_processes_of_its_own(tmp_path: Path) -> None:
    scans = [write_kikuchi(tmp_path / name) for name in ("a.h5", "b.h5")]
    run([*map(str, scans)], _FORKS)


_LOADED = """
import sys
import latentcore.hdf5.examination
heavy = {"torch", "pandas", "scipy", "sklearn", "numba", "boto3", "streamlit", "latentcore.readers"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


def test_the_process_imports_little() -> None:
    run([], _LOADED)


def test_files_of_odd_names_are_looked_into(tmp_path: Path) -> None:
    for name in ("line\nbreak.h5", "blank .h5", "°µ.h5", "%s{}.h5", '"quoted".h5'):
        with open_hdf5(write_kikuchi(tmp_path / name)) as file:
            assert "images" in file


def run(arguments: list[str], code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
