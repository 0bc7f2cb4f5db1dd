"""How points are colored, and regions outlined, by arrays that the browser has."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from latentcore.errors import RequestError, ShapeError

NAN_COLOR = "#b9a7c9"


class _Coloring:
    """What all ways to color points share: how they are sent, and the arrays that they read."""

    _ARRAYS: ClassVar[tuple[str, ...]] = ("array",)

    @property
    def arrays(self) -> tuple[str, ...]:
        """Names of the arrays it reads."""
        return tuple(getattr(self, name) for name in self._ARRAYS)

    def as_json(self) -> dict[str, Any]:
        """Return the coloring as the browser reads it."""
        values = {name: _plain(value) for name, value in vars(self).items()}
        return {"type": type(self).__name__.lower(), "nan": values.pop("nan_color"), **values}


@dataclass(frozen=True)
class Continuous(_Coloring):
    """Color by a value through a table of 256 colors.

    The entry of the table is ``clip(floor((v − lo) / (hi − lo) · 256), 0, 255)``, and 128 where
    ``hi <= lo``, computed in float64. NaN has `nan_color`.

    Parameters
    ----------
    array : str
        Name of the array.
    lut : ndarray of uint8 (256, 3)
    limits : (float, float)
        lo and hi. The color bar gets a pointed end where values lie beyond.
    label, unit : str
        What the color bar says.
    nan_color : str
        ``#rrggbb``.
    """

    array: str
    lut: np.ndarray
    limits: tuple[float, float]
    label: str = ""
    unit: str = ""
    nan_color: str = NAN_COLOR

    def __post_init__(self) -> None:
        if self.lut.shape != (256, 3) or self.lut.dtype != np.uint8:
            msg = f"A color table is uint8 (256, 3), got {self.lut.dtype} {self.lut.shape}."
            raise ShapeError(msg)
        if not np.isfinite(self.limits).all():
            msg = f"Color limits are finite, got {self.limits}."
            raise RequestError(msg)


@dataclass(frozen=True)
class Categorical(_Coloring):
    """Color by an integer label; a label without a color has `nan_color`.

    Parameters
    ----------
    array : str
        Name of an int32 array.
    palette : mapping of int to str
        ``#rrggbb`` per label; noise (−1) is an entry like any other.
    names : mapping of int to str
        What the legend says; the label's number where a name is missing.
    label : str
        Title of the legend.
    panel : str
        The entry of `PanelsView.frames` whose x and y are the labels: there a click in the legend
        selects. Without one it lets the label stand out.
    """

    array: str
    palette: Mapping[int, str]
    names: Mapping[int, str] = field(default_factory=dict)
    nan_color: str = NAN_COLOR
    label: str = ""
    panel: str = ""


@dataclass(frozen=True)
class Shaded(_Coloring):
    """Color by cluster and, within the cluster, by value: each cluster one hue.

    With base color ``(r, g, b)`` in 0..255 and ``t = clip((v − lo) / (hi − lo), 0, 1)`` (0.5
    where ``hi <= lo`` or the cluster has no range), each channel is

    - ``base · (dark + (1 − dark) · 2t)`` for ``t < 0.5``,
    - ``base + (255 − base) · light · (2t − 1)`` otherwise,

    computed in float64 and rounded half up. A NaN value, and a label without a color, has
    `nan_color`.

    Parameters
    ----------
    labels, value : str
        Names of the int32 labels and of the values.
    palette : mapping of int to str
        ``#rrggbb`` per label.
    ranges : mapping of int to (float, float)
        lo and hi of each cluster: the 2 % and 98 % quantiles of the value in it.
    dark, light : float
        Brightness left at t = 0, and whiteness added at t = 1.
    label : str
        Title of the legend.
    unit : str
        Unit of the value.
    panel : str
        As of `Categorical`.
    """

    _ARRAYS = ("labels", "value")

    labels: str
    value: str
    palette: Mapping[int, str]
    ranges: Mapping[int, tuple[float, float]]
    names: Mapping[int, str] = field(default_factory=dict)
    nan_color: str = NAN_COLOR
    dark: float = 0.35
    light: float = 0.6
    label: str = ""
    unit: str = ""
    panel: str = ""


@dataclass(frozen=True)
class Direct(_Coloring):
    """Color each point as the array says, for quantities that are no single number.

    Parameters
    ----------
    array : str
        Name of an int32 array: red · 65536 + green · 256 + blue, each 0..255; negative where a
        point has no color.
    key : tuple of (str, str)
        ``#rrggbb`` and what it means, for the legend.
    label : str
        Title of the legend.
    """

    array: str
    key: tuple[tuple[str, str], ...] = ()
    label: str = ""
    nan_color: str = NAN_COLOR


Coloring = Continuous | Categorical | Shaded | Direct


def packed_colors(colors: np.ndarray) -> np.ndarray:
    """Return colors (n, 3) in 0..1 as `Direct` wants them; NaN is no color."""
    present = np.isfinite(colors).all(axis=1)
    channels = np.rint(255 * np.where(present[:, None], colors, 0)).astype(np.int32)
    packed = channels @ np.array([1 << 16, 1 << 8, 1], np.int32)
    return np.where(present, packed, np.int32(-1))


@dataclass(frozen=True)
class Regions:
    """Named regions over all panels: outlines on maps, points in their color in scatters.

    Parameters
    ----------
    array : str
        Name of an int32 array: the region of each point, −1 where there is none.
    palette : mapping of int to str
        ``#rrggbb`` per region.
    names : mapping of int to str
        What the tooltip says.
    """

    array: str
    palette: Mapping[int, str]
    names: Mapping[int, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the regions as the browser reads them."""
        return {name: _plain(value) for name, value in vars(self).items()}


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: bytes of an array as base64, keys as text, no NumPy."""
    if isinstance(value, np.ndarray):
        return base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
    if isinstance(value, Mapping):
        return {str(int(label)): _plain(entry) for label, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value
