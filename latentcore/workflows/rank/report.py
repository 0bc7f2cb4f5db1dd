"""What ``rank`` reports: its tables and its report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.rank_table import metric_likeness
from latentcore.analysis.ranking.sampled import SampledRanking
from latentcore.analysis.references import Reference
from latentcore.containers import LatentSet, Ranking, Roi, software_versions
from latentcore.requests.notes import Note
from latentcore.workflows.rank.references import JoinedReference

if TYPE_CHECKING:
    import pandas as pd

from latentcore.workflows.rank.request import RankRequest


def reference_table(
    latents: LatentSet, reference: Reference, rows: NDArray[np.int64] | None
) -> pd.DataFrame:
    """Return x and y (or sample_id) and the reference, and the colors of a picture.

    Parameters
    ----------
    rows : ndarray of int64, optional
        Those of a sample.
    """
    import pandas as pd

    if latents.grid is None:
        places: dict[str, NDArray[np.generic]] = {"sample_id": latents.sample_ids}
    else:
        places = dict(zip("xy", latents.grid.plain_coordinates(), strict=True))
    if rows is not None:
        places = {name: values[rows] for name, values in places.items()}
        reference = reference.take(rows)
    table = pd.DataFrame({**places, "reference": reference.values})
    if reference.rgb is not None:
        table[["red", "green", "blue"]] = reference.rgb
    return table


def sample_report(found: SampledRanking) -> dict[str, Any] | None:
    """Return what the report says of a sample: its size and the standard errors of its scores."""
    if found.sampling is None:
        return None
    one, dims = found.sampling, found.ranking.dims.tolist()
    return {
        "n": one.n,
        "of": one.of,
        "seed": one.seed,
        "seconds_all": one.seconds_all,
        "standard_errors": {
            metric: dict(zip(map(str, dims), errors.tolist(), strict=True))
            for metric, errors in found.errors.items()
        },
    }


def unique_dims(top: Mapping[str, Iterable[int]]) -> dict[int, str]:
    """Return each top dimension once, with the first metric that it is on top by."""
    found: dict[int, str] = {}
    for metric, dims in top.items():
        for dim in dims:
            found.setdefault(dim, metric)
    return found


def ranking_report(
    request: RankRequest,
    latents: LatentSet,
    joined: JoinedReference,
    ranking: Ranking,
    top: Mapping[str, list[int]],
) -> dict[str, Any]:
    """Return what ``report.json`` holds: everything that changes the scores, and the best."""
    row_of = {int(dim): row for row, dim in enumerate(ranking.dims)}
    reference = joined.reference
    metrics = list(ranking.scores)
    return {
        "latents": request.latents,
        "roi": _roi(request.roi, latents),
        "target": reference.name,
        "reference": {
            "map": request.map,
            "columns": list(reference.columns),
            "synthesis": reference.synthesis or None,
            "weights": list(reference.weights) or None,
            "ranges": [list(ends) for ends in reference.ranges] or None,
            "unit": joined.unit,
        },
        "metrics": metrics,
        "parameters": {
            "trend_degree": request.trend_degree,
            "mi_neighbours": 7,
            "seed": request.seed,
        },
        "rankings": {
            metric: [
                {"dim": dim, "score": float(ranking.scores[metric][row_of[dim]])} for dim in dims
            ]
            for metric, dims in top.items()
        },
        "ranked_by_absolute_value": sorted(ranking.absolute),
        "metric_likeness": {
            metric: dict(zip(metrics, line, strict=True))
            for metric, line in zip(metrics, metric_likeness(ranking).tolist(), strict=True)
        },
        "n_dims": len(ranking.dims),
        "n_pairs": {"fewest": int(ranking.n.min()), "most": int(ranking.n.max())},
        "unmatched": joined.unmatched,
        "unmatched_reference": joined.unmatched_reference,
        "without_score": {
            str(dim): reason
            for dim, reason in zip(ranking.dims, ranking.reasons, strict=True)
            if reason
        },
        "engine": {
            name: version
            for name, version in software_versions().items()
            if name in ("numpy", "numba", "scipy", "scikit-learn", "latentcore")
        },
        "notes": _notes(joined, ranking),
    }


def _roi(bounds: tuple[float, ...] | None, latents: LatentSet) -> dict[str, Any] | None:
    if latents.grid is None:
        return None
    roi = Roi.whole(latents.grid) if bounds is None else Roi.from_bounds(bounds)
    return {
        "x_range": [_plain(bound) for bound in roi.x_range],
        "y_range": [_plain(bound) for bound in roi.y_range],
        "n": len(latents),
    }


def _plain(bound: float) -> float:
    return int(bound) if float(bound).is_integer() else bound


def _notes(joined: JoinedReference, ranking: Ranking) -> list[Note]:
    notes = list(joined.notes)
    missing = int(np.sum([bool(reason) for reason in ranking.reasons]))
    if missing:
        first = next(
            f"latent {dim}: {reason}"
            for dim, reason in zip(ranking.dims, ranking.reasons, strict=True)
            if reason
        )
        text = (
            f"{missing} of {len(ranking.dims)} dimensions lack a score; {first}. The column "
            "'reason' of latent_scores.csv says why."
        )
        notes.append(Note("without-score", text))
    return notes
