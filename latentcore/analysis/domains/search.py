"""From latents to domains."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.clustering import learned_of
from latentcore.analysis.domains.edges import DISTANCES, ScanEdges, edge_distances, scan_edges
from latentcore.analysis.domains.hierarchies import HIERARCHIES, HierarchyMethod
from latentcore.analysis.domains.hierarchy import MIN_SIZE, DomainHierarchy
from latentcore.analysis.domains.objects import Domains
from latentcore.analysis.parameters import check_at_least, check_choice
from latentcore.analysis.partition_shares import comparable
from latentcore.containers import LatentSet
from latentcore.errors import RequestError
from latentcore.progress import Progress

SCALINGS = ("none", "standard")
METHOD = "merging"
AUTOMATIC = "auto"
# Angles are taken if they separate so much better; else the distance whose unit is the latents'.
_BETTER = 1.2
MEMORY_GB = 6.0
# Measured from 1,000,000 × 8 and × 32 to 10,000,000 × 8: the program, each point, each value.
_PROGRAM_BYTES, _POINT_BYTES, _VALUE_BYTES = 450e6, 340, 22


def domain_hierarchy(
    latents: LatentSet,
    *,
    method: HierarchyMethod | None = None,
    distance: str = AUTOMATIC,
    scaling: str = "none",
    phase: ArrayLike | None = None,
    learn_from: str | None = None,
    memory: float = MEMORY_GB,
    progress: Progress | None = None,
) -> DomainHierarchy:
    """Merge the points of a scan into ever larger parts; see `DomainHierarchy`.

    Parameters
    ----------
    method : HierarchyMethod, optional
        A part of `HIERARCHIES`; region merging if not given.
    distance : str
        ``"euclidean"``, in the latents' unit, ``"angle"`` between latents, in degrees, or
        ``"auto"``: the one by which neighbors in different domains are farther from neighbors in
        the same domain, at the automatic threshold of each; see `separation`.
    scaling : str
        ``"standard"``: each dimension with zero mean and unit s.d. over the scan.
    phase : array_like, shape (n,), optional
        No domain crosses from one phase to another. A point without a phase has one of its own.
    learn_from : str, optional
        A partition of the latents, such as a scan of a collection: scaling, the better distance
        and the automatic threshold are found on it alone, as if it were by itself.
    memory : float
        The most that this may take, in GB.

    Raises
    ------
    RequestError
        If there is no scan grid, no latent, no neighbors, or nothing that tells points apart,
        no such partition, or if it takes more memory.
    """
    check_choice("distance", distance, (AUTOMATIC, *DISTANCES))
    check_choice("scaling", scaling, SCALINGS)
    if latents.grid is None:
        message = (
            "The latents have no coordinates, so no two points are known to be neighbors: give "
            "⟨coords⟩."
        )
        raise RequestError(message)
    _refuse_large(latents, memory)
    method = method or HIERARCHIES.get(METHOD)()
    progress = progress or Progress()

    learned = learned_of(latents, learn_from)

    def merged(by: str) -> DomainHierarchy:
        values, edges = _measured(latents, by, scaling, phase, learned)
        return DomainHierarchy.of(
            values, edges, method, distance=by, scans=_scans(latents, edges),
            learned=None if learned is None else learned[edges.rows], progress=progress,
        )  # fmt: skip

    if distance != AUTOMATIC:
        return merged(distance)
    best = merged("euclidean")
    if (latents.values[best.edges.rows] == 0).all(axis=1).any() or len(latents.dims) == 1:
        return best  # a zero vector has no direction, and numbers have only two
    other = merged("angle")
    return other if separation(other) > _BETTER * separation(best) else best


def _refuse_large(latents: LatentSet, memory: float) -> None:
    n, d = latents.shape
    per_point = _POINT_BYTES + _VALUE_BYTES * d
    gigabytes = (_PROGRAM_BYTES + n * per_point) / 1e9
    if gigabytes <= memory:
        return
    most = max(0, int((memory * 1e9 - _PROGRAM_BYTES) / per_point / 1e5)) * 100_000
    message = (
        f"Domains of {n:,} points × {d} dimensions take about {gigabytes:.1f} GB of memory, but "
        f"⟨memory⟩ allows {memory:g} GB. Choose an ROI of up to {most:,} points, or allow more "
        "where the computer has it."
    )
    raise RequestError(message)


def separation(hierarchy: DomainHierarchy) -> float:
    """Return how far apart the distances across borders and within domains are.

    Cohen's d at the automatic threshold: the difference of their means over the root of the mean
    of their variances; 0 where there is only one of both kinds. Of learned points, where some are.
    """
    labels, edges = hierarchy.cut(hierarchy.threshold.value), hierarchy.edges
    learned = hierarchy.learned
    of = slice(None) if learned is None else learned[edges.a] & learned[edges.b]
    same = labels[edges.i[of]] == labels[edges.j[of]]
    if same.all() or not same.any():
        return 0.0
    distances = hierarchy.distances[of]
    across, within = distances[~same], distances[same]
    spread = np.sqrt((across.var(dtype=float) + within.var(dtype=float)) / 2)
    return float((across.mean(dtype=float) - within.mean(dtype=float)) / max(spread, 1e-300))


def _measured(
    latents: LatentSet, distance: str, scaling: str, phase: ArrayLike | None,
    learned: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.float32], ScanEdges]:  # fmt: skip
    """Return the values whose Euclidean distances are meant, and the edges of their points."""
    assert latents.grid is not None
    present = latents.encoded
    if distance == "angle":
        present = present & (latents.values != 0).any(axis=1)
    edges = scan_edges(latents.grid, present, phase=phase)
    of = slice(None) if learned is None else learned[edges.rows]
    values = _scaled(latents.values[edges.rows], scaling, of, centered=distance == "euclidean")
    if distance == "angle":
        values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), np.float32(1e-30))
    within = edges if learned is None else edges.among(learned[edges.rows])
    if not edge_distances(values[of], within).any():
        message = (
            f"The latents of all {len(values[of])} points are the same as their neighbors', so "
            "there is nothing to tell domains by. Check that they are latents of this scan."
        )
        raise RequestError(message)
    return values, edges


def _scans(latents: LatentSet, edges: ScanEdges) -> NDArray[np.int32] | None:
    """Return the scan of each point where the partitions are scans: no two of them touch."""
    partition = comparable(latents.partition)
    if partition is None:
        return None
    scans = partition.codes[edges.rows]
    return scans if (scans[edges.a] == scans[edges.b]).all() else None


def domains_at(
    hierarchy: DomainHierarchy,
    latents: LatentSet,
    threshold: float | None = None,
    min_size: int = MIN_SIZE,
) -> Domains:
    """Cut a hierarchy and describe the domains.

    Parameters
    ----------
    latents : LatentSet
        Those that the hierarchy was made of.
    threshold : float, optional
        In the unit of the distance; the automatic one if not given.
    min_size : int
        Smaller parts are absorbed by the neighbor with the most similar mean.

    Raises
    ------
    RequestError
        If the threshold is negative or the size below 1.
    """
    check_at_least("⟨min_size⟩", min_size, 1)
    check_at_least("⟨threshold⟩", threshold, 0)
    assert latents.grid is not None  # else there were no hierarchy
    labels = hierarchy.cut(hierarchy.threshold.value if threshold is None else threshold, min_size)
    return Domains(
        grid=latents.grid,
        edges=hierarchy.edges,
        labels=labels,
        distance=hierarchy.distances,
        deviation=hierarchy.deviation(labels),
        unit="°" if hierarchy.distance == "angle" else "",
        scans=None if hierarchy.scans is None else latents.partition,
    )


def _scaled(
    values: NDArray[np.float32], scaling: str, of: slice | NDArray[np.bool_], *, centered: bool
) -> NDArray[np.float32]:
    # Distances don't ask where the origin is, but float32 has more digits near it.
    scaled: NDArray[np.float32] = values.copy()
    if centered or scaling == "standard":
        scaled -= values[of].mean(axis=0, dtype=np.float64).astype(np.float32)
    if scaling == "standard":
        sd = values[of].std(axis=0, dtype=np.float64)
        scaled /= np.where(sd > 0, sd, 1).astype(np.float32)
    return scaled
