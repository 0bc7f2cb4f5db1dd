"""What ``agree`` is asked."""

from __future__ import annotations

from dataclasses import dataclass

from latentcore.analysis.agreement import METRICS
from latentcore.requests.options import (
    coords_option,
    latents_option,
    reader_option,
    roi_option,
    sample_option,
)
from latentcore.requests.verbs import option


@dataclass(frozen=True, kw_only=True)
class AgreeRequest:
    """What to hold against which reference."""

    latents: str | None = latents_option(None)
    reference: str = option(
        help="labels (phases, grains, clusters), or features such as FILE:PCA_* to be clustered",
        kind="map",
    )
    labels: str | None = option(
        None,
        help="labels to hold against the reference, instead of latents: FILE:COLUMN, or a run of "
        "cluster, domains, grains or regions",
        kind="map",
        metavar="LABELS",
    )
    k_min: int = option(2, help="fewest clusters tried", convert=int, metavar="K")
    k_max: int = option(12, help="most clusters tried", convert=int, metavar="K")
    criterion: str = option("bic", help="by which k is chosen", choices=("bic", "aic"))
    metric: str = option("ari", help="by which dimensions are ranked", choices=METRICS)
    top: int = option(3, help="how many dimensions are drawn", convert=int, metavar="N")
    scaling: str = option(
        "standard",
        help="standard: each feature with zero mean and unit s.d.; none: as they are",
        choices=("standard", "none"),
    )
    sample: str | None = sample_option(
        "points that are compared, drawn by the seed, or 'all'; default: all of up to 1,000,000, "
        "and 20,000 of more"
    )
    roi: tuple[float, ...] | None = roi_option()
    seed: int = option(0, help="the same seed gives the same clusters", convert=int, metavar="N")
    coords: str | None = coords_option()
    reader: str | None = reader_option()
