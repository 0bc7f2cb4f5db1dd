"""How a file of one format is written, for the conformance suite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["Coords", "Layout", "Values"]

Coords = NDArray[np.int32]
Values = NDArray[np.float32]


@dataclass(frozen=True)
class Layout:
    """How a file of one format is written.

    Attributes
    ----------
    reader : str
    kind : str
        ``"samples"``, ``"latents"`` or ``"maps"``.
    file_name : str
    write : callable
        ``write(path, coords (n, 2), values (n,))``: the value is the sample, latent or map.
    options : callable
        Options to open it with, from its path.
    any_order : bool
        Whether the layout holds coordinates, so that rows may come in any order.
    has_grid : bool
    also : dict of str to str
        What else the file is: the reader's name for each other kind.
    unit : str
        Unit of the scan grid.
    cut_is_shorter : bool
        Whether the beginning of such a file is one of its own, with fewer points.
    """

    reader: str
    kind: str
    file_name: str
    write: Callable[[Path, Coords, Values], None]
    options: Callable[[Path], dict[str, object]] = field(default=lambda path: {})
    any_order: bool = True
    has_grid: bool = True
    also: dict[str, str] = field(default_factory=dict)
    unit: str = ""
    cut_is_shorter: bool = False
