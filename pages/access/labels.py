"""What the present user calls a run, and their note on it.

Of a run that several people have, each has a label of their own; who looks at one that is another's
alone sees that one's.
"""

from __future__ import annotations

from pathlib import Path

from latentcore.artifacts.run_label import RunLabel, read_label, write_label
from pages.access import claims, identity


def read(folder: Path) -> RunLabel:
    """Return the label of the run in a folder."""
    return read_label(folder, _whose(folder.name))


def write(folder: Path, label: RunLabel) -> None:
    """Keep the label of the run in a folder; errors as `write_label`."""
    write_label(folder, label, _whose(folder.name))


def _whose(run: str) -> str:
    user = identity.acting_name()
    owners = claims.of("run", run).owners if user else ()
    return owners[0] if len(owners) == 1 else user
