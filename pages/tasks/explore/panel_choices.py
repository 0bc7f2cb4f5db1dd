"""Which panels Explore shows, and what its menus offer."""

from __future__ import annotations

from collections.abc import Callable

from latentcore.analysis.panel_ids import Axis
from pages.panels.linked_panels import Choice, Kind, Menu
from pages.view.question import CLUSTER, LATENT, ORIENTATION, REGION, SIMILARITY, Question
from pages.view.scene import Scene

FOLLOWS = ""
EMBEDDINGS = {"pca": "PCA", "umap": "UMAP", "graticule": "Where the samples lie"}
_NAMES = {
    CLUSTER: "Clusters",
    ORIENTATION: "Orientation (IPF-Z)",
    REGION: "Regions",
    SIMILARITY: "Similarity to the pinned point",
}
_COLOR = ("Colored by", "colors")
# What violins may be of, besides labels.
SELECTIONS = "@selections"
_KINDS = (
    Kind("embedding", "Embedding", (("Embedding", "embeddings"), _COLOR)),
    Kind("map", "Map", (("Map of", "colors"),)),
    Kind("clusters", "Clusters, shaded by the latent"),
    Kind("scatter", "Scatter", (("x", "features"), ("y", "features"), ("Colored by", "shades"))),
    Kind("histogram", "Histogram", (("Histogram of", "features"),)),
    Kind("violin", "Violins and boxes", (("Distribution of", "features"), ("By", "groups"))),
)
_ON_A_GRID = {"map", "clusters"}


def shown(scene: Scene, question: Question, *, regions: bool) -> tuple[Choice, ...]:
    """Return the panels to be shown: those chosen, as far as this scan has them, or the usual.

    Parameters
    ----------
    regions : bool
        Whether there are named regions.
    """
    kinds = {kind.name: kind for kind in _kinds(scene)}
    lists = _lists(scene, regions=regions)
    known = {name: {value for _, values in groups for value, _ in values} for name, groups in lists}
    mended = []
    for kind, *what in question.panels:
        if kind not in kinds:
            continue
        fields = kinds[str(kind)].fields
        asked = [*what, *[FOLLOWS] * len(fields)]
        held = (
            one if one in known[name] else FOLLOWS
            for one, (_, name) in zip(asked, fields, strict=False)
        )
        mended.append((str(kind), *held))
    return tuple(mended) or _usual(scene)


def menu(scene: Scene, choices: tuple[Choice, ...], *, regions: bool) -> Menu:
    """Return what the menus of the panels offer where those choices are shown."""
    return Menu(choices, _kinds(scene), dict(_lists(scene, regions=regions)))


def wants_umap(question: Question) -> bool:
    """Tell whether a UMAP is among the panels that were chosen."""
    return any(choice[:2] == ("embedding", "umap") for choice in question.panels)


def _usual(scene: Scene) -> tuple[Choice, ...]:
    places = () if scene.places is None else (("embedding", "graticule", FOLLOWS),)
    maps = () if scene.latents.grid is None else (("map", FOLLOWS), ("clusters",))
    return (("embedding", FOLLOWS, FOLLOWS), *places, *maps, ("scatter", FOLLOWS, FOLLOWS))


def _kinds(scene: Scene) -> tuple[Kind, ...]:
    return tuple(
        kind for kind in _KINDS if scene.latents.grid is not None or kind.name not in _ON_A_GRID
    )


_Groups = tuple[tuple[str, tuple[tuple[str | int, str], ...]], ...]


def _lists(scene: Scene, *, regions: bool) -> tuple[tuple[str, _Groups], ...]:
    latents = ("Latent dimensions", tuple((int(d), f"latent {d}") for d in scene.latents.dims))
    special = [name for name in scene.colorings if name in _NAMES] + [REGION] * regions
    named = ("", tuple((name, _NAMES[name]) for name in special))
    others = ((SELECTIONS, "Selections A and B"), *((REGION, _NAMES[REGION]),) * regions)
    grouped, maps = ("", others), _maps(scene.maps.names)
    there = [one for one in EMBEDDINGS if one != "graticule" or scene.places is not None]
    return (
        ("embeddings", (_follows("as chosen above"), ("", _named(there, EMBEDDINGS.__getitem__)))),
        ("colors", (_follows("as Color by says"), named, latents, maps)),
        ("shades", (_follows("clusters, shaded by the latent"), named, latents, maps)),
        ("features", (_follows("as the controls say"), latents, _maps(scene.numeric_maps))),
        ("groups", (_follows("clusters"), grouped, _maps(tuple(scene.maps.categories)))),
    )


def _follows(text: str) -> tuple[str, tuple[tuple[str | int, str], ...]]:
    return "", ((FOLLOWS, text),)


def _named(names: list[str], text: Callable[[str], str]) -> tuple[tuple[str | int, str], ...]:
    return tuple((name, text(name)) for name in names)


def _maps(names: tuple[str, ...]) -> tuple[str, tuple[tuple[str | int, str], ...]]:
    return "Maps", tuple((name, name) for name in names)


def colored(question: Question, what: Axis) -> Question:
    """Return the question as of a panel with a quantity, color map and limits of its own."""
    if what == FOLLOWS:
        return question
    own = question.changed(cmap="auto", limits=None)
    return own.changed(dim=what, color=LATENT) if isinstance(what, int) else own.changed(color=what)


def drawn_embedding(scene: Scene, question: Question, *, regions: bool) -> Question:
    """Return the question as of the first embedding that is shown: its method and its colors."""
    there = shown(scene, question, regions=regions)
    embeddings = (what for kind, *what in there if kind == "embedding")
    for method, color in embeddings:
        if method in (FOLLOWS, "pca", "umap"):
            own = colored(question, color)
            return own.changed(embedding=str(method)) if method else own
    return question


def violins(scene: Scene, question: Question, *, regions: bool) -> tuple[tuple[Axis, str], ...]:
    """Return what violins are shown of, and by which groups, as ``session`` calls them."""
    names = {FOLLOWS: "@clusters", REGION: "@regions", SELECTIONS: SELECTIONS}
    return tuple(
        (question.dim or 0 if what == FOLLOWS else what, names.get(str(by), str(by)))
        for kind, what, by in (
            choice for choice in shown(scene, question, regions=regions) if choice[0] == "violin"
        )
    )
