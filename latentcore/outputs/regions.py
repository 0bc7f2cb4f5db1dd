"""Regions of a scan, laid on points: labels, statistics of one and of two, propagated classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.probes import Probe
from latentcore.analysis.regions.difference import RegionDifference, differences
from latentcore.analysis.regions.propagation import Propagation, propagate
from latentcore.analysis.regions.shape import region_shape
from latentcore.analysis.statistics import QUANTILES, describe
from latentcore.artifacts import RunFolder
from latentcore.artifacts.region_files import regions_json
from latentcore.containers import Region, RegionSet, ScanPoints
from latentcore.containers.scan_points import Placement
from latentcore.errors import JoinError, RequestError
from latentcore.inputs.regions import Described
from latentcore.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

# A minute of comparing: pairs × quantities × points.
_MOST_COMPARED = 50_000_000
_MOST_COLUMNS = 12


@dataclass(frozen=True, eq=False)
class LaidRegions:
    """Regions on points.

    Attributes
    ----------
    regions : RegionSet
        Those that are not hidden.
    placed : Placement
    rows : dict of str to ndarray of int
        Those of each region that has points here, by its name.
    labels : ndarray of int32, shape (n,)
        The region of each point, by its place in the set; −1 where there is none.
    hidden : tuple of str
        Names of the hidden ones: on the page they are out of numbers and labels, and so here.
    """

    regions: RegionSet
    points: ScanPoints
    placed: Placement
    rows: dict[str, NDArray[np.intp]]
    labels: NDArray[np.int32]
    hidden: tuple[str, ...] = ()

    def mask(self, name: str) -> NDArray[np.bool_]:
        """Return which points lie in a region, shape (n,)."""
        mask = np.zeros(len(self.points), np.bool_)
        mask[self.rows.get(name, ())] = True
        return mask

    def label_names(self, labels: NDArray[np.integer]) -> NDArray[np.object_]:
        """Return the names of labels; empty for −1."""
        named: NDArray[np.object_] = np.array([*self.regions.names, ""], object)[labels]
        return named


def lay(regions: RegionSet, points: ScanPoints, *, same_scan: bool = False) -> LaidRegions:
    """Lay regions on points.

    Raises
    ------
    JoinError
        If they are of another scan, or no point of any region is here.
    RequestError
        If there is no region, or all are hidden.
    """
    if not len(regions):
        message = "The file holds no region. Keep one first."
        raise RequestError(message)
    hidden = tuple(region.name for region in regions.regions if region.hidden)
    regions = regions.visible
    if not len(regions):
        message = f"All {len(hidden)} regions of the file are hidden. Show one first."
        raise RequestError(message)
    placed = regions.place(points, same_scan=same_scan)
    rows = {region.name: placed.rows(region.points) for region in regions.regions}
    rows = {name: found for name, found in rows.items() if len(found)}
    if not rows:
        message = (
            f"Not one point of {len(regions)} regions is among the {len(points):,} points here. "
            "Check that both are of the same scan, or of the same part of it."
        )
        raise JoinError(message)
    return LaidRegions(regions, points, placed, rows, regions.labels(placed), hidden)


def label_table(laid: LaidRegions) -> pd.DataFrame:
    """Return x and y (or sample_id) and the name of each point's region, empty for none."""
    return places_table(laid.points).assign(region=laid.label_names(laid.labels))


def places_table(points: ScanPoints) -> pd.DataFrame:
    """Return x and y of points as a table, or their ids where they have no grid."""
    import pandas as pd

    if points.grid is None:
        return pd.DataFrame({"sample_id": points.sample_ids})
    x, y = points.grid.plain_coordinates()
    return pd.DataFrame({"x": x, "y": y})


def region_table(
    laid: LaidRegions, quantities: Mapping[str, NDArray[np.float32]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a row for each region, and one for each region and quantity."""
    import pandas as pd

    rows, values = [], []
    for region in laid.regions.regions:
        here = laid.rows.get(region.name, np.empty(0, np.intp))
        described = {name: describe(given[here]) for name, given in quantities.items()}
        row = _size(region, len(here), laid)
        for name, one in described.items():
            row |= {f"mean_{name}": one.mean, f"sd_{name}": one.sd}
            values.append(
                {
                    "region": region.name,
                    "quantity": name,
                    "n": one.n,
                    "n_finite": one.n_finite,
                    "mean": one.mean,
                    "sd": one.sd,
                    "min": one.minimum,
                    **{f"q{100 * q:02.0f}": one.quantiles[q] for q in QUANTILES},
                    "max": one.maximum,
                }
            )
        rows.append(row)
    return pd.DataFrame(rows), pd.DataFrame(values)


def _size(region: Region, n: int, laid: LaidRegions) -> dict[str, Any]:
    row: dict[str, Any] = {
        "region": region.name,
        "color": region.color,
        "n": n,
        "n_in_file": len(region),
        "share": n / len(laid.points),
    }
    if laid.points.grid is None or not n:
        return row
    shape = region_shape(laid.mask(region.name), laid.points.grid)
    return row | {
        "area": shape.area.value,
        "area_unit": shape.area.unit,
        "perimeter": shape.perimeter,
        "n_parts": shape.n_parts,
        "largest_part": shape.largest_part,
        "joins": shape.clumping.joins,
        "joins_expected": shape.clumping.joins_expected,
        "morans_i": shape.clumping.morans_i,
        "morans_i_expected": shape.clumping.morans_i_expected,
        "morans_i_z": shape.clumping.z,
        "morans_i_p": shape.clumping.p,
    }


def compared_names(laid: LaidRegions, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Return the regions to compare: those named, else all that have points here.

    Raises
    ------
    RequestError, UnknownNameError
        If fewer than two are named, or one doesn't exist or has no point here.
    """
    if wanted is None:
        return tuple(laid.rows)
    names = tuple(dict.fromkeys(laid.regions.get(name).name for name in wanted))
    absent = [name for name in names if name not in laid.rows]
    if absent or len(names) < 2:
        what = f"{absent[0]!r} has no point here" if absent else f"only {names[0]!r} was named"
        message = f"⟨compare⟩ takes two regions or more, but {what}. Name others."
        raise RequestError(message)
    return names


def pair_table(
    laid: LaidRegions, described: Described, names: Sequence[str], progress: Progress
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return a row for each pair of regions and quantity, and what is to be said of it.

    Where all quantities would take minutes, only the maps are compared, or nothing.
    """
    import pandas as pd

    pairs = list(combinations(names, 2))
    quantities, notes = described.quantities, []
    cost = len(pairs) * len(described.points)
    if cost * len(quantities) > _MOST_COMPARED:
        some = cost * described.n_maps <= _MOST_COMPARED
        quantities = dict(list(quantities.items())[: described.n_maps if some else 0])
        how = "compared by maps alone" if some else "not compared"
        notes.append(
            f"{len(pairs):,} pairs of regions were {how}: all {len(described.quantities)} "
            "quantities would take minutes. Name the regions by --compare, and the dimensions by "
            "--dims."
        )
    rows = []
    for done, (a, b) in enumerate(pairs if quantities else ()):
        progress.step(done, len(pairs), f"comparing {a} and {b}")
        found = differences(quantities, laid.mask(a), laid.mask(b), laid.points.grid)
        rows += [{"a": a, "b": b, "quantity": name, **_pair(one)} for name, one in found.items()]
    if rows and described.points.grid is None:
        notes.append("Without coordinates points are taken as independent in region_pairs.csv.")
    columns = ["a", "b", "quantity"] if not rows else None
    return pd.DataFrame(rows, columns=columns), tuple(notes)


def _pair(found: RegionDifference) -> dict[str, Any]:
    plain = found.comparison
    return {
        "n_a": plain.n_a,
        "n_b": plain.n_b,
        "overlap": plain.overlap,
        "difference": plain.difference,
        "lower": found.interval[0],
        "upper": found.interval[1],
        "p": found.p,
        "p_corrected": found.p_corrected,
        "cohens_d": plain.cohens_d,
        "hedges_g": plain.hedges_g,
        "hedges_g_lower": found.hedges_g_interval[0],
        "hedges_g_upper": found.hedges_g_interval[1],
        "auc": plain.auc,
        "auc_lower": found.auc_interval[0],
        "auc_upper": found.auc_interval[1],
        "ks": plain.ks,
        "n_effective_a": found.n_effective[0],
        "n_effective_b": found.n_effective[1],
        "correlation_length": found.correlation_length,
        "reason": found.reason,
    }


def write_regions(
    folder: RunFolder,
    laid: LaidRegions,
    described: Described,
    *,
    compare: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write labels, tables and the map of regions.

    These are ``labels.csv`` (x, y, or sample_id without a grid; region: its name, empty where there
    is none), ``region_table.csv`` (a row per region), ``region_values.csv`` (region, quantity, n,
    mean, s.d., quantiles), ``region_pairs.csv`` (a row per pair and quantity), ``regions.json``
    (the regions themselves) and, on a grid, ``regions.png``.

    Returns
    -------
    dict
        ``n_regions``, ``hidden``, ``n``, ``n_labeled``, ``missing`` and ``notes``.
    """
    names = compared_names(laid, compare)
    folder.write_csv("labels.csv", label_table(laid))
    table, values = region_table(laid, described.quantities)
    folder.write_csv("region_table.csv", table)
    folder.write_csv("region_values.csv", values)
    pairs, notes = pair_table(laid, described, names, progress or Progress())
    folder.write_csv("region_pairs.csv", pairs)
    folder.write_bytes("regions.json", regions_json(laid.regions).encode())
    if laid.points.grid is not None:
        from latentcore.figures.probe import prediction_map_figure

        figure = prediction_map_figure(
            laid.points.grid, laid.labels, laid.regions.names, title="Regions",
            colors=[region.color for region in laid.regions.regions], heading="", nothing="none",
        )  # fmt: skip
        folder.write_figure("regions.png", figure)
    missing = laid.regions.missing(laid.placed)
    if missing:
        listed = ", ".join(f"{name} {n:,}" for name, n in list(missing.items())[:8])
        more = " …" if len(missing) > 8 else ""
        notes = (*notes, f"Points of regions that are not among those given: {listed}{more}.")
    if laid.hidden:
        notes = (*notes, f"{len(laid.hidden)} hidden regions were left out.")
    return {
        "n": len(laid.points),
        "n_regions": len(laid.regions),
        "hidden": list(laid.hidden),
        "n_labeled": int((laid.labels >= 0).sum()),
        "missing": missing,
        "notes": [*described.notes, *notes],
    }


def write_propagation(
    folder: RunFolder,
    laid: LaidRegions,
    described: Described,
    *,
    classifier: Probe,
    seed: int = 0,
    block: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Let a probe that learned the regions label all points, and write what it says.

    These are ``propagated.csv`` (x, y or sample_id; region, probability, margin; with up to 12
    classes the probability of each), ``label_next.csv`` (x, y, region, probability, margin) and,
    on a grid, ``propagated.png`` and ``margin.png``.

    Returns
    -------
    dict
        Scores over squares of the scan that were left out, the split, and notes.

    Raises
    ------
    RequestError
        If the points are those of maps, or too little is labeled.
    """
    if described.latents is None:
        message = (
            "Labels are propagated by latents, but ⟨samples⟩ holds maps. Give latents of this scan."
        )
        raise RequestError(message)
    found = propagate(
        described.latents, laid.labels, laid.regions.names, classifier=classifier, seed=seed,
        block=block, progress=progress,
    )  # fmt: skip
    table = propagated_table(laid, found)
    folder.write_csv("propagated.csv", table)
    folder.write_csv("label_next.csv", table.iloc[found.next_rows, : 5 if laid.points.grid else 4])
    if laid.points.grid is not None:
        _draw_propagation(folder, laid, found, classifier)
    return propagation_report(found, classifier)


def propagated_table(laid: LaidRegions, found: Propagation) -> pd.DataFrame:
    """Return the class of every point, its probability and margin, in the points' order."""
    table = places_table(laid.points).assign(
        region=laid.label_names(found.labels), probability=found.probability, margin=found.margin
    )
    if len(found.names) > _MOST_COLUMNS:
        return table
    each = {f"p_{name}": found.probabilities[:, code] for code, name in enumerate(found.names)}
    return table.assign(**each)


def propagation_report(found: Propagation, classifier: Probe) -> dict[str, Any]:
    """Return what a propagation is worth, JSON-like."""
    scores = found.scores
    return {
        "accuracy": scores.accuracy,
        "balanced_accuracy": scores.balanced_accuracy,
        "macro_f1": scores.macro_f1,
        "baseline_accuracy": scores.baseline_accuracy,
        "confusion": scores.confusion.tolist(),
        "classes": list(found.names),
        "by_class": scores.classes,
        "calibration_error": scores.calibration.error,
        "n_labeled": int(scores.confusion.sum()),
        "classifier": classifier.name,
        "parameters": found.fitted.parameters,
        "engine": found.fitted.engine,
        "split": {"kind": found.split.kind, **found.split.parameters},
        "counts": {
            name: int((found.labels == code).sum()) for code, name in enumerate(found.names)
        },
        "notes": list(found.notes),
    }


def _draw_propagation(
    folder: RunFolder, laid: LaidRegions, found: Propagation, classifier: Probe
) -> None:
    from latentcore.figures.maps import map_figure
    from latentcore.figures.probe import prediction_map_figure

    grid = laid.points.grid
    assert grid is not None
    colors = [region.color for region in laid.regions.regions]
    title = f"{classifier.title}: accuracy {found.scores.accuracy:.3f} in squares left out"
    figure = prediction_map_figure(grid, found.labels, found.names, title=title, colors=colors)
    folder.write_figure("propagated.png", figure)
    margin = map_figure(
        grid, found.margin, label="probability of the first minus the second class",
        title="Margin: label next where it is small", limits=(0.0, 1.0),
    )  # fmt: skip
    folder.write_figure("margin.png", margin)
