"""What ``search`` is asked."""

from __future__ import annotations

from dataclasses import dataclass

from latentcore.analysis.similarity import METRICS
from latentcore.requests.options import coords_option, latents_option, reader_option
from latentcore.requests.verbs import option


@dataclass(frozen=True)
class SearchRequest:
    """What to search for, and where."""

    latents: str = latents_option()
    row: int | None = option(
        None,
        help="search for the sample in this row of the latents, counted from 0; it is not among "
        "its own neighbors",
        convert=int,
        metavar="N",
    )
    xy: tuple[float, ...] | None = option(
        None,
        help="search for the sample at x and y; it is not among its own neighbors",
        nargs=2,
        convert=float,
        metavar=("X", "Y"),
    )
    image: str | None = option(
        None,
        help="search for a sample from a file: PNG, JPEG, TIFF, .npy, or a file of samples",
        kind="file",
    )
    image_row: int | None = option(
        None, help="which of the samples in --image FILE, counted from 0", convert=int, metavar="N"
    )
    checkpoint: str | None = option(
        None, help="the model that made the latents, to encode --image with", kind="checkpoint"
    )
    into: str | None = option(
        None,
        help="a run of 'project' on these latents: where the sample lies in that embedding, by the "
        "method that made it",
        kind="file",
        metavar="RUN",
    )
    k: int = option(10, help="how many neighbors to find", convert=int, metavar="K")
    across: bool = option(
        False,
        help="find the k nearest of each partition, too, such as of each scan of a collection",
    )
    metric: str = option(
        "cosine",
        help="cosine: angle between latents; euclidean: distance. similarity is then "
        "1 / (1 + distance)",
        choices=METRICS,
    )
    samples: str | None = option(
        None,
        help="file of the samples that the latents were made of, for thumbnails; default: the one "
        "that the latents name, if it is still there; none: no thumbnails",
        kind="samples",
    )
    all_rows: bool = option(
        False,
        help="write similarity.csv of every sample also where there are more than 2,000,000: about "
        "12 s and 70 MB per million",
    )
    device: str = option("auto", help="where to encode: auto, cpu, cuda, cuda:1 or mps",
                         metavar="NAME")  # fmt: skip
    coords: str | None = coords_option()
    reader: str | None = reader_option()
