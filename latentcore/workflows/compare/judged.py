"""What each set of latents is worth by itself: a row of ``comparison.csv``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.agreement import MISSING, NOISE
from latentcore.analysis.alignment import spectrum
from latentcore.analysis.collapse import active_units
from latentcore.analysis.probe import ProbeLabels
from latentcore.analysis.probe_folds import Folds, folds_at_random, folds_by_place
from latentcore.analysis.probe_validation import validate
from latentcore.analysis.probes import make_probe
from latentcore.analysis.worth import label_worth
from latentcore.artifacts import RunFolder
from latentcore.containers import match_rows
from latentcore.errors import InputError
from latentcore.inputs.labels import read_labels
from latentcore.inputs.maps import grid_for_maps
from latentcore.progress import Progress
from latentcore.workflows.compare.common import Common, Encoded

MOST_JUDGED = 20_000
_FOLDS = 5
_MOST_CLASSES = 100


@dataclass(frozen=True, eq=False)
class Labels:
    """A label of each common sample.

    Attributes
    ----------
    codes : ndarray of int64, shape (n,)
        0 to m − 1; −1 where there is none.
    judged : ndarray of int64
        The rows that clusters and neighbors are judged on, ascending.
    """

    name: str
    codes: NDArray[np.int64]
    names: tuple[str, ...]
    judged: NDArray[np.int64]

    @property
    def chance(self) -> float:
        """Chance that two samples drawn at random have the same label."""
        shares = np.bincount(self.codes[self.judged]) / len(self.judged)
        return float(np.square(shares).sum())


def read_common_labels(spec: str, common: Common, seed: int, folder: RunFolder) -> Labels:
    """Read labels at the common samples; noise and what has none takes no part.

    Raises
    ------
    RequestError
        If fewer than two labels are left.
    """
    found = read_labels(spec, folder)
    rows = match_rows(grid_for_maps(common.grid), found.grid)
    given = (rows >= 0) & found.given[rows]
    values = np.where(given, found.labels[rows], MISSING)
    present = [code for code in np.unique(values).tolist() if code not in (MISSING, NOISE)]
    if len(present) < 2:
        message = (
            f"{spec!r} gives the {len(common):,} common samples {len(present)} different labels, "
            "but two are needed to judge latents by. Give another column, or leave ⟨labels⟩ out."
        )
        raise InputError(message)
    codes = np.where(given, np.searchsorted(present, values), -1)
    labeled = np.flatnonzero(codes >= 0)
    drawn = np.random.default_rng(seed).permutation(labeled)[:MOST_JUDGED]
    names = tuple(found.text(code) for code in present)
    return Labels(found.name, codes.astype(np.int64), names, np.sort(drawn))


def judged_row(
    one: Encoded, common: Common, labels: Labels | None, seed: int, notes: list[str],
    progress: Progress,
) -> dict[str, Any]:  # fmt: skip
    """Return what is known of one set of latents; `notes` takes why something is not."""
    units, spread = active_units(one.values), spectrum(one.values)
    row: dict[str, Any] = {
        "latents": one.name,
        "encoder": one.made_by.get("encoder"),
        "n": one.n_given,
        "latent_dim": one.values.shape[1],
        "n_active": units.n_active,
        "n_collapsed": units.n_collapsed,
        "participation_ratio": spread.participation_ratio,
        "components_for_95": spread.n_for_95,
        "variance_in_first_two": spread.first_two,
        "seconds": one.made_by.get("seconds"),
        "bytes": one.made_by.get("bytes"),
    }
    if labels is not None:
        row |= _by_labels(one, common, labels, seed, notes, progress)
    return row


def _by_labels(
    one: Encoded, common: Common, labels: Labels, seed: int, notes: list[str], progress: Progress
) -> dict[str, Any]:
    if len(labels.names) > _MOST_CLASSES:
        notes[:] = list(dict.fromkeys([*notes, _too_many(labels)]))
        return {}
    progress.step(0, 1, f"{one.name}: neighbors and clusters against {labels.name}")
    worth = label_worth(one.values[labels.judged], labels.codes[labels.judged], seed=seed)
    found: dict[str, Any] = {
        "neighbors_of_same_label": worth.neighbour_share,
        "neighbors_by_chance": labels.chance,
        "ari": worth.ari,
    }
    try:
        folds = _folds(common, labels, seed)
        learned = ProbeLabels(labels.codes, labels.names)
        probed = validate(one.values, learned, folds, make_probe("logistic", {}), progress)
    except InputError as error:
        notes[:] = list(dict.fromkeys([*notes, f"The labels were not probed for: {error}"]))
        return found
    for metric, score in probed.summary.items():
        found |= {
            f"probe_{metric}": score.mean,
            f"probe_{metric}_low": score.low,
            f"probe_{metric}_high": score.high,
        }
    return found


def _folds(common: Common, labels: Labels, seed: int) -> Folds:
    if common.grid is None:
        return folds_at_random(labels.codes, _FOLDS, seed)
    return folds_by_place(labels.codes, common.grid, _FOLDS, seed)


def _too_many(labels: Labels) -> str:
    return (
        f"{labels.name} has {len(labels.names):,} labels at the common samples; latents are judged "
        f"by {_MOST_CLASSES} at most. Choose a smaller ROI, or other labels."
    )
