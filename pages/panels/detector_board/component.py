"""Mount the board of virtual detectors in a Streamlit page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.latent_maps import robust_limits
from latentcore.analysis.patterns.detectors import Detector, Disk, Rectangle
from latentcore.analysis.patterns.pixel_store import PixelStore
from latentcore.containers import ScanGrid
from latentcore.errors import InputError
from latentcore.figures.colors import lut
from pages.frame.addresses import base_path
from pages.panels import modules
from pages.panels.array_store import array_store

_FOLDER = "detector_board"
_mount = modules.register(_FOLDER)


@dataclass(frozen=True)
class Shown:
    """What the map shows: the chosen detector, or two of them combined.

    Attributes
    ----------
    operation : str
        ``""``, ``"-"`` or ``"/"``.
    """

    operation: str = ""
    first: str = ""
    second: str = ""


@dataclass(frozen=True)
class Done:
    """What the user did: which detector was moved where.

    Attributes
    ----------
    revision : int
        Grows with everything the user does.
    active : int
        Index of the detector.
    """

    revision: int
    active: int
    detector: Detector


def detector_board(
    store: PixelStore,
    grid: ScanGrid,
    *,
    about: str,
    pattern: Callable[[int], NDArray[np.generic]],
    detectors: Mapping[str, Detector],
    active: str,
    shown: Shown,
    reduction: str,
    exact: NDArray[np.float64] | None,
    answered: int,
    key: str,
    on_change: Callable[[], None],
) -> None:
    """Show a pattern with detectors on it, and the map of what they measure.

    Parameters
    ----------
    about : str
        Changes when the patterns do.
    pattern : callable
        Row to pattern (H, W).
    exact : ndarray, shape (n,), or None
        The map; without it only the preview is shown.
    answered : int
        The revision of `Done` that `detectors` and `active` take into account.
    on_change : callable
        Called before the run that follows a drag; `read_done` tells what was done.
    """
    names = list(detectors)
    bins = store.bins
    base = base_path()
    picture, points = _raster(grid)
    diverging = shown.operation == "-" and exact is not None and _both_signs(exact)
    _mount(
        key=key,
        data={
            "modules": modules.folder_url(_FOLDER),
            "n": store.n,
            "height": store.shape[0],
            "width": store.shape[1],
            "mean": array_store().put(store.mean).as_json(base),
            "patterns": base + array_store().put_patterns(f"detectors {about}", pattern),
            "raster": {**picture, "points": array_store().put(points).as_json(base)},
            "bins": {
                "rows": bins.rows.tolist(),
                "columns": bins.columns.tolist(),
                "scale": array_store().put(np.stack([bins.low, bins.step])).as_json(base),
                "levels": array_store()
                .put_keyed(f"detector bins {about}", lambda: _words(bins.levels))
                .as_json(base),
            },
            "detectors": [
                {"name": name, "kind": _kind(one), "numbers": numbers_of(one)}
                for name, one in detectors.items()
            ],
            "active": names.index(active),
            "shown": {
                "operation": shown.operation,
                "first": names.index(shown.first) if shown.operation else 0,
                "second": names.index(shown.second) if shown.operation else 0,
            },
            "reduction": reduction,
            "exact": None
            if exact is None
            else {
                **array_store().put(exact.astype(np.float32)).as_json(base),
                "about": _about(detectors, active, shown, reduction),
            },
            "diverging": diverging,
            "colors": lut("blue-white-red" if diverging else "grey").ravel().tolist(),
            "answered": answered,
            "waiting": "" if store.pixels is None else " …",
        },
        on_state_change=on_change,
    )


def read_done(key: str, detectors: Sequence[Detector], shape: tuple[int, int]) -> Done | None:
    """Return what the user did last, or None where that is nothing, or makes no sense."""
    values = st.session_state.get(key)
    said = (values or {}).get("state") or {}
    try:
        active = int(said["active"])
        numbers = [float(value) for value in said["numbers"]]
        detector: Detector
        if isinstance(detectors[active], Disk):
            detector = Disk(*numbers)
        else:
            detector = Rectangle(*map(int, numbers))
        detector.spans(shape)
        return Done(int(said["revision"]), active, detector)
    except (TypeError, KeyError, ValueError, IndexError, OverflowError, InputError):
        return None


def numbers_of(detector: Detector) -> list[float]:
    """Return a detector's numbers as the browser has them."""
    if isinstance(detector, Rectangle):
        return [detector.x0, detector.x1, detector.y0, detector.y1]
    assert isinstance(detector, Disk)
    return [detector.x, detector.y, detector.radius]


def _kind(detector: Detector) -> str:
    return "rectangle" if isinstance(detector, Rectangle) else "disk"


def _about(detectors: Mapping[str, Detector], active: str, shown: Shown, reduction: str) -> str:
    """Return what a map is about, as ``Board.about`` says it."""
    used = [shown.first, shown.second] if shown.operation else [active]
    shapes = [
        f"{_kind(detectors[name])} {':'.join(map(_number, numbers_of(detectors[name])))}"
        for name in used
    ]
    return " ".join([shown.operation or reduction, *shapes])


def _number(value: float) -> str:
    """Return a number as JavaScript writes it."""
    return str(int(value)) if value == int(value) else repr(float(value))


def _both_signs(values: NDArray[np.float64]) -> bool:
    """Tell whether a map runs from clearly below zero to clearly above."""
    low, high = robust_limits(values)
    return low < 0 < high


def _raster(grid: ScanGrid) -> tuple[dict[str, float], NDArray[np.int32]]:
    """Return the size of the map's picture, and which point each of its pixels shows, or −1."""
    picture = grid.picture(np.arange(len(grid), dtype=np.float64))
    points = np.where(np.isnan(picture), -1, picture).astype(np.int32)
    x0, x1, y0, y1 = grid.picture_extent
    rows, columns = points.shape
    return {"rows": rows, "columns": columns, "aspect": (x1 - x0) / (y1 - y0)}, points


def _words(levels: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return bytes as the store takes them, four in a word, filled up with zeros."""
    flat = levels.ravel()
    return np.concatenate([flat, np.zeros(-len(flat) % 4, np.uint8)]).view(np.int32)
