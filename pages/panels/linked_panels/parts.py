"""Parts that the maps fall into, such as domains: borders, a plateau plot, and who is clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from latentcore.errors import RequestError, ShapeError


@dataclass(frozen=True)
class Plateau:
    """How many parts there are at each threshold, as a plot with a slider.

    Parameters
    ----------
    thresholds : sequence of float
        Ascending and positive; the slider runs over them on a logarithmic scale.
    counts : sequence of int
        Parts at each threshold; they hold until the next one.
    automatic : float
        The threshold that is taken where nobody chooses one.
    threshold : float
        The one that the labels were cut at.
    found : int
        Parts at that one.
    note : str
        How sure the automatic threshold is.
    asked : float or None
        The threshold that somebody chose; None is the automatic one.
    ari : sequence of float, optional
        Adjusted Rand index against a label map, at each threshold.
    """

    thresholds: Sequence[float]
    counts: Sequence[int]
    automatic: float
    threshold: float
    found: int
    note: str = ""
    asked: float | None = None
    ari: Sequence[float] | None = None

    def __post_init__(self) -> None:
        thresholds = np.asarray(self.thresholds, np.float64)
        if len(thresholds) == 0 or len(thresholds) != len(self.counts):
            msg = (
                f"A plateau plot has as many counts as thresholds, at least one; got "
                f"{len(thresholds)} thresholds and {len(self.counts)} counts."
            )
            raise ShapeError(msg)
        if not (np.isfinite(thresholds).all() and thresholds[0] > 0):
            msg = "The thresholds of a plateau plot are finite and positive."
            raise RequestError(msg)


@dataclass(frozen=True)
class Parts:
    """Parts of the maps that are objects: a click selects one, lines run between them.

    Parameters
    ----------
    labels : str
        Name of an int32 array; a point with a negative label is in no part.
    panel : str
        What selections call the parts: an entry of `PanelsView.frames` whose x is the label and
        whose y is 0.
    word : str
        What one of them is called.
    lines : bool
        Whether maps show the borders.
    saliency : tuple of str, optional
        Names of float32 arrays: how salient the border between each point and its neighbor at the
        right is, and below; on a hexagonal grid below at the left, and at the right. While the
        slider moves, lines run where it exceeds the threshold.
    plateau : Plateau or None
    """

    labels: str
    panel: str
    word: str = "part"
    lines: bool = True
    saliency: tuple[str, ...] | None = None
    plateau: Plateau | None = None

    @property
    def arrays(self) -> tuple[str, ...]:
        """Names of the arrays that are read."""
        return (self.labels, *(self.saliency or ()))

    def as_json(self) -> dict[str, Any]:
        """Return the parts as the browser reads them."""
        return asdict(self)
