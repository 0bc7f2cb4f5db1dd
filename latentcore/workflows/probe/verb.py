"""``probe``: how much of a label is in latents, by a classifier on samples it has not seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.partition_shares import wilson_interval
from latentcore.analysis.probe import Probed, probe
from latentcore.analysis.probe_splits import Split, blocked_split, given_split, stratified_split
from latentcore.analysis.probes import Probe
from latentcore.analysis.samples import drawn, sample_size
from latentcore.artifacts import RunFolder, from_json, to_json
from latentcore.artifacts.probe_model import PROBE_MODEL, ProbeModel, write_probe_model
from latentcore.containers import LatentSet
from latentcore.errors import RequestError
from latentcore.inputs.encoders import made
from latentcore.inputs.latents import read_latents
from latentcore.inputs.partitions import rows_in
from latentcore.progress import Progress
from latentcore.requests.options import sample_asked
from latentcore.requests.verbs import verb
from latentcore.workflows.probe.apply import apply_probe
from latentcore.workflows.probe.labels import FoundLabels, find_labels
from latentcore.workflows.probe.model_card import model_card
from latentcore.workflows.probe.predictions import predictions_table
from latentcore.workflows.probe.validation import (
    CrossValidation,
    cross_validate,
    curve_table,
    folds_table,
    is_asked,
    title_of,
    validation_report,
)

if TYPE_CHECKING:
    import pandas as pd

from latentcore.workflows.probe.request import ProbeRequest, probe_of

__all__ = ["ProbeRequest", "probe_of", "run"]

_MOST, _USUAL, _FEWEST = 1_000_000, 200_000, 100
_LEAK = (
    "The test samples were drawn at random, but neighboring points of a scan are alike: most have "
    "a neighbor among the training samples, and the figures are better than they would be on "
    "another scan. Split by place (--blocked) for an honest estimate."
)


@verb("probe", "Measure how well latents predict labels.", ProbeRequest)
def run(request: ProbeRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Train a classifier on latents and labels, and test it on samples it has not seen.

    Writes ``probe_report.json``, ``model_card.json``, ``predictions.csv`` (row, sample_id, x, y,
    label, predicted, probability, split; with up to 12 classes the probability of each),
    ``probe.safetensors``, which ``--apply`` takes,
    ``confusion.png``, ``roc.png``, ``calibration.png``, and ``prediction_map.png`` where there is
    a scan grid and all points are looked at; where it cross-validates, ``folds.csv``,
    ``cross_validation.png`` and, with a learning curve, ``learning_curve.csv`` and ``.png``.

    Returns
    -------
    dict
        What ``probe_report.json`` holds, without the ROC curves.
    """
    if request.apply is not None:
        return apply_probe(request, folder, progress)
    classifier = probe_of(request)
    _refuse_contradiction(request)
    cross_validated = is_asked(request)
    progress.step(0, 4, "reading latents and labels")
    latents = read_latents(
        request.latents, folder, coords=request.coords, reader=request.reader, roi=request.roi
    )
    rows = rows_in(latents, request.partition)
    if rows is not None:
        latents = latents.take(rows)
    of, some = len(latents), _drawn(latents, request)
    sampled = some is not None
    if some is not None:
        latents, rows = latents.take(some), some if rows is None else rows[some]
    found = find_labels(
        latents,
        request.labels,
        folder,
        without=request.without,
        # With a given split a class may lie on one side; else it must be divided.
        fewest=1 if request.split is not None else 2,
    )
    validation = None
    if cross_validated:
        validation, found = cross_validate(request, latents, found, classifier, folder, progress)
        tested = _tested(validation)
    else:
        split = _split(request, latents, found)
        progress.step(1, 4, f"training: {classifier.title}")
        tested = _Tested.of(
            split, probe(latents.values, found.labels, split, classifier=classifier)
        )
    progress.step(2, 4, "writing")
    folder.write_csv("predictions.csv", _table(latents, found, tested, rows))
    _draw(folder, latents, found, tested.probed, classifier, map_too=not sampled)
    model = _model(request, latents, found, tested)
    write_probe_model(folder.path(PROBE_MODEL), model)
    progress.step(3, 4, "writing")
    report = _report(request, latents, found, tested, classifier, validation)
    if sampled:
        _add_sample(report, of, request.seed)
    if validation is not None:
        _write_validation(folder, validation, report["cross_validation"])
    roc = {name: asdict(curve) for name, curve in tested.probed.scores.roc.items()}
    folder.write_json("probe_report.json", {**report, "roc": roc})
    folder.write_json("model_card.json", model_card(report, latents, folder.inputs))
    progress.step(4, 4, "writing")
    return report


def _drawn(latents: LatentSet, request: ProbeRequest) -> NDArray[np.int64] | None:
    """Return the rows of a sample, None where all points are looked at."""
    sample = sample_asked(request.sample)
    if sample == "all" or (sample is None and len(latents) <= _MOST):
        return None
    encoded = np.flatnonzero(latents.encoded)
    size = sample_size(len(encoded), sample, most=_MOST, usual=_USUAL, fewest=_FEWEST)
    return None if size is None else drawn(encoded, size, request.seed)


def _add_sample(report: dict[str, Any], of: int, seed: int) -> None:
    """Say how large the sample was, and how far its accuracy is to be trusted for that."""
    accuracy, tested = report["accuracy"], report["split"]["n_test"]
    error = float(np.sqrt(accuracy * (1 - accuracy) / tested))
    report["sample"] = {"n": report["n"], "of": of, "seed": seed, "accuracy_standard_error": error}
    report["notes"].append(
        f"Learned and tested on {report['n']:,} of {of:,} points (seed {seed}): as a share of "
        f"{tested:,} test points the accuracy has a standard error of {error:.2g}. No map is drawn "
        "of a sample. All points: --sample all."
    )


@dataclass(frozen=True, eq=False)
class _Tested:
    """What was predicted, and of which samples that is a test.

    Attributes
    ----------
    train, test : ndarray of bool, shape (n,)
    fold : ndarray of int64, shape (n,), or None
        Counted from 1, where every sample was tested in turn; 0 where one was not.
    split : Mapping
        What the report says of it.
    """

    probed: Probed
    train: NDArray[np.bool_]
    test: NDArray[np.bool_]
    split: Mapping[str, object]
    fold: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, split: Split, probed: Probed) -> _Tested:
        said = {
            "kind": split.kind,
            **split.parameters,
            "n_train": int(split.train.sum()),
            "n_test": int(split.test.sum()),
        }
        return cls(probed, split.train, split.test, said)


def _tested(validation: CrossValidation) -> _Tested:
    folds, validated = validation.folds, validation.probed
    said = {
        "kind": folds.kind,
        **folds.parameters,
        "n_train": round(float(np.mean([one.n_train for one in validated.folds]))),
        "n_test": int((validated.fold > 0).sum()),
    }
    test = validated.fold > 0
    probed = dataclasses.replace(validated.probed, notes=validation.notes)
    return _Tested(probed, np.zeros_like(test), test, said, validated.fold)


def _table(
    latents: LatentSet, found: FoundLabels, tested: _Tested, rows: NDArray[np.int64] | None
) -> pd.DataFrame:
    """Return label, prediction and probability of every sample, in the latents' row order."""
    names = np.array([*found.labels.names, ""], object)  # −1 is the last
    split = np.where(tested.train, "train", np.where(tested.test, "test", ""))
    after = {"split": split} if tested.fold is None else {"split": split, "fold": tested.fold}
    return predictions_table(
        latents, found.labels.names, tested.probed.predicted, tested.probed.probabilities,
        rows=rows, before={"label": names[found.labels.codes]}, after=after,
    )  # fmt: skip


def _refuse_contradiction(request: ProbeRequest) -> None:
    ways = {
        "⟨split⟩": request.split is not None,
        "⟨blocked⟩": request.blocked,
        "⟨stratified⟩": request.stratified,
    }
    given = [name for name, asked in ways.items() if asked]
    if len(given) > 1:
        message = f"{' and '.join(given)} name different splits. Give one of them."
        raise RequestError(message)
    if request.block_size is not None and (request.split is not None or request.stratified):
        message = f"⟨block_size⟩ belongs to ⟨blocked⟩, but {given[0]} was given. Leave it out."
        raise RequestError(message)


def _split(request: ProbeRequest, latents: LatentSet, found: FoundLabels) -> Split:
    codes = found.labels.codes
    if request.split is not None:
        return given_split(codes, latents.partition, request.split)
    if request.blocked or (latents.grid is not None and not request.stratified):
        return blocked_split(
            codes, latents.grid, request.test_fraction, request.seed, request.block_size
        )
    split = stratified_split(codes, request.test_fraction, request.seed)
    return split if latents.grid is None else dataclasses.replace(split, notes=(_LEAK,))


def _model(
    request: ProbeRequest, latents: LatentSet, found: FoundLabels, tested: _Tested
) -> ProbeModel:
    """Return the classifier that is kept: cross-validated, the one that learned every label."""
    fitted, whole = tested.probed.fitted, tested.fold is not None
    learned = {
        "n": int((found.labels.codes >= 0).sum() if whole else tested.train.sum()),
        "latents": request.latents,
        "fingerprint": latents.fingerprint,
        "labels": found.source,
        "partition": request.partition,
        "roi": request.roi,
    }
    names = tuple(found.labels.names[code] for code in fitted.classes)
    by = made(latents)
    return ProbeModel(
        request.classifier, fitted.parameters, fitted.engine, names, by.encoder, by.dims, learned,
        fitted.arrays,
    )  # fmt: skip


def _report(
    request: ProbeRequest,
    latents: LatentSet,
    found: FoundLabels,
    tested: _Tested,
    classifier: Probe,
    validation: CrossValidation | None,
) -> dict[str, Any]:
    probed, scores = tested.probed, tested.probed.scores
    n_test = int(tested.test.sum())
    report = {
        "accuracy": scores.accuracy,
        "accuracy_interval": wilson_interval(round(scores.accuracy * n_test), n_test),
        "balanced_accuracy": scores.balanced_accuracy,
        "macro_f1": scores.macro_f1,
        "roc_auc": scores.roc_auc,
        "roc_auc_macro": scores.roc_auc_macro,
        "baseline": {
            "of": "always the most frequent class of the training samples",
            "accuracy": scores.baseline_accuracy,
            "macro_f1": scores.baseline_macro_f1,
        },
        "confusion": scores.confusion,
        "classes": [one.name for one in scores.classes],
        "by_class": scores.classes,
        "calibration": scores.calibration,
        "classifier": classifier.name,
        "title": classifier.title,
        "features": classifier.features,
        "parameters": probed.fitted.parameters,
        "engine": probed.fitted.engine,
        "split": tested.split,
        "labels": {
            "from": request.labels or found.source,
            "column": found.source,
            "counts": found.counts,
            "left_out": found.left_out,
        },
        "n": len(latents),
        "latent_dim": len(latents.dims),
        "latents": request.latents,
        "roi": request.roi,
        "partition": request.partition,
        "notes": [*found.notes, *probed.notes],
    }
    if validation is not None:
        report["cross_validation"] = validation_report(validation)
    # As it reads back from the file: the summary, the card and the pages see the same.
    return dict(from_json(to_json(report)))


def _draw(
    folder: RunFolder,
    latents: LatentSet,
    found: FoundLabels,
    probed: Probed,
    classifier: Probe,
    *,
    map_too: bool,
) -> None:
    from latentcore.figures.probe import (
        calibration_figure,
        confusion_figure,
        prediction_map_figure,
        roc_figure,
    )

    scores = probed.scores
    title = f"{classifier.title}: accuracy {scores.accuracy:.3f}"
    folder.write_figure("confusion.png", confusion_figure(scores, title=title))
    areas = {one.name: one.roc_auc for one in scores.classes}
    folder.write_figure("roc.png", roc_figure(scores.roc, areas))
    folder.write_figure("calibration.png", calibration_figure(scores.calibration))
    if latents.grid is not None and map_too:
        figure = prediction_map_figure(
            latents.grid, probed.predicted, found.labels.names, title=classifier.title
        )
        folder.write_figure("prediction_map.png", figure)


def _write_validation(
    folder: RunFolder, validation: CrossValidation, report: dict[str, Any]
) -> None:
    from latentcore.figures.probe_validation import curve_figure, validation_figure

    folder.write_csv("folds.csv", folds_table(validation))
    titles = [title_of(one, validation) for one in validation.series]
    scores = [one.validated.folds for one in validation.series]
    summaries = [one.validated.summary for one in validation.series]
    figure = validation_figure(titles, scores, summaries, validation.chance)
    folder.write_figure("cross_validation.png", figure)
    if "learning_curve" in report:
        folder.write_csv("learning_curve.csv", curve_table(validation))
        curves = {name: one.curve for name, one in zip(titles, validation.series, strict=True)}
        folder.write_figure("learning_curve.png", curve_figure(curves))
