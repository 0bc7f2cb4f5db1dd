"""The inspector's Regions: their numbers, any two against each other, and their files."""

from __future__ import annotations

from pages.regions import files, numbers
from pages.regions.kept import Kept


def show(kept: Kept, values: numbers.Values) -> None:
    """Show what the regions are in numbers, and give and take their files."""
    numbers.show(kept, values)
    files.show(kept.latents, kept)
