"""``regions``: named regions of a scan as labels, tables and figures; classes grown from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from latentcore.analysis.probes import PROBES, make_probe
from latentcore.artifacts import RunFolder
from latentcore.inputs.regions import read_described, read_regions
from latentcore.outputs.regions import lay, write_propagation, write_regions
from latentcore.progress import Progress
from latentcore.requests.methods import parameters_of, with_parameters
from latentcore.requests.options import coords_option
from latentcore.requests.verbs import option, verb

__all__ = ["RegionsRequest", "run"]


@dataclass(frozen=True)
class _RegionsRequest:
    """Which regions, of what; the classifiers' own parameters are added below."""

    regions: str = option(
        help="file of regions, as the dashboard and this verb write it (JSON)",
        positional=True, kind="file",
    )  # fmt: skip
    samples: str = option(
        help="latents or a map of the same scan, joined by x and y (without a grid by sample id)",
        kind="map", metavar="LATENTS|MAP",
    )  # fmt: skip
    map: tuple[str, ...] = option(
        (), help="a further map to describe regions by: FILE or FILE:COLUMN", kind="map",
        repeat=True,
    )  # fmt: skip
    dims: tuple[str, ...] | None = option(
        None,
        help="latent dimensions to describe regions by, or all; default: all of up to 64",
        nargs="+",
        metavar="D",
    )
    compare: tuple[str, ...] | None = option(
        None, help="regions to compare with each other; default: all", nargs="+", metavar="NAME"
    )
    propagate: bool = option(
        False, help="train a classifier on the regions and let it label all points"
    )
    classifier: str = option("logistic", help="what learns the regions", family=PROBES)
    block_size: int | None = option(
        None,
        help="side in points of the squares that are left out to measure the error; default: an "
        "eighth of the labeled area",
        convert=int,
        metavar="N",
    )
    same_scan: bool = option(
        False, help="the regions' samples are those of another file of the same scan"
    )
    seed: int = option(0, help="the same seed leaves out the same squares", convert=int,
                       metavar="N")  # fmt: skip
    coords: str | None = coords_option()
    reader: str | None = option(
        None, help="reader of LATENTS|MAP, instead of recognition by content", metavar="NAME"
    )


# The options of methods are those that the methods declare, so a new one brings its own.
if TYPE_CHECKING:
    RegionsRequest = _RegionsRequest
else:
    RegionsRequest = with_parameters(_RegionsRequest, PROBES)


@verb("regions", "Describe named regions of a scan, and label the scan by them.", RegionsRequest)
def run(request: RegionsRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Lay regions on the points of a scan and describe them.

    Writes what `latentcore.outputs.regions.write_regions` writes, with ``--propagate`` what
    `latentcore.outputs.regions.write_propagation` writes, and ``report.json``.

    Returns
    -------
    dict
        What the report holds.
    """
    classifier = make_probe(request.classifier, parameters_of(request, PROBES))
    progress.step(0, 1, "reading regions and points")
    regions = read_regions(request.regions, folder)
    described = read_described(
        request.samples, folder, maps=request.map, dims=request.dims, coords=request.coords,
        reader=request.reader,
    )  # fmt: skip
    laid = lay(regions, described.points, same_scan=request.same_scan)
    report = write_regions(folder, laid, described, compare=request.compare, progress=progress)
    report["propagation"] = None
    if request.propagate:
        report["propagation"] = write_propagation(
            folder, laid, described, classifier=classifier, seed=request.seed,
            block=request.block_size, progress=progress,
        )  # fmt: skip
    folder.write_json("report.json", report)
    return report
