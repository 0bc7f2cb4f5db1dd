"""Kill an extraction at random moments, let it resume, and compare: run by ``test_kill.py``.

torch is imported once; each extraction runs in a fork of this process and is killed by SIGKILL.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch

from latentcore.encoders import open_checkpoint
from latentcore.encoding import _partial
from latentcore.encoding.extraction import extract
from latentcore.preparation import Preparation, Preparer
from tests.encoders.models import write_seed
from tests.encoding.memory_source import MemorySource

KILLS = 10


def extraction(folder: Path, out: Path, checkpoint: Path) -> None:
    x = np.random.default_rng(0).integers(0, 250, (800, 1, 20, 24)).astype(np.float32)
    x[100] = np.nan
    encoder = open_checkpoint(str(checkpoint), device="cpu", input_shape=(1, 20, 24))
    preparer = Preparer(Preparation(scale="minus_one_one"), (1, 20, 24))
    source = MemorySource(x, block_rows=32, delay_s=0.005)
    keep = np.arange(800) % 5 != 0
    found = extract(source, encoder, preparer, scratch=folder, keep=keep, batch_size=32)
    np.save(out, found.latents)
    print("resumed", found.resumed_rows, "of", found.counts.rows, flush=True)


def start(*arguments: Path) -> int:
    child = os.fork()
    if child == 0:
        extraction(*arguments)
        os._exit(0)
    return child


def wait_for_rows(journal: Path, rows: int) -> None:
    """Wait by what is done, not by the clock: the machine may be busy."""
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        if journal.exists() and json.loads(journal.read_text())["rows"] >= rows:
            return
        time.sleep(0.001)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    _partial._COMMIT_EVERY_S = 0.0  # commit after every tile: a kill meets every kind of state
    checkpoint = write_seed(folder / "vae.pth")
    os.waitpid(start(folder / "whole", folder / "whole.npy", checkpoint), 0)
    chance = random.Random(int(sys.argv[2]))
    killed = 0
    for number in range(KILLS):
        resumed = (folder / f"part{number}", folder / f"part{number}.npy", checkpoint)
        child = start(*resumed)
        wait_for_rows(folder / f"part{number}" / "journal.json", chance.randrange(600))
        time.sleep(chance.uniform(0, 0.03))
        os.kill(child, signal.SIGKILL)
        killed += os.waitpid(child, 0)[1] == signal.SIGKILL
        os.waitpid(start(*resumed), 0)
    print("killed", killed, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
