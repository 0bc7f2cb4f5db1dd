"""One run of a verb: a folder of artifacts that appears all at once.

Files are written to a hidden neighbor of the folder and moved into place when everything is
there, ``run.json`` last: a folder without it is unfinished, and a run that fails leaves nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from latentcore.artifacts.json_text import to_json
from latentcore.artifacts.records import (
    Shape,
    count,
    listed,
    mapping,
    number,
    optional,
    read_record,
    shaped,
    text,
)
from latentcore.artifacts.whole_files import write_atomic
from latentcore.cells import write_csv
from latentcore.containers import InputRecord, Provenance
from latentcore.errors import InputError, MalformedFileError, OtherVersionError
from latentcore.locks import FileLock, try_lock

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_RUN_FILE = "run.json"
_VERSION = "1"
_BLOCK = 1 << 20
_FIGURE_DPI = 300
# A look at who holds the lock holds it, too, for a moment; and so may the child of a process that
# was killed as it started one.
_PATIENCE_S = 1.0


class RunFolder:
    """Where a run writes; a context manager.

    Parameters
    ----------
    out : Path
        The folder that the run becomes.
    request : Mapping
        JSON-like; goes into ``run.json``.
    question : Mapping, optional
        What of the request changes the answer, for the run's id; all of it if not given.

    Notes
    -----
    The hidden folder is named after `out`, so that a run which was killed finds what it had
    already done (see `scratch`). A lock keeps a second run out of it; the lock dies with its
    process.

    Raises
    ------
    InputError
        If `out` is a file, can't be written, another run is writing to it, or holds one of a
        version that isn't known.
    """

    def __init__(
        self,
        out: Path,
        *,
        verb: str,
        request: Mapping[str, object],
        question: Mapping[str, object] | None = None,
    ) -> None:
        self.out = Path(out)
        self.verb = verb
        self.request = request
        self._question = request if question is None else question
        self.inputs: list[InputRecord] = []
        self.parents: list[str] = []
        self._stage = unfinished(self.out)
        self._names: list[str] = []
        self._keep_scratch = False
        self._finished: dict[str, Any] | None = None
        self._lock: FileLock | None = None

    def __enter__(self) -> Self:
        if self.out.exists() and not self.out.is_dir():
            message = f"⟨out⟩ {str(self.out)!r} is a file. Give the name of a folder."
            raise InputError(message)
        if (self.out / _RUN_FILE).is_dir():
            message = (
                f"{str(self.out / _RUN_FILE)!r} is a folder, where the record of the run belongs. "
                "Remove it, or give another ⟨out⟩."
            )
            raise InputError(message)
        _refuse_other_version(self.out)
        try:
            self._stage.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"The folder {str(self.out)!r} can't be written: {error.strerror}."
            raise InputError(message) from error
        self._lock = try_lock(self._stage / ".lock", patience_s=_PATIENCE_S)
        if self._lock is None:
            message = f"Another run is writing to {str(self.out)!r}. Wait for it, or cancel it."
            raise InputError(message)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # An interrupted run keeps its scratch (that is what resuming is for); one that was
        # given bad input has nothing worth keeping.
        if kind is None or issubclass(kind, InputError) or not self._keep_scratch:
            shutil.rmtree(self._stage, ignore_errors=True)
        if self._lock is not None:
            self._lock.release()
        if os.name == "nt":  # which keeps the file of a lock that is held, and the folder with it
            with suppress(OSError):
                self._stage.rmdir()

    def scratch(self) -> Path:
        """Return a folder for work in progress that survives a kill or a cancelled run.

        The caller checks that what it finds there belongs to the same question.
        """
        self._keep_scratch = True
        folder = self._stage / "scratch"
        folder.mkdir(exist_ok=True)
        return folder

    def path(self, name: str) -> Path:
        """Return where to write the artifact `name` (it may hold folders), and note it down."""
        path = self._stage / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name not in self._names:
            self._names.append(name)
        return path

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write an artifact."""
        self.path(name).write_bytes(content)

    def write_json(self, name: str, value: object) -> None:
        """Write an artifact as JSON."""
        self.path(name).write_text(to_json(value), encoding="utf-8")

    def write_csv(self, name: str, table: pd.DataFrame) -> None:
        """Write an artifact as CSV; see `latentcore.cells.write_csv`."""
        write_csv(table, self.path(name))

    def write_csv_blocks(self, name: str, tables: Iterable[pd.DataFrame]) -> None:
        """Write tables of the same columns one below the other, as `write_csv` would all rows."""
        with self.path(name).open("w", encoding="utf-8", newline="") as file:
            for number, table in enumerate(tables):
                write_csv(table, file, header=number == 0)

    def write_figure(self, name: str, figure: Figure) -> None:
        """Write an artifact as PNG at 300 dpi; what stands between two ``$`` is no formula."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        for artist in figure.findobj(lambda artist: hasattr(artist, "set_parse_math")):
            # Only numbers on axes are formulas, and they are not there yet: names of files are.
            if "$" in artist.get_text():  # type: ignore[attr-defined]
                artist.set_parse_math(False)  # type: ignore[attr-defined]
        # ``savefig`` would draw it twice: once to lay it out, and again for the file.
        figure.set_dpi(_FIGURE_DPI)
        FigureCanvasAgg(figure).print_png(self.path(name))  # type: ignore[no-untyped-call]

    def add_input(self, location: str, reader: str, fingerprint: str, role: str) -> None:
        """Note down something that was read; its run, if it lies in one, becomes a parent."""
        record = InputRecord(location, reader, fingerprint, role)
        if record in self.inputs:
            return
        self.inputs.append(record)
        parent = read_run(Path(location).parent) or {}
        if "run_id" in parent and parent["run_id"] not in self.parents:
            self.parents.append(parent["run_id"])

    def reopen(self) -> None:
        """Say that the folder is unfinished again: what lies in it is about to change."""
        (self.out / _RUN_FILE).unlink(missing_ok=True)

    def keep_finished(self, record: dict[str, Any]) -> None:
        """Leave the folder as it is: its ``run.json``, `record`, answers the same question."""
        self._finished = record

    def commit(self, summary: Mapping[str, object]) -> dict[str, Any]:
        """Move the artifacts into place and write ``run.json``.

        Returns
        -------
        dict
            What ``run.json`` holds.
        """
        if self._finished is not None:
            return self._finished
        seed = self.request.get("seed")
        provenance = Provenance(
            verb=self.verb,
            request=self.request,
            inputs=tuple(self.inputs),
            parents=tuple(self.parents),
            seed=seed if isinstance(seed, int) else None,
        )
        record: dict[str, Any] = {
            "encoding-type": "latentcore-run",
            "encoding-version": _VERSION,
            "run_id": run_id(
                self.verb, self._question, [entry.fingerprint for entry in self.inputs]
            ),
            **asdict(provenance),
            "summary": summary,
            "files": {
                name: {
                    "sha256": file_sha256(self.path(name)),
                    "bytes": self.path(name).stat().st_size,
                }
                for name in sorted(self._names)
            },
        }
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / _RUN_FILE).unlink(missing_ok=True)
        for name in self._names:
            target = self.out / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _sync(self.path(name))
            self.path(name).replace(target)
        write_atomic(self.out / _RUN_FILE, to_json(record).encode())
        return record


def unfinished(out: Path) -> Path:
    """Return where the run that becomes a folder writes, and leaves what it had done if killed."""
    return out.parent / f".{out.name}.unfinished"


def run_id(verb: str, question: Mapping[str, object], fingerprints: Sequence[str]) -> str:
    """Return the id of a question: the same question about the same content has the same id."""
    text = to_json({"verb": verb, "request": question, "inputs": list(fingerprints)})
    return hashlib.blake2b(text.encode(), digest_size=10).hexdigest()


def read_run(folder: Path) -> dict[str, Any] | None:
    """Return what ``run.json`` in a folder says, or None for an unfinished or damaged run.

    Besides ``verb`` any field may be missing; one that is there is of the kind that `commit`
    writes, and each input and file has all fields that `commit` writes.
    """
    try:
        return _read(folder)
    except (FileNotFoundError, MalformedFileError):
        return None


def run_damage(folder: Path) -> str:
    """Return what is wrong with the ``run.json`` of a folder; empty where it is good or missing."""
    try:
        _read(folder)
    except FileNotFoundError:
        return ""
    except MalformedFileError as error:
        return str(error)
    return ""


def _read(folder: Path) -> dict[str, Any]:
    record = read_record(folder / _RUN_FILE, _RUN, ("verb",), version=_VERSION)
    for entry in record.get("inputs", ()):
        entry |= {name: entry.get(name, "") for name in _INPUT}
    for entry in record.get("files", {}).values():
        entry |= {"sha256": entry.get("sha256", ""), "bytes": entry.get("bytes", 0)}
    return record


def _refuse_other_version(out: Path) -> None:
    """Keep what another version of the program has left from being replaced."""
    try:
        _read(out)
    except OtherVersionError as error:
        message = f"{error}\nTo compute it anew here, give another ⟨out⟩, or remove that folder."
        raise InputError(message) from error
    except (FileNotFoundError, MalformedFileError):
        pass


def _is_file_table(value: Any) -> bool:
    """Whether a value describes artifacts: what lies elsewhere is none of the run's."""
    return mapping(value) and all(
        _FILE(entry) and not name.startswith("/") and ".." not in name.split("/")
        for name, entry in value.items()
    )


def _is_digest(value: Any) -> bool:
    return text(value) and (value == "" or value.isalnum())


_FILE = shaped({"sha256": _is_digest, "bytes": count})
_INPUT = ("location", "reader", "fingerprint", "role")
# What pages read of summaries, whichever the verb.
SUMMARY: Shape = {
    **dict.fromkeys(
        ("n", "n_points", "n_encoded", "n_train", "n_held_out", "n_not_finite", "n_constant"), count
    ),
    **dict.fromkeys(("latent_dim", "epochs", "best_epoch", "resumed_epochs"), count),
    **dict.fromkeys(("explained_variance", "patterns_per_s"), optional(number)),
    "seconds": number,
    **dict.fromkeys(("notes", "warnings"), listed(text)),
    **dict.fromkeys(("device", "encoder", "stopped_by"), optional(text)),
    **dict.fromkeys(("worth", "preparation"), optional(mapping)),
}
_RUN: Shape = {
    **dict.fromkeys(("run_id", "verb", "created"), text),
    **dict.fromkeys(("request", "versions"), mapping),
    "inputs": listed(shaped(dict.fromkeys(_INPUT, text))),
    "parents": listed(text),
    "seed": optional(number),
    "summary": shaped(SUMMARY),
    "files": _is_file_table,
}


def file_sha256(path: Path) -> str:
    """Return a file's SHA-256 as hexadecimal text."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    with path.open("r+b") as file:  # Windows syncs nothing that is open for reading only
        os.fsync(file.fileno())
