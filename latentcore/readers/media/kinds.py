"""By what pictures and videos are told from other files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

__all__ = ["PICTURES", "VIDEOS", "kind_of_head", "kinds_in_folder", "visible_files"]

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts")

_PICTURE_HEADS = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+",
)  # fmt: skip
_VIDEO_HEADS = (b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3")
_MP4_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide")
_TS_PACKET = 188
# A look must be cheap; a folder of samples shows what it is early.
_MOST_LOOKED_AT = 20_000


def kind_of_head(head: bytes) -> str:
    """Tell a ``"picture"`` and a ``"video"`` by their first bytes; anything else is ``""``."""
    container = head[8:12] if head.startswith(b"RIFF") else b""
    if head.startswith(_PICTURE_HEADS) or container == b"WEBP":
        return "picture"
    is_ts = head[:1] == b"G" and head[_TS_PACKET : _TS_PACKET + 1] == b"G"
    if head.startswith(_VIDEO_HEADS) or container == b"AVI " or head[4:8] in _MP4_ATOMS or is_ts:
        return "video"
    return ""


def kinds_in_folder(folder: Path) -> dict[str, int]:
    """Count the pictures and videos in a folder and those below it, by their names' endings."""
    counts = {"picture": 0, "video": 0}
    for path in islice(visible_files(folder), _MOST_LOOKED_AT):
        counts["picture"] += path.name.lower().endswith(PICTURES)
        counts["video"] += path.name.lower().endswith(VIDEOS)
    return counts


def visible_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder and of those below it; hidden ones and links to folders not."""
    for path, subfolders, names in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from (Path(path, name) for name in names if not name.startswith("."))
