"""From the choices of panels to the panels."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from latentcore.analysis.panel_ids import MAP_PANELS, Axis, scatter_panel
from latentcore.containers import Clustering
from latentcore.figures.colors import Theme
from pages.panels.linked_panels import Choice, Coloring, Direct, Panel, PointArrays
from pages.regions.kept import Kept
from pages.tasks.explore import panel_choices
from pages.tasks.explore.colorings import main_coloring, region_coloring, shaded
from pages.tasks.explore.panel_axes import (
    axis_array,
    axis_label,
    axis_title,
    embedding_axes,
    reference_axes,
)
from pages.view.embeddings import EmbeddingView
from pages.view.question import CLUSTER, LATENT, ORIENTATION, REGION, SIMILARITY, Question
from pages.view.scene import Scene, scatter_of


@dataclass(frozen=True)
class PanelMaker:
    """Makes a panel of each choice, and notes its coloring."""

    arrays: PointArrays
    scene: Scene
    question: Question
    embeddings: Mapping[str, EmbeddingView]
    shown: str | None
    clustering: Clustering | None
    labels_key: str
    theme: Theme
    regions: Kept
    colorings: dict[str, Coloring]
    awaited: bool

    def panels(self, choices: Iterable[Choice]) -> list[Panel]:
        """Return the panels of those choices that can be shown now."""
        makers: Mapping[str, Callable[..., Panel | None]] = {
            "embedding": self._embedding,
            "map": self._map,
            "clusters": self._clusters,
            "scatter": self._scatter,
            "histogram": self._histogram,
            "violin": self._violin,
        }
        made = [makers[str(kind)](*what) for kind, *what in choices]
        return [replace(one, place=place) for place, one in enumerate(made) if one is not None]

    def _embedding(self, method: str, color: Axis) -> Panel | None:
        wanted = [one for one in self.embeddings if method and one.startswith(method)]
        found = self.embeddings.get(next(iter(wanted), self.shown or ""))
        if found is None:
            return None
        return Panel(
            found.panel, "scatter", found.title, *embedding_axes(self.arrays, found),
            *found.labels, self._color(color), equal_aspect=not found.panel.startswith("pca"),
            note=found.note or self._note(color), graticule=found.graticule,
            under=reference_axes(self.arrays, found),
        )  # fmt: skip

    def _map(self, what: Axis) -> Panel:
        own = panel_choices.colored(self.question, what)
        panel = MAP_PANELS[0] if what == panel_choices.FOLLOWS else f"map:{json.dumps(what)}"
        title = _quantity_title(own)
        return Panel(
            panel, "map", title, None, None, *self._xy, self._color(what), frame=MAP_PANELS[0]
        )

    def _clusters(self) -> Panel | None:
        if self.clustering is None and not self.awaited:
            return None
        if self.clustering is None:
            title, color = "Clusters: being computed", self._color(panel_choices.FOLLOWS)
        else:
            title, color = f"Clusters, shaded by latent {self.question.dim}", self._shaded()
        return Panel(MAP_PANELS[1], "map", title, None, None, *self._xy, color)

    def _scatter(self, x: Axis, y: Axis, own: Axis = panel_choices.FOLLOWS) -> Panel | None:
        along = scatter_of(self.scene, self.question) or (None, None)
        one, other = (
            default if axis == panel_choices.FOLLOWS else axis
            for axis, default in zip((x, y), along, strict=True)
        )
        if one is None or other is None:
            return None
        shaded = own == panel_choices.FOLLOWS and self.clustering is not None
        color = self._shaded() if shaded else self._color(own)
        return replace(_scatter(self.arrays, self.scene, (one, other), color), note=self._note(own))

    def _histogram(self, what: Axis) -> Panel:
        axis = self.question.dim or 0 if what == panel_choices.FOLLOWS else what
        array = axis_array(self.arrays, self.scene, axis)
        title = axis_title(axis)
        counted = self.scene.points + ("" if self.arrays.shown is None else " drawn")
        return Panel(
            f"histogram:{json.dumps(axis)}", "histogram", title[0].upper() + title[1:], array,
            array, axis_label(self.scene, axis), counted, self._slots(), note="histogram",
            frame=scatter_panel(axis, axis),
        )  # fmt: skip

    def _violin(self, what: Axis, by: Axis) -> Panel:
        axis = self.question.dim or 0 if what == panel_choices.FOLLOWS else what
        array = axis_array(self.arrays, self.scene, axis)
        label, color = self._groups(by)
        title = f"{axis_title(axis)} by {label}"
        about = "violins and boxes"
        if self.arrays.shown is not None:
            about += f" of the {self.scene.points} drawn"
        return Panel(
            f"violin:{json.dumps([axis, by])}", "violin", title[0].upper() + title[1:], array,
            array, label, axis_label(self.scene, axis), color, note=about,
            frame=scatter_panel(axis, axis),
        )  # fmt: skip

    def _groups(self, by: Axis) -> tuple[str, str]:
        """Return what violins are of, and the coloring that has its labels."""
        if by == panel_choices.FOLLOWS and self.clustering is not None:
            return "cluster", self._color(CLUSTER)
        if by == REGION and self.regions.shown:
            return "region", self._color(REGION)
        if by in self.scene.maps.categories:
            return str(by), self._color(by)
        return "selection", self._slots()

    def _slots(self) -> str:
        """Return the coloring of what has the colors of the selections."""
        self.colorings["bars"] = Direct(self.arrays.add_zeros(len(self.scene.latents)))
        return "bars"

    @property
    def _xy(self) -> tuple[str, str]:
        grid = self.scene.latents.grid
        unit = "" if grid is None else grid.unit
        return (f"x ({unit})", f"y ({unit})") if unit else ("x", "y")

    def _note(self, color: Axis) -> str:
        if color == panel_choices.FOLLOWS:
            return ""
        return f"colored by {_quantity_title(panel_choices.colored(self.question, color)).lower()}"

    def _shaded(self) -> str:
        assert self.clustering is not None
        if "clusters" not in self.colorings:
            self.colorings["clusters"] = shaded(
                self.arrays, self.scene, self.question, self.clustering, self.labels_key, self.theme
            )
        return "clusters"

    def _color(self, what: Axis) -> str:
        """Return the name of a quantity's coloring; an empty name is what *Color by* says."""
        name = "main" if what == panel_choices.FOLLOWS else f"by {json.dumps(what)}"
        if name in self.colorings:
            return name
        own = panel_choices.colored(self.question, what)
        if own.color == REGION and self.regions.shown:
            self.colorings[name] = region_coloring(self.arrays, self.regions, self.theme)
        else:
            self.colorings[name] = main_coloring(
                self.arrays, self.scene, own, self.clustering, self.labels_key, self.theme,
                self.regions,
            )  # fmt: skip
        return name


def distinct(panels: Iterable[Panel]) -> tuple[Panel, ...]:
    """Give panels that are shown twice an id of their own; strokes name the first."""
    seen: dict[str, int] = {}
    distinct = []
    for panel in panels:
        count = seen[panel.id] = seen.get(panel.id, 0) + 1
        again = replace(panel, id=f"{panel.id}~{count}", frame=panel.frame or panel.id)
        distinct.append(panel if count == 1 else again)
    return tuple(distinct)


def _quantity_title(question: Question) -> str:
    if question.color == LATENT or (question.color == SIMILARITY and question.pinned is None):
        return f"Latent {question.dim}"
    if question.color == SIMILARITY:
        return f"Similarity to point {question.pinned:,}"
    titles = {CLUSTER: "Clusters", ORIENTATION: "Orientation (IPF-Z)", REGION: "Regions"}
    return titles.get(question.color, question.color)


def _scatter(arrays: PointArrays, scene: Scene, along: tuple[Axis, Axis], color: str) -> Panel:
    x, y = along
    labels = [axis_label(scene, one) for one in along]
    title = " and ".join(map(axis_title, along))
    return Panel(
        scatter_panel(x, y), "scatter", title[0].upper() + title[1:],
        axis_array(arrays, scene, x), axis_array(arrays, scene, y),
        labels[0], labels[1], color,
    )  # fmt: skip
