"""Everything that changes what the Explore page shows, in one value."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import ArrayLike

from latentcore.analysis.clustering import FeatureChoice, latent_name
from latentcore.analysis.panel_ids import MAP_PANELS, ROW_PANEL, Axis
from latentcore.analysis.selection import Shape
from latentcore.analysis.value_filters import Filters
from latentcore.errors import RequestError
from latentcore.figures.colors import LATENT_COLORS, usual_color_map
from pages.panels.linked_panels import Choice
from pages.panels.linked_panels.view import Slot
from pages.view.question_fields import PLAIN, READ

# What panels may be colored by besides a map; a map's own name may be "latent" or "cluster".
LATENT, CLUSTER, ORIENTATION = "@latent", "@cluster", "@orientation"
# Cosine similarity to the pinned point.
SIMILARITY = "@similarity"
# The named regions of the scan.
REGION = "@region"
# Among features: every latent dimension.
ALL_LATENTS = "@all"
NO_SELECTION: Mapping[str, tuple[Shape, ...]] = {"A": (), "B": ()}


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
            plain[item.name] = PLAIN[item.name](value) if item.name in PLAIN else value
        return json.loads(json.dumps(plain))  # type: ignore[no-any-return]

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Question:
        """Read what `as_plain` wrote.

        Raises `RequestError` if a field is unknown or its value makes no sense.
        """
        try:
            return cls(**{name: READ[name](value) for name, value in plain.items()})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = (
                f"The view can't be read: {type(error).__name__} {error}. The link or report was "
                "cut or changed; the page starts with its defaults."
            )
            raise RequestError(message) from error
