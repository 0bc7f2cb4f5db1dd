"""Damage a tiny valid file of a reader in many ways, and see what opening each of them does.

    python -m benchmarks.fuzz READER… [-n 300] [--seed 0]

Every damaged copy is opened by name, read whole and recognized, in a child process (one fork per
copy) that may run for 10 s and grow by 1 GiB of addresses. Listed is whatever hung, grew, crashed,
answered with anything but a clear message, or with one longer than 600 characters or of more than
one line per sentence. READER is a name of `tests.factories.layouts`,
``safetensors`` or ``torch-weights`` for checkpoints, or ``all``.
"""

from __future__ import annotations

import argparse
import faulthandler
import multiprocessing
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from latentcore import readers
from latentcore.containers import SampleSource
from latentcore.encoders import open_checkpoint
from latentcore.encoders.checkpoints import DEMO, checkpoint_file
from latentcore.errors import InputError
from tests.encoders.models import seed_state
from tests.factories.kikuchi import full_grid
from tests.factories.layouts import LAYOUTS, Layout

_SECONDS = 10
_GROWTH = 1 << 30
_LONGEST = 600
_COORDS = full_grid(5, 4)
_VALUES = (np.arange(20) * 7 % 20 + 1).astype(np.float32)
_OPENERS: dict[str, Callable[..., object]] = {
    "samples": readers.open_samples,
    "latents": readers.open_latents,
    "maps": readers.open_maps,
    "checkpoint": lambda path, **_: open_checkpoint(
        str(path), device="cpu", input_shape=(1, 20, 24)
    ),
}


def _own_weights(path: Path, _coords: object, _values: object) -> None:
    shutil.copyfile(checkpoint_file(DEMO), path)
    shutil.copyfile(checkpoint_file(DEMO).with_name("model.json"), path.with_name("model.json"))


def _torch_weights(path: Path, _coords: object, _values: object) -> None:
    torch.save(seed_state(), path)


_TARGETS = LAYOUTS | {
    "safetensors": Layout("safetensors", "checkpoint", "model.safetensors", _own_weights),
    "torch-weights": Layout("torch-weights", "checkpoint", "vae.pth", _torch_weights),
}
_NUMBER = re.compile(rb"(?<![A-Za-z0-9_.])-?\d+(?:[.,]\d+)?")
_INSTEAD = (
    b"1000000000000000000", b"-1", b"0", b"NaN", b"inf", b"1e999", b"abc", b"", b"9" * 5_000,
    b"-1e18", b"4294967295", b"0x10", "²".encode(), b"1,5",
)  # fmt: skip
_WORDS = (0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 10**18, 2**63 - 1, 2**64 - 1)

Damage = Callable[[bytes, np.random.Generator], bytes]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader", nargs="+", choices=["all", *sorted(_TARGETS)], metavar="READER")
    parser.add_argument("-n", type=int, default=300, help="copies for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the copies that were answered badly")
    asked = parser.parse_args()
    names = sorted(_TARGETS) if asked.reader == ["all"] else asked.reader
    bad = sum(fuzz(_TARGETS[name], asked.n, asked.seed, asked.keep) for name in names)
    return 1 if bad else 0


def fuzz(layout: Layout, n: int, seed: int, keep: Path | None) -> int:
    """Try n copies of one layout; return how many were answered badly."""
    found: Counter[str] = Counter()
    rng = np.random.default_rng(seed)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "whole", layout.file_name)
        whole.parent.mkdir()
        layout.write(whole, _COORDS, _VALUES)
        attempt(layout, whole)  # whatever is imported late is imported before the forks
        for number in range(n):
            where = Path(folder, str(number))
            shutil.copytree(whole.parent, where)
            path = where / layout.file_name
            how = damage(path, rng)
            answer = in_child(layout, path)
            found[answer if answer in ("read", "refused") else "bad"] += 1
            if answer not in ("read", "refused"):
                print(f"{layout.reader} #{number} {how}: {answer}", flush=True)
                if keep is not None:
                    shutil.copytree(where, keep / f"{layout.reader}-{number}", dirs_exist_ok=True)
            shutil.rmtree(where)
    took = time.perf_counter() - start
    print(f"{layout.reader}: {n} copies in {took:.0f} s, {dict(found)}", flush=True)
    return found["bad"]


def damage(path: Path, rng: np.random.Generator) -> str:
    """Damage one file, of a folder most often one that says what the others mean; tell how."""
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    files += [one for one in sorted(path.parent.iterdir()) if one.is_file() and one != path]
    chosen = files[int(rng.integers(len(files)))]
    name = str(rng.choice(sorted(_DAMAGES)))
    content = chosen.read_bytes()
    chosen.write_bytes(_DAMAGES[name](content, rng))
    return f"{name} of {chosen.name}" if len(files) > 1 else name


def _cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(len(content) + 1))]


def _flip(content: bytes, rng: np.random.Generator, most: int = 6) -> bytes:
    changed = bytearray(content)
    end = len(changed) if rng.random() < 0.5 else min(len(changed), 2_048)
    for place in rng.integers(0, end, int(rng.integers(1, most))) if end else ():
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _number(content: bytes, rng: np.random.Generator) -> bytes:
    """Put nonsense in the place of a number that is written as text, else of one that is binary."""
    places = [found.span() for found in _NUMBER.finditer(content[: 1 << 16])]
    is_text = b"\0" not in content[:4_096]
    if not is_text or not places:
        return _word(content, rng)
    # Most numbers are values; those of the header come first.
    first, last = places[int(len(places) * rng.random() ** 3)]
    return content[:first] + _INSTEAD[int(rng.integers(len(_INSTEAD)))] + content[last:]


def _word(content: bytes, rng: np.random.Generator) -> bytes:
    size = int(rng.choice([1, 2, 4, 8]))
    if len(content) <= size:
        return content
    place = int((len(content) - size) * rng.random() ** 3)
    value = _WORDS[int(rng.integers(len(_WORDS)))] & ((1 << 8 * size) - 1)
    return content[:place] + value.to_bytes(size, "little") + content[place + size :]


def _doubled_line(content: bytes, rng: np.random.Generator) -> bytes:
    lines = content.split(b"\n")
    place = int(rng.integers(len(lines)))
    return b"\n".join([*lines[:place], lines[place], *lines[place:]])


def _long(content: bytes, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(len(content) + 1))
    return content[:place] + bytes([int(rng.integers(32, 256))]) * 20_000 + content[place:]


def _always(change: Callable[[bytes], bytes]) -> Damage:
    return lambda content, _: change(content)


def _text(encoding: str) -> Damage:
    return _always(lambda content: content.decode("latin-1").encode(encoding, "replace"))


_DAMAGES: dict[str, Damage] = {
    "cut": _cut,
    "flip": _flip,
    "flip many": lambda content, rng: _flip(content, rng, 60),
    "number": _number,
    "number again": lambda content, rng: _number(_number(content, rng), rng),
    "word": _word,
    "doubled line": _doubled_line,
    "long": _long,
    "empty": _always(lambda _: b""),
    "crlf": _always(lambda content: content.replace(b"\n", b"\r\n")),
    "cr": _always(lambda content: content.replace(b"\n", b"\r")),
    "bom": _always(lambda content: b"\xef\xbb\xbf" + content),
    "utf-16": _text("utf-16"),
    "utf-8 twice": _text("utf-8"),
    "zeros": lambda content, rng: content + bytes(int(rng.integers(1, 5_000))),
}


def in_child(layout: Layout, path: Path) -> str:
    """Open a file in a fork; return "read", "refused" or what went wrong."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = os.fork()
    if child == 0:
        receiver.close()
        _limit()
        try:
            sender.send(attempt(layout, path))
            sender.close()
        finally:
            os._exit(0)
    sender.close()
    answer = ""
    if receiver.poll(_SECONDS):
        try:
            answer = receiver.recv()
        except EOFError:
            answer = ""
    else:
        os.kill(child, signal.SIGKILL)
        answer = f"hung for {_SECONDS} s"
    _, status = os.waitpid(child, 0)
    receiver.close()
    return answer or f"crashed ({status})"


def _limit() -> None:
    faulthandler.disable()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + _GROWTH
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def attempt(layout: Layout, path: Path) -> str:
    """Open and read a file, and recognize it; return "read", "refused" or what went wrong."""
    warnings.simplefilter("error")
    steps: tuple[Callable[[], object], ...] = (
        lambda: _read(layout, path),
        lambda: readers.recognize_all(path),
    )
    answers = [_answer(step) for step in steps]
    return next((one for one in answers if one not in ("read", "refused")), answers[0])


def _answer(step: Callable[[], object]) -> str:
    try:
        step()
    except InputError as error:
        text = str(error)
        if len(text) > _LONGEST and not text.startswith("No reader recognizes"):
            return f"says too much ({len(text)} characters): {text[:200]!r}"
        if any(not one.isprintable() and one != "\n" for one in text):
            return f"says what can't be printed: {text[:200]!r}"
        return "refused"
    except MemoryError:
        return f"grew: {traceback.format_exc(limit=-3)[-900:]}"
    except BaseException:  # noqa: BLE001 - that is what is looked for
        return f"traceback: {traceback.format_exc(limit=-4)[-1_200:]}"
    return "read"


def _read(layout: Layout, path: Path) -> None:
    opened = _OPENERS[layout.kind](path, reader=layout.reader, **layout.options(path))
    if isinstance(opened, SampleSource):
        with opened:
            for start in range(0, min(len(opened), 10_000), 1_000):
                opened.read(slice(start, start + 1_000))


if __name__ == "__main__":
    sys.exit(main())
