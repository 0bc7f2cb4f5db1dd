"""The inspector's table of selection A against B."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from latentcore.analysis.exploration import comparison
from latentcore.analysis.statistics import Comparison
from pages.frame.tables import show_table
from pages.tasks.explore.numbers import Masks, digest
from pages.view import session
from pages.view.question import LATENT
from pages.view.scene import Scene

_INDEPENDENCE = (
    "Intervals take points as independent. Neighboring points of a scan are not: read them as "
    "the narrowest they could be."
)

_SAMPLES_INDEPENDENCE = (
    "Intervals take samples as independent. Cutouts of one image or one day are not: read them as "
    "the narrowest they could be."
)


def show_comparison(scene: Scene, masks: Masks) -> None:
    """Show the difference and effect size of each quantity, selection A against B."""
    found = compared(scene, masks)
    if not found:
        st.info(
            "Brush one selection, switch to slot B above the panels, and brush another: "
            "then their difference and effect size stand here.",
            icon=":material/compare_arrows:",
        )
        return
    overlap = next(iter(found.values())).overlap
    if overlap:
        st.warning(
            f"{overlap:,} {scene.points} are in both selections and count on both sides.",
            icon=":material/warning:",
        )
    table = [
        {
            "quantity": name,
            "Cliff's δ": entry.cliffs_delta,
            "Hedges' g": entry.hedges_g,
            "n A": entry.n_a,
            "n B": entry.n_b,
            "mean A − mean B": entry.difference,
            "95 % from": entry.interval[0],
            "95 % to": entry.interval[1],
            "P(A > B)": entry.auc,
            "K–S": entry.ks,
        }
        for name, entry in found.items()
    ]
    key = f"explore.against.{_masks_key(masks)}"
    show_table(
        pd.DataFrame(table), key=key, selection_mode="single-row",
        on_select=lambda: _show_quantity(scene, list(found), key),
    )  # fmt: skip
    st.caption(
        "All dimensions and maps, the largest effect first; choose a row to see it in the panels. "
        "Cliff's δ: P(A > B) − P(A < B) (Cliff 1993). Hedges' g: difference in "
        "pooled standard deviations. P(A > B): chance that one of A has the larger value. "
        + (_INDEPENDENCE if scene.latents.grid is not None else _SAMPLES_INDEPENDENCE)
    )


def _masks_key(masks: Masks) -> str:
    return "".join(digest(masks[slot]) for slot in ("A", "B"))


def compared(scene: Scene, masks: Masks) -> dict[str, Comparison]:
    """Compare A and B in every latent dimension and every map of numbers."""
    if not (masks["A"].any() and masks["B"].any()):
        return {}
    return _all_compared(f"{scene.key}|{_masks_key(masks)}", scene, masks)


@st.cache_data(max_entries=8, show_spinner="Comparing A with B in all dimensions and maps …")
def _all_compared(key: str, _scene: Scene, _masks: Masks) -> dict[str, Comparison]:
    del key  # only part of the cache's key
    # The selected alone, read once: of large files all columns would not fit into memory.
    rows = np.flatnonzero(_masks["A"] | _masks["B"])
    columns = _scene.latents.rows(rows).T
    dims = {f"latent_d{dim}": one for dim, one in zip(_scene.latents.dims, columns, strict=True)}
    maps = {name: _scene.maps.get(name)[rows] for name in _scene.numeric_maps}
    return comparison({slot: mask[rows] for slot, mask in _masks.items()}, dims | maps)


def _show_quantity(scene: Scene, names: Sequence[str], key: str) -> None:
    """Color the panels by the quantity of the row that was chosen."""
    rows = st.session_state[key]["selection"]["rows"]
    if not rows or rows[0] >= len(names):
        return
    name = names[rows[0]]
    dims = {f"latent_d{dim}": int(dim) for dim in scene.latents.dims}
    if name in scene.numeric_maps:
        session.update(color=name, limits=None)
    else:
        session.update(dim=dims[name], color=LATENT, limits=None)
