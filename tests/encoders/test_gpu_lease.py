"""One piece of work at a time on a device that nobody has: what counts is the lock."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from latentcore.encoders.gpu_lease import WAITING, leased, leases
from latentcore.encoding.extraction import extract
from latentcore.errors import Cancelled
from latentcore.preparation import Preparation, Preparer
from latentcore.progress import Progress
from latentcore.settings import settings
from tests.encoding.memory_source import MemorySource
from tests.encoding.stub_encoder import StubEncoder

ROOT = Path(__file__).parents[2]
PATIENCE = 60

_HOLDER = """
import sys
from latentcore.encoders.gpu_lease import leased
from latentcore.progress import Progress
with leased("cuda:0", Progress()):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LATENT_WORKSPACE", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def test_work_on_a_gpu_waits_for_other_threads_says_so_and_can_be_cancelled() -> None:
    said: list[tuple[int, int, str]] = []
    begun, went_on = threading.Event(), threading.Event()

    def work(progress: Progress) -> None:
        with leased("cuda", progress):
            went_on.set()

    def note(*step) -> None:
        said.append(step)
        begun.set()

    with leased("cuda:0", Progress()):
        assert leases() == {"0": True}
        patient = threading.Thread(target=work, args=(Progress(note),))
        patient.start()
        assert begun.wait(PATIENCE)
        assert said[0] == (0, 1, WAITING)
        impatient = Progress(lambda *_: impatient.cancel())
        cancelled: list[bool] = []

        def try_and_give_up() -> None:
            with pytest.raises(Cancelled), leased("cuda:0", impatient):
                pass
            cancelled.append(True)

        hopeless = threading.Thread(target=try_and_give_up)
        hopeless.start()
        hopeless.join(PATIENCE)
        assert cancelled
        assert not went_on.is_set()
    patient.join(PATIENCE)
    assert went_on.is_set()
    assert leases() == {"0": False}


def test_work_waits_for_other_processes_and_goes_on_when_one_is_killed(workspace: Path) -> None:
    del workspace
    command = [sys.executable, "-c", _HOLDER]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as holder:
        assert holder.stdout.readline() == b"held\n"
        assert leases() == {"0": True}
        said: list[str] = []

        def note(done: int, total: int, message: str) -> None:
            said.append(message)
            if len(said) == 2:
                holder.kill()

        with leased("cuda:0", Progress(note)):
            assert set(said) == {WAITING}
            assert len(said) >= 2


def test_work_within_work_and_other_devices_wait_for_nobody(workspace: Path) -> None:
    never = Progress(lambda *step: pytest.fail(f"waited: {step}"))
    with leased("cuda:0", never):
        with leased("cuda:0", never), leased("cuda:1", never):
            assert leases() == {"0": True, "1": True}
        assert leases() == {"0": True, "1": False}, "the outer one still holds it"
        with leased("cpu", never), leased("mps", never):
            pass
    with pytest.raises(KeyError), leased("cuda:0", never):
        raise KeyError
    assert leases() == {"0": False, "1": False}
    [folder] = (workspace / "gpus").iterdir()
    assert {path.name for path in folder.glob("*.lock")} == {"0.lock", "1.lock"}
    assert not list(folder.glob("*.waiting/*")), "who has had their turn gives the ticket back"


def test_who_waits_gets_the_gpu_in_the_order_of_coming_and_the_killed_keep_nobody(
    workspace: Path,
) -> None:
    order: list[int] = []
    threads: list[threading.Thread] = []

    def work(number: int, begun: threading.Event) -> None:
        with leased("cuda:0", Progress(lambda *_: begun.set())):
            order.append(number)

    with leased("cuda:0", Progress()):
        [folder] = (workspace / "gpus").iterdir()
        killed = folder / "0.waiting" / f"{1:020d}-00000000"
        killed.touch()
        os.utime(killed, (1, 1))
        for number in range(8):
            begun = threading.Event()
            threads.append(threading.Thread(target=work, args=(number, begun)))
            threads[-1].start()
            assert begun.wait(PATIENCE)
    for thread in threads:
        thread.join(PATIENCE)
    assert order == list(range(8))
    assert not killed.exists()


def test_gpus_are_told_apart_as_the_machine_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-8a../x")
    with leased("cuda:0", Progress()), leased("cuda:1", Progress()):
        assert leases() == {"3": True, "GPU-8a___x": True}


def test_where_no_lock_can_be_kept_work_goes_on(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "gpus").write_text("in the way")
    with leased("cuda:0", Progress()):
        assert leases() == {}


def test_memory_is_bounded_where_the_settings_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[float, torch.device]] = []
    monkeypatch.setattr(
        torch.cuda, "set_per_process_memory_fraction", lambda *bound: asked.append(bound)
    )
    with leased("cuda:1", Progress()):
        assert not asked
    monkeypatch.setenv("LATENT_GPU_MEMORY_PERCENT", "40")
    settings.cache_clear()
    with leased("cuda:1", Progress()), leased("cpu", Progress()):
        assert asked == [(0.4, torch.device("cuda:1"))]


def test_extraction_holds_the_device_of_its_encoder_while_it_encodes(tmp_path: Path) -> None:
    class OnGpu(StubEncoder):
        device = "cuda:0"

        def encode(self, batch, **how):
            held.append(leases())
            return super().encode(batch, **how)

    held: list[dict[str, bool]] = []
    source = MemorySource(np.ones((9, 1, 4, 5), np.float32))
    preparer = Preparer(Preparation(), (1, 4, 5))
    extract(source, StubEncoder(), preparer, scratch=tmp_path / "cpu")
    assert leases() == {}
    extract(source, OnGpu(), preparer, scratch=tmp_path / "gpu")
    assert held == [{"0": True}] * len(held) != []
    assert leases() == {"0": False}
