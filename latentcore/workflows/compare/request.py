"""What ``compare`` is asked."""

from __future__ import annotations

from dataclasses import dataclass

from latentcore.requests.options import coords_option, reader_option, roi_option
from latentcore.requests.verbs import option


@dataclass(frozen=True)
class CompareRequest:
    """Which latents of the same samples, and by which labels."""

    latents: tuple[str, ...] = option(
        help="two or more files of latents of the same samples, joined by x and y (without a grid "
        "by sample id); the first is what the others are held against",
        positional=True,
        nargs="+",
        kind="latents",
    )
    labels: str | None = option(
        None,
        help="labels to judge the latents by, FILE:COLUMN or a run of cluster, domains, grains or "
        "regions",
        kind="map",
    )
    k: int = option(10, help="how many nearest neighbors are compared", convert=int, metavar="K")
    movers: int = option(
        50, help="so many of the samples that moved most are listed per pair", convert=int,
        metavar="N",
    )  # fmt: skip
    roi: tuple[float, ...] | None = roi_option()
    seed: int = option(
        0, help="draws what is judged where there are very many samples", convert=int, metavar="N"
    )
    coords: str | None = coords_option()
    reader: str | None = reader_option()
