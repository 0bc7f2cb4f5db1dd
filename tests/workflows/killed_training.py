"""Kill trainings at random moments, let them resume, and compare: run by ``test_train_killed.py``.

What a training imports is imported once; each attempt runs in a fork of this process, which never
computes itself, and is killed by SIGKILL: at a step of its progress, in the midst of writing a file
of its state, or after a random time.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

from latentcore.encoding import training_state
from latentcore.progress import Progress
from latentcore.workflows import execute
from latentcore.workflows.train.verb import TrainRequest
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi

SHORT = {"epochs": 2, "batch_size": 32}
LONG = {"epochs": 16, "batch_size": 4}  # many steps an epoch


def kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_at_step(count: int) -> Progress:
    seen = [0]

    def on_step(done: int, total: int, message: str) -> None:
        seen[0] += 1
        if seen[0] > count:
            kill_self()

    return Progress(on_step)


class KilledInWriting:
    """``torch.save`` that dies after some writes, with half of the file on the disk."""

    def __init__(self, count: int) -> None:
        self.left, self.save = count, training_state.torch.save

    def __call__(self, plain: object, file) -> None:
        self.save(plain, file)
        self.left -= 1
        if self.left < 0:
            file.flush()
            file.truncate(file.tell() // 2)
            kill_self()


def train(scan: Path, out: Path, options: dict, how: str, moment: float) -> None:
    progress = killed_at_step(int(moment * 40)) if how == "step" else None
    if how == "writing":
        training_state.torch.save = KilledInWriting(int(moment * 4))
    request = TrainRequest(str(scan), latent_dim=4, device="cpu", resume=True, **options)
    execute("train", request, out, progress)


def attempt(scan: Path, out: Path, options: dict, how: str = "", moment: float = 0.0) -> bool:
    """Train in a fork; return whether it was killed."""
    child = os.fork()
    if child == 0:
        status = 9
        try:
            train(scan, out, options, how, moment)
            (scan.parent / "modules.txt").write_text("\n".join(sys.modules))
            status = 0
        finally:
            if status:
                traceback.print_exc()
            os._exit(status)
    if how == "time":
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit("An attempt failed.")
    return os.WIFSIGNALED(status)


def import_as_in(listed: Path) -> None:
    """Import what a training has imported on its way, which takes longer than to train."""
    for name in listed.read_text().split():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def main(folder: Path, seed: int) -> None:
    scan = write_kikuchi(folder / "scan.h5", full_grid(10, 8), patterns(80, (12, 12)))
    chance = random.Random(seed)
    attempt(scan, folder / "short", SHORT)
    import_as_in(folder / "modules.txt")
    for number, how in enumerate(["step", "writing", "time"] * 2):
        out = folder / f"short-{number}"
        moment = chance.random() * (0.3 if how == "step" else 1)
        attempt(scan, out, SHORT, how, moment)
        attempt(scan, out, SHORT)
    attempt(scan, folder / "long", LONG)
    killed = [
        attempt(scan, folder / "long-0", LONG, how, chance.random())
        for how in ["step", "writing"] * 5
    ]
    attempt(scan, folder / "long-0", LONG)
    print("killed", sum(killed), "of", len(killed), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
