"""``domains``: connected parts of a scan whose latents are alike."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.agreement import MISSING
from latentcore.analysis.domains.hierarchy import DomainHierarchy
from latentcore.analysis.domains.objects import Domains
from latentcore.analysis.domains.search import domain_hierarchy, domains_at
from latentcore.analysis.parameters import check_at_least
from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, ScanGrid, match_rows
from latentcore.errors import JoinError
from latentcore.inputs.labels import read_labels
from latentcore.inputs.latents import read_latents
from latentcore.inputs.maps import grid_for_maps, maps_at, read_map
from latentcore.outputs.domains import write_domains
from latentcore.progress import Progress
from latentcore.requests.domains import DomainsRequest, hierarchy_method_of
from latentcore.requests.verbs import verb

__all__ = ["DomainsRequest", "run"]

_UNSURE = 0.3


@verb("domains", "Find domains: connected parts of a scan whose latents are alike.", DomainsRequest)
def run(request: DomainsRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Find domains.

    Writes what `latentcore.outputs.domains.write_domains` writes.

    Returns
    -------
    dict
        What the report holds.
    """
    method = hierarchy_method_of(request)
    check_at_least("⟨min_size⟩", request.min_size, 1)
    check_at_least("⟨threshold⟩", request.threshold, 0)
    check_at_least("⟨memory⟩", request.memory, 0)
    progress.step(0, 4, "reading latents and maps")
    latents = read_latents(
        request.latents, folder, coords=request.coords, reader=request.reader, roi=request.roi
    )
    notes: list[str] = []
    values = _values(request, latents, folder, notes)
    phase = None if request.phase is None else _phase(request.phase, latents.grid, folder, notes)
    progress.step(1, 4, "merging neighbors")
    hierarchy = domain_hierarchy(
        latents, method=method, distance=request.distance, scaling=request.scaling, phase=phase,
        learn_from=request.learn_from, memory=request.memory, progress=progress,
    )  # fmt: skip
    progress.step(2, 4, "cutting at the threshold")
    domains = domains_at(hierarchy, latents, request.threshold, request.min_size)
    notes += _notes(request, hierarchy, domains)
    progress.step(3, 4, "describing domains")
    report = _report(request, hierarchy, method, notes)
    unit = domains.unit and f" {domains.unit}"
    title = f"{method.title}, threshold {report['threshold']:.4g}{unit}"
    return write_domains(folder, domains, report, values=values, title=title)


def _values(
    request: DomainsRequest, latents: LatentSet, folder: RunFolder, notes: list[str]
) -> dict[str, NDArray[np.floating]]:
    """Read the maps and latents whose mean and s.d. are asked for."""
    values: dict[str, NDArray[np.floating]] = {}
    for spec in request.map:
        maps = read_map(spec, folder, numbers=True)
        at, unmatched = maps_at(maps, latents.grid)
        for name, one in zip(maps.names, at, strict=True):
            # Two files may call their maps the same.
            again = sum(known == name or known.startswith(f"{name}.") for known in values)
            values[f"{name}.{again + 1}" if again else name] = one
        if unmatched:
            notes.append(
                f"{unmatched} of {len(latents)} points have no value in {spec!r}. Check that it "
                "is of the same scan."
            )
    for dim in request.dim:
        values[f"latent_d{dim}"] = latents.dimension(dim)
    return values


def _phase(
    spec: str, grid: ScanGrid | None, folder: RunFolder, notes: list[str]
) -> NDArray[np.float64]:
    """Read the phase of each point; NaN where there is none."""
    labels = read_labels(spec, folder)
    rows = match_rows(grid_for_maps(grid), labels.grid)
    found = rows >= 0
    if not found.any():
        message = (
            f"None of {len(rows)} points has a phase in {spec!r}. Check that it is of the same "
            "scan, in the same coordinates."
        )
        raise JoinError(message)
    phase = np.where(found, labels.labels[rows], MISSING).astype(np.float64)
    phase[phase == MISSING] = np.nan
    if np.isnan(phase).any():
        notes.append(
            f"{int(np.isnan(phase).sum())} of {len(rows)} points have no phase in {spec!r}: they "
            "are treated as a phase of their own."
        )
    return phase


def _notes(request: DomainsRequest, hierarchy: DomainHierarchy, domains: Domains) -> list[str]:
    """Return what the user should know before they trust the domains."""
    notes = []
    automatic = hierarchy.threshold
    if request.threshold is None and automatic.confidence < _UNSURE:
        notes.append(
            "The distances at which parts merge show no clear gap, so the automatic threshold is "
            f"little sure (confidence {automatic.confidence:.2f}). Try others."
        )
    if domains.count == 1:
        notes.append("All points are in one domain: nothing in the latents divides the scan.")
    if request.learn_from is not None and request.threshold is not None:
        notes.append("A threshold was given, so that only scaling and distance were learned.")
    rows, columns = (np.ptp(place) + 1 for place in (domains.grid.row, domains.grid.col))
    if 1 in (rows, columns):
        notes.append("The scan is a single line of points: areas and shapes mean little.")
    return notes


def _report(
    request: DomainsRequest, hierarchy: DomainHierarchy, method: Any, notes: list[str]
) -> dict[str, Any]:
    automatic = hierarchy.threshold
    return {
        "threshold": automatic.value if request.threshold is None else request.threshold,
        "automatic": request.threshold is None,
        "automatic_threshold": automatic.value,
        "confidence": automatic.confidence,
        "method": request.method,
        "parameters": dataclasses.asdict(method),
        "min_size": request.min_size,
        "distance": hierarchy.distance,
        "unit": "°" if hierarchy.distance == "angle" else "",
        "scaling": request.scaling,
        "latents": request.latents,
        "learn_from": request.learn_from,
        "phase": request.phase,
        "maps": list(request.map),
        "roi": request.roi,
        "notes": notes,
    }
