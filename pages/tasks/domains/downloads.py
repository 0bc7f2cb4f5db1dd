"""What leaves the Domains page: maps kept with the scan, tables, and all files of the verb."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.cells import csv_bytes
from latentcore.jobs.command_line import command_line
from latentcore.workflows import VERBS
from pages.access import places
from pages.frame import navigation
from pages.jobs.latents_names import lasting_name
from pages.regions import kept as regions
from pages.regions.kept import Candidate
from pages.results.verb_files import show_files
from pages.scan.derived_maps import keep_as_maps, without_labels
from pages.tasks.domains.asked import Asked
from pages.tasks.domains.found import Cut, described
from pages.tasks.domains.table import selected_domains
from pages.view.scene import Scene

_JOB = "domains_files_job"
_MOST_REGIONS = 100


def show(scene: Scene, asked: Asked, cut: Cut, mask: NDArray[np.bool_]) -> None:
    """Offer to keep the maps with the scan, and the files."""
    chosen = selected_domains(cut, mask)
    _keep(scene, cut)
    _keep_regions(scene, asked, cut, np.sort(chosen))
    st.markdown("**Tables**")
    with st.container(horizontal=True):
        _csv("domain_table.csv", cut.table)
        _csv("domain_borders.csv", cut.domains.borders)
        _csv("domains.csv", _points(scene, cut))
        if cut.domains.by_scan is not None:
            _csv("domain_partitions.csv", cut.domains.by_scan)
        if len(chosen):
            _csv("selected_domains.csv", cut.table.iloc[np.sort(chosen)])
    st.markdown("**Everything, with a figure and a report that repeats it**")
    request = request_of(scene, asked)
    show_files(
        _JOB, "domains", request, f"Domains of {lasting_name(scene.scan.latents)}",
        about=scene.key,
    )  # fmt: skip
    st.caption("The same on the command line:")
    st.code(command_line("domains", request, "domains"), language="sh", wrap_lines=True)


def _keep(scene: Scene, cut: Cut) -> None:
    st.markdown("**Keep as maps of this scan**")
    st.caption(
        "Domains, distance to neighbors and deviation become a file of maps in view: Explore "
        "colors by them, Rank ranks against them, Probe takes the domains as labels."
    )
    if st.button("Keep as maps", icon=":material/layers:", key="domains.keep"):
        keep(scene, cut)
        st.rerun()
    if kept_name(scene) in [places.label(place) for place in scene.scan.maps]:
        st.success("Domain maps are among the maps in view.", icon=":material/check:")
        navigation.link("explore", "See them in Explore")


def _keep_regions(scene: Scene, asked: Asked, cut: Cut, chosen: NDArray[np.integer]) -> None:
    st.markdown("**Keep as regions**")
    n = len(chosen)
    st.caption(
        "Select domains, by a click on a map or in the table: each becomes a named region of the "
        "scan, to describe, compare and combine in Explore."
    )
    if not st.button(
        f"Keep the {n:,} selected domains" if n != 1 else "Keep the selected domain",
        icon=":material/bookmark_add:",
        key="domains.keep_regions",
        disabled=not 0 < n <= _MOST_REGIONS,
        help=f"At most {_MOST_REGIONS} at once." if n > _MOST_REGIONS else None,
    ):
        return
    source = {"kind": "domain", "threshold": cut.threshold, "settings": dict(asked.settings)}
    made = [
        Candidate(f"domain {one}", cut.labels == one, {**source, "domain": int(one)})
        for one in chosen
    ]
    regions.keep(scene.latents, made)
    st.toast("Kept. Explore lists them." if n > 1 else "Kept. Explore lists it.")


def kept_name(scene: Scene) -> str:
    """Return what the file of kept maps is called."""
    return f"{_stem(scene)}_domains.parquet"


def keep(scene: Scene, cut: Cut) -> str:
    """Keep the maps of the domains as maps of the scan; return their place."""
    grid = scene.latents.grid
    assert grid is not None
    return keep_as_maps(
        kept_name(scene).removesuffix(".parquet"),
        grid,
        {
            "domain": without_labels(cut.labels),
            "neighbor_distance": cut.map("neighbor_distance"),
            "deviation": cut.map("deviation"),
        },
    )


def _stem(scene: Scene) -> str:
    name = places.label(scene.scan.latents or "").split(" · ")[0]
    return name.split(".")[0].removesuffix("_latents") or "scan"


def _points(scene: Scene, cut: Cut) -> Callable[[], pd.DataFrame]:
    grid = scene.latents.grid
    assert grid is not None
    return lambda: pd.DataFrame({"x": grid.x, "y": grid.y, "domain": cut.labels})


def _csv(name: str, table: pd.DataFrame | Callable[[], pd.DataFrame]) -> None:
    def content() -> bytes:
        return csv_bytes(table if isinstance(table, pd.DataFrame) else table())

    st.download_button(
        name, content, file_name=name, mime="text/csv", icon=":material/download:",
        on_click="ignore", key=f"domains.csv.{name}",
    )  # fmt: skip


def request_of(scene: Scene, asked: Asked) -> Any:
    """Return the request of the verb ``domains`` that writes what the page shows."""
    request = VERBS.get("domains").request
    phase = _spec(scene, asked.phase) if asked.phase else None
    return request(
        latents=places.location(scene.scan.latents or ""),
        threshold=asked.threshold,
        phase=phase,
        map=tuple(_spec(scene, name) for name in described(scene.maps)),
        **asked.settings,
    )


def _spec(scene: Scene, name: str) -> str:
    place, column = scene.maps.origin[name]
    return f"{places.location(place)}:{column}"
