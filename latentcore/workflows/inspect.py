"""``inspect``: what a file holds, without writing anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentcore.containers import (
    LatentSet,
    Partitions,
    SampleSource,
    SampleTable,
    ScanGrid,
    ScanMaps,
    notes_of,
    partitions_of,
)
from latentcore.encoders import Encoder, feature_record, open_checkpoint, with_pooling
from latentcore.encoders.pooling import POOLINGS
from latentcore.errors import InputError, RequestError, UnknownFormatError, UnknownNameError
from latentcore.preparation import Preparation
from latentcore.progress import Progress
from latentcore.readers import (
    LATENTS_READERS,
    MAPS_READERS,
    SAMPLES_READERS,
    TABLES_READERS,
    open_latents,
    open_maps,
    open_samples,
    open_table,
    recognize,
    recognize_all,
    split_reader,
)
from latentcore.registry import Registry
from latentcore.requests.verbs import option, verb

_FAMILIES: dict[str, Registry[Any]] = {
    "samples": SAMPLES_READERS,
    "latents": LATENTS_READERS,
    "maps": MAPS_READERS,
    "table": TABLES_READERS,
}


@dataclass(frozen=True)
class InspectRequest:
    """What to look into."""

    location: str = option(
        help="file to look into; FILE@KEY=VALUE gives options to its reader, as scan=2",
        positional=True,
        kind="file",
        metavar="LOCATION",
    )
    reader: str | None = option(
        None,
        help="name of a reader, instead of recognition; with options for it as NAME:KEY=VALUE",
        metavar="NAME",
    )
    coords: str | None = option(
        None, help="table with x and y of each row, for formats without coordinates"
    )
    roi: tuple[float, ...] | None = option(
        None,
        help="the rows of an .npy are this ROI's (half-open)",
        nargs=4,
        metavar=("X0", "X1", "Y0", "Y1"),
        convert=float,
    )
    checkpoint: str | None = option(
        None,
        help="an encoder: show the shapes of what it takes, its feature map and its latents",
        kind="checkpoint",
    )
    resolution: tuple[int, int] | None = option(
        None,
        help="with a checkpoint: resize the samples to H W pixels, as extract does",
        nargs=2,
        metavar=("H", "W"),
        convert=int,
    )
    pool: str | None = option(
        None, help="with a checkpoint: how its feature map becomes a vector", choices=POOLINGS
    )


@verb("inspect", "Show what a file holds.", InspectRequest, writes=False, pool="thread")
def inspect(
    request: InspectRequest,
    folder: None,
    progress: Progress,
    *,
    open_model: Callable[..., Encoder] = open_checkpoint,
) -> dict[str, Any]:
    """Describe what a file holds.

    Returns
    -------
    dict
        ``location, reader, kind, n_samples, sample_shape, dtype, partitions, grid, maps,
        fingerprint``, ``notes`` on the file, and for latents and maps more about their values
        (``units, value_ranges, categories, euler_convention``).
        With a checkpoint, ``encoder`` with ``name, input_shape, latent_dim, device, preparation,
        samples_per_pass``, and ``feature_shape, pool`` where there is a feature map.
    """
    del folder, progress  # nothing is written, and one look takes no time worth reporting
    kind, reader = _recognized(request)
    name, options = split_reader(reader)
    described = _describe(kind, reader, request)
    if kind == "samples":
        try:
            described |= _maps_beside(request.location, options)
        except InputError as error:  # patterns are of use without their maps
            if not any(str(error) in note for note in described["notes"]):
                described["notes"].append(f"Its maps can't be read. {error}")
    description = _FAMILIES[kind].get(name).description
    found = {"location": request.location, "reader": name, "kind": kind, **described}
    return {**found, "description": description, **_encoder(request, kind, reader, open_model)}


def _encoder(
    request: InspectRequest, kind: str, reader: str, open_model: Callable[..., Encoder]
) -> dict[str, Any]:
    """Describe what an encoder would make of the samples, without encoding any."""
    if request.checkpoint is None:
        return {}
    if kind != "samples":
        message = (
            f"{request.location!r} holds {kind}; an encoder takes samples. Leave ⟨checkpoint⟩ out."
        )
        raise RequestError(message)
    with open_samples(request.location, reader) as samples:
        shape = Preparation(size=request.resolution).output_shape(samples.sample_shape)
    encoder = with_pooling(open_model(request.checkpoint, input_shape=shape), request.pool)
    recipe = encoder.preparation
    return {
        "encoder": {
            "name": encoder.name,
            "input_shape": list(encoder.input_shape),
            "latent_dim": encoder.latent_dim,
            **feature_record(encoder),
            "device": encoder.device,
            "samples_per_pass": encoder.tile,
            "preparation": None if recipe is None else recipe.to_dict(),
        }
    }


def _recognized(request: InspectRequest) -> tuple[str, str]:
    if request.reader is None:
        return recognize(request.location)
    name, _ = split_reader(request.reader)
    for kind, family in _FAMILIES.items():
        if name in family.names():
            return kind, request.reader
    names = ", ".join(name for family in _FAMILIES.values() for name in family.names())
    message = f"No reader is called {name!r}. There are: {names}."
    raise UnknownNameError(message)


def _describe(kind: str, reader: str, request: InspectRequest) -> dict[str, Any]:
    if kind == "samples":
        with open_samples(request.location, reader) as samples:
            return _describe_samples(samples)
    if kind == "latents":
        options: dict[str, object] = {} if request.roi is None else {"roi": request.roi}
        latents = open_latents(request.location, request.coords, reader, **options)
        return _describe_latents(latents)
    if kind == "table":
        return _describe_table(open_table(request.location, reader))
    return _describe_maps(open_maps(request.location, reader))


def _maps_beside(location: str, options: dict[str, object]) -> dict[str, Any]:
    """Describe the maps that a file of samples holds as well; a vendor's scan does."""
    try:
        reader = recognize_all(location, **options).get("maps")
    except UnknownFormatError:  # it opens only because its reader was named
        return {}
    if reader is None:
        return {}
    maps = open_maps(location, reader, **options)
    return {"maps": list(maps.names), "maps_reader": reader, **_describe_values(maps)}


def _describe_samples(samples: SampleSource) -> dict[str, Any]:
    return {
        "n_samples": len(samples),
        "sample_shape": list(samples.sample_shape),
        "dtype": str(samples.dtype),
        "partitions": _partitions(partitions_of(samples.partition)),
        "grid": _describe_grid(samples.grid),
        "maps": [],
        "fingerprint": samples.fingerprint(),
        "notes": list(notes_of(samples)),
        "labelled": samples.labels is not None,
        "block_rows": samples.block_rows,
    }


def _describe_latents(latents: LatentSet) -> dict[str, Any]:
    extremes = [_range(values[latents.encoded[rows]]) for rows, values in latents.blocks()]
    return {
        "n_samples": len(latents),
        "sample_shape": [latents.shape[1]],
        "dtype": "float32",
        "partitions": _partitions(latents.partition),
        "grid": _describe_grid(latents.grid),
        "maps": [],
        "fingerprint": latents.fingerprint,
        "labelled": latents.labels is not None,
        "dims": latents.dims.tolist(),
        "n_encoded": int(latents.encoded.sum()),
        "value_range": _range(np.array([pair for pair in extremes if pair is not None])),
    }


def _describe_maps(maps: ScanMaps) -> dict[str, Any]:
    return {
        "n_samples": len(maps.grid),
        "sample_shape": [],
        "dtype": str(maps.values.dtype),
        "partitions": {},
        "grid": _describe_grid(maps.grid),
        "maps": list(maps.names),
        "fingerprint": maps.fingerprint,
        "notes": list(maps.notes),
        "dropped_rows": maps.dropped,
        **_describe_values(maps),
    }


def _describe_values(maps: ScanMaps) -> dict[str, Any]:
    return {
        "units": dict(zip(maps.names, maps.units, strict=True)),
        "value_ranges": {name: _range(maps.get(name)) for name in maps.names},
        "categories": {name: list(names.values()) for name, names in maps.categories.items()},
        "euler_convention": maps.euler_convention,
    }


def _describe_table(table: SampleTable) -> dict[str, Any]:
    ids = np.empty(0, np.str_) if table.sample_ids is None else table.sample_ids
    named = ids[ids != ""]
    within = np.array([one.rpartition("/")[0] for one in named.tolist()], np.str_)
    return {
        "n_samples": len(table),
        "sample_shape": [],
        "dtype": str(table.values.dtype),
        "partitions": _partitions(partitions_of(within)) if within.any() else {},
        "grid": None,
        "maps": list(table.names),
        "fingerprint": table.fingerprint,
        "n_named": len(named),
        "value_ranges": {
            name: _range(values) for name, values in zip(table.names, table.values, strict=True)
        },
        "categories": {name: list(names.values()) for name, names in table.categories.items()},
    }


def _describe_grid(grid: ScanGrid | None) -> dict[str, Any] | None:
    if grid is None:
        return None
    return {
        "kind": grid.kind,
        "shape": list(grid.shape),
        "x_range": list(grid.x_range),
        "y_range": list(grid.y_range),
        "step": list(grid.step),
        "unit": grid.unit,
    }


def _partitions(partition: Partitions | None) -> dict[str, int]:
    """Return how many samples each partition has, in the file's order."""
    if partition is None:
        return {}
    return dict(zip(partition.names, partition.count().tolist(), strict=True))


def _range(values: np.ndarray[Any, Any]) -> list[float] | None:
    finite = values[np.isfinite(values)]
    return [float(finite.min()), float(finite.max())] if finite.size else None
