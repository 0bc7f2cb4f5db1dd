"""What is reported of damaged pictures and videos, which have no latent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from latentcore.artifacts import RunFolder
from latentcore.containers import damage_of
from latentcore.inputs.samples import ChosenSamples
from latentcore.readers.media.files import none_readable

_MOST_NAMED = 5


def refuse_all_damaged(one: ChosenSamples) -> None:
    """Refuse samples all of which turned out to be damaged."""
    damage = damage_of(one.source)
    reasons = [damage[row] for row in one.rows.tolist() if row in damage]
    if len(reasons) == len(one.rows):
        raise none_readable(one.location, reasons)


def write_damaged(folder: RunFolder, location: str, damaged: Mapping[str, str]) -> str:
    """Write ``<input stem>_damaged.csv`` (sample_id, reason) and return its name."""
    import pandas as pd

    name = f"{Path(location).stem}_damaged.csv"
    folder.write_csv(name, pd.DataFrame(damaged.items(), columns=["sample_id", "reason"]))
    return name


def note_on_damaged(location: str, damaged: Mapping[str, str], n: int) -> str:
    """Say in one sentence or two which of n files are damaged."""
    named = ", ".join(list(damaged)[:_MOST_NAMED]) + " …" * (len(damaged) > _MOST_NAMED)
    stem = Path(location).stem
    return (
        f"{len(damaged)} of {n} files of {Path(location).name!r} can't be read and have no latent: "
        f"{named}. {stem}_damaged.csv says why. With --strict such a file is an error."
    )
