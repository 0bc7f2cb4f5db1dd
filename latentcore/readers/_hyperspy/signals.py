"""The signals of a HyperSpy file: which there are, along which axes, and where their points lie."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from latentcore.containers import ScanGrid
from latentcore.errors import MalformedFileError, RequestError
from latentcore.readers._ebsd.fields import printed_unit
from latentcore.readers._hyperspy.trees import Tree, shown

_ROOT = "Experiments"
_INNER = "_sig_"
_MOST_SIGNALS = 400
_MOST_DEPTH = 6
_MOST_LISTED = 8
# Two points must differ in a float64 by much more than its last digits.
_FINEST = 1e-9
# HyperSpy's ways to say that there is none.
_NO_UNITS = ("<undefined>", "undefined", "none")


@dataclass(frozen=True)
class Axis:
    """A dimension of a signal.

    Attributes
    ----------
    scale, offset : float
        Point i lies at offset + i · scale.
    uniform : bool
        Whether that is so; else it only has the index i.
    """

    name: str
    size: int
    scale: float
    offset: float
    unit: str
    navigate: bool
    uniform: bool


@dataclass(frozen=True)
class Signal:
    """A signal: an array, and what its dimensions mean, in the array's order."""

    name: str
    key: str
    axes: tuple[Axis, ...]
    kind: str
    quantity: str
    notes: tuple[str, ...]

    @property
    def navigation(self) -> tuple[int, ...]:
        """Dimensions along which the specimen was scanned, the slowest first."""
        return tuple(number for number, axis in enumerate(self.axes) if axis.navigate)

    @property
    def signal(self) -> tuple[int, ...]:
        """Dimensions of what was measured at each point, the slowest first."""
        return tuple(number for number, axis in enumerate(self.axes) if not axis.navigate)

    @property
    def is_virtual(self) -> bool:
        """Whether it is an image of the scan made from patterns, though it calls that a signal.

        pyxem calls such signals ``virtual_dark_field``, kikuchipy ``VirtualBSEImage``.
        """
        return self.kind.lower().startswith("virtual") and len(self.signal) == 2

    @property
    def has_patterns(self) -> bool:
        """Whether it holds an image at each point."""
        return len(self.signal) == 2 and len(self.navigation) <= 2 and not self.is_virtual

    @property
    def has_maps(self) -> bool:
        """Whether it holds a value at each point of a scan in two dimensions."""
        sizes = [self.axes[axis].size for axis in self.signal]
        return self.is_virtual or (len(self.navigation) == 2 and sizes in ([], [1]))

    @property
    def plane(self) -> tuple[int, ...]:
        """Dimensions of the scan: navigation, or the signal of an image of the scan."""
        return self.navigation if self.navigation and not self.is_virtual else self.signal

    def describe(self) -> str:
        """Tell the sizes for messages, as HyperSpy does: navigation first, x before y."""
        sizes = (
            ", ".join(str(self.axes[axis].size) for axis in reversed(axes))
            for axes in (self.navigation, self.signal)
        )
        return f"{shown(self.name)} ({'|'.join(sizes)})"


def signals_of(tree: Tree) -> tuple[Signal, ...]:
    """Return the signals of a file, in its order; those within others' metadata at the end.

    Raises
    ------
    MalformedFileError
        If there is none.
    """
    keys = [f"{_ROOT}/{name}" for name in tree.children(_ROOT)[:_MOST_SIGNALS]]
    inner = [found for key in keys for found in _inner_signals(tree, key, 0)][:_MOST_SIGNALS]
    named = [(key.removeprefix(f"{_ROOT}/"), key) for key in keys]
    named += [(key.rpartition("/")[2].removeprefix(_INNER), key) for key in inner]
    found = tuple(
        _signal(tree, name, key, shape)
        for name, key in named
        if (shape := tree.shape(f"{key}/data")) is not None
    )
    if not found:
        message = (
            f"{tree.path.name!r} holds no signal: nothing in {_ROOT!r} has an array 'data'. Save "
            "the signal again."
        )
        raise MalformedFileError(message)
    return found


def chosen(
    signals: tuple[Signal, ...], options: Mapping[str, object], wanted: Callable[[Signal], bool]
) -> Signal | None:
    """Return the signal asked for by its name or number, else the first that is wanted.

    Parameters
    ----------
    signals : tuple of Signal
    options : Mapping
        Of the reader; ``signal`` is a name, or a number from 1.

    Returns
    -------
    Signal or None
        None where none was asked for and none is wanted.

    Raises
    ------
    RequestError
        If there is no such signal, or no such option.
    """
    unknown = sorted(set(options) - {"signal"})
    if unknown:
        message = f"The reader of HyperSpy's files has no option {unknown[0]!r}. It has: signal."
        raise RequestError(message)
    if "signal" not in options:
        return next(filter(wanted, signals), None)
    asked = str(options["signal"]).strip()
    for number, signal in enumerate(signals, 1):
        if asked.lower() == signal.name.lower() or asked == str(number):
            return signal
    message = f"There is no signal {shown(asked)}. There are: {listed(signals)}."
    raise RequestError(message)


def listed(signals: tuple[Signal, ...]) -> str:
    """List signals with their numbers, for messages."""
    first = [f"{number}. {one.describe()}" for number, one in enumerate(signals[:_MOST_LISTED], 1)]
    more = len(signals) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


def choice_notes(signals: tuple[Signal, ...], signal: Signal) -> tuple[str, ...]:
    """Tell which signal of several this is, and what is odd about it."""
    if len(signals) == 1:
        return signal.notes
    note = (
        f"The file holds {len(signals)} signals: {listed(signals)}. This is {shown(signal.name)}; "
        "another one opens with ':signal=NUMBER' after the reader's name."
    )
    return (note, *signal.notes)


def grid_along(signal: Signal, plane: tuple[int, ...]) -> tuple[ScanGrid | None, tuple[str, ...]]:
    """Place the points of a scan along one or two axes, row by row; no axes make no grid.

    Returns
    -------
    grid : ScanGrid or None
    notes : tuple of str
        Why the axes give no coordinates, so that rows and columns are counted instead.
    """
    if not plane:
        return None, ()
    vertical, horizontal = (None, *(signal.axes[axis] for axis in plane))[-2:]
    assert horizontal is not None
    axes = [axis for axis in (vertical, horizontal) if axis is not None]
    trouble = next(filter(None, map(_trouble, axes)), "")
    if not trouble and len({axis.unit for axis in axes}) > 1:
        trouble = f"its axes have different units ({', '.join(shown(axis.unit) for axis in axes)})"
    notes = (f"Rows and columns are counted from 0: {trouble}.",) if trouble else ()
    if trouble:
        axes = [replace(axis, scale=1.0, offset=0.0, unit="") for axis in axes]
    horizontal = axes[-1]
    vertical = axes[0] if len(axes) == 2 else replace(horizontal, size=1, offset=0.0)
    line = np.arange(vertical.size * horizontal.size, dtype=np.int64)
    j, i = np.divmod(line, horizontal.size)
    return ScanGrid(
        shape=(vertical.size, horizontal.size),
        row=(j if vertical.scale > 0 else vertical.size - 1 - j).astype(np.int32),
        col=(i if horizontal.scale > 0 else horizontal.size - 1 - i).astype(np.int32),
        x=horizontal.offset + i * horizontal.scale,
        y=vertical.offset + j * vertical.scale,
        step=(abs(horizontal.scale), abs(vertical.scale)),
        unit=horizontal.unit,
    ), notes


def _inner_signals(tree: Tree, key: str, depth: int) -> Iterator[str]:
    """Yield the keys of the signals within a signal's metadata, such as a navigator."""
    for name in tree.children(key)[:_MOST_SIGNALS]:
        inner = f"{key}/{name}"
        if name.startswith(_INNER):
            yield inner
        elif depth < _MOST_DEPTH and (depth or name in ("metadata", "attributes")):
            yield from _inner_signals(tree, inner, depth + 1)


def _signal(tree: Tree, name: str, key: str, shape: tuple[int, ...]) -> Signal:
    about = f"{key}/metadata/Signal"
    read = [_axis(tree, key, number, shape) for number in range(len(shape))]
    record = tree.attribute(about, "record_by")
    # Before axes told it, what was recorded did: an image's last two dimensions, or a spectrum's.
    last = {"image": 2, "spectrum": 1}.get(str(record), 0)
    axes = tuple(
        axis if told else replace(axis, navigate=number < len(shape) - last)
        for number, (axis, told, _) in enumerate(read)
    )
    return Signal(
        name=name,
        key=f"{key}/data",
        axes=axes,
        kind=str(tree.attribute(about, "signal_type") or ""),
        quantity=str(tree.attribute(about, "quantity") or ""),
        notes=tuple(note for _, _, note in read if note),
    )


def _axis(tree: Tree, key: str, number: int, shape: tuple[int, ...]) -> tuple[Axis, bool, str]:
    """Return an axis, whether it tells if it is one of navigation, and what is odd about it."""
    places = (f"{key}/axis-{number}", f"{key}/_list_{len(shape)}_axes/{number}")
    place = next((one for one in places if tree.attribute(one, "size") is not None), places[0])
    name, units, kind = (
        str(tree.attribute(place, one) or "") for one in ("name", "units", "_type")
    )
    size, navigate = (tree.attribute(place, one) for one in ("size", "navigate"))
    axis = Axis(
        name=name,
        size=shape[number],
        scale=_number(tree.attribute(place, "scale"), 1.0),
        offset=_number(tree.attribute(place, "offset"), 0.0),
        unit="" if units.strip().lower() in _NO_UNITS else printed_unit(units),
        navigate=bool(navigate),
        uniform=kind in ("", "UniformDataAxis"),
    )
    note = ""
    if size is not None and size != shape[number]:
        note = (
            f"The axis {shown(name)} tells {size if isinstance(size, int) else shown(str(size))} "
            f"points, but there are {shape[number]:,}: those are read."
        )
    return axis, navigate is not None, note


def _number(value: str | float | None, default: float) -> float:
    return (
        default if value is None else float(value) if isinstance(value, int | float) else math.nan
    )


def _trouble(axis: Axis) -> str:
    """Tell why an axis gives its points no coordinates, ``""`` where it does."""
    if not axis.uniform:
        return f"the axis {shown(axis.name)} is not uniform"
    far = abs(axis.offset) + abs(axis.scale) * axis.size
    if not math.isfinite(far) or abs(axis.scale) <= _FINEST * far / max(axis.size, 1):
        return (
            f"the axis {shown(axis.name)} has the scale {axis.scale:g} and the offset "
            f"{axis.offset:g}, which give no coordinates"
        )
    return ""
