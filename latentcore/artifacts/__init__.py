"""What runs leave: folders that appear whole, their records, and the layouts of their files."""

from __future__ import annotations

from latentcore.artifacts.json_text import from_json, to_json
from latentcore.artifacts.run_folder import (
    RunFolder,
    file_sha256,
    read_run,
    run_damage,
    run_id,
    unfinished,
)
from latentcore.artifacts.whole_files import (
    is_no_room,
    remove_entry,
    remove_left,
    temporary_of,
    write_atomic,
)

__all__ = [
    "RunFolder",
    "file_sha256",
    "from_json",
    "is_no_room",
    "read_run",
    "remove_entry",
    "remove_left",
    "run_damage",
    "run_id",
    "temporary_of",
    "to_json",
    "unfinished",
    "write_atomic",
]
