"""One writer per registered reader: the same points and values in every layout.

Each module writes the formats of one family of tools and holds a tuple `LAYOUTS`. The conformance
suite runs on all of these; a reader without a layout here fails it.
"""

from __future__ import annotations

import importlib
import pkgutil

from tests.factories.layouts._layout import Layout

__all__ = ["LAYOUTS", "Layout"]


def _all_layouts() -> dict[str, Layout]:
    modules = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
    ]
    return {layout.reader: layout for module in modules for layout in module.LAYOUTS}


LAYOUTS = _all_layouts()
