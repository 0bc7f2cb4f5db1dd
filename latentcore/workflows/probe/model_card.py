"""The model card of a probe: what it is, of what it was made, and what it can't do.

Source: Mitchell et al., *Model cards for model reporting*, FAT* 2019.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from latentcore.containers import InputRecord, LatentSet, software_versions

_SPLITS = {
    "given": "one partition of the file",
    "stratified": "random samples of each class",
    "blocked": "whole squares of the scan",
    "groups": "whole groups",
}


def model_card(
    report: Mapping[str, Any], latents: LatentSet, inputs: Sequence[InputRecord]
) -> dict[str, Any]:
    """Write a probe's model card.

    Parameters
    ----------
    report : Mapping
        What the verb ``probe`` reports.
    inputs : sequence of InputRecord
        What was read, with fingerprints.
    """
    made = latents.provenance
    return {
        "encoding-type": "latentcore-model-card",
        "encoding-version": "1",
        "model": {
            "name": f"{report['title']} on latents",
            "classifier": report["classifier"],
            "parameters": report["parameters"],
            "engine": report["engine"],
            "classes": report["classes"],
        },
        "use": {
            "for": "Telling how much of these labels is in the latents.",
            "not_for": "Labeling other specimens, instruments or encoders: it has seen none.",
        },
        "features": {
            "what": report["features"],
            "dims": latents.dims,
            "made_by": None if made is None else {"verb": made.verb, "request": made.request},
        },
        "data": {
            "inputs": inputs,
            "labels": report["labels"],
            "roi": report["roi"],
        },
        "split": {**report["split"], "tested_on": _SPLITS[report["split"]["kind"]]},
        "metrics": {
            name: report[name]
            for name in (
                "accuracy",
                "balanced_accuracy",
                "macro_f1",
                "roc_auc",
                "roc_auc_macro",
                "baseline",
                "by_class",
                "confusion",
                "calibration",
                "cross_validation",
            )
            if name in report
        },
        "limits": _limits(report),
        "versions": software_versions(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _limits(report: Mapping[str, Any]) -> list[str]:
    splits = "of folds" if "cross_validation" in report else "of one split"
    limits = [
        f"The figures are {splits} of one data set; another split gives others.",
        "A high figure says that labels can be read from latents; a low one only that this can't.",
    ]
    if report["split"]["kind"] == "blocked":
        limits.append(
            "Squares of one scan are tested on: grains that cross their edges are on both sides, "
            "and another scan may differ more."
        )
    return [*limits, *report["notes"]]
