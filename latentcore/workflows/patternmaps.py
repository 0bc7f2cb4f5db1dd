"""``patternmaps``: maps of a scan from its patterns alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.parameters import check_choice
from latentcore.analysis.patterns.blocks import pattern_shape
from latentcore.analysis.patterns.computing import pattern_maps
from latentcore.analysis.patterns.detectors import (
    OPERATIONS,
    REDUCTIONS,
    Combination,
    Detector,
    n_pixels,
    read_combinations,
    read_detectors,
)
from latentcore.analysis.patterns.maps import PATTERN_MAPS
from latentcore.artifacts import RunFolder
from latentcore.containers import SampleSource
from latentcore.errors import RequestError
from latentcore.outputs.pattern_maps import write_pattern_maps
from latentcore.progress import Progress
from latentcore.readers import open_samples
from latentcore.requests.options import samples_reader_option
from latentcore.requests.verbs import option, verb


@dataclass(frozen=True)
class PatternMapsRequest:
    """Which maps of which patterns."""

    location: str = option(
        help="patterns on a scan grid", positional=True, kind="samples", metavar="LOCATION"
    )
    map: tuple[str, ...] = option(
        (),
        help="adp: average dot product with the nearest neighbors; image_quality: sharpness, after "
        "Krieger Lassen; pattern_mean, pattern_sd: of all pixels; default where no detector is "
        "named: all of them",
        family=PATTERN_MAPS,
        repeat=True,
    )
    detector: tuple[str, ...] = option(
        (),
        help="virtual detector: a rectangle NAME=X0:X1:Y0:Y1 of columns X0 to X1 - 1 and rows Y0 "
        "to Y1 - 1, or NAME=disk:X:Y:R, the pixels whose centers (pixel 0's is 0.5) lie at most R "
        "from (X, Y)",
        repeat=True,
        metavar="NAME=SHAPE",
    )
    detector_value: str = option(
        "sum",
        help="what the map of a detector holds: sum or mean of its pixels",
        choices=REDUCTIONS,
    )
    combine: tuple[str, ...] = option(
        (),
        help="difference or ratio of the means of two detectors: NAME=A-B, NAME=A/B",
        repeat=True,
        metavar="NAME=A-B",
    )
    reader: str | None = samples_reader_option()


@verb("patternmaps", "Compute maps from patterns alone: quality, detectors.", PatternMapsRequest)
def run(request: PatternMapsRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Compute maps from the patterns alone.

    Writes what `latentcore.outputs.pattern_maps.write_pattern_maps` writes.

    Returns
    -------
    dict
        What the report holds.
    """
    check_choice("⟨detector_value⟩", request.detector_value, REDUCTIONS)
    detectors = read_detectors(request.detector)
    combinations = read_combinations(request.combine, detectors)
    names = tuple(dict.fromkeys(request.map)) or (() if detectors else PATTERN_MAPS.names())
    _refuse_doubles(names, (*detectors, *combinations))
    with open_samples(request.location, request.reader) as samples:
        values = pattern_maps(
            samples, names, detectors=detectors, combinations=combinations,
            reduction=request.detector_value, progress=progress,
        )  # fmt: skip
        folder.add_input(request.location, samples.ref.reader, samples.fingerprint(), "samples")
        assert samples.grid is not None  # else there were no maps
        about = _about(request, samples, names, detectors, combinations)
        return write_pattern_maps(folder, samples.grid, values, about, _report(samples, values))


def _refuse_doubles(names: tuple[str, ...], own: tuple[str, ...]) -> None:
    double = sorted(set(own) & set(names))
    if double:
        message = (
            f"A detector is called {double[0]!r}, like the map that is computed beside it. Give "
            "it another name."
        )
        raise RequestError(message)


def _about(
    request: PatternMapsRequest,
    samples: SampleSource,
    names: tuple[str, ...],
    detectors: dict[str, Detector],
    combinations: dict[str, Combination],
) -> dict[str, dict[str, Any]]:
    """Return of each map what it is."""
    shape = pattern_shape(samples)
    parts = {name: PATTERN_MAPS.get(name) for name in names}
    value = request.detector_value
    return {
        **{
            name: {"title": part.title, "definition": part.definition}
            for name, part in parts.items()
        },
        **{
            name: {
                "title": f"{value} over {one.spec}",
                "definition": f"{value.capitalize()} of the pixels of a virtual detector.",
                "detector": one.spec,
                "n_pixels": n_pixels(one.spans(shape)),
            }
            for name, one in detectors.items()
        },
        **{
            name: {
                "title": f"{one.first} {one.operation} {one.second}",
                "definition": f"{OPERATIONS[one.operation].capitalize()} of the mean intensities "
                "of two virtual detectors.",
            }
            for name, one in combinations.items()
        },
    }


def _report(samples: SampleSource, values: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    height, width = pattern_shape(samples)
    missing = {name: int(np.isnan(one).sum()) for name, one in values.items()}
    notes = [
        f"{count:,} of {len(samples):,} points have no {name}: their pattern has no contrast, "
        "holds values that are no numbers, or they have no neighbor."
        for name, count in missing.items()
        if count
    ]
    return {"pattern": {"height": height, "width": width, "dtype": str(samples.dtype)},
            "notes": notes}  # fmt: skip
