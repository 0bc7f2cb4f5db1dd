"""Stands for the process that looks into files: does what a file's name says, and keeps count."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from latentcore.workers import serve

_seen: list[str] = []


def _answer(line: str) -> str:
    path = Path(json.loads(line))
    with path.with_suffix(".asked").open("a", encoding="ascii") as asked:
        asked.write(".")
    _seen.append(path.stem)
    if path.stem == "crashes" or (path.stem == "suffers" and "breaks" in _seen):
        os.abort()
    if path.stem == "hangs":
        time.sleep(600)
    if path.stem == "killed":
        os.kill(os.getpid(), 9)
    return "{}"


if __name__ == "__main__":
    serve(_answer)
