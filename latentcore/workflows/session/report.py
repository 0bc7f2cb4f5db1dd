"""What a session reports: its JSON, the table of selected points, and digests of arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.exploration import Exploration
from latentcore.analysis.selection import Shape
from latentcore.containers import LatentSet
from latentcore.workflows.session.inputs import SLOTS

if TYPE_CHECKING:
    import pandas as pd


def findings_report(
    latents: LatentSet,
    found: Exploration,
    clusters: Mapping[str, Any],
    selections: Mapping[str, Sequence[Shape]],
) -> dict[str, Any]:
    """Return what the report says of latents, clusters and selections."""
    return {
        "encoding-type": "latentcore-session",
        "encoding-version": "1",
        "points": {
            "n": len(latents),
            "n_encoded": int(latents.encoded.sum()),
            "n_roi": int(found.inside.sum()),
            "n_outside_roi": int((~found.inside).sum()),
            "unit": "" if latents.grid is None else latents.grid.unit,
            "step": None if latents.grid is None else latents.grid.step,
            "grid": None if latents.grid is None else latents.grid.kind,
        },
        "latents_fingerprint": latents.fingerprint,
        "made_by": latents.provenance,
        "dim": clusters["dim"],
        "roi": clusters["roi"],
        "clusters": {**clusters, "labels_sha256": digest(found.clustering.labels)},
        "selections": {
            slot: {
                "strokes": selections[slot],
                "n": int(found.masks[slot].sum()),
                "rows_sha256": digest(np.flatnonzero(found.masks[slot]).astype(np.int64)),
            }
            for slot in SLOTS
        },
        "statistics": found.statistics,
        "A against B": found.comparison,
    }


def selection_table(
    latents: LatentSet,
    maps: Mapping[str, NDArray[np.float32]],
    labels: Mapping[str, list[str]],
    dim: int,
    found: Exploration,
) -> pd.DataFrame:
    """Return the selected points.

    Columns are row, sample, x, y, cluster, in_A, in_B, the latent in view, maps, labels and the
    other latents. A map that is called like another column is marked as a map.
    """
    import pandas as pd

    rows = np.flatnonzero(found.masks["A"] | found.masks["B"])
    columns: dict[str, Any] = {"row": rows, "sample_id": latents.sample_ids[rows]}
    if latents.grid is not None:
        x, y = latents.grid.plain_coordinates()
        columns |= {"x": x[rows], "y": y[rows]}
    columns["cluster"] = found.clustering.labels[rows]
    for slot in SLOTS:
        columns[f"in_{slot}"] = found.masks[slot][rows].astype(np.int8)
    others = [int(other) for other in latents.dims if int(other) != dim]
    taken = {*columns, *(f"latent_d{number}" for number in (dim, *others))}
    columns[f"latent_d{dim}"] = latents.dimension(dim)[rows]
    for name, values in {**maps, **labels}.items():
        own = name if name not in taken else f"{name} (map)"
        columns[own] = np.asarray(values, None if name in maps else object)[rows]
    for other in others:
        columns[f"latent_d{other}"] = latents.dimension(other)[rows]
    return pd.DataFrame(columns)


def digest(array: NDArray[np.generic]) -> str:
    """Return the SHA-256 of an array's bytes, little-endian and row by row."""
    plain = np.ascontiguousarray(array)
    return hashlib.sha256(plain.astype(plain.dtype.newbyteorder("<"), copy=False).data).hexdigest()
