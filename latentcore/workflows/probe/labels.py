"""Labels for a probe: those of the latents' file, or a column of a map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.probe import ProbeLabels
from latentcore.artifacts import RunFolder
from latentcore.containers import Columns, LatentSet
from latentcore.errors import RequestError
from latentcore.inputs.labels import table_of
from latentcore.inputs.maps import maps_at, read_map
from latentcore.inputs.sample_tables import table_at
from latentcore.requests.map_specs import split_map_spec

# Nobody can read a confusion matrix of more classes; and numbers of so many values, which no
# reader takes for labels, are quantities.
_MOST_CLASSES = 100
_NOISE = "-1"


@dataclass(frozen=True, eq=False)
class FoundLabels:
    """Labels, and what became of every sample.

    Attributes
    ----------
    source : str
        ``"labels of the latents' file"``, or the map's column.
    counts : Mapping of str to int
        Samples of each class that take part.
    left_out : Mapping of str to int
        Why samples take no part → how many.
    """

    labels: ProbeLabels
    source: str
    counts: Mapping[str, int]
    left_out: Mapping[str, int]
    notes: tuple[str, ...] = ()


def find_labels(
    latents: LatentSet,
    spec: str | None,
    folder: RunFolder,
    *,
    without: Sequence[str] = (),
    fewest: int = 1,
    least: int = 2,
) -> FoundLabels:
    """Find the label of every latent.

    Parameters
    ----------
    spec : str or None
        ``LABELS``; the file's own labels without it.
    folder : RunFolder
        Notes what is read.
    without : sequence of str
        Names of classes that take no part; −1 (noise, nothing) never does.
    fewest : int
        Classes with fewer samples take no part either.
    least : int
        How many classes are needed.
    """
    if spec is None:
        values, names, source = _of_file(latents)
        unmatched = 0
    else:
        values, names, source, unmatched = _of_map(latents, spec, folder)
    encoded = latents.encoded
    given = np.isfinite(values)
    named = np.array([names.get(code, "") for code in np.unique(values[given])])
    _refuse_unknown(without, [str(name) for name in named], source)
    left_out = {
        "no latent": int((given & ~encoded).sum()),
        "no label": int((~given).sum()),
    }
    part = given & encoded
    for name in dict.fromkeys((_NOISE, *without)):
        meant = [code for code, called in names.items() if called == name]
        chosen = part & np.isin(values, meant)
        if chosen.any():
            left_out[f"class {name}"] = int(chosen.sum())
            part &= ~chosen
    counts = Counter(values[part].tolist())
    for code, n in sorted(counts.items()):
        if n < fewest:
            left_out[f"class {names[code]}, {n} sample"] = n
            part &= values != code
    classes = np.unique(values[part])
    if len(classes) < least:
        _refuse_few(classes, names, source, left_out, least)
    codes = np.where(part, np.searchsorted(classes, np.where(part, values, 0)), -1)
    labels = ProbeLabels(codes.astype(np.int64), tuple(names[code] for code in classes))
    return FoundLabels(
        labels,
        source,
        {names[code]: counts[code] for code in classes.tolist()},
        {why: n for why, n in left_out.items() if n},
        _notes(left_out, unmatched, fewest),
    )


_Values = NDArray[np.float64]
_Names = Mapping[float, str]


def _of_file(latents: LatentSet) -> tuple[_Values, _Names, str]:
    if latents.labels is None and latents.targets is not None:
        message = (
            "The latents' file holds measured values, but a probe learns classes. Give a map of "
            "classes, ⟨labels⟩ FILE:COLUMN, or a file whose y counts classes."
        )
        raise RequestError(message)
    if latents.labels is None:
        message = (
            "The latents' file holds no labels. Name a map that does: ⟨labels⟩ FILE:COLUMN, "
            "joined by x and y."
        )
        raise RequestError(message)
    values = latents.labels.astype(np.float64)
    return values, _numbered(values, "the latents' labels"), "labels of the latents' file"


def _of_map(latents: LatentSet, spec: str, folder: RunFolder) -> tuple[_Values, _Names, str, int]:
    columns, unmatched = _columns_at(latents, spec, folder)
    name = _one_name(columns, spec)
    values = columns.get(name).astype(np.float64)
    known = columns.categories.get(name)
    names = (
        _numbered(values, name, spec)
        if known is None
        else {float(code): called for code, called in known.items()}
    )
    n = len(np.unique(values[np.isfinite(values)]))
    if known is not None and n > _MOST_CLASSES:
        message = (
            f"{name} holds {n} different labels, but a probe separates at most {_MOST_CLASSES} "
            "classes. Give labels of fewer classes, or a smaller ROI."
        )
        raise RequestError(message)
    return values, names, name, unmatched


def _columns_at(latents: LatentSet, spec: str, folder: RunFolder) -> tuple[Columns, int]:
    """Return what a ``MAP`` names at the latents, by x and y; off a grid a table's columns."""
    if latents.grid is None:
        columns, names = table_at(table_of(spec), latents, folder)
        meant = replace(columns, values=columns.values[[columns.names.index(one) for one in names]],
                        names=names, units=("",) * len(names))  # fmt: skip
        return meant, columns.unmatched
    maps = read_map(table_of(spec), folder)
    values, unmatched = maps_at(maps, latents.grid)
    return replace(maps, values=values, grid=latents.grid), unmatched


def _one_name(columns: Columns, spec: str) -> str:
    """Return the column meant: the only one, or the only one of categories."""
    names = list(columns.names)
    if len(names) > 1:
        names = [name for name in names if name in columns.categories]
    if len(names) == 1:
        return names[0]
    message = (
        f"One column of labels is needed, but {spec!r} holds {len(columns.names)}: "
        f"{', '.join(columns.names)}. Name one as {split_map_spec(spec)[0]}:COLUMN."
    )
    raise RequestError(message)


def _numbered(values: _Values, source: str, spec: str | None = None) -> dict[float, str]:
    """Return the names of whole numbers; others are quantities, which a probe doesn't learn."""
    given = values[np.isfinite(values)]
    distinct = np.unique(given)
    if (distinct != np.rint(distinct)).any() or len(distinct) > _MOST_CLASSES:
        classes = () if spec is None else read_map(split_map_spec(table_of(spec))[0]).categories
        there = f" ({', '.join(classes)})" if classes else ""
        message = (
            f"{source} looks continuous: {len(distinct)} different values among {len(given)} "
            f"samples, from {distinct[0]:g} to {distinct[-1]:g}. A probe learns classes: name a "
            f"column of classes{there}, or make classes of it first, by 'cluster' or by cutting "
            "it into ranges."
        )
        raise RequestError(message)
    return {float(code): str(int(code)) for code in distinct}


def _refuse_unknown(without: Sequence[str], names: Sequence[str], source: str) -> None:
    unknown = [name for name in without if name not in names and name != _NOISE]
    if unknown:
        message = (
            f"The class {unknown[0]!r} was to be left out, but {source} has the classes "
            f"{', '.join(names)}. Name one of these."
        )
        raise RequestError(message)


def _refuse_few(
    classes: _Values, names: _Names, source: str, left_out: Mapping[str, int], least: int
) -> None:
    has = f"only the class {names[float(classes[0])]}" if len(classes) else "no label at all"
    reasons = ", ".join(f"{n} with {why}" for why, n in left_out.items() if n) or "none"
    message = (
        f"{'Two classes are' if least > 1 else 'A label is'} needed, but of {source} {has} is "
        f"left. Left out were: {reasons}. Give other labels, or leave out fewer."
    )
    raise RequestError(message)


def _notes(left_out: Mapping[str, int], unmatched: int, fewest: int) -> tuple[str, ...]:
    notes = []
    if unmatched:
        notes.append(
            f"{unmatched} samples have no label in that file and take no part. Check that it is "
            "about the same scan, or the same samples."
        )
    rare = [why for why in left_out if why.endswith("sample")]
    if rare:
        notes.append(
            f"Left out, as a class needs {fewest} samples to be both learned and tested: "
            f"{'; '.join(rare)}."
        )
    return tuple(notes)
