"""What ``domains`` is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from latentcore.analysis.domains.edges import DISTANCES
from latentcore.analysis.domains.hierarchies import HIERARCHIES, HierarchyMethod
from latentcore.analysis.domains.hierarchy import MIN_SIZE
from latentcore.analysis.domains.search import AUTOMATIC, MEMORY_GB, METHOD, SCALINGS
from latentcore.analysis.parameters import make_method
from latentcore.requests.methods import parameters_of, with_parameters
from latentcore.requests.options import coords_option, latents_option, reader_option, roi_option
from latentcore.requests.verbs import option

__all__ = ["DomainsRequest", "hierarchy_method_of"]


def _threshold(text: str) -> float | None:
    return None if text == "auto" else float(text)


@dataclass(frozen=True)
class _DomainsRequest:
    """Where domains are sought, and how; the methods' own parameters are added below."""

    latents: str = latents_option()
    method: str = option(METHOD, help="how neighbors are merged", family=HIERARCHIES)
    distance: str = option(
        AUTOMATIC,
        help="euclidean, in the latents' unit; angle between latents, in degrees; auto: the one "
        "that separates better",
        choices=(AUTOMATIC, *DISTANCES),
    )
    scaling: str = option(
        "none",
        help="none: latents as they are; standard: each dimension with zero mean and unit s.d.",
        choices=SCALINGS,
    )
    threshold: float | None = option(
        None,
        help="distance from which on parts are different domains, or auto (default)",
        convert=_threshold,
        metavar="T",
    )
    min_size: int = option(
        MIN_SIZE,
        help="smaller parts are absorbed by the neighbor with the most similar mean",
        convert=int,
        metavar="N",
    )
    phase: str | None = option(
        None, help="labels whose borders no domain crosses: FILE:COLUMN", kind="map"
    )
    learn_from: str | None = option(
        None,
        help="find scaling, the better distance and the automatic threshold on this partition, "
        "such as a scan of a collection, for all",
        metavar="NAME",
    )
    map: tuple[str, ...] = option(
        (), help="maps whose mean and s.d. the table tells of each domain", kind="map", repeat=True
    )
    dim: tuple[int, ...] = option(
        (), help="latent dimensions that the table tells of", nargs="+", convert=int, metavar="D"
    )
    memory: float = option(
        MEMORY_GB, help="gigabytes that may be taken; larger scans are refused", convert=float,
        metavar="GB", changes_answer=False,
    )  # fmt: skip
    roi: tuple[float, ...] | None = roi_option()
    coords: str | None = coords_option()
    reader: str | None = reader_option()


# The options of methods are those that the methods declare, so a new one brings its own.
if TYPE_CHECKING:
    DomainsRequest = _DomainsRequest
else:
    DomainsRequest = with_parameters(_DomainsRequest, HIERARCHIES)


def hierarchy_method_of(request: DomainsRequest) -> HierarchyMethod:
    """Make the method that a request names, with the parameters that it gives.

    Raises
    ------
    InputError
        If no method has that name, it lacks a parameter that was given, or a value makes no sense.
    """
    return make_method(HIERARCHIES, request.method, parameters_of(request, HIERARCHIES))
