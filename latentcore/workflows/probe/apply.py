"""``probe --apply``: what a classifier that has learned says of other latents."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.partition_shares import wilson_interval
from latentcore.analysis.probe_scores import score
from latentcore.analysis.probes import PROBES
from latentcore.artifacts import RunFolder, file_sha256
from latentcore.artifacts.probe_model import PROBE_MODEL, ProbeModel, read_probe_model
from latentcore.containers import LatentSet
from latentcore.errors import RequestError
from latentcore.inputs.encoders import Made, made, refuse_other_encoders
from latentcore.inputs.latents import read_latents
from latentcore.inputs.partitions import rows_in
from latentcore.inputs.run_files import file_of_run
from latentcore.progress import Progress
from latentcore.workflows.probe.labels import find_labels
from latentcore.workflows.probe.predictions import predictions_table
from latentcore.workflows.probe.request import ProbeRequest

# What is asked of new samples; everything else is about learning.
_MEANT = {"apply", "latents", "labels", "partition", "roi", "coords", "reader", "without", "seed"}


def apply_probe(request: ProbeRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Predict the classes of latents, and score them where labels are named.

    Writes ``predictions.csv``, ``probe_report.json`` and, on a scan grid, ``prediction_map.png``;
    with labels also ``confusion.png``.
    """
    _refuse_learning(request)
    assert request.apply is not None
    progress.step(0, 3, "reading")
    model = _model(request.apply, folder)
    latents = read_latents(
        request.latents, folder, coords=request.coords, reader=request.reader, roi=request.roi
    )
    rows = rows_in(latents, request.partition)
    if rows is not None:
        latents = latents.take(rows)
    notes = refuse_other_encoders(
        [Made(model.dims, model.encoder), made(latents)],
        [f"the classifier in {Path(request.apply).name!r}", Path(request.latents).name],
    )
    progress.step(1, 3, "predicting")
    probabilities = model.predict(latents.values)
    encoded = np.isfinite(probabilities[:, 0])
    predicted = np.where(encoded, np.nan_to_num(probabilities).argmax(axis=1), -1)
    found = _labels(request, latents, folder, model)
    table = predictions_table(
        latents, model.classes, predicted, probabilities, rows=rows,
        before=None if found is None else {"label": found},
    )  # fmt: skip
    folder.write_csv("predictions.csv", table)
    progress.step(2, 3, "writing")
    counts = np.bincount(predicted[encoded], minlength=len(model.classes)).tolist()
    report = {
        "applied": {
            "classifier": model.classifier, "parameters": model.parameters, "engine": model.engine,
            "learned": model.learned,
        },
        "classes": model.classes,
        "counts": dict(zip(model.classes, counts, strict=True)),
        "n": len(latents),
        "n_predicted": int(encoded.sum()),
        "probability_mean": float(probabilities[encoded].max(axis=1).mean())
        if encoded.any() else None,
        "latents": request.latents,
        "partition": request.partition,
        "roi": request.roi,
        "notes": notes,
    }  # fmt: skip
    if found is not None:
        report |= _scored(found, probabilities, model, folder)
    _draw_map(folder, latents, predicted, model)
    folder.write_json("probe_report.json", report)
    progress.step(3, 3, "writing")
    return report


def _refuse_learning(request: ProbeRequest) -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(request)}
    about_learning = [
        name
        for name, value in vars(request).items()
        if name not in _MEANT and value != defaults[name]
    ]
    if about_learning:
        message = (
            f"⟨{about_learning[0]}⟩ is about learning, but ⟨apply⟩ uses a classifier that has "
            "learned. Leave out one of them."
        )
        raise RequestError(message)


def _model(run: str, folder: RunFolder) -> ProbeModel:
    path = file_of_run(run, PROBE_MODEL, option="apply", verb="probe")
    model = read_probe_model(path)
    folder.add_input(str(path), "probe-model", f"sha256:{file_sha256(path)}", "model")
    return model


def _labels(
    request: ProbeRequest, latents: LatentSet, folder: RunFolder, model: ProbeModel
) -> NDArray[np.object_] | None:
    """Return the name of each sample's own label, empty where it has none."""
    if request.labels is None:
        return None
    found = find_labels(latents, request.labels, folder, without=request.without, least=1)
    unknown = [name for name in found.labels.names if name not in model.classes]
    if unknown:
        message = (
            f"The label {unknown[0]!r} is none that the classifier has learned: these are "
            f"{', '.join(model.classes)}. Leave it out with ⟨without⟩ {unknown[0]}."
        )
        raise RequestError(message)
    return np.array([*found.labels.names, ""], object)[found.labels.codes]


def _scored(
    named: NDArray[np.object_],
    probabilities: NDArray[np.float64],
    model: ProbeModel,
    folder: RunFolder,
) -> dict[str, Any]:
    from latentcore.figures.probe import confusion_figure

    codes = np.array([(*model.classes, "").index(name) for name in named.tolist()])
    tested = (codes < len(model.classes)) & np.isfinite(probabilities[:, 0])
    scores = score(codes[tested], codes[tested], probabilities[tested], model.classes)
    title = f"{PROBES.get(model.classifier).title}, applied: accuracy {scores.accuracy:.3f}"
    folder.write_figure("confusion.png", confusion_figure(scores, title=title))
    right = round(scores.accuracy * int(tested.sum()))
    return {
        "n_tested": int(tested.sum()),
        "accuracy": scores.accuracy,
        "accuracy_interval": wilson_interval(right, int(tested.sum())),
        "balanced_accuracy": scores.balanced_accuracy,
        "macro_f1": scores.macro_f1,
        "roc_auc": scores.roc_auc,
        "roc_auc_macro": scores.roc_auc_macro,
        "confusion": scores.confusion,
    }


def _draw_map(
    folder: RunFolder,
    latents: LatentSet,
    predicted: NDArray[np.int64],
    model: ProbeModel,
) -> None:
    if latents.grid is None:
        return
    from latentcore.figures.probe import prediction_map_figure

    title = f"{PROBES.get(model.classifier).title}, applied"
    figure = prediction_map_figure(latents.grid, predicted, model.classes, title=title)
    folder.write_figure("prediction_map.png", figure)
