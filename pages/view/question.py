"""Everything that changes what the Explore page shows, in one value that fits into a URL."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import math
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import ArrayLike

from latentcore.analysis.clustering import FeatureChoice, latent_name
from latentcore.analysis.panel_ids import MAP_PANELS, ROW_PANEL, Axis
from latentcore.analysis.selection import Shape
from latentcore.analysis.value_filters import Filters
from latentcore.errors import RequestError
from latentcore.figures.colors import LATENT_COLORS, usual_color_map
from pages.panels.linked_panels import Choice, read_choices

Slot = Literal["A", "B"]
# What panels may be colored by besides a map; a map's own name may be "latent" or "cluster".
LATENT, CLUSTER, ORIENTATION = "@latent", "@cluster", "@orientation"
# Cosine similarity to the pinned point.
SIMILARITY = "@similarity"
# The named regions of the scan.
REGION = "@region"
# Among features: every latent dimension.
ALL_LATENTS = "@all"
NO_SELECTION: Mapping[str, tuple[Shape, ...]] = {"A": (), "B": ()}

# Browsers and proxies cut URLs at about 8 KB; a selection longer than this stays out of the link
# (the session report holds it whole).
_LONGEST_SELECTION = 6_000
# What a hostile link may unpack to.
_MOST_UNPACKED = 2_000_000
_MOST_SHAPES = 200
_MOST_RANGES = 100
_MOST_FEATURES = 1_000


@dataclass(frozen=True)
class Question:
    """The state of the Explore page.

    Attributes
    ----------
    dim : int or None
        Latent dimension; None until the page has chosen one.
    reference : str
        Name of the map that is clustered together with the latent.
    color : str
        What the embedding and the latent map are colored by: `LATENT`, `CLUSTER`,
        `ORIENTATION`, `SIMILARITY`, `REGION` or the name of a map.
    cmap : str
        Color map of continuous values; ``"auto"`` picks by the kind of quantity.
    missing : str
        Color of points without a value, a name in `latentcore.figures.colors.MISSING_COLORS`.
    limits : tuple of float or None
        Locked color limits; None follows the data's 2 % and 98 % quantiles.
    embedding : str
        ``"pca"`` or ``"umap"``.
    neighbors, min_dist, metric : int, float, str
        Parameters of UMAP.
    space : str
        The job whose UMAP or PCA, of other latents, those in view are placed in; ``""`` is the
        UMAP of their own.
    landmarks : tuple of float or None
        The ROI whose points a UMAP of very many points is laid out on first.
    method : str
        Name of a clusterer.
    parameters : Mapping
        The clusterer's fields that differ from their defaults.
    scaling : str
        ``"standard"`` or ``"none"`` (as published).
    sample : str
        ``"all"`` learns clusters from all points, ``""`` from a sample where that takes long.
    learn_from : str
        The partition, such as a scan of a collection, that clusters are learned from; ``""``
        stands for all.
    features : tuple of int or str
        What is clustered: latent dimensions by number, maps by name, `ALL_LATENTS`; empty stands
        for the pair of `dim` and `reference`.
    weights : Mapping of str to float
        What features weigh, where not 1; see `latentcore.analysis.clustering.Features`.
    scatter : tuple or None
        The latent dimensions (int) or maps (str) that the scatter is drawn along, if chosen.
    roi : tuple of float or None
        (x0, x1, y0, y1), half-open; None is the whole scan.
    filters : Mapping of str to tuple of (float, float)
        For each quantity the half-open ranges that a sample's value may lie in; samples that
        some filter doesn't keep are out of view, as if outside the ROI.
    by_order : bool
        Whether tables that name no samples are joined row by row.
    selections : Mapping of str to tuple of Shape
        Slots ``"A"`` and ``"B"``.
    only : tuple of tuple of Shape
        Strokes that say which points are in view, if not all: each entry among those that the
        entries before it select.
    active : str
        The slot that brushing changes.
    pinned : int or None
        Row of the point that is shown large.
    panels : tuple of Choice
        The panels that are shown, one to six; none stands for the usual ones.
    """

    dim: int | None = None
    reference: str = "bandcontrast"
    color: str = LATENT
    cmap: str = "auto"
    missing: str = "tan"
    limits: tuple[float, float] | None = None
    embedding: str = "umap"
    neighbors: int = 15
    min_dist: float = 0.1
    metric: str = "euclidean"
    space: str = ""
    landmarks: tuple[float, float, float, float] | None = None
    method: str = "gmm"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    scaling: str = "standard"
    sample: str = ""
    learn_from: str = ""
    features: tuple[Axis, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    scatter: tuple[Axis, Axis] | None = None
    roi: tuple[float, float, float, float] | None = None
    filters: Filters = field(default_factory=dict)
    by_order: bool = False
    selections: Mapping[str, tuple[Shape, ...]] = field(default_factory=lambda: NO_SELECTION)
    only: tuple[tuple[Shape, ...], ...] = ()
    active: Slot = "A"
    pinned: int | None = None
    panels: tuple[Choice, ...] = ()

    def changed(self, **fields: Any) -> Question:
        """Return the question with some fields changed."""
        return dataclasses.replace(self, **fields)

    def in_panels(self, panels: Collection[str]) -> Question:
        """Return the question with those strokes only that are rows, or in a map or these panels.

        Others were drawn on another page: they mean nothing here, and are kept for it.
        """
        known = {*panels, ROW_PANEL, *MAP_PANELS}
        kept = {
            slot: tuple(shape for shape in shapes if shape.panel in known)
            for slot, shapes in self.selections.items()
        }
        return self.changed(selections=kept)

    @property
    def dims_clustered(self) -> tuple[int, ...] | None:
        """The latent dimensions among the features; None stands for all."""
        if ALL_LATENTS in self.features:
            return None
        if not self.features:
            return () if self.dim is None else (self.dim,)
        return tuple(one for one in self.features if isinstance(one, int))

    @property
    def maps_clustered(self) -> tuple[str, ...]:
        """The maps among the features."""
        if not self.features:
            return (self.reference,) if self.reference else ()
        return tuple(one for one in self.features if isinstance(one, str) and one != ALL_LATENTS)

    @property
    def clustered(self) -> FeatureChoice | tuple[int, str]:
        """What is clustered, as `latentcore.analysis.exploration.roi_features` takes it."""
        if not self.features:
            assert self.dim is not None
            return self.dim, self.reference
        dims = self.dims_clustered
        names = set(self.maps_clustered) | set(map(latent_name, dims or ()))
        known = {
            name: weight
            for name, weight in self.weights.items()
            if name in names or (dims is None and name.startswith(latent_name(0)[:-1]))
        }
        return FeatureChoice(dims, self.maps_clustered, known, self.learn_from or None)

    def color_map_of(self, name: str, values: ArrayLike | None = None) -> str:
        """Return the color map chosen, or the usual one for the latent or a map's values."""
        if self.cmap != "auto":
            return self.cmap
        return LATENT_COLORS if name == LATENT else usual_color_map(name, values)

    def as_plain(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, JSON-like."""
        plain: dict[str, Any] = {}
        default = Question()
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if value == getattr(default, item.name):
                continue
            plain[item.name] = _PLAIN[item.name](value) if item.name in _PLAIN else value
        return json.loads(json.dumps(plain))  # type: ignore[no-any-return]

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Question:
        """Read what `as_plain` wrote.

        Raises `RequestError` if a field is unknown or its value makes no sense.
        """
        try:
            return cls(**{name: _READ[name](value) for name, value in plain.items()})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = (
                f"The view can't be read: {type(error).__name__} {error}. The link or report was "
                "cut or changed; the page starts with its defaults."
            )
            raise RequestError(message) from error


def to_query(question: Question) -> dict[str, str]:
    """Return the query parameters of a question, none where it is the default."""
    plain = question.as_plain()
    packed = {name: plain.pop(name) for name in _PACKED if name in plain}
    query = {
        name: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        for name, value in plain.items()
    }
    for name, value in packed.items():
        text = _pack(json.dumps(value, separators=(",", ":")))
        if len(text) <= _LONGEST_SELECTION:
            query[_PACKED[name]] = text
    return query


def _pack(text: str) -> str:
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def from_query(query: Mapping[str, str]) -> Question:
    """Read a question from query parameters; those of other pages are left alone.

    Raises `RequestError` if one of them can't be read.
    """
    plain: dict[str, Any] = {}
    for name in _READ:
        if name in query and name not in _PACKED:
            text = query[name]
            plain[name] = text if name in _TEXTS else _json(name, text)
    for name, key in _PACKED.items():
        if key in query:
            plain[name] = _json(key, _unpack(query[key]))
    return Question.from_plain(plain)


def _unpack(text: str) -> str:
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(packed, _MOST_UNPACKED)
        if unpacker.unconsumed_tail:
            message = "The link's selection unpacks to more than any selection can be."
            raise RequestError(message)
        return content.decode()
    except (binascii.Error, zlib.error, UnicodeDecodeError) as error:
        message = "The link's selection is damaged. Ask for the link again."
        raise RequestError(message) from error


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        message = f"The link's {name!r} is {text[:40]!r}, which can't be read."
        raise RequestError(message) from error


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


_PLAIN: Mapping[str, Callable[[Any], object]] = {
    "selections": _plain_selections,
    "only": _plain_only,
    "filters": _plain_filters,
}
_TEXTS = frozenset(
    {
        "reference", "color", "cmap", "missing", "embedding", "metric", "space", "method",
        "scaling", "sample", "learn_from", "active",
    }
)  # fmt: skip
_READ: Mapping[str, Callable[[Any], Any]] = {
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

# Fields of many numbers, and what they are called in the URL, where they are compressed.
_PACKED: Mapping[str, str] = {"selections": "sel", "only": "only"}
# The names in the URL: those of the fields, and those of what is compressed.
QUERY_KEYS = (*_PACKED.values(), *(name for name in _READ if name not in _PACKED))
