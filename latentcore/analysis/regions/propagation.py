"""Classes for all points of a scan from a few labeled regions, and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.probe import predict
from latentcore.analysis.probe_scores import ProbeScores, score
from latentcore.analysis.probe_splits import Split, blocked_folds, stratified_folds
from latentcore.analysis.probes import FittedProbe, Probe
from latentcore.containers import LatentSet, ScanGrid
from latentcore.errors import RequestError
from latentcore.progress import Progress

# Squares are dealt into five groups, each of which is tested in turn.
_FRACTION = 0.2
_NEXT = 12


@dataclass(frozen=True, eq=False)
class Propagation:
    """Classes that a probe, trained on labeled points, gives to all points.

    Attributes
    ----------
    names : tuple of str
        Of the m classes.
    labels : ndarray of int32, shape (n,)
        The most probable class; −1 where a point has no latent.
    probability, margin : ndarray of float64, shape (n,)
        Of that class, and how much more probable it is than the second; NaN without a latent.
    probabilities : ndarray of float64, shape (n, m)
    scores : ProbeScores
        Of the labeled points, each predicted by a probe that has not seen its square of the scan.
    split : Split
        How the squares were dealt; its masks are those of the first of the splits.
    next_rows : ndarray of intp, shape (k,)
        Unlabeled points to label next, the least sure first, spread over the scan.
    fitted : FittedProbe
        The probe trained on all labeled points.
    notes : tuple of str
        What one should know before trusting it.
    """

    names: tuple[str, ...]
    labels: NDArray[np.int32]
    probability: NDArray[np.float64]
    margin: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    scores: ProbeScores
    split: Split
    next_rows: NDArray[np.intp]
    fitted: FittedProbe
    notes: tuple[str, ...] = ()


def propagate(
    latents: LatentSet,
    labels: NDArray[np.integer],
    names: Sequence[str],
    *,
    classifier: Probe,
    seed: int = 0,
    block: int | None = None,
    n_next: int = _NEXT,
    progress: Progress | None = None,
) -> Propagation:
    """Train a probe on labeled points and let it label all others.

    Its error is that of a cross-validation over whole squares of the scan: the squares are dealt
    into five groups, and the points of each are predicted by a probe trained on the other four.
    Without coordinates points are dealt at random.

    Parameters
    ----------
    latents : LatentSet
        n samples.
    labels : ndarray of int, shape (n,)
        Class of each point, 0 to m − 1; −1 where it has none.
    names : sequence of str
        Of the m classes.
    classifier : Probe
    seed : int
        Of the dealing.
    block : int, optional
        Nodes along a square's side; by default an eighth of the labeled area's.
    n_next : int
        Points to propose for labeling, at most.

    Raises
    ------
    RequestError
        If fewer than two classes have points with a latent, or too few squares are labeled.
    """
    progress = progress or Progress()
    codes = np.where(latents.encoded, labels, -1).astype(np.int64)
    _refuse_few(codes, names)
    grid, n_classes = latents.grid, len(names)
    folds = list(
        stratified_folds(codes, _FRACTION, seed)
        if grid is None
        else blocked_folds(codes, grid, _FRACTION, seed, block)
    )
    labeled = codes >= 0
    held_out = np.zeros((len(codes), n_classes))
    for done, fold in enumerate(folds):
        progress.step(done, len(folds) + 1, "predicting squares that were left out")
        held_out[fold.test] = _held_out(latents.values, codes, fold, classifier, n_classes)
    progress.step(len(folds), len(folds) + 1, "labeling all points")
    values = np.asarray(latents.values[labeled], np.float64)
    fitted = classifier.fit(values, codes[labeled])
    probabilities = predict(latents.values, fitted, n_classes)
    known = np.isfinite(probabilities[:, 0])
    ranked = np.sort(probabilities, axis=1)
    margin = ranked[:, -1] - ranked[:, -2]
    progress.step(len(folds) + 1, len(folds) + 1, "labeling all points")
    return Propagation(
        tuple(names),
        np.where(known, np.nan_to_num(probabilities).argmax(axis=1), -1).astype(np.int32),
        ranked[:, -1],
        margin,
        probabilities,
        score(codes[labeled], codes[labeled], held_out[labeled], tuple(names)),
        folds[0],
        _next_rows(np.where(labeled, np.nan, margin), grid, n_next),
        fitted,
        (*_notes(codes, names, folds, grid), *fitted.notes),
    )


def _refuse_few(codes: NDArray[np.int64], names: Sequence[str]) -> None:
    present = np.unique(codes[codes >= 0])
    if len(present) < 2:
        has = ", ".join(repr(names[code]) for code in present) or "none"
        message = (
            "Two classes with encoded points are needed to propagate labels, but the points with a "
            f"latent are of {has}. Keep another region."
        )
        raise RequestError(message)


def _held_out(
    values: NDArray[np.float32],
    codes: NDArray[np.int64],
    fold: Split,
    classifier: Probe,
    n_classes: int,
) -> NDArray[np.float64]:
    """Return probabilities (k, m) of the tested points; a lone class left is what is said."""
    trained = codes[fold.train]
    if len(np.unique(trained)) == 1:
        said = np.zeros((int(fold.test.sum()), n_classes))
        said[:, trained[0]] = 1.0
        return said
    fitted = classifier.fit(np.asarray(values[fold.train], np.float64), trained)
    return predict(values[fold.test], fitted, n_classes)


def _next_rows(margin: NDArray[np.float64], grid: ScanGrid | None, wanted: int) -> NDArray[np.intp]:
    """Choose points of small margin, no two of them close together."""
    candidates = np.flatnonzero(np.isfinite(margin))
    candidates = candidates[np.argsort(margin[candidates], kind="stable")]
    if grid is None:
        return candidates[:wanted]
    apart = np.sqrt(len(grid) / max(1, wanted)) / 2
    _, row, col, step = grid.lattice
    side = np.sqrt(grid.cell_area)
    down, right = (row * (step[1] / side), col * (step[0] / side)) if grid.hexagonal else (row, col)
    chosen: list[int] = []
    while len(candidates) and len(chosen) < wanted:
        first = candidates[0]
        chosen.append(int(first))
        far = np.hypot(down[candidates] - down[first], right[candidates] - right[first]) > apart
        candidates = candidates[far]
    return np.array(chosen, np.intp)


def _notes(
    codes: NDArray[np.int64], names: Sequence[str], folds: Sequence[Split], grid: ScanGrid | None
) -> list[str]:
    notes = []
    if grid is None:
        notes.append(
            "The samples have no coordinates, so they were dealt at random: where neighbors are "
            "alike, the error is larger than it seems here."
        )
    alone = [
        name
        for code, name in enumerate(names)
        if (codes == code).any() and any(not (codes[fold.train] == code).any() for fold in folds)
    ]
    if alone:
        notes.append(
            f"All labeled points of {', '.join(alone)} lie in squares that were left out together, "
            "so these were predicted by a probe that never saw the class: label it in several "
            "places for an honest error."
        )
    missing = [name for code, name in enumerate(names) if not (codes == code).any()]
    if missing:
        notes.append(f"No point with a latent, so never predicted: {', '.join(missing)}.")
    notes.append(
        "The error is that of the labeled regions. Points unlike any of them get a class all the "
        "same: look where the margin is small, and label there next."
    )
    return notes
