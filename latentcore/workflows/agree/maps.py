"""Two label maps against each other: scores, contingency table, borders, differences, figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.agreement import (
    MISSING,
    NOISE,
    LabelAgreement,
    compare_labels,
    rand_and_information,
)
from latentcore.analysis.partitions import (
    NOT_COMPARED,
    PartitionComparison,
    compare_partitions,
    conditional_entropies,
)
from latentcore.artifacts import RunFolder
from latentcore.containers import Roi, ScanGrid
from latentcore.inputs.labels import LabelMap, read_labels
from latentcore.progress import Progress
from latentcore.workflows.agree.reference import labels_at, roi_record, unmatched_notes

# A contingency table with more cells is written as the pairs that occur.
_MOST_CELLS = 250_000
_MOST_DRAWN = 24


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two label maps at the same n points; `own` and `other` are their labels there."""

    labels: LabelMap
    reference: LabelMap
    grid: ScanGrid
    own: NDArray[np.int32]
    other: NDArray[np.int32]


def compare_maps(
    spec: str,
    reference_spec: str,
    bounds: tuple[float, ...] | None,
    folder: RunFolder,
    progress: Progress,
) -> dict[str, Any]:
    """Hold one label map against another; write tables, figures and ``report.json``.

    Returns
    -------
    dict
        What the report holds.
    """
    progress.step(0, 3, "reading label maps")
    labels, reference = read_labels(spec, folder), read_labels(reference_spec, folder)
    grid, own, roi = labels.grid, labels.labels, None
    if bounds is not None:
        roi = Roi.from_bounds(bounds)
        inside = roi.mask(grid)
        grid, own = grid.take(inside), own[inside]
    other, unmatched, lacking = labels_at(reference, grid, roi)
    pair = _Pair(labels, reference, grid, own, other)
    progress.step(1, 3, "comparing label maps")
    found, parts = compare_labels(own, other), compare_partitions(grid, own, other)
    texts = [labels.text(label) for label in found.labels]
    reference_texts = [reference.text(label) for label in found.reference]
    small = len(texts) * len(reference_texts) <= _MOST_CELLS
    notes = unmatched_notes(unmatched, lacking, len(grid), "labels")
    if not small:
        notes.append(
            f"{len(texts):,} labels against {len(reference_texts):,}: contingency.csv holds the "
            "pairs that occur; the report has neither table nor mapping."
        )
    report = {
        "labels": {
            "map": spec, "column": labels.name, "count": len(texts),
            "values": texts if small else None,
        },
        "reference": {
            "map": reference_spec, "column": reference.name, "count": len(reference_texts),
            "values": reference_texts if small else None,
        },
        "roi": roi_record(bounds, grid),
        "n": found.n,
        "ari": found.ari,
        "nmi": found.nmi,
        "homogeneity": found.homogeneity,
        "completeness": found.completeness,
        **_partition_record(parts),
        **_without_noise(own, other),
        "contingency": found.contingency.tolist() if small else None,
        "mapping": {
            labels.text(label): reference.text(to) for label, to in found.mapping.items()
        } if small else None,
        "mapped_accuracy": found.mapped_accuracy,
        "unmatched": unmatched,
        "unmatched_reference": lacking,
        "notes": notes,
    }  # fmt: skip
    progress.step(2, 3, "drawing")
    _write_contingency(pair, found, folder, small=small)
    _write_maps(pair, found, parts, folder)
    folder.write_json("report.json", report)
    return report


def _partition_record(parts: PartitionComparison) -> dict[str, Any]:
    borders = parts.borders
    return {
        "variation_of_information": parts.variation_of_information,
        "variation_of_information_unit": "nat",
        "labels_given_reference": parts.split,
        "reference_given_labels": parts.joined,
        "border_recall": _or_none(borders.recall),
        "border_precision": _or_none(borders.precision),
        "border_length": {"labels": borders.labels_length, "reference": borders.reference_length},
        "compared": int((parts.differs != NOT_COMPARED).sum()),
        "share_different": _or_none(parts.share_different),
    }


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _without_noise(own: NDArray[np.int32], other: NDArray[np.int32]) -> dict[str, Any]:
    """Return the scores of the points that both give a label other than −1, where −1 occurs."""
    paired = (own != MISSING) & (other != MISSING)
    kept = paired & (own != NOISE) & (other != NOISE)
    if kept.sum() in (0, paired.sum()):
        return {}
    ari, nmi = rand_and_information(own[kept], other[kept])
    information = sum(conditional_entropies(own[kept], other[kept]))
    record = {"n": int(kept.sum()), "ari": ari, "nmi": nmi, "variation_of_information": information}
    return {"without_noise": record}


def _write_contingency(
    pair: _Pair, found: LabelAgreement, folder: RunFolder, *, small: bool
) -> None:
    import pandas as pd

    from latentcore.figures.agreement import contingency_figure

    labels, reference = pair.labels, pair.reference
    rows = [labels.text(label) for label in found.labels]
    columns = [reference.text(label) for label in found.reference]
    if small:
        frame = pd.DataFrame(found.contingency, columns=columns)
        frame.insert(0, labels.name, rows, allow_duplicates=True)
    else:
        overlap = found.overlap
        frame = pd.DataFrame(
            {
                "label": [rows[row] for row in overlap.row.tolist()],
                "reference": [columns[column] for column in overlap.column.tolist()],
                "n": overlap.counts,
            }
        )
    folder.write_csv("contingency.csv", frame)
    shown, against, table = found.largest(_MOST_DRAWN)
    part = " (largest)" if table.size < len(rows) * len(columns) else ""
    folder.write_figure(
        "contingency.png",
        contingency_figure(
            table, [rows[row] for row in shown], [columns[column] for column in against],
            row_label=labels.name, column_label=reference.name,
            title=f"ARI {found.ari:.3f}, NMI {found.nmi:.3f}{part}",
        ),
    )  # fmt: skip


def _write_maps(
    pair: _Pair, found: LabelAgreement, parts: PartitionComparison, folder: RunFolder
) -> None:
    from latentcore.figures.agreement import differences_figure, labeled_maps_figure

    labels, reference = pair.labels, pair.reference
    folder.write_figure(
        "label_maps.png",
        labeled_maps_figure(
            pair.grid,
            None,
            [(labels.name, pair.own, labels.texts), (reference.name, pair.other, reference.texts)],
            title=f"ARI {found.ari:.3f}, NMI {found.nmi:.3f}",
            missing=MISSING,
        ),
    )
    folder.write_csv("differences.csv", _differences(pair, parts))
    folder.write_figure(
        "differences.png",
        differences_figure(
            pair.grid, parts, label=labels.name, reference=reference.name,
            title=_title(parts),
        ),
    )  # fmt: skip


def _title(parts: PartitionComparison) -> str:
    shares = {
        "Points that differ": parts.share_different,
        "border recall": parts.borders.recall,
        "precision": parts.borders.precision,
    }
    return ", ".join(
        f"{name} {100 * share:.1f} %" for name, share in shares.items() if np.isfinite(share)
    )


def _differences(pair: _Pair, parts: PartitionComparison) -> Any:
    import pandas as pd

    x, y = pair.grid.plain_coordinates()
    columns = {
        "label": _texts(pair.labels, pair.own),
        "reference": _texts(pair.reference, pair.other),
        "matched": _texts(pair.reference, _matched(pair.own, parts)),
    }
    differs = pd.array(parts.differs, dtype="Int8")
    differs[parts.differs == NOT_COMPARED] = pd.NA
    return pd.DataFrame({"x": x, "y": y, **columns, "differs": differs})


def _matched(labels: NDArray[np.int32], parts: PartitionComparison) -> NDArray[np.int32]:
    """Return the reference label that each point's label stands for."""
    known, places = np.unique(labels, return_inverse=True)
    matched = [parts.matched.get(int(label), MISSING) for label in known]
    return np.array(matched, np.int32)[places]


def _texts(labels: LabelMap, values: NDArray[np.int32]) -> Any:
    """Return what labels are called: numbers where all are, an empty cell where there is none."""
    import pandas as pd

    known, places = np.unique(values, return_inverse=True)
    if all(labels.text(int(label)) == str(label) for label in known if label != MISSING):
        numbers = pd.array(values, dtype="Int64")
        numbers[values == MISSING] = pd.NA
        return numbers
    named = [None if label == MISSING else labels.text(int(label)) for label in known]
    return np.array(named, object)[places]
