"""A ranking in the files and under the names that the seed system writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from latentcore.analysis.rank_table import scores_table
from latentcore.analysis.references import Reference
from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, Ranking
from latentcore.outputs.latent_maps import write_latent_maps
from latentcore.workflows.rank.report import unique_dims
from latentcore.workflows.rank.request import RankRequest


def write_seed_ranking(
    request: RankRequest,
    folder: RunFolder,
    latents: LatentSet,
    field: LatentSet,
    reference: Reference,
    ranking: Ranking,
    report: Mapping[str, Any],
    top: Mapping[str, list[int]],
) -> None:
    """Write a ranking once more, under the names that the seed's ranking gives its files.

    A table ``<reference>_latent_scores.csv``, a report ``report_<reference>_multi_metric.json``;
    for each top dimension its ROI as ``latent_d<D>_roi_vs_<reference>_<metric>.npy`` and the
    whole field as ``latent_full_d<D>.csv`` and ``.png``. Those of element maps carry the tag of
    the synthesis, for example ``sum-auto`` or ``rgb-Fe_Al_O``.

    Parameters
    ----------
    latents, field : LatentSet
        Those in the ROI, which were ranked, and those of the whole field.
    """
    assert latents.grid is not None
    made = bool(reference.synthesis)
    tag = reference.tag
    metrics = list(ranking.scores)
    table = scores_table(ranking)[["dim", *metrics]]
    folder.write_csv(f"{'element' if made else tag}_latent_scores.csv", table)
    name = f"elements_multi_metric__{tag}" if made else f"{tag}_multi_metric"
    folder.write_json(f"report_{name}.json", _seed_report(reference, report))
    order = np.argsort(latents.grid.node, kind="stable")
    best = unique_dims(top)
    for dim, metric in best.items():
        stem = f"{tag}_latent_d{dim}_roi_vs_synth" if made else f"latent_d{dim}_roi_vs_{tag}"
        np.save(folder.path(f"{stem}_{metric}.npy"), latents.dimension(dim)[order])
    if best:
        write_latent_maps(folder, field, best, cmap=request.cmap)


def _seed_report(reference: Reference, report: Mapping[str, Any]) -> dict[str, Any]:
    if not reference.synthesis:
        target = "BandContrast" if reference.name == "bandcontrast" else reference.name
        front: dict[str, Any] = {"roi": report["roi"], "target": target}
        return {**front, "metrics": report["metrics"], "rankings": report["rankings"]}
    columns = list(reference.columns)
    return {
        "synth_mode": reference.synthesis,
        "synth_tag": reference.tag,
        "roi": report["roi"],
        "metrics": report["metrics"],
        "elements": columns,
        "rgb_elements": columns if reference.synthesis == "rgb" else None,
        "weights": list(reference.weights) if reference.tag != "sum-auto" else None,
        "rankings": report["rankings"],
    }
