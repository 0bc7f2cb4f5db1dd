"""Kill a job at random moments, run it again to its end, and compare with one that nobody killed.

    python -m benchmarks.crashes [JOB…] [-n 100] [--seed 0]

JOB is ``extract``, ``fit`` (an extraction that fits a PCA before it encodes), ``train``, ``batch``,
``domains``, ``upload`` and ``download`` (S3, by a server of its own), or ``intake``, a file that
comes from a browser; all of them if none is named. Half of the kills (SIGKILL) come before one of
the events by which Python opens, renames and removes files, the others at any time; after each the
job is killed again, or may end, by chance. Then the same files must be there, in run folder,
workspace, the folder for temporary files and on S3, with the same bytes but for what the clock
says, and no process, shared memory or unfinished upload.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import pandas as pd
from safetensors import safe_open

from tests.factories.kikuchi import full_grid, patterns, write_kikuchi
from tests.storage.server import Server, running_server

_BUCKET = "scans"
_LARGE = 40_000_000  # on S3 in three parts
_EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate")
# What the clock, or the way to it, says; digests and lengths are of files that say it.
_CLOCK = {
    *("created", "ended", "seconds", "patterns_per_s", "rate", "sha256", "bytes"),
    *("resumed_rows", "resumed_epochs", "done_before"),
}
_SHARED = Path("/dev/shm")
_PATIENCE_S = 10.0
_AGAIN = 0.5

Run = Callable[[Path, Path], None]


def _verb(name: str, *words: str) -> Run:
    def run(data: Path, place: Path) -> None:
        from latentcore.cli import main

        given = [word.format(data=data) for word in words]
        if main([name, *given, "--out", str(place / "out"), "--quiet"]):
            sys.exit(f"{name} has failed.")

    return run


def _upload(data: Path, _place: Path) -> None:
    from latentcore.storage.locations import S3Location
    from latentcore.storage.upload import upload

    upload(data / "large.bin", S3Location(_BUCKET, "up/large.bin"))


def _download(_data: Path, _place: Path) -> None:
    from latentcore.storage.download import fetch
    from latentcore.storage.locations import S3Location

    fetch(S3Location(_BUCKET, "down/large.bin"))


def _intake(data: Path, _place: Path) -> None:
    from pages.access.uploads import Upload, store_upload

    with (data / "large.bin").open("rb") as file:
        store_upload(cast("Upload", file))


_TRAINING = ("--latent-dim", "4", "--epochs", "4", "--batch-size", "8", "--device", "cpu")
_LATENTS = tuple(f"{{data}}/l{number}.csv" for number in range(5))
_JOBS: dict[str, Run] = {
    "extract": _verb("extract", "{data}/scan.h5", "--checkpoint", "demo:vae"),
    "fit": _verb("extract", "{data}/scan.h5", "--checkpoint", "pca:16"),
    "train": _verb("train", "{data}/small.h5", *_TRAINING, "--resume"),
    "batch": _verb("batch", "map", *_LATENTS, "--dim", "0"),
    "domains": _verb("domains", _LATENTS[0]),
    "upload": _upload,
    "download": _download,
    "intake": _intake,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", nargs="*", choices=[[], *_JOBS], metavar="JOB")
    parser.add_argument("-n", type=int, default=100, help="kills of each job")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_server() as server:
        data = Path(folder, "data")
        data.mkdir()
        _write(data)
        server.client.create_bucket(Bucket=_BUCKET)
        server.client.upload_file(str(data / "large.bin"), _BUCKET, "down/large.bin")
        trials = [
            _Trial(name, data, Path(folder, name), server) for name in asked.job or list(_JOBS)
        ]
        return 1 if sum(trial.kill(asked.n, asked.seed) for trial in trials) else 0


def _write(data: Path) -> None:
    write_kikuchi(data / "scan.h5", full_grid(120, 50), patterns(6000, (60, 60)))
    write_kikuchi(data / "small.h5", full_grid(10, 8), patterns(80, (12, 12)))
    rng = np.random.default_rng(0)
    coords = full_grid(30, 30)
    (data / "large.bin").write_bytes(rng.bytes(_LARGE))
    for number in range(5):
        latents = rng.normal(coords[:, :1] // 10 * 5, 1, (len(coords), 4))
        header = "x,y," + ",".join(f"latent_{d}" for d in range(4))
        table = np.column_stack([coords, latents])
        np.savetxt(data / f"l{number}.csv", table, delimiter=",", header=header, comments="")


@dataclass(frozen=True)
class _Moment:
    """When to kill: before the event of this number, or after so many seconds."""

    event: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class _Trial:
    """One job, killed many times."""

    name: str
    data: Path
    folder: Path
    server: Server

    def kill(self, kills: int, seed: int) -> int:
        """Kill it so often; say what came of it, and return how many ends were wrong."""
        chance = random.Random(f"{self.name} {seed}")
        begun = time.perf_counter()
        self._attempt("first")  # finds out what there is to import, and compiles
        for name in (self.folder / "modules").read_text().split():
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        self._found("first")
        start = time.perf_counter()
        self._attempt("whole")
        seconds = time.perf_counter() - start
        events = int((self.folder / "events").read_text())
        expected = self._found("whole")
        shared = set(_SHARED.iterdir())
        hits, ends, wrong = 0, 0, 0
        while hits < kills:
            place = f"end-{ends}"
            again = True
            while again and self._attempt(place, _moment(chance, events, seconds)):
                hits += 1
                again = hits < kills and chance.random() < _AGAIN
            self._attempt(place)
            problems = _differences(expected, self._found(place))
            problems += [f"{path} is left" for path in set(_SHARED.iterdir()) - shared]
            for problem in problems:
                print(f"{self.name}, {place}: {problem}", flush=True)
            ends += 1
            wrong += bool(problems)
        took = time.perf_counter() - begun
        print(f"{self.name}: {hits} kills, {ends} ends, {wrong} wrong, {took:.0f} s", flush=True)
        return wrong

    def _attempt(self, name: str, moment: _Moment | None = None) -> bool:
        """Run the job in a fork; return whether it was killed."""
        place = self.folder / name
        (place / "tmp").mkdir(parents=True, exist_ok=True)
        child = os.fork()
        if child == 0:
            self._run(place, moment)
        if moment is not None and moment.seconds is not None:
            time.sleep(moment.seconds)
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            sys.exit(f"{self.name} has failed in {place}.")
        give_up = time.monotonic() + _PATIENCE_S
        while left := _processes_in(place):
            if time.monotonic() > give_up:
                sys.exit(f"{self.name} has left processes in {place}: {left}")
            time.sleep(0.02)
        return os.WIFSIGNALED(status)

    def _run(self, place: Path, moment: _Moment | None) -> None:
        """Do the work, and end this process."""
        status = 9
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.environ |= _environment(place, self.server)
            tempfile.tempdir = None
            counted = _watch_events(place, None if moment is None else moment.event)
            _JOBS[self.name](self.data, place)
            (self.folder / "modules").write_text("\n".join(sys.modules))
            (self.folder / "events").write_text(str(counted[0]))
            status = 0
        except BaseException:  # noqa: BLE001 - the fork ends here, whatever it was
            traceback.print_exc()
        finally:
            os._exit(status)

    def _found(self, name: str) -> dict[str, bytes]:
        """Return all that lies in a place and on S3, by name; it is removed there."""
        place = self.folder / name
        found = {
            str(path.relative_to(place)): _timeless(path, place)
            for path in sorted(place.rglob("*"))
        }
        shutil.rmtree(place)
        client = self.server.client
        for entry in client.list_objects_v2(Bucket=_BUCKET, Prefix="up/").get("Contents", ()):
            found[entry["Key"]] = client.get_object(Bucket=_BUCKET, Key=entry["Key"])["Body"].read()
            client.delete_object(Bucket=_BUCKET, Key=entry["Key"])
        for entry in client.list_multipart_uploads(Bucket=_BUCKET).get("Uploads", ()):
            found[f"unfinished upload {entry['Key']}"] = b""
            client.abort_multipart_upload(
                Bucket=_BUCKET, Key=entry["Key"], UploadId=entry["UploadId"]
            )
        return found


def _moment(chance: random.Random, events: int, seconds: float) -> _Moment:
    if chance.random() < 0.5:
        return _Moment(event=chance.randrange(events))
    return _Moment(seconds=chance.uniform(0, seconds))


def _watch_events(place: Path, last: int | None) -> list[int]:
    """Count the events of files below a place, and die before the one of number `last`."""
    counted = [0]

    def hook(event: str, given: tuple[Any, ...]) -> None:
        # What is removed with a whole folder is named by a handle of the folder.
        if event not in _EVENTS or not (str(given[0]).startswith(str(place)) or given[-1] != -1):
            return
        if counted[0] == last:
            os.kill(os.getpid(), signal.SIGKILL)
        counted[0] += 1

    sys.addaudithook(hook)
    return counted


def _environment(place: Path, server: Server) -> dict[str, str]:
    return {
        "TMPDIR": str(place / "tmp"),
        "LATENT_WORKSPACE": str(place / "workspace"),
        "LATENT_S3_ENDPOINT": server.url,
        "AWS_ACCESS_KEY_ID": server.key,
        "AWS_SECRET_ACCESS_KEY": server.secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "OMP_NUM_THREADS": "1",
    }


def _processes_in(place: Path) -> list[str]:
    """Return the command lines of processes that were started with a place's folder."""
    mark = f"TMPDIR={place}/tmp\0".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


def _timeless(path: Path, place: Path) -> bytes:
    """Return what a file holds, without what the clock says in it, and where it lies."""
    if not path.is_file():
        return b""
    if path.suffix in _OPENED:
        return repr(_OPENED[path.suffix](path)).replace(str(place), "PLACE").encode()
    return path.read_bytes().replace(str(place).encode(), b"PLACE")


def _in_hdf5(path: Path) -> object:
    found: dict[str, object] = {}
    with h5py.File(path) as file:
        for name, value in file.attrs.items():
            found[f"@{name}"] = _plain(value) if isinstance(value, str) else value.tolist()
        file.visititems(
            lambda name, one: found.update({name: one[()]} if isinstance(one, h5py.Dataset) else {})
        )
    return {name: getattr(value, "tobytes", lambda v=value: v)() for name, value in found.items()}


def _in_safetensors(path: Path) -> object:
    with safe_open(path, "np") as file:
        metadata = {name: _plain(text) for name, text in (file.metadata() or {}).items()}
        return metadata, {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118


def _in_csv(path: Path) -> object:
    table = pd.read_csv(path, dtype=str)
    return table.drop(columns=_CLOCK & set(table)).to_csv()


def _plain(text: str) -> object:
    """Return JSON without what the clock says in it; other text as it is."""
    try:
        return _without_clock(json.loads(text))
    except ValueError:
        return text


_OPENED: dict[str, Callable[[Path], object]] = {
    ".h5": _in_hdf5,
    ".safetensors": _in_safetensors,
    ".csv": _in_csv,
    ".json": lambda path: _plain(path.read_text(encoding="utf-8")),
}


def _without_clock(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_clock(one) for key, one in value.items() if key not in _CLOCK}
    return [_without_clock(one) for one in value] if isinstance(value, list) else value


def _differences(expected: dict[str, bytes], found: dict[str, bytes]) -> list[str]:
    return [
        *(f"{name} is left" for name in found.keys() - expected.keys()),
        *(f"{name} is missing" for name in expected.keys() - found.keys()),
        *(
            f"{name} differs"
            for name in expected.keys() & found.keys()
            if expected[name] != found[name]
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
