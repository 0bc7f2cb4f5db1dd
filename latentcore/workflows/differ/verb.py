"""``differ``: whether two sides' latents have one distribution, and where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.exchange_units import Units
from latentcore.analysis.statistics import compare
from latentcore.analysis.two_samples import Features, LogRatio, TwoSamples, compare_distributions
from latentcore.artifacts import RunFolder, from_json, to_json
from latentcore.errors import RequestError
from latentcore.progress import Progress
from latentcore.requests.verbs import verb
from latentcore.workflows.differ.request import DifferRequest, refuse
from latentcore.workflows.differ.sides import Exchanged, Source, exchanged, read_sources

if TYPE_CHECKING:
    import pandas as pd

_QUANTILES = (5, 25, 50, 75, 95)
_SNIPPET = '''\
"""Compute the statistics of report.json and their p-values again."""

import numpy as np
import pandas as pd
import latentcore as lc
from latentcore.analysis.exchange_units import Units
from latentcore.analysis.two_samples import Features, compare_distributions
from latentcore.progress import Progress

files = {files!r}  # of each source
table = pd.read_csv("differences.csv")  # in the run's folder
table = table[table["tested"]]
values = np.concatenate(
    [lc.open_latents(files[name]).values[own["row"]]
     for name, own in table.groupby("source", sort=False)]
)
units = table.groupby("unit").first()
exchange = Units(table["unit"].to_numpy(), (units["side"] == "A").to_numpy(),
                 units["fold"].to_numpy())
found = compare_distributions(
    Features(values, {seed})(values), values.shape[1], exchange, {permutations}, {seed},
    Progress(),
)
print(found.auc, found.auc_p, found.mmd2, found.mmd_p)
'''


@verb("differ", "Test whether latents of two scans differ, and show where.", DifferRequest)
def run(request: DifferRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Test whether latents of two sides have one distribution, and show where they differ.

    Writes ``differences.csv`` (source, row, x and y or sample_id, side, unit, fold, tested,
    log_ratio; the last is empty where a sample has no latent), ``dimensions.csv``,
    ``exchanges.csv`` (the statistics after each exchange), ``report.json`` and ``differ.png``.

    Returns
    -------
    dict
        What ``report.json`` holds.
    """
    refuse(request)
    progress.step(0, 1, "reading latents")
    sources, notes = read_sources(request, folder)
    how = exchanged(request, sources)
    values = np.concatenate([one.latents.values for one in sources])
    drawn = _drawn(request, how)
    units = how.units.take(drawn)
    features = Features(values[drawn], request.seed)
    permutations = 0 if how.why_no_p else request.permutations
    found = compare_distributions(
        features(values[drawn]), values.shape[1], units, permutations, request.seed, progress
    )
    ratio = LogRatio(features, values[drawn], units).at(values, how.units.of, progress)
    progress.step(0, 1, "writing")
    tested = np.zeros(len(values), np.bool_)
    tested[drawn] = True
    notes += _notes(how, found)
    dimensions = _dimensions(values[drawn], units, found, sources[0].latents.dims)
    report = _report(request, sources, how, found, ratio, tested, dimensions, notes)
    _write(folder, sources, how, values, ratio, tested, dimensions, found)
    folder.write_json("report.json", report)
    progress.step(1, 1, "writing")
    return report


def _drawn(request: DifferRequest, how: Exchanged) -> NDArray[np.int64]:
    """Return the rows that are tested and learned from, ascending."""
    random = np.random.default_rng(request.seed)
    parts = []
    in_a = how.units.samples_in_a
    for side in (in_a, ~in_a):
        rows = np.flatnonzero(how.tested & side)
        n = min(request.sample, len(rows))
        parts.append(rows if n == len(rows) else random.choice(rows, n, replace=False))
    drawn = np.sort(np.concatenate(parts))
    lost = len(how.units.in_a) - len(np.unique(how.units.of[drawn]))
    if lost:
        message = (
            f"Of {lost} of {len(how.units.in_a)} parts no sample was drawn. Give a larger ⟨sample⟩ "
            "or ⟨block⟩."
        )
        raise RequestError(message)
    return drawn


def _notes(how: Exchanged, found: TwoSamples) -> list[str]:
    notes = [how.why_no_p] if how.why_no_p else []
    if how.kind == "samples":
        notes.append(
            "Samples were exchanged one by one, as if they were independent. Where some are alike "
            "because of one place, time or file, p-values are too small."
        )
    if found.complete:
        notes.append(
            f"There are no more than {len(found.null_mmd2)} other ways to exchange the parts: "
            f"no p-value can be below {found.smallest_p:.3g}."
        )
    return notes


def _dimensions(
    values: NDArray[np.float32], units: Units, found: TwoSamples, dims: NDArray[np.int32]
) -> pd.DataFrame:
    """Return a row per latent dimension, the largest effect first."""
    import pandas as pd

    in_a = units.samples_in_a
    rows = []
    for column, dim in enumerate(dims.tolist()):
        own = values[:, column]
        side = compare(own, in_a, ~in_a)
        rows.append(
            {
                "dim": dim,
                "mean_a": float(own[in_a].mean(dtype=np.float64)),
                "mean_b": float(own[~in_a].mean(dtype=np.float64)),
                "difference": side.difference,
                "hedges_g": side.hedges_g,
                "auc": side.auc,
                "ks": side.ks,
                "p": float(found.dims_p[column]),
                "p_corrected": float(found.dims_p_corrected[column]),
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values("auc", key=lambda auc: -(auc - 0.5).abs(), kind="stable")


def _report(
    request: DifferRequest, sources: tuple[Source, ...], how: Exchanged, found: TwoSamples,
    ratio: NDArray[np.floating], tested: NDArray[np.bool_], dimensions: pd.DataFrame,
    notes: list[str],
) -> dict[str, Any]:  # fmt: skip
    sides: dict[str, Any] = {}
    in_a = np.repeat([one.in_a for one in sources], [len(one.latents) for one in sources])
    for name, side in (("a", in_a), ("b", ~in_a)):
        own = ratio[side & np.isfinite(ratio)]
        sides[name] = {
            "sources": {one.name: len(one.latents) for one in sources if one.in_a == (name == "a")},
            "n": int(side.sum()),
            "n_encoded": len(own),
            "n_tested": int((tested & side).sum()),
            "units": int((how.units.in_a if name == "a" else ~how.units.in_a).sum()),
            "log_ratio": _quantiles(own),
        }
    report = {
        **sides,
        "auc": found.auc,
        "auc_p": found.auc_p,
        "mmd2": found.mmd2,
        "mmd_p": found.mmd_p,
        "null_auc": _quantiles(found.null_auc),
        "null_mmd2": _quantiles(found.null_mmd2),
        "exchange": how.kind,
        "exchanges": len(found.null_mmd2),
        "complete": found.complete,
        "smallest_p": None if how.why_no_p else found.smallest_p,
        "block": how.side,
        "gap": how.gap,
        "folds": len(how.units.folds()),
        "seed": request.seed,
        "dimensions": dimensions.to_dict("records"),
        "snippet": _SNIPPET.format(
            files={one.name: one.location for one in sources}, seed=request.seed,
            permutations=len(found.null_mmd2),
        ),
        "notes": notes,
    }  # fmt: skip
    # As it reads back from the file: the summary and the pages see the same.
    return dict(from_json(to_json(report)))


def _quantiles(values: NDArray[np.floating]) -> dict[str, float] | None:
    if len(values) == 0:
        return None
    return {str(share): float(np.percentile(values, share)) for share in _QUANTILES}


def _write(
    folder: RunFolder, sources: tuple[Source, ...], how: Exchanged, values: NDArray[np.float32],
    ratio: NDArray[np.floating], tested: NDArray[np.bool_], dimensions: pd.DataFrame,
    found: TwoSamples,
) -> None:  # fmt: skip
    import pandas as pd

    from latentcore.figures.differ import Drawn, differ_figure

    starts = np.cumsum([0, *(len(one.latents) for one in sources)])
    parts = [slice(*ends) for ends in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)]
    tables = [
        pd.DataFrame(
            {
                "source": one.name,
                "row": one.rows,
                **_places(one),
                "side": "A" if one.in_a else "B",
                "unit": how.units.of[part],
                "fold": how.units.fold[how.units.of[part]],
                "tested": tested[part],
                "log_ratio": ratio[part],
            }
        )
        for one, part in zip(sources, parts, strict=True)
    ]
    folder.write_csv("differences.csv", pd.concat(tables, ignore_index=True))
    folder.write_csv("dimensions.csv", dimensions)
    nulls = {"auc": found.null_auc, "mmd2": found.null_mmd2}
    folder.write_csv(
        "exchanges.csv", pd.DataFrame({name: pd.Series(null) for name, null in nulls.items()})
    )
    maps = [
        Drawn(one.name, one.in_a, one.latents.grid, ratio[part])
        for one, part in zip(sources, parts, strict=True)
    ]
    folder.write_figure("differ.png", differ_figure(maps, values[tested], ratio[tested], found))


def _places(source: Source) -> dict[str, Any]:
    if source.latents.grid is None:
        return {"sample_id": source.latents.sample_ids}
    return dict(zip(("x", "y"), source.latents.grid.plain_coordinates(), strict=True))
