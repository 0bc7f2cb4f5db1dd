"""The figures of ``rank``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latentcore.analysis.ranking import METRICS
from latentcore.analysis.ranking.sampled import SampledRanking
from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet
from latentcore.progress import Progress
from latentcore.workflows.rank.references import JoinedReference
from latentcore.workflows.rank.report import unique_dims
from latentcore.workflows.rank.request import RankRequest


def draw_ranking(
    request: RankRequest,
    folder: RunFolder,
    latents: LatentSet,
    joined: JoinedReference,
    found: SampledRanking,
    top: Mapping[str, list[int]],
    progress: Progress,
) -> None:
    """Draw each top dimension beside the reference, the best of each metric, and their ranks."""
    from latentcore.figures.ranking import bars_figure, ranks_figure, rgb_figure

    ranking, reference = found.ranking, joined.reference
    if request.top == 0:
        return
    if reference.rgb is not None and latents.grid is not None:
        picture = rgb_figure(latents.grid, reference.rgb, reference.columns)
        folder.write_figure("reference_rgb.png", picture)
    titles = {name: METRICS.get(name).title for name in ranking.scores}
    against = f"Latent dimensions against {_named(reference.name)}"
    folder.write_figure(
        "top_dimensions.png", bars_figure(ranking, request.top, titles, title=against)
    )
    folder.write_figure("ranks_by_metric.png", ranks_figure(ranking, request.top, titles))
    best = unique_dims(top)
    for done, dim in enumerate(best):
        progress.step(done, len(best), f"drawing latent {dim}")
        folder.write_figure(
            f"latent_d{dim}_vs_reference.png",
            _dimension(request, latents, joined, found, dim, titles),
        )
    progress.step(len(best), len(best), "drawing latents")


def _dimension(
    request: RankRequest,
    latents: LatentSet,
    joined: JoinedReference,
    found: SampledRanking,
    dim: int,
    titles: Mapping[str, str],
) -> Any:
    from latentcore.figures.ranking import dimension_figure

    ranking, reference = found.ranking, joined.reference
    row = int((ranking.dims == dim).argmax())
    scores_text = ", ".join(
        f"{titles[name]} {scores[row]:.3g}" for name, scores in ranking.scores.items()
    )
    unit = f" ({joined.unit})" if joined.unit else ""
    return dimension_figure(
        latents.grid,
        latents.dimension(dim),
        reference.values,
        latent_label=f"latent {dim}",
        reference_label=_named(reference.name) + unit,
        title=f"Latent {dim}: {scores_text}",
        cmap=request.cmap,
        rgb=reference.rgb,
        scored=slice(None) if found.rows is None else found.rows,
    )


def _named(name: str) -> str:
    return "band contrast" if name == "bandcontrast" else name
