"""The domains of the scan in view: the hierarchy once per settings, then every cut of it.

The hierarchy of a large scan takes up to half a minute. A thread of the server computes it, so
that no rerun of a page begins anew, and all sessions share it.
"""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.domains.hierarchy import MIN_SIZE, DomainHierarchy
from latentcore.analysis.domains.lines import line_arrays, part_counts
from latentcore.analysis.domains.objects import Domains
from latentcore.analysis.domains.search import domain_hierarchy, domains_at
from latentcore.containers import quantities
from latentcore.errors import Cancelled
from latentcore.progress import Progress
from latentcore.requests.domains import hierarchy_method_of
from latentcore.workflows import VERBS
from pages.frame.errors import markdown_safe
from pages.scan.joining import JoinedMaps
from pages.tasks.domains.asked import Asked
from pages.view.scene import Scene

# The maps that are made of domains.
OWN_MAPS = ("neighbor_distance", "deviation", "border_contrast")
# A page waits so long before it shows how far the computing is.
_PATIENCE_S = 2.0
_LOOK_EVERY_S = 0.5
_STEPS_OF_PLOT = 240
# Below this share of the automatic threshold every noisy point is a part.
_RANGE = 4.0


@dataclass(frozen=True, eq=False)
class Found:
    """The hierarchy of a scan's domains, and what is drawn of it whatever the threshold.

    Attributes
    ----------
    key : str
        Changes when the hierarchy does.
    lines : tuple of ndarray of float32, shape (n,)
        Saliency of the border to the neighbors at the right and below, as of `line_arrays`.
    thresholds : ndarray of float64, shape (t,)
        Of the plateau plot, ascending.
    """

    key: str
    hierarchy: DomainHierarchy
    lines: tuple[NDArray[np.float32], ...]
    thresholds: NDArray[np.float64]


@dataclass(eq=False)
class _Computation:
    """What a thread computes, and how far it is."""

    future: Future[Found] = field(default_factory=Future)
    share: float = 0.0
    message: str = "waiting"

    def __post_init__(self) -> None:
        self.progress = Progress(self._note)

    def _note(self, done: int, total: int, message: str) -> None:
        self.share, self.message = done / max(total, 1), message


def find_domains(scene: Scene, asked: Asked) -> Found | None:
    """Return the domains; None while they are computed, which the page shows then.

    Raises `InputError` if the latents have none.
    """
    running = _computation(_key(scene, asked), scene, asked)
    try:
        with st.spinner("Looking for domains …"):
            return running.future.result(_PATIENCE_S)
    except NotYet:
        _progress(_key(scene, asked), scene, asked)
        return None
    except Cancelled:
        _computation.clear(_key(scene, asked))
        raise


def _key(scene: Scene, asked: Asked) -> str:
    settings = {name: value for name, value in asked.settings.items() if name != "min_size"}
    phase = [asked.phase, scene.key] if asked.phase else []
    return f"{scene.about}|{json.dumps([settings, phase], sort_keys=True)}"


@st.cache_resource(show_spinner=False)
def _thread() -> ThreadPoolExecutor:
    # One at a time: a second large hierarchy beside the first would need twice the memory.
    return ThreadPoolExecutor(1, thread_name_prefix="domains")


@st.cache_resource(max_entries=3, show_spinner=False, on_release=lambda one: one.progress.cancel())
def _computation(key: str, _scene: Scene, _asked: Asked) -> _Computation:
    found = _Computation()
    found.future = _thread().submit(_compute, key, _scene, _asked, found.progress)
    return found


@st.fragment(run_every=_LOOK_EVERY_S)
def _progress(key: str, scene: Scene, asked: Asked) -> None:
    running = _computation(key, scene, asked)
    if running.future.done():
        st.rerun()
    st.progress(
        min(1.0, running.share), text=f"Looking for domains: {markdown_safe(running.message)}"
    )
    st.caption("The first time after an installation the code is compiled, up to a minute.")
    st.button("Cancel", icon=":material/stop_circle:", on_click=running.progress.cancel)


def _compute(key: str, scene: Scene, asked: Asked, progress: Progress) -> Found:
    latents = scene.latents
    request = VERBS.get("domains").request(latents="", **asked.settings)
    hierarchy = domain_hierarchy(
        latents,
        method=hierarchy_method_of(request),
        distance=request.distance,
        scaling=request.scaling,
        phase=scene.maps.get(asked.phase) if asked.phase else None,
        learn_from=request.learn_from,
        progress=progress,
    )
    assert latents.grid is not None  # else there were no hierarchy
    progress.step(9, 10, "borders")
    lines = line_arrays(latents.grid, hierarchy.edges, hierarchy.saliency)
    return Found(key, hierarchy, lines, _thresholds(hierarchy))


def _thresholds(hierarchy: DomainHierarchy) -> NDArray[np.float64]:
    """Return the thresholds of the plateau plot: up to where all is merged."""
    heights = hierarchy.height[hierarchy.height > 0]
    automatic = max(hierarchy.threshold.value, float(np.finfo(np.float32).tiny))
    if len(heights) == 0:
        return np.array([automatic])
    high = max(float(heights[-1]), automatic) * 1.05
    return np.geomspace(max(automatic / _RANGE, high * 1e-5), high, _STEPS_OF_PLOT)


@dataclass(frozen=True, eq=False)
class Cut:
    """The domains at one threshold.

    Attributes
    ----------
    key : str
        Changes when the labels do.
    """

    key: str
    threshold: float
    domains: Domains
    scene: Scene

    @property
    def labels(self) -> NDArray[np.int32]:
        """Domain of each point, −1 where there is no latent, shape (n,)."""
        return self.domains.labels

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per domain, in the order of their numbers."""
        maps = self.scene.maps
        return self.domains.table({name: maps.get(name) for name in described(maps)})

    def map(self, name: str) -> NDArray[np.float32]:
        """Return the map of ``neighbor_distance``, ``deviation`` or ``border_contrast``, (n,)."""
        found: NDArray[np.float32] = getattr(self.domains, name)
        return found


def min_size_of(asked: Asked) -> int:
    """Return how many points a domain has at least."""
    return int(asked.settings.get("min_size", MIN_SIZE))


def described(maps: JoinedMaps) -> list[str]:
    """Return the maps whose mean and s.d. the table has: not those that were made of domains."""
    return [name for name in quantities(maps) if name not in OWN_MAPS]


def cut_of(scene: Scene, asked: Asked, found: Found) -> Cut:
    """Cut the hierarchy at the threshold that is asked for."""
    threshold = asked.threshold or found.hierarchy.threshold.value
    min_size = min_size_of(asked)
    key = f"{found.key}|{scene.key}|{threshold!r}|{min_size}"
    return _cut(key, scene, found, threshold, min_size)


# About a hundred bytes for each point of the scan.
@st.cache_resource(max_entries=4, show_spinner="Cutting …")
def _cut(key: str, _scene: Scene, _found: Found, threshold: float, min_size: int) -> Cut:
    domains = domains_at(_found.hierarchy, _scene.latents, threshold, min_size)
    return Cut(key, threshold, domains, _scene)


def counts_of(found: Found, min_size: int) -> list[int]:
    """Return how many parts there are at each threshold of the plateau plot."""
    return _counts(found.key, min_size, found)


@st.cache_data(max_entries=32, show_spinner=False)
def _counts(key: str, min_size: int, _found: Found) -> list[int]:
    del key
    counts: list[int] = part_counts(_found.hierarchy, _found.thresholds, min_size).tolist()
    return counts
