"""What people call a run and note about it: kept beside its record, which stays as it was written.

Plain text of no meaning to any program; it goes when the run's folder goes. Where several people
have a run, each may have a label of their own.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from latentcore.artifacts.json_text import to_json
from latentcore.artifacts.records import Shape, read_record, text
from latentcore.artifacts.whole_files import is_no_room, write_atomic
from latentcore.errors import InputError, MalformedFileError

LONGEST_NAME = 80
LONGEST_NOTE = 4000

# Hidden: it is no artifact, and no place of the dashboard leads to it.
_FILE = ".label.json"
_FILE_OF = ".label-{}.json"
_LARGEST = 1 << 16
_SHAPE: Shape = {"name": text, "note": text}


@dataclass(frozen=True)
class RunLabel:
    """Name and note; empty where nobody gave one."""

    name: str = ""
    note: str = ""


def read_label(folder: Path, of: str = "") -> RunLabel:
    """Return the label of the run in a folder; an empty one where there is none, or a damaged.

    Parameters
    ----------
    of : str
        Whose. Who has given none sees the one that is nobody's in particular.
    """
    for path in dict.fromkeys((_path(folder, of), _path(folder))):
        try:
            kept = read_record(path, _SHAPE, largest=_LARGEST)
        except FileNotFoundError:
            continue
        except MalformedFileError:
            break
        return _trimmed(kept.get("name", ""), kept.get("note", ""))
    return RunLabel()


def write_label(folder: Path, label: RunLabel, of: str = "") -> None:
    """Keep the label of the run in a folder; an empty one of nobody removes what was kept.

    A name is one line. Raises `InputError` where the folder can't be written.
    """
    kept = _trimmed(label.name, label.note)
    try:
        if kept == RunLabel() and not of:
            with suppress(FileNotFoundError):
                _path(folder).unlink()
        else:
            write_atomic(_path(folder, of), to_json(asdict(kept)).encode())
    except OSError as error:
        way_out = " Delete runs that nobody needs, then keep it again." if is_no_room(error) else ""
        message = f"The name of {folder.name!r} can't be kept: {error.strerror or error}.{way_out}"
        raise InputError(message) from error


def _path(folder: Path, of: str = "") -> Path:
    digest = hashlib.blake2b(of.encode(), digest_size=16).hexdigest()
    return folder / (_FILE_OF.format(digest) if of else _FILE)


def _trimmed(name: str, note: str) -> RunLabel:
    line = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    return RunLabel(line[:LONGEST_NAME].rstrip(), note.strip()[:LONGEST_NOTE])
