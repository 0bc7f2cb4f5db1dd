"""Cross-validation for the verb ``probe``: folds as asked, and the encoders held side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.probe import ProbeLabels
from latentcore.analysis.probe_folds import Folds, folds_at_random, folds_by_place, folds_of_groups
from latentcore.analysis.probe_validation import (
    METRICS,
    Chance,
    CurvePoint,
    FoldScores,
    Validated,
    chance,
    difference,
    learning_curve,
    validate,
)
from latentcore.analysis.probes import PROBES, Probe, make_probe
from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, SampleTable, match_rows, sample_rows
from latentcore.errors import JoinError, RequestError
from latentcore.inputs.labels import read_labels
from latentcore.inputs.latents import read_latents, told_apart
from latentcore.inputs.maps import grid_for_maps
from latentcore.inputs.sample_groups import sample_groups
from latentcore.inputs.sample_tables import read_columns
from latentcore.progress import Progress
from latentcore.requests.map_specs import split_map_spec
from latentcore.workflows.probe.labels import FoundLabels
from latentcore.workflows.probe.request import ProbeRequest

if TYPE_CHECKING:
    import pandas as pd

_PARTITION = "partition"
_USUAL_FOLDS = 5
_RANDOM_NOTE = (
    "The folds were drawn at random, but neighboring points of a scan are alike: most have a "
    "neighbor among the training samples, and the figures are better than they would be on another "
    "scan. Split by place (--blocked), or by --groups, for an honest estimate."
)
_SNIPPET = '''\
"""Compute the cross-validated scores and their intervals again, in the run's folder."""

import numpy as np
import pandas as pd
from scipy.stats import t

folds = pd.read_csv("folds.csv").groupby(["latents", "classifier"], sort=False)


def interval(fold, metric):
    values = fold[metric].dropna()
    ratio = (fold["n_test"] / fold["n_train"])[values.index].mean()
    half = t.ppf(0.975, len(values) - 1) * values.std() * np.sqrt(1 / len(values) + ratio)
    return values.mean(), max(0, values.mean() - half), min(1, values.mean() + half)


intervals = {name: interval(fold, "accuracy") for name, fold in folds}

predictions = pd.read_csv("predictions.csv", dtype={"label": str, "predicted": str})
tested = predictions[predictions["fold"] > 0]
accuracy = (tested["label"] == tested["predicted"]).groupby(tested["fold"]).mean()  # the first's
'''


@dataclass(frozen=True, eq=False)
class Series:
    """One encoder's latents under one classifier, in the folds that all share.

    Attributes
    ----------
    location : str
        Of the latents.
    name : str
        That a figure knows the latents by.
    """

    location: str
    name: str
    classifier: Probe
    latent_dim: int
    validated: Validated
    curve: tuple[CurvePoint, ...] = ()


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """Everything that cross-validation found.

    Attributes
    ----------
    series : tuple of Series
        The first is what was asked for; the others are held against it.
    """

    folds: Folds
    series: tuple[Series, ...]
    chance: Chance | None
    notes: tuple[str, ...]

    @property
    def probed(self) -> Validated:
        """What the first found."""
        return self.series[0].validated


def is_asked(request: ProbeRequest) -> bool:
    """Return whether a request asks for cross-validation.

    Raises
    ------
    RequestError
        If it asks for what only cross-validation gives, without it.
    """
    asked = request.folds is not None or request.groups is not None
    given = {
        "⟨learning_curve⟩": request.learning_curve,
        "⟨permutations⟩": request.permutations,
        "⟨beside⟩": request.beside,
        "⟨against⟩": request.against,
    }
    needing = [name for name, value in given.items() if value]
    if needing and not asked:
        message = (
            f"{' and '.join(needing)} belong{'s' if len(needing) == 1 else ''} to "
            f"cross-validation. Give ⟨folds⟩ too, for example {_USUAL_FOLDS}."
        )
        raise RequestError(message)
    if asked and request.split is not None:
        message = (
            f"⟨split⟩ {request.split!r} tests on one partition, cross-validation on each sample "
            "once. Leave one of them out; ⟨groups⟩ partition tests on each partition in turn."
        )
        raise RequestError(message)
    if request.groups is not None and (request.blocked or request.stratified):
        message = "⟨groups⟩ says what is never divided, so squares or chance can't. Give one."
        raise RequestError(message)
    if request.permutations < 0:
        message = f"Labels can't be exchanged {request.permutations} times. Give 0 or more."
        raise RequestError(message)
    return asked


def cross_validate(
    request: ProbeRequest,
    latents: LatentSet,
    found: FoundLabels,
    classifier: Probe,
    folder: RunFolder,
    progress: Progress,
) -> tuple[CrossValidation, FoundLabels]:
    """Cross-validate what a request asks for; samples that some latents lack take no part."""
    others = [_latents_like(latents, location, folder) for location in request.against]
    found = _in_all(found, others)
    folds = _folds(request, latents, found.labels, folder)
    classifiers = [classifier, *_beside(request, classifier)]
    tables = [(request.latents, latents.values), *zip(request.against, others, strict=True)]
    names = told_apart([location for location, _ in tables])
    series = [
        _series(request, location, name, np.asarray(values), found.labels, folds, one, progress)
        for (location, values), name in zip(tables, names, strict=True)
        for one in classifiers
    ]
    against_chance = (
        chance(
            latents.values, found.labels, folds, classifier, times=request.permutations,
            observed=series[0].validated.summary, seed=request.seed, progress=progress,
        )
        if request.permutations
        else None
    )  # fmt: skip
    notes = list(series[0].validated.probed.notes)
    if folds.kind == "stratified" and latents.grid is not None:
        notes.append(_RANDOM_NOTE)
    if against_chance is not None:
        notes += against_chance.notes
    return CrossValidation(folds, tuple(series), against_chance, tuple(notes)), found


def validation_report(validation: CrossValidation) -> dict[str, Any]:
    """Return what ``probe_report.json`` says of a cross-validation."""
    first, *others = validation.series
    report: dict[str, Any] = {
        "kind": validation.folds.kind,
        **validation.folds.parameters,
        "interval": "95 %: corrected resampled t (Nadeau and Bengio, 2003)",
        "summary": first.validated.summary,
        "folds": [_flat(fold) for fold in first.validated.folds],
        "beside": [
            {
                "latents": one.location,
                "name": one.name,
                "latent_dim": one.latent_dim,
                "classifier": one.classifier.name,
                "title": one.classifier.title,
                "parameters": one.validated.probed.fitted.parameters,
                "summary": one.validated.summary,
                "difference": difference(first.validated.folds, one.validated.folds),
            }
            for one in others
        ],
        "snippet": _SNIPPET,
    }
    if first.curve:
        report["learning_curve"] = first.curve
    if validation.chance is not None:
        report["chance"] = validation.chance
    return report


def folds_table(validation: CrossValidation) -> pd.DataFrame:
    """Return a row per latents, classifier and fold: tested, n_train, n_test and the scores."""
    import pandas as pd

    return pd.DataFrame(
        {"latents": one.name, "classifier": one.classifier.name, "fold": number + 1, **_flat(fold)}
        for one in validation.series
        for number, fold in enumerate(one.validated.folds)
    )


def curve_table(validation: CrossValidation) -> pd.DataFrame:
    """Return a row per latents, classifier, share of the training samples and score."""
    import pandas as pd

    return pd.DataFrame(
        {
            "latents": one.name, "classifier": one.classifier.name, "share": point.share,
            "n_train": point.n_train, "metric": metric, "mean": value.mean, "low": value.low,
            "high": value.high, "n_folds": value.n,
        }
        for one in validation.series
        for point in one.curve
        for metric, value in point.summary.items()
    )  # fmt: skip


def title_of(series: Series, validation: CrossValidation) -> str:
    """Return a series' name in a figure: of what differs among them."""
    latents = len({one.name for one in validation.series}) > 1
    classifiers = len({one.classifier.name for one in validation.series}) > 1
    parts = [series.name] * latents + [series.classifier.title] * classifiers
    return ", ".join(parts) or series.classifier.title


def _flat(fold: FoldScores) -> dict[str, Any]:
    return {
        "tested": fold.tested,
        "n_train": fold.n_train,
        "n_test": fold.n_test,
        **{metric: fold.scores[metric] for metric in METRICS},
    }


def _series(
    request: ProbeRequest,
    location: str,
    name: str,
    values: NDArray[np.floating],
    labels: ProbeLabels,
    folds: Folds,
    classifier: Probe,
    progress: Progress,
) -> Series:
    validated = validate(values, labels, folds, classifier, progress)
    curve = (
        learning_curve(
            values, labels, folds, classifier, seed=request.seed, whole=validated.folds,
            progress=progress,
        )
        if request.learning_curve
        else ()
    )  # fmt: skip
    return Series(location, name, classifier, values.shape[1], validated, curve)


def _folds(
    request: ProbeRequest, latents: LatentSet, labels: ProbeLabels, folder: RunFolder
) -> Folds:
    if request.groups is not None:
        groups, names = _groups(request.groups, latents, folder)
        return folds_of_groups(labels.codes, groups, names, request.folds, request.seed)
    assert request.folds is not None
    if request.blocked or (latents.grid is not None and not request.stratified):
        return folds_by_place(
            labels.codes, latents.grid, request.folds, request.seed, request.block_size
        )
    return folds_at_random(labels.codes, request.folds, request.seed)


def _groups(
    spec: str, latents: LatentSet, folder: RunFolder
) -> tuple[NDArray[np.int64], Mapping[int, str]]:
    if spec == _PARTITION:
        if latents.partition is None:
            message = (
                "⟨groups⟩ partition was asked for, but the latents' file has no partitions. "
                "Give a map of labels, FILE:COLUMN."
            )
            raise RequestError(message)
        found = latents.partition.alphabetical
        return found.codes.astype(np.int64), dict(enumerate(found.names))
    if latents.grid is None:
        return _groups_of_table(spec, latents, folder)
    label_map = read_labels(spec, folder)
    rows = match_rows(grid_for_maps(latents.grid), label_map.grid)
    groups = np.where((rows >= 0) & label_map.given[rows], label_map.labels[rows], -1)
    names = {int(code): f"{label_map.name} {label_map.text(code)}" for code in np.unique(groups)}
    return groups.astype(np.int64), names


def _groups_of_table(
    spec: str, latents: LatentSet, folder: RunFolder
) -> tuple[NDArray[np.int64], Mapping[int, str]]:
    """Return the groups that a table of samples names: by a column of it, or by place."""
    location, columns = split_map_spec(spec)
    table = read_columns(location, latents, folder)
    assert isinstance(table, SampleTable)
    if len(columns) != 1:
        message = (
            f"⟨groups⟩ {spec!r} names {len(columns)} columns of the table. Name one, as "
            f"{location}:COLUMN, or {location}:place, which takes cells of the Earth."
        )
        raise RequestError(message)
    found = sample_groups(columns[0], latents, table.at(latents))
    return np.where(np.isin(found.number, list(found.texts)), found.number, -1), found.texts


def _latents_like(latents: LatentSet, location: str, folder: RunFolder) -> NDArray[np.float32]:
    """Return other latents in the rows of these, (n, d); NaN where they have none."""
    other = read_latents(location, folder)
    rows = sample_rows(latents, other)
    if not (rows >= 0).any():
        message = (
            f"{Path(location).name!r} was to be held against the latents, but they have no sample "
            "in common. Give latents of the same samples."
        )
        raise JoinError(message)
    values = np.asarray(other.values)[rows]
    values[rows < 0] = np.nan
    return values


def _in_all(found: FoundLabels, others: Sequence[NDArray[np.float32]]) -> FoundLabels:
    codes = found.labels.codes
    encoded = np.ones(len(codes), np.bool_)
    for values in others:
        encoded &= np.isfinite(values).all(axis=1)
    missing = int(((codes >= 0) & ~encoded).sum())
    if not missing:
        return found
    left_out = {**found.left_out, "no latent of another encoder": missing}
    kept = np.where(encoded, codes, -1)
    counts = {name: int((kept == code).sum()) for code, name in enumerate(found.labels.names)}
    labels = replace(found.labels, codes=kept)
    return replace(found, labels=labels, left_out=left_out, counts=counts)


def _beside(request: ProbeRequest, classifier: Probe) -> list[Probe]:
    unknown = [name for name in request.beside if name not in PROBES.names()]
    if unknown:
        message = f"There is no classifier {unknown[0]!r}. There are: {', '.join(PROBES.names())}."
        raise RequestError(message)
    names = [name for name in dict.fromkeys(request.beside) if name != classifier.name]
    return [make_probe(name, {}) for name in names]
