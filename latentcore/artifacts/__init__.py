"""What runs leave: folders that appear whole, their records, and the layouts of their files."""

from __future__ import annotations

from latentcore.artifacts.json_text import from_json, to_json
from latentcore.artifacts.run_folder import (
    RunFolder,
    file_sha256,
    read_run,
    remove_entry,
    run_damage,
    run_id,
    write_atomic,
)

__all__ = [
    "RunFolder",
    "file_sha256",
    "from_json",
    "read_run",
    "remove_entry",
    "run_damage",
    "run_id",
    "to_json",
    "write_atomic",
]
