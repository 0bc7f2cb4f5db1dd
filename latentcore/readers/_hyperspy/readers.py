"""The readers of HyperSpy's files: one of patterns, one of maps, for both kinds of files."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import SampleSource, ScanMaps, SourceRef, default_sample_ids
from latentcore.errors import InputError, MalformedFileError, UnsafeFileError
from latentcore.hdf5 import open_checked
from latentcore.readers._ebsd.fields import as_float32, visible
from latentcore.readers._hyperspy.rows import SignalRows
from latentcore.readers._hyperspy.signals import (
    Signal,
    choice_notes,
    chosen,
    grid_along,
    listed,
    signals_of,
)
from latentcore.readers._hyperspy.stores import METADATA, ZIP_MARK, FolderStore, Store, ZipStore
from latentcore.readers._hyperspy.trees import Hdf5Tree, Tree, color_planes, refuse_hollow, shown
from latentcore.readers._hyperspy.zarr import ZarrTree
from latentcore.readers._peek import Peek
from latentcore.readers._rows import RowsSource
from latentcore.storage import content_fingerprint, local_path

_MOST_MAPS = 400
_MOST_POINTS = 64_000_000


class FileKind:
    """How files of a kind are told and opened."""

    def __init__(
        self, label: str, is_one: Callable[[Peek], bool], opened: Callable[[Path], Tree]
    ) -> None:
        self.label = label
        self.is_one = is_one
        self.opened = opened


class HyperspySamples:
    """Reader of the patterns in a file: signals with two signal axes."""

    def __init__(self, kind: FileKind) -> None:
        self._kind = kind
        self.description = f"{kind.label}: a signal of patterns, and its axes."
        self.wants = f"a {kind.label} with 'Experiments'"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether it is such a file, of more than maps."""
        signals = _signals_in(self._kind, peek)
        return any(one.has_patterns for one in signals) or (
            bool(signals) and not any(one.has_maps for one in signals)
        )

    def choices(self, path: Path) -> dict[str, tuple[str, ...]]:
        """Return what there is to choose from, by option."""
        signals = _signals_in(self._kind, Peek(path))
        return {"signal": tuple(one.name for one in signals if one.has_patterns)}

    def open(self, ref: SourceRef) -> SampleSource:
        """Open a signal of patterns.

        Parameters
        ----------
        ref : SourceRef
            Options: ``signal``, the name or number of a signal.
        """
        tree = self._kind.opened(local_path(ref.location))
        try:
            signals = signals_of(tree)
            signal = chosen(signals, ref.options, lambda one: one.has_patterns)
            signal = _with_patterns(signal, tree, signals)
            rows = SignalRows(tree, signal.key, signal.navigation, signal.signal)
            grid, notes = grid_along(signal, signal.navigation)
            return _Source(
                tree=tree,
                ref=ref,
                paths=(tree.path,),
                rows=rows,
                sample_ids=default_sample_ids(len(rows)),
                grid=grid,
                notes=(*choice_notes(signals, signal), *notes, *rows.notes),
            )
        except BaseException:
            tree.close()
            raise


class HyperspyMaps:
    """Reader of the maps in a file: one value at each point of a scan in two dimensions."""

    def __init__(self, kind: FileKind) -> None:
        self._kind = kind
        self.description = f"{kind.label}: navigation images and virtual images, as maps."
        self.wants = f"a {kind.label} with a navigation image"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether it is such a file, and has an image of the scan."""
        signals = _signals_in(self._kind, peek)
        return bool(signals) and bool(_images(signals, peek.options))

    def open(self, ref: SourceRef) -> ScanMaps:
        """Read all maps on the grid of the first, or what is asked for.

        Parameters
        ----------
        ref : SourceRef
            Options: ``signal``, the name or number of a signal: any image, or a signal of
            patterns for the maps on its grid.
        """
        tree = self._kind.opened(local_path(ref.location))
        try:
            return _maps(tree, ref)
        finally:
            tree.close()


class _Source(RowsSource):
    """Patterns of a file that may be a folder of many."""

    def __init__(self, tree: Tree, **arguments: object) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]
        self._tree = tree
        self._fingerprint = ""

    def fingerprint(self) -> str:
        """Return text that changes when the content of the file, or of one of the files, does."""
        if not self._fingerprint:  # there may be very many
            self._fingerprint = content_fingerprint(*self._tree.files())
        return self._fingerprint


def hspy_file() -> FileKind:
    """Return how ``.hspy`` is told and opened."""

    def is_one(peek: Peek) -> bool:
        return "Experiments" in peek.hdf5_keys and "images" not in peek.hdf5_keys

    return FileKind("HyperSpy .hspy", is_one, lambda path: Hdf5Tree(path, open_checked(path)))


def zspy_file() -> FileKind:
    """Return how ``.zspy``, a folder or a zip, is told and opened."""

    def is_one(peek: Peek) -> bool:
        if peek.path.is_file() and peek.name in METADATA:
            return True
        if ".zspy" in peek.path.suffixes:
            return peek.path.is_dir() or peek.head.startswith(ZIP_MARK)
        return _is_store(peek)

    return FileKind("HyperSpy .zspy", is_one, lambda path: ZarrTree(_store(path)))


def _is_store(peek: Peek) -> bool:
    """Tell whether a folder or zip of any name holds a zarr group with experiments."""
    if not (peek.path.is_dir() or peek.head.startswith(ZIP_MARK)):
        return False
    try:
        store = _store(peek.path)
    except InputError:  # a damaged zip may be anybody's
        return False
    try:
        is_group = any(store.read(mark, 1 << 22) is not None for mark in (".zgroup", "zarr.json"))
        return is_group and "Experiments" in store.folders("")
    except InputError:
        return False
    finally:
        store.close()


def _store(path: Path) -> Store:
    if path.is_dir():
        return FolderStore(path)
    if path.name in METADATA:
        message = (
            f"{path.name!r} is one file of a zarr store. Name the '.zspy' folder that it lies in; "
            "to upload that, pack it into a zip."
        )
        raise MalformedFileError(message)
    return ZipStore(path)


def _signals_in(kind: FileKind, peek: Peek) -> tuple[Signal, ...]:
    if not kind.is_one(peek):
        return ()
    tree = kind.opened(peek.path)
    try:
        return signals_of(tree)
    finally:
        tree.close()


def _with_patterns(signal: Signal | None, tree: Tree, signals: tuple[Signal, ...]) -> Signal:
    if signal is not None and len(signal.signal) == 2 and len(signal.navigation) <= 2:
        return signal
    asked = f"The signal {signal.describe()}" if signal else "Each signal"
    message = (
        f"{asked} of {tree.path.name!r} lacks two signal axes, or has more than two navigation "
        "axes: patterns need an image at each point. Sizes (navigation | signal) are: "
        f"{listed(signals)}. Transpose or sum the signal, and save it again."
    )
    raise MalformedFileError(message)


def _maps(tree: Tree, ref: SourceRef) -> ScanMaps:
    name = tree.path.name
    signals = signals_of(tree)
    together = _images(signals, ref.options)
    if not together:
        message = (
            f"{name!r} holds no map there: none of its signals has one value at each point of a "
            f"scan in two dimensions. Sizes (navigation | signal) are: {listed(signals)}."
        )
        raise MalformedFileError(message)
    first = together[0]
    left = sum(one.has_maps for one in signals) - len(together)
    grid, notes = grid_along(first, first.plane)
    assert grid is not None
    values: dict[str, NDArray[np.float32]] = {}
    units: list[str] = []
    for signal in together:
        for part, field in _fields(tree, signal):
            called, number = visible(f"{signal.name}{part}"), 2
            while called in values:
                called, number = f"{visible(signal.name)}{part} ({number})", number + 1
            values[called] = field
            units.append(_unit(signal.quantity))
    if left > 0 and "signal" not in ref.options:
        notes = (*notes, f"{left} more images lie on other grids: ':signal=NUMBER' opens one.")
    return ScanMaps(
        values=np.stack(list(values.values())),
        names=tuple(values),
        units=tuple(units),
        grid=grid,
        notes=(*choice_notes(signals, first), *notes),
        ref=ref,
        fingerprint=content_fingerprint(*tree.files()),
    )


def _images(signals: tuple[Signal, ...], options: Mapping[str, object]) -> list[Signal]:
    """Return the signals that are maps together: of one grid, that of the signal asked for."""
    asked = chosen(signals, options, lambda one: one.has_maps)
    if asked is None or len(asked.plane) != 2:
        return []
    if "signal" in options and (asked.has_maps or len(asked.axes) == 2):
        return [asked]
    return [one for one in signals if one.has_maps and _same_plane(one, asked)]


def _same_plane(one: Signal, other: Signal) -> bool:
    mine, its = ([signal.axes[axis] for axis in signal.plane] for signal in (one, other))
    return [(a.size, a.scale, a.offset, a.unit) for a in mine] == [
        (a.size, a.scale, a.offset, a.unit) for a in its
    ]


def _fields(tree: Tree, signal: Signal) -> list[tuple[str, NDArray[np.float32]]]:
    """Return the maps of a signal: one, or as many as there are images or colors."""
    array = tree.array(signal.key)
    colors = array.dtype.names or ("",)
    points = math.prod(array.shape[axis] for axis in signal.plane)
    rest = tuple(axis for axis in range(len(array.shape)) if axis not in signal.plane)
    count = math.prod(array.shape[axis] for axis in rest)
    if not 0 < points <= _MOST_POINTS or not 0 < count * len(colors) <= _MOST_MAPS:
        message = (
            f"{shown(signal.key)} of {tree.path.name!r} declares {count:,} images of {points:,} "
            f"points; at most {_MOST_MAPS} of {_MOST_POINTS:,} are read. Save fewer."
        )
        raise UnsafeFileError(message)
    refuse_hollow(array, math.prod(array.shape), signal.key, tree.path.name)
    planes = color_planes(array.read(tuple(slice(0, size) for size in array.shape)))
    images = planes.transpose(0, *(1 + axis for axis in (*rest, *signal.plane)))
    return [
        (" ".join(("", *filter(None, (str(number) if count > 1 else "", color)))).rstrip(), field)
        for color, plane in zip(colors, images.reshape(-1, count, points), strict=True)
        for number, field in enumerate(map(as_float32, plane), 1)
    ]


def _unit(quantity: str) -> str:
    """Return the unit of a quantity such as ``Intensity (counts)``."""
    before, _, after = quantity.rpartition("(")
    return visible(after.removesuffix(")"))[:20] if before and after.endswith(")") else ""
