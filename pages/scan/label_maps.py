"""Which maps of the scan in view may hold labels."""

from __future__ import annotations

import numpy as np

from pages.scan.loading import JoinedMaps

__all__ = ["label_maps"]

# Of a map with more values than this, no value is a grain or a phase.
_MOST_LABELS = 1000
_USUAL_LABELS = ("grain", "phase", "cluster", "truth", "label")


def label_maps(joined: JoinedMaps) -> list[str]:
    """Return the maps whose values may be labels: whole numbers, the likeliest first."""

    def rank(name: str) -> tuple[bool, bool]:
        named = any(word in name.lower() for word in _USUAL_LABELS)
        return (not named, name not in joined.categories)

    return sorted((name for name in joined.names if _are_labels(joined, name)), key=rank)


def _are_labels(joined: JoinedMaps, name: str) -> bool:
    if name in joined.categories:
        return True
    values = joined.get(name)
    values = values[np.isfinite(values)]
    return len(values) > 0 and bool((values == np.round(values)).all()) and (
        2 <= len(np.unique(values)) <= _MOST_LABELS
    )  # fmt: skip
