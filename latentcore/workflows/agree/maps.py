"""Two label maps against each other: scores, contingency table, majority mapping, figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.agreement import MISSING, compare_labels
from latentcore.artifacts import RunFolder
from latentcore.containers import Roi, ScanGrid
from latentcore.inputs.labels import LabelMap, read_labels
from latentcore.workflows.agree.reference import labels_at, roi_record, unmatched_notes


def compare_maps(
    spec: str, reference_spec: str, bounds: tuple[float, ...] | None, folder: RunFolder
) -> dict[str, Any]:
    """Hold one label map against another; write their table, figures and ``report.json``.

    Returns
    -------
    dict
        What the report holds.
    """
    labels, reference = read_labels(spec, folder), read_labels(reference_spec, folder)
    grid, own, roi = labels.grid, labels.labels, None
    if bounds is not None:
        roi = Roi.from_bounds(bounds)
        inside = roi.mask(grid)
        grid, own = grid.take(inside), own[inside]
    other, unmatched, lacking = labels_at(reference, grid, roi)
    found = compare_labels(own, other)
    texts = [labels.text(label) for label in found.labels]
    reference_texts = [reference.text(label) for label in found.reference]
    report = {
        "labels": {"map": spec, "column": labels.name, "values": texts},
        "reference": {
            "map": reference_spec, "column": reference.name, "values": reference_texts,
        },
        "roi": roi_record(bounds, grid),
        "n": found.n,
        "ari": found.ari,
        "nmi": found.nmi,
        "homogeneity": found.homogeneity,
        "completeness": found.completeness,
        "contingency": found.contingency.tolist(),
        "mapping": {
            labels.text(label): reference.text(to) for label, to in found.mapping.items()
        },
        "mapped_accuracy": found.mapped_accuracy,
        "unmatched": unmatched,
        "unmatched_reference": lacking,
        "notes": unmatched_notes(unmatched, lacking, len(grid), "labels"),
    }  # fmt: skip
    _write(folder, grid, (labels, own), (reference, other), report)
    folder.write_json("report.json", report)
    return report


def _write(
    folder: RunFolder,
    grid: ScanGrid,
    labels: tuple[LabelMap, NDArray[np.int32]],
    reference: tuple[LabelMap, NDArray[np.int32]],
    report: dict[str, Any],
) -> None:
    import pandas as pd

    from latentcore.figures.agreement import contingency_figure, labeled_maps_figure

    rows, columns = report["labels"]["values"], report["reference"]["values"]
    table = np.array(report["contingency"])
    frame = pd.DataFrame(table, columns=columns)
    frame.insert(0, report["labels"]["column"], rows)
    folder.write_csv("contingency.csv", frame)
    title = f"ARI {report['ari']:.3f}, NMI {report['nmi']:.3f}"
    folder.write_figure(
        "contingency.png",
        contingency_figure(
            table, rows, columns, row_label=labels[0].name, column_label=reference[0].name,
            title=title,
        ),
    )  # fmt: skip
    folder.write_figure(
        "label_maps.png",
        labeled_maps_figure(
            grid,
            None,
            [(part.name, own, part.texts) for part, own in (labels, reference)],
            title=title,
            missing=MISSING,
        ),
    )
