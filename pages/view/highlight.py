"""Open the Explore page with some samples selected."""

from __future__ import annotations

from collections.abc import Sequence

from latentcore.analysis.exploration import ROW_PANEL
from latentcore.analysis.selection import row_shapes
from pages.frame import navigation
from pages.scan import loading
from pages.scan.state import ScanState
from pages.view import session

__all__ = ["highlight"]


def highlight(scan: ScanState, rows: Sequence[int], *, pinned: int | None = None) -> None:
    """Select samples in slot A, pin one, and go to the Explore page.

    Parameters
    ----------
    scan : ScanState
        Has latents.
    rows : sequence of int
        Rows of the latents.
    pinned : int, optional
        Row of the sample that is shown large.
    """
    assert scan.latents is not None
    session.begin(loading.version(scan.latents))
    before = session.question()
    session.update(
        selections={**before.selections, "A": row_shapes(ROW_PANEL, rows)},
        active="A",
        pinned=pinned,
        roi=None,  # else those outside would not be shown
    )
    navigation.switch_to("explore")
