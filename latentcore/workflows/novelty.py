"""``novelty``: how unlike a reference samples are, as a percentile that is calibrated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.novelty import (
    Novelty,
    Parts,
    Reference,
    parts_at_random,
    parts_by_group,
    percentile,
)
from latentcore.analysis.probe_splits import squares_of
from latentcore.artifacts import RunFolder, from_json, to_json
from latentcore.containers import LatentSet
from latentcore.errors import RequestError
from latentcore.inputs.encoders import made, refuse_other_encoders
from latentcore.inputs.latent_samples import find_samples
from latentcore.inputs.latents import in_view, read_field, read_latents
from latentcore.inputs.maps import one_column
from latentcore.inputs.sample_tables import columns_at, read_columns
from latentcore.progress import Progress
from latentcore.requests.options import (
    coords_option,
    latents_option,
    reader_option,
    roi_option,
    rows_option,
)
from latentcore.requests.verbs import option, verb

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NoveltyRequest", "run"]

CALIBRATIONS = ("auto", "random", "place")
_QUANTILES = (5, 25, 50, 75, 95)
_SAME_PLACE, _BESIDE = 0.25, 1.5
# Whether samples are the reference's own is asked of so many, in references of so many.
_ASKED, _MOST_COMPARED = 10_000, 2_000_000
_SNIPPET = '''\
"""Compute the distances of novelty.csv again, and the percentiles of the samples set aside."""

import numpy as np
import pandas as pd
import latentcore as lc
from sklearn.covariance import LedoitWolf
from sklearn.neighbors import NearestNeighbors

reference, latents = lc.open_latents({reference!r}), lc.open_latents({latents!r})
parts = pd.read_csv("reference_parts.csv")  # in the run's folder
fitted = reference.values[parts.query("part == 'fitted'")["row"]].astype(float)
found = pd.read_csv("novelty.csv").dropna(subset=["percentile"])
values = latents.values[found["row"]].astype(float)
mahalanobis = np.sqrt(LedoitWolf().fit(fitted).mahalanobis(values))
near, _ = NearestNeighbors(n_neighbors={k}).fit(fitted).kneighbors(values)
print(abs(mahalanobis - found["mahalanobis"]).max())
print(abs(near.mean(axis=1) - found["neighbor_distance"]).max())
'''


@dataclass(frozen=True)
class NoveltyRequest:
    """What is judged, and by which reference."""

    latents: str = latents_option()
    reference: str = option(
        help="latents of what is known, made by the same encoder: a training set, another scan",
        kind="latents",
    )
    neighbors: int = option(
        10, help="so many nearest samples of the reference are measured to", convert=int,
        metavar="N",
    )  # fmt: skip
    calibration: str = option(
        "auto",
        help="what of the reference is set aside to say what is usual: random samples, or whole "
        "squares of its scan (place); auto: place where it has a grid, unless what is judged lies "
        "between its points",
        choices=CALIBRATIONS,
    )
    errors: tuple[str, ...] | None = option(
        None,
        help="reconstruction errors of the latents and of the reference, as two MAPs: the "
        "reconstruction_error.csv of 'reconstruct' by the model that made both; they become a "
        "column and a percentile of their own",
        nargs=2,
        kind="map",
        metavar=("MAP", "MAP"),
    )
    list: int = option(
        24, help="so many of the strangest samples are listed, with pictures where the samples "
        "are found", convert=int, metavar="N",
    )  # fmt: skip
    samples: str | None = option(
        None,
        help="the samples of the latents, for pictures; 'none' for no pictures; default: the file "
        "that the latents' record names",
        kind="samples",
    )
    seed: int = option(
        0, help="the same seed sets the same samples aside", convert=int, metavar="N"
    )
    roi: tuple[float, ...] | None = roi_option()
    rows: str | None = rows_option()
    coords: str | None = coords_option()
    reader: str | None = reader_option()


@verb("novelty", "Measure how unlike a reference samples are.", NoveltyRequest)
def run(request: NoveltyRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Measure how unlike a reference samples are.

    Writes ``novelty.csv`` (row, x and y or sample_id, mahalanobis, neighbor_distance, percentile
    and those of each distance; with ``errors`` reconstruction_error and its percentile; empty where
    a sample has no latent), ``strangest.csv``,
    ``reference_parts.csv``, ``report.json``, ``novelty.png`` and, where the samples are found,
    ``strangest.png``.

    Returns
    -------
    dict
        What ``report.json`` holds.
    """
    _refuse(request)
    progress.step(0, 3, "reading latents")
    field = read_field(
        request.latents, folder, coords=request.coords, reader=request.reader, roi=request.roi
    )
    rows = np.flatnonzero(in_view(field, request.roi, request.rows, folder))
    latents = field.take(rows)
    known = read_latents(request.reference, folder)
    names = [Path(location).name for location in (request.reference, request.latents)]
    notes = refuse_other_encoders([made(known), made(latents)], names)
    way = _way(request, latents, known)
    parts = _parts(request, way, known)
    progress.step(1, 3, "learning the reference")
    reference = Reference(known.values, parts, request.neighbors)
    found = reference.judge(latents.values, progress)
    notes += _same(latents, known)
    progress.step(2, 3, "writing")
    order = _strangest(found, request.list)
    table = _table(latents, rows, found)
    rebuilt = _reconstruction(request, latents, known, folder)
    if rebuilt is not None:
        table = table.assign(**rebuilt)
    folder.write_csv("novelty.csv", table)
    folder.write_csv("strangest.csv", table.iloc[order])
    folder.write_csv("reference_parts.csv", _parts_table(parts))
    notes += _draw(request, latents, found, order, folder)
    report = _report(request, latents, known, reference, parts, way, found, notes)
    report["reconstruction"] = None if rebuilt is None else _rebuilt_report(request, rebuilt)
    folder.write_json("report.json", report)
    progress.step(3, 3, "writing")
    return report


def _refuse(request: NoveltyRequest) -> None:
    if request.neighbors < 1:
        message = f"{request.neighbors} ⟨neighbors⟩ are none. Give at least 1."
        raise RequestError(message)
    if request.list < 0:
        message = f"A list of {request.list} samples can't be. Give 0 or more."
        raise RequestError(message)


def _way(request: NoveltyRequest, latents: LatentSet, known: LatentSet) -> str:
    """Return how the reference is divided: what is judged must be as far from it as what is not."""
    if request.calibration != "auto":
        if request.calibration == "place" and known.grid is None:
            message = (
                "The reference has no coordinates, so squares of it can't be set aside. "
                "Give ⟨calibration⟩ random."
            )
            raise RequestError(message)
        return request.calibration
    if known.grid is None:
        return "random"
    return "random" if _lies_between(latents, known) else "place"


def _lies_between(latents: LatentSet, known: LatentSet) -> bool:
    """Return whether most samples lie in gaps of the reference's scan, next to its points."""
    from scipy.spatial import cKDTree

    if latents.grid is None or known.grid is None:
        return False
    step = np.array(known.grid.step)
    tree = cKDTree(np.column_stack([known.grid.x, known.grid.y]) / step)
    places = np.column_stack([latents.grid.x, latents.grid.y]) / step
    distance, _ = tree.query(places, distance_upper_bound=2 * _BESIDE)
    return bool(np.mean((distance > _SAME_PLACE) & (distance < _BESIDE)) > 0.5)


def _parts(request: NoveltyRequest, way: str, known: LatentSet) -> Parts:
    if way == "random":
        return parts_at_random(known.encoded, request.seed)
    labels = np.where(known.encoded, 0, -1)
    squares, _ = squares_of(labels, known.grid)
    return parts_by_group(known.encoded, squares, request.seed)


def _same(latents: LatentSet, known: LatentSet) -> list[str]:
    """Say where samples are the reference's own: then they are not novel by definition."""
    if len(known) > _MOST_COMPARED:
        return []
    some = np.linspace(0, len(latents) - 1, min(len(latents), _ASKED)).astype(np.int64)
    share = float(np.isin(_whole(latents.rows(some)), _whole(known.values)).mean())
    if share < 0.01:
        return []
    note = (
        f"{100 * share:.0f} % of the samples have the very latents of a sample of the reference: "
        "they are the same, and their percentiles say nothing."
    )
    return [note]


def _whole(values: NDArray[np.float32]) -> NDArray[np.void]:
    """Return each row as one value that can be equal to another or not, (n, d) → (n,)."""
    rows = np.ascontiguousarray(values, np.float32)
    return rows.view(np.dtype((np.void, rows.shape[1] * rows.itemsize))).ravel()


def _strangest(found: Novelty, n: int) -> NDArray[np.int64]:
    """Return the rows of the highest percentiles; of equal ones the farthest neighbors first."""
    distance = found.distances.neighbors
    order = np.lexsort((-np.nan_to_num(distance), -np.nan_to_num(found.percentile, nan=-1)))
    return np.asarray(order[: min(n, int(np.isfinite(found.percentile).sum()))], np.int64)


def _table(latents: LatentSet, rows: NDArray[np.int64], found: Novelty) -> pd.DataFrame:
    import pandas as pd

    if latents.grid is None:
        places: dict[str, Any] = {"sample_id": latents.sample_ids}
    else:
        places = dict(zip(("x", "y"), latents.grid.plain_coordinates(), strict=True))
    return pd.DataFrame(
        {
            "row": rows,
            **places,
            "mahalanobis": found.distances.mahalanobis,
            "neighbor_distance": found.distances.neighbors,
            "percentile": found.percentile,
            "percentile_mahalanobis": found.percentile_mahalanobis,
            "percentile_neighbors": found.percentile_neighbors,
        }
    )


def _reconstruction(
    request: NoveltyRequest, latents: LatentSet, known: LatentSet, folder: RunFolder
) -> dict[str, NDArray[np.float64]] | None:
    """Return the reconstruction error of each sample, and its percentile among the reference's."""
    if request.errors is None:
        return None
    own, usual = (
        _errors_at(spec, judged, folder)
        for spec, judged in zip(request.errors, (latents, known), strict=True)
    )
    return {
        "reconstruction_error": own,
        "percentile_reconstruction": percentile(own, np.sort(usual[np.isfinite(usual)])),
    }


def _errors_at(spec: str, latents: LatentSet, folder: RunFolder) -> NDArray[np.float64]:
    table = one_column(read_columns(spec, latents, folder, numbers=True), spec)
    (values,), _ = columns_at(table, latents)
    if not np.isfinite(values).any():
        message = f"{spec!r} holds no reconstruction error of these samples. Give that of them."
        raise RequestError(message)
    return np.asarray(values, np.float64)


def _rebuilt_report(
    request: NoveltyRequest, rebuilt: dict[str, NDArray[np.float64]]
) -> dict[str, Any]:
    found = rebuilt["percentile_reconstruction"]
    found = found[np.isfinite(found)]
    return {
        "errors": list(request.errors or ()),
        "n": len(found),
        "share_above_95": float(np.mean(found > 95)),
        "share_above_99": float(np.mean(found > 99)),
    }


def _parts_table(parts: Parts) -> pd.DataFrame:
    import pandas as pd

    rows = np.concatenate([parts.fitted, parts.calibrating])
    names = np.repeat(["fitted", "calibrating"], [len(parts.fitted), len(parts.calibrating)])
    return pd.DataFrame({"row": rows, "part": names})


def _draw(
    request: NoveltyRequest, latents: LatentSet, found: Novelty, order: NDArray[np.int64],
    folder: RunFolder,
) -> list[str]:  # fmt: skip
    """Draw what can be drawn; return why something can't."""
    from latentcore.analysis.pattern_sheets import sample_picture
    from latentcore.figures.novelty import novelty_figure
    from latentcore.figures.search import thumbnails_figure

    folder.write_figure("novelty.png", novelty_figure(latents.grid, found.percentile))
    if len(order) == 0:
        return []
    samples, why_not = find_samples(latents, request.samples, folder)
    if samples is None:
        return [why_not] if why_not else []
    pictures = [
        None if sample is None else sample_picture(sample) for sample in samples.read(order)
    ]
    captions = [f"row {row}: {found.percentile[row]:.2f}" for row in order.tolist()]
    folder.write_figure(
        "strangest.png", thumbnails_figure(pictures, captions, first_is_query=False)
    )
    return []


def _report(
    request: NoveltyRequest, latents: LatentSet, known: LatentSet, reference: Reference,
    parts: Parts, way: str, found: Novelty, notes: list[str],
) -> dict[str, Any]:  # fmt: skip
    judged = found.percentile[np.isfinite(found.percentile)]
    report = {
        "latents": request.latents,
        "reference": request.reference,
        "n": len(latents),
        "n_judged": len(judged),
        "n_reference": int(known.encoded.sum()),
        "n_fitted": len(parts.fitted),
        "n_calibrating": len(parts.calibrating),
        "calibration": way,
        "seed": request.seed,
        "latent_dim": latents.shape[1],
        "neighbors": reference.k,
        "shrinkage": reference.shrinkage,
        "percentiles": {
            str(share): float(np.percentile(judged, share)) for share in _QUANTILES if len(judged)
        },
        "share_above_95": float(np.mean(judged > 95)) if len(judged) else None,
        "share_above_99": float(np.mean(judged > 99)) if len(judged) else None,
        "snippet": _SNIPPET.format(
            reference=request.reference, latents=request.latents, k=reference.k
        ),
        "notes": notes,
    }
    return dict(from_json(to_json(report)))
