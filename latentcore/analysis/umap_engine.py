"""How umap-learn is run: exact neighbors, machine code kept on disk, landmarks.

umap-learn compiles its loops anew in each process (15–40 s), most of them those of the approximate
search for neighbors. Up to some ten thousand rows the exact neighbors come sooner from matrix
products; and what is left to compile is kept on disk, where numba keeps the code of this package.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.progress import Progress

_ENGINE = ("umap", "pynndescent")
# Up to so many rows the exact search is the faster one, where it is a matrix product, and else.
_EXACT_BY_PRODUCTS, _EXACT = 50_000, 8_192
_BY_PRODUCTS = ("euclidean", "cosine", "correlation")
_ROWS_AT_ONCE = 2_048
_PLACED_AT_ONCE = 8_192
# With more, rows gather in the middle between landmarks, and away from their neighbors.
PLACED_BY = 3


def lay_out(
    values: NDArray[np.floating],
    fitted: NDArray[np.int64],
    settings: dict[str, Any],
    notes: list[str],
    progress: Progress,
) -> NDArray[np.float32]:
    """Return UMAP coordinates: landmarks are laid out, the other rows placed among them.

    Parameters
    ----------
    values : ndarray, shape (n, d)
    fitted : ndarray of int64
        The landmarks: rows that the layout is computed of, ascending.
    settings : dict
        Parameters of ``umap.UMAP``; those named here must be among them: ``n_components``,
        ``n_neighbors`` and ``metric``.
    notes : list of str
        Takes what the library warns of.

    Notes
    -----
    Each other row goes to the mean of its three nearest landmarks' places, weighted as UMAP weighs
    edges when it places new rows, by exp(-(distance - the smallest) / (their mean excess)); the
    layout of the landmarks stays what it is. umap-learn's own ``transform`` takes all `n_neighbors`
    and then moves each row about. Means of fifteen kept fewer neighbors on the three sets of
    latents that were tried, and moving rows about in a like way on the one where that was tried.
    """
    progress.step(0, 1, "UMAP: loading the library")
    with _quiet(notes):
        model = _engine()(**settings, tqdm_kwds=_epoch_progress(progress, "UMAP: layout"))
        learned = values if len(fitted) == len(values) else values[fitted]
        k, metric = settings["n_neighbors"], settings["metric"]
        if len(learned) <= _most_exact(metric):
            model.precomputed_knn = _exact_neighbors(learned, learned, k, metric, progress)
        else:
            progress.step(0, 1, "UMAP: neighbors (the first time on this machine takes longer)")
        laid_out = np.asarray(model.fit_transform(learned), np.float32)
        if len(fitted) == len(values):
            return laid_out
        coordinates = np.empty((len(values), laid_out.shape[1]), np.float32)
        coordinates[fitted] = laid_out
        others = np.setdiff1d(np.arange(len(values)), fitted, assume_unique=True)
        for start in range(0, len(others), _PLACED_AT_ONCE):
            progress.step(start, len(others), "UMAP: placing the other rows")
            rows = others[start : start + _PLACED_AT_ONCE]
            near, distances = _nearest_landmarks(model, learned, values[rows], k, metric)
            by = slice(PLACED_BY)
            coordinates[rows] = _weighted_places(laid_out[near[:, by]], distances[:, by])
    return coordinates


def place_in_layout(
    learned: NDArray[np.floating],
    laid_out: NDArray[np.float32],
    values: NDArray[np.floating],
    settings: dict[str, Any],
    progress: Progress,
) -> NDArray[np.float32]:
    """Place new rows in a layout by umap-learn's own transform; the layout stays what it is.

    Parameters
    ----------
    learned : ndarray, shape (m, d)
        The rows that were laid out.
    laid_out : ndarray of float32, shape (m, c)
    values : ndarray, shape (n, d)
    settings : dict
        As in `lay_out`.

    Notes
    -----
    The model is put together from its arrays, with an exact search for neighbors. The last bit of
    their distances may differ from that of the search the model was fitted with, and a place by
    what the layout's random steps make of it.
    """
    progress.step(0, 1, "UMAP: loading the library")
    with _quiet([]):
        from umap.umap_ import find_ab_params

        model = _engine()(**settings)
        model.embedding_ = np.asarray(laid_out, np.float32)
        model._raw_data, model._sparse_data, model._small_data = learned, False, False
        model._input_hash, model._n_neighbors = None, settings["n_neighbors"]
        model._disconnection_distance, model._initial_alpha = np.inf, model.learning_rate
        model._a, model._b = find_ab_params(model.spread, model.min_dist)
        model._knn_search_index = _ExactSearch(np.asarray(learned, np.float32), settings["metric"])
        coordinates = np.empty((len(values), laid_out.shape[1]), np.float32)
        for start in range(0, len(values), _PLACED_AT_ONCE):
            progress.step(start, len(values), "UMAP: placing rows")
            rows = slice(start, start + _PLACED_AT_ONCE)
            coordinates[rows] = model.transform(np.asarray(values[rows], np.float32))
    progress.step(len(values), len(values), "UMAP: placing rows")
    return coordinates


class _ExactSearch:
    """What umap-learn's transform asks for neighbors."""

    _angular_trees = False

    def __init__(self, learned: NDArray[np.float32], metric: str) -> None:
        self._learned, self._metric = learned, metric

    def query(
        self, asked: NDArray[np.float32], k: int, epsilon: float
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the k nearest rows and their distances; `epsilon` is for inexact searches."""
        del epsilon
        near, distances = _exact_neighbors(self._learned, asked, k, self._metric)
        return near.astype(np.int32), distances


def compile_ahead(progress: Progress, *, large: bool = False) -> None:
    """Compile what is slow at its first use, or load it from disk; with `large`, all of it.

    Without, what embeds as many rows as have an exact search.
    """
    values = np.random.default_rng(0).normal(size=(256, 4)).astype(np.float32)
    settings = {
        "n_components": 2, "n_neighbors": 15, "metric": "euclidean", "random_state": 0, "n_jobs": 1,
        "n_epochs": 2,
    }  # fmt: skip
    lay_out(values, np.arange(len(values)), settings, [], progress)
    if large:
        with _quiet([]):
            _engine()(**settings, force_approximation_algorithm=True).fit(values)


def _engine() -> Callable[..., Any]:
    """Return ``umap.UMAP``, its loops cached on disk where the disk can be written."""
    import umap
    from numba.core.dispatcher import Dispatcher

    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in _ENGINE:
            continue
        for one in list(vars(module).values()):
            if isinstance(one, Dispatcher) and one.py_func.__module__.startswith(_ENGINE):
                # Loops that are handed a distance are kept under its identity, which is another
                # one in each process unless it is given.
                with suppress(AssertionError):  # it has one by now
                    one._set_uuid(  # type: ignore[attr-defined]
                        f"{one.py_func.__module__}.{one.py_func.__qualname__}"
                    )
                with suppress(RuntimeError):  # no folder that can be written
                    one.enable_caching()
    return umap.UMAP  # type: ignore[no-any-return]


def _most_exact(metric: str) -> int:
    return _EXACT_BY_PRODUCTS if metric in _BY_PRODUCTS else _EXACT


def _exact_neighbors(
    learned: NDArray[np.floating],
    asked: NDArray[np.floating],
    k: int,
    metric: str,
    progress: Progress | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the k nearest of the learned rows, nearest first, and how far they are."""
    from sklearn.neighbors import NearestNeighbors

    if metric == "correlation":  # the cosine between rows less their means, which BLAS knows
        learned, asked = (rows - rows.mean(axis=1, keepdims=True) for rows in (learned, asked))
        metric = "cosine"
    search = NearestNeighbors(n_neighbors=k, algorithm="brute", metric=metric).fit(learned)
    near = np.empty((len(asked), k), np.int64)
    distances = np.empty((len(asked), k), np.float32)
    for start in range(0, len(asked), _ROWS_AT_ONCE):
        if progress is not None:
            progress.step(start, len(asked), "UMAP: neighbors")
        rows = slice(start, start + _ROWS_AT_ONCE)
        distances[rows], near[rows] = search.kneighbors(asked[rows])
    return near, distances


def _nearest_landmarks(
    model: Any, learned: NDArray[np.floating], asked: NDArray[np.floating], k: int, metric: str
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    if len(learned) <= _most_exact(metric):
        return _exact_neighbors(learned, asked, k, metric)
    # The index that the layout's own neighbors came from.
    near, distances = model._knn_search_index.query(asked, k)
    return near, distances


def _weighted_places(
    places: NDArray[np.float32], distances: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Return the means of neighbors' places (m, k, c), weighted by their distances (m, k)."""
    excess = distances - distances[:, :1]
    scale = excess.mean(axis=1, keepdims=True, dtype=np.float64)
    weights = np.exp(-excess / np.where(scale > 0, scale, 1))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("mk,mkc->mc", weights, places), np.float32)


@contextmanager
def _quiet(notes: list[str]) -> Iterator[None]:
    """Keep what umap-learn and numba warn of from the screen, and note what concerns the data."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # That its transform can't be called then, and nobody does.
        warnings.filterwarnings("ignore", message="precomputed_knn")
        yield
    for warning in caught:
        # Deprecations, compiler hints and missing optional packages are none of the user's.
        if warning.category is UserWarning and str(warning.message) not in notes:
            notes.append(" ".join(str(warning.message).split()))


class _Epochs:
    """A text file for tqdm that hands each count on to a `Progress`."""

    def __init__(self, report: Callable[[int, int], None]) -> None:
        self._report = report

    def write(self, text: str) -> int:
        found = re.search(r"(\d+)/(\d+)", text)
        if found:
            self._report(int(found[1]), int(found[2]))
        return len(text)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""


def _epoch_progress(progress: Progress, message: str) -> dict[str, Any]:
    def report(done: int, total: int) -> None:
        progress.step(done, total, message)

    return {
        "disable": False,
        "file": _Epochs(report),
        "mininterval": 0.2,
        "bar_format": "{n_fmt}/{total_fmt}",
        "leave": False,
    }
