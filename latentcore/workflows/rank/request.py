"""What ``rank`` is asked."""

from __future__ import annotations

from dataclasses import dataclass

from latentcore.analysis.ranking import metric_names
from latentcore.analysis.references import SYNTHESES
from latentcore.figures.colors import COLORMAPS
from latentcore.requests.options import (
    coords_option,
    latents_option,
    reader_option,
    roi_option,
    sample_option,
)
from latentcore.requests.verbs import option


@dataclass(frozen=True)
class RankRequest:
    """What to rank, against what, and how."""

    latents: str = latents_option()
    map: str = option(
        help="reference: FILE, FILE:COLUMN, or several columns for a synthesis; joined by x and y, "
        "of samples without a grid a table joined by sample_id; FILE@KEY=VALUE:COLUMN gives "
        "options to the file's reader, as scan=2",
        kind="map",
    )
    metric: tuple[str, ...] | None = option(
        None, help="a metric to rank by; all seven if not given", repeat=True,
        choices=metric_names, metavar="NAME",
    )  # fmt: skip
    synthesis: str | None = option(
        None,
        help="sum: weighted sum of maps, each scaled 0–1 over the ROI; rgb: luminance of three",
        choices=SYNTHESES,
    )
    weights: tuple[float, ...] | None = option(
        None, help="of each column of a sum; equal if not given", nargs="+", convert=float,
        metavar="W",
    )  # fmt: skip
    trend_degree: int = option(
        1,
        help="degree of the polynomial in x and y that pp_spatial removes: 1, 2 or 3",
        convert=int,
        metavar="D",
    )
    sample: str | None = sample_option(
        "points that are scored, or 'all'; default: all of up to 1,000,000, and 200,000 of more, "
        "with the standard errors of their scores"
    )
    roi: tuple[float, ...] | None = roi_option()
    uncertainty: tuple[str, ...] | None = option(
        None,
        help="metrics that get intervals and p-values, or 'none'; pearson if not given, where it "
        "takes seconds",
        nargs="+",
        metavar="NAME",
    )
    level: float = option(
        0.95, help="of the intervals, between 0 and 1", convert=float, metavar="P"
    )
    resamples: int = option(
        200, help="random halves of the map behind each interval", convert=int, metavar="N"
    )
    surrogates: int = option(
        199, help="maps without meaning behind each p-value", convert=int, metavar="N"
    )
    null: str | None = option(
        None,
        help="those maps: the reference shifted, or random with its variogram; shifted if it has "
        "no gaps",
        choices=("shift", "variogram"),
    )
    groups: str | None = option(
        None,
        help="samples of a table that belong together, for intervals and p-values: a column of it, "
        "place (cells of 10° by lat and lon), partition, or none; default: place, else partition "
        "where there are eight, else none",
        metavar="COLUMN",
    )
    across: bool = option(
        False,
        help="also score each partition by itself, such as each scan of a collection, and in each "
        "the dimension that all others choose",
    )
    top: int = option(
        3,
        help="how many dimensions of each metric are listed and drawn; 0: no figures",
        convert=int,
        metavar="N",
    )
    cmap: str = option("viridis", help=f"color map: {', '.join(COLORMAPS)}", metavar="NAME")
    seed_names: bool = option(
        False, help="also write tables, arrays and maps under the names of the seed system"
    )
    seed: int = option(0, help="the same seed gives the same scores", convert=int, metavar="N")
    coords: str | None = coords_option()
    reader: str | None = reader_option()
