"""Regions in numbers: how each lies on the scan, what it holds, and any two against each other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.regions.difference import RegionDifference, differences
from latentcore.analysis.regions.shape import RegionShape, region_shape
from latentcore.analysis.statistics import describe
from latentcore.containers import Region
from pages.frame.errors import markdown_safe
from pages.frame.tables import show_table
from pages.regions.kept import Kept

Values = Mapping[str, NDArray[np.float32]]

# Of so many regions the numbers come in a second; the verb `regions` describes all there are.
_MOST_DESCRIBED = 60


def show(kept: Kept, values: Values) -> None:
    """Show tables of the regions and of two of them.

    Parameters
    ----------
    values : Mapping of str to ndarray, shape (n,)
        What is described: a latent dimension and maps.
    """
    regions = kept.shown.regions
    if not regions:
        st.info(
            "Keep a region first: brush in any panel, and “Keep selection” in the sidebar. Hidden "
            "regions are not described.",
            icon=":material/bookmarks:",
        )
        return
    if len(regions) > _MOST_DESCRIBED:
        st.caption(
            f"The uppermost {_MOST_DESCRIBED} of {len(regions):,} regions are described; hide "
            "some, or give the file of regions to the verb `regions`."
        )
        regions = regions[-_MOST_DESCRIBED:]
    # In the order of the list.
    regions = regions[::-1]
    if kept.latents.grid is not None:
        _table(_shapes(kept, regions), "region_shapes", "How they lie on the scan")
        st.caption(
            "Expected: the mean number of pairs of neighbors in the region, were as many points "
            "drawn at random. Moran's I is near 0 then, and 1 where all clumps; p is against "
            "chance."
        )
    _table(_contents(kept, regions, values), "region_table", "What they hold")
    if len(regions) > 1:
        _pair(kept, regions, values)


def _table(rows: list[dict[str, object]], name: str, title: str) -> None:
    st.markdown(f"**{title}**")
    show_table(pd.DataFrame(rows), key=f"regions.{name}")


def shape_of(kept: Kept, region: Region) -> RegionShape:
    """Return how a region lies on the scan, computed once."""
    return _shape(kept.digests[region.id], kept, region)


@st.cache_resource(max_entries=4_000, show_spinner=False)
def _shape(key: str, _kept: Kept, _region: Region) -> RegionShape:
    del key  # only part of the cache's key
    assert _kept.latents.grid is not None
    return region_shape(_kept.mask(_region), _kept.latents.grid)


def _shapes(kept: Kept, regions: tuple[Region, ...]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for region in regions:
        found = shape_of(kept, region)
        unit, clumping = found.area.unit, found.clumping
        rows.append(
            {
                "region": region.name,
                "n": kept.counts[region.id],
                f"area ({unit})": found.area.value,
                f"perimeter ({unit.removesuffix('²')})": found.perimeter,
                "parts": found.n_parts,
                "share of the largest": found.largest_part,
                "neighbors within": clumping.joins,
                "expected": clumping.joins_expected,
                "Moran's I": clumping.morans_i,
                "p": clumping.p,
            }
        )
    return rows


def _contents(kept: Kept, regions: tuple[Region, ...], values: Values) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for region in regions:
        mask = kept.mask(region)
        for quantity, numbers in values.items():
            found = describe(numbers, mask)
            quantiles = {f"{100 * at:g} %": value for at, value in found.quantiles.items()}
            rows.append(
                {
                    "region": region.name,
                    "quantity": quantity,
                    "n": found.n_finite,
                    "mean": found.mean,
                    "s.d.": found.sd,
                    **quantiles,
                }
            )
    return rows


def _pair(kept: Kept, regions: tuple[Region, ...], values: Values) -> None:
    st.markdown("**One against another**")
    names = {region.id: region.name for region in regions}
    columns = st.columns(2)
    chosen = [
        column.selectbox(
            label, list(names), index=place, key=f"regions.pair.{label}",
            format_func=lambda one: names.get(one, ""),
        )
        for place, (label, column) in enumerate(zip(("A", "B"), columns, strict=True))
    ]  # fmt: skip
    if chosen[0] == chosen[1]:
        st.caption("Choose two different regions.")
        return
    a, b = (next(region for region in regions if region.id == one) for one in chosen)
    of = hashlib.blake2b("\n".join(map(_key, values.items())).encode(), digest_size=12).hexdigest()
    found = _differences(f"{kept.digests[a.id]}|{kept.digests[b.id]}|{of}", kept, a, b, values)
    missing = [quantity for quantity in values if quantity not in found]
    if missing:
        names_missing = markdown_safe(", ".join(missing))
        st.caption(f"Without two values in each: {names_missing}.")
    rows = [_difference_row(quantity, one) for quantity, one in found.items()]
    reasons: dict[str, list[str]] = {}
    for quantity, told in found.items():
        if told.reason:
            reasons.setdefault(told.reason, []).append(quantity)
    if rows:
        _table(rows, "region_pair", f"{markdown_safe(a.name)} against {markdown_safe(b.name)}")
    for reason, quantities in reasons.items():
        named = markdown_safe(", ".join(quantities))
        st.caption(f":material/info: No interval of {named}. {markdown_safe(reason)}")
    st.caption(
        "Intervals are of 95 %, and they and p know that neighboring points are alike: n eff. is "
        "the number of independent points that would tell each mean as precisely. Corrected p "
        "count how many quantities are compared (Holm). Regions that were drawn where a map "
        "differs do differ in it: their p says nothing new."
        if kept.latents.grid is not None
        else "Intervals and p take samples as independent. Cutouts of one image or one day are not."
    )


def _key(item: tuple[str, NDArray[np.float32]]) -> str:
    """Return text that tells two maps of one name apart."""
    name, values = item
    return (
        f"{name} {hashlib.blake2b(np.ascontiguousarray(values).data, digest_size=16).hexdigest()}"
    )


@st.cache_resource(max_entries=64, show_spinner="Comparing regions …")
def _differences(
    key: str, _kept: Kept, _a: Region, _b: Region, _values: Values
) -> dict[str, RegionDifference]:
    del key
    return differences(_values, _kept.mask(_a), _kept.mask(_b), _kept.latents.grid)


def _difference_row(quantity: str, found: RegionDifference) -> dict[str, object]:
    plain = found.comparison
    return {
        "quantity": quantity,
        "n A": plain.n_a,
        "n B": plain.n_b,
        "mean A − mean B": plain.difference,
        "from": found.interval[0],
        "to": found.interval[1],
        "p": found.p,
        "p corrected": found.p_corrected,
        "Hedges' g": plain.hedges_g,
        "g from": found.hedges_g_interval[0],
        "g to": found.hedges_g_interval[1],
        "P(A > B)": plain.auc,
        "P from": found.auc_interval[0],
        "P to": found.auc_interval[1],
        "n eff. A": found.n_effective[0],
        "n eff. B": found.n_effective[1],
        "alike over": found.correlation_length,
    }
