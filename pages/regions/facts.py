"""What the list says of a region in a few words: points, area, connected parts."""

from __future__ import annotations

from latentcore.containers import Region
from pages.frame.errors import markdown_safe
from pages.regions.kept import Kept
from pages.regions.numbers import shape_of


def facts_of(kept: Kept, region: Region) -> str:
    """Return ``812 · 203 µm² · 3 parts``, for Markdown."""
    facts = [f"{kept.counts[region.id]:,}"]
    if kept.latents.grid is None:
        return facts[0]
    found = shape_of(kept, region)
    if kept.latents.grid.unit:  # else it is the number of points
        facts.append(f"{found.area.value:,.3g} {markdown_safe(found.area.unit)}")
    facts.append("1 part" if found.n_parts == 1 else f"{found.n_parts:,} parts")
    return " · ".join(facts)
