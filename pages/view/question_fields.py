"""How the fields of a question are written and read: JSON-like, and bounded."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

from latentcore.analysis.panel_ids import Axis
from latentcore.analysis.selection import Shape
from latentcore.analysis.value_filters import Filters
from pages.panels.linked_panels import read_choices
from pages.panels.linked_panels.view import Slot

_MOST_SHAPES = 200
_MOST_RANGES = 100
_MOST_FEATURES = 1_000


def _plain_shapes(shapes: tuple[Shape, ...]) -> list[Any]:
    return [[shape.panel, shape.kind, shape.mode, shape.points] for shape in shapes]


def _plain_selections(selections: Mapping[str, tuple[Shape, ...]]) -> dict[str, list[Any]]:
    return {slot: _plain_shapes(shapes) for slot, shapes in selections.items() if shapes}


def _plain_only(only: tuple[tuple[Shape, ...], ...]) -> list[list[Any]]:
    return [_plain_shapes(shapes) for shapes in only]


def _plain_filters(filters: Filters) -> dict[str, list[list[float | None]]]:
    """Return the filters JSON-like: an open end is null."""
    return {
        name: [[end if math.isfinite(end) else None for end in ends] for ends in ranges]
        for name, ranges in filters.items()
    }


def _filters(value: Any) -> Filters:
    filters = {
        str(name): tuple((_end(low, -math.inf), _end(high, math.inf)) for low, high in ranges)
        for name, ranges in value.items()
    }
    if sum(map(len, filters.values())) > _MOST_RANGES:
        message = f"more than {_MOST_RANGES} ranges"
        raise ValueError(message)
    return filters


def _end(value: Any, otherwise: float) -> float:
    return otherwise if value is None else float(value)


def _shapes(value: Any) -> tuple[Shape, ...]:
    return tuple(
        Shape(str(panel), kind, tuple((float(x), float(y)) for x, y in points), mode)
        for panel, kind, mode, points in value
    )


def _selections(value: Any) -> Mapping[str, tuple[Shape, ...]]:
    shapes = {slot: _shapes(value.get(slot, ())) for slot in ("A", "B")}
    _check_count(shapes.values())
    return shapes


def _only(value: Any) -> tuple[tuple[Shape, ...], ...]:
    shapes = tuple(_shapes(one) for one in value)
    _check_count(shapes)
    return shapes


def _check_count(shapes: Collection[tuple[Shape, ...]]) -> None:
    if len(shapes) > _MOST_SHAPES or sum(map(len, shapes)) > _MOST_SHAPES:
        message = f"more than {_MOST_SHAPES} shapes"
        raise ValueError(message)


def _axes(value: Any) -> tuple[Axis, ...]:
    if len(value) > _MOST_FEATURES:
        message = f"more than {_MOST_FEATURES} features"
        raise ValueError(message)
    return tuple(one if isinstance(one, str) else int(one) for one in value)


def _two_axes(value: Any) -> tuple[Axis, Axis]:
    x, y = _axes(value)
    return x, y


def _weights(value: Any) -> dict[str, float]:
    weights = {str(name): float(weight) for name, weight in value.items()}
    if not all(0 < weight < math.inf for weight in weights.values()):
        message = "a weight is not above 0"
        raise ValueError(message)
    return weights


def _bounds(value: Any) -> tuple[float, float, float, float]:
    x0, x1, y0, y1 = (float(bound) for bound in value)
    return x0, x1, y0, y1


def _pair(value: Any) -> tuple[float, float]:
    low, high = (float(bound) for bound in value)
    if not low < high:
        message = f"limits {low} and {high} are not in order"
        raise ValueError(message)
    return low, high


def _slot(value: Any) -> Slot:
    if value not in ("A", "B"):
        message = f"there is no slot {value!r}"
        raise ValueError(message)
    return "A" if value == "A" else "B"


def _sample(value: Any) -> str:
    if value not in ("", "all"):
        message = f"there is no sample {value!r}"
        raise ValueError(message)
    return str(value)


def _optional_int(value: Any) -> int | None:
    return None if value is None else int(value)


# What writes a field that is not JSON-like itself.
PLAIN: Mapping[str, Callable[[Any], object]] = {
    "selections": _plain_selections,
    "only": _plain_only,
    "filters": _plain_filters,
}

# What reads each field; raises a `ValueError` or the like where it makes no sense.
READ: Mapping[str, Callable[[Any], Any]] = {
    "dim": _optional_int,
    "reference": str,
    "color": str,
    "cmap": str,
    "missing": str,
    "limits": _pair,
    "embedding": str,
    "neighbors": int,
    "min_dist": float,
    "metric": str,
    "space": str,
    "landmarks": _bounds,
    "method": str,
    "parameters": dict,
    "scaling": str,
    "sample": _sample,
    "learn_from": str,
    "features": _axes,
    "weights": _weights,
    "scatter": _two_axes,
    "roi": _bounds,
    "filters": _filters,
    "by_order": bool,
    "selections": _selections,
    "only": _only,
    "active": _slot,
    "pinned": _optional_int,
    "panels": read_choices,
}
