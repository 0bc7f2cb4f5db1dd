"""``collect``: latents of several scans as one file, scan beside scan."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from latentcore.analysis.mosaic import Mosaic, mosaic
from latentcore.artifacts import RunFolder
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, Partitions, Provenance, later
from latentcore.errors import RequestError
from latentcore.progress import Progress
from latentcore.requests.verbs import as_plain, verb
from latentcore.workflows.collect.joined_maps import JoinedMaps, join_maps
from latentcore.workflows.collect.members import Member, joined_ids, joined_rows, read_members
from latentcore.workflows.collect.request import CollectRequest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CollectRequest", "run"]

_FILE_NAME = re.compile(r"[\w][\w .-]{0,59}")


@verb("collect", "Join latents of several scans into one collection.", CollectRequest)
def run(request: CollectRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Join latents of several scans, made by one encoder, into one collection.

    Writes ``<name>_latents.h5``, in which scan lies beside scan on one grid, with gaps that keep
    them apart, and each scan is a partition; ``<name>_maps.parquet`` (x, y, scan, the maps,
    scan_x and scan_y; without a grid sample_id and scan) and ``collection.json``. Every other verb
    and page takes these as latents and maps of one scan.

    Returns
    -------
    dict
        What ``collection.json`` holds.
    """
    if _FILE_NAME.fullmatch(request.name) is None:
        message = (
            f"⟨name⟩ {request.name!r} can't be part of a file's name. Give up to 60 letters, "
            "digits, spaces, dots and hyphens."
        )
        raise RequestError(message)
    members, notes = read_members(request, folder, progress)
    maps = join_maps(request.map, members, folder)
    grids = [member.grid for member in members if member.grid is not None]
    laid = mosaic(grids) if grids else None
    latents = _joined(members, request, laid, folder)
    latents_file, maps_file = f"{request.name}_latents.h5", f"{request.name}_maps.parquet"
    progress.step(0, 1, "writing")
    write_latents(folder.path(latents_file), latents)
    _table(members, latents, maps).to_parquet(folder.path(maps_file), index=False)
    report = {
        "name": request.name,
        "latents": latents_file,
        "maps": maps_file,
        "n": len(latents),
        "latent_dim": latents.shape[1],
        "encoder": members[0].made.encoder,
        "scans": _scans(members, laid),
        "map_names": maps.scans,
        "numbered": maps.numbered,
        "notes": [*notes, *_notes(members, maps, laid)],
    }
    folder.write_json("collection.json", report)
    progress.step(1, 1, "writing")
    return report


def _joined(
    members: Sequence[Member], request: CollectRequest, laid: Mosaic | None, folder: RunFolder
) -> LatentSet:
    labels = [member.labels for member in members if member.labels is not None]
    whole = {**as_plain(request), "resolved": {"encoder_fingerprint": members[0].made.encoder}}
    stored = joined_rows(members, request.reader)
    return LatentSet(
        values=later(stored.load),
        sample_ids=joined_ids(members),
        dims=np.array(members[0].made.dims, np.int32),
        grid=None if laid is None else laid.grid,
        partition=_partitions(members),
        stored=stored,
        labels=np.concatenate(labels) if len(labels) == len(members) else None,
        provenance=Provenance(
            verb="collect", request=whole, inputs=tuple(folder.inputs),
            parents=tuple(folder.parents),
        ),
    )  # fmt: skip


def _partitions(members: Sequence[Member]) -> Partitions:
    codes = np.arange(len(members), dtype=np.int32)
    names = tuple(member.name for member in members)
    return Partitions(names, np.repeat(codes, [member.n for member in members]))


def _table(members: Sequence[Member], latents: LatentSet, maps: JoinedMaps) -> pd.DataFrame:
    import pandas as pd

    parted = _partitions(members)
    scan = pd.Categorical.from_codes(parted.codes, list(parted.names))
    if latents.grid is None:
        return pd.DataFrame({"sample_id": latents.sample_ids, "scan": scan, **maps.values})
    x, y = latents.grid.plain_coordinates()
    own = [member.grid.plain_coordinates() for member in members if member.grid is not None]
    scan_x, scan_y = (np.concatenate(parts) for parts in zip(*own, strict=True))
    return pd.DataFrame(
        {"x": x, "y": y, "scan": scan, **maps.values, "scan_x": scan_x, "scan_y": scan_y}
    )


def _scans(members: Sequence[Member], laid: Mosaic | None) -> list[dict[str, Any]]:
    tiles = [None] * len(members) if laid is None else laid.tiles
    return [
        {
            "name": member.name,
            "location": member.location,
            "fingerprint": member.fingerprint,
            "n": member.n,
            **({} if tile is None else {"row": tile.row, "column": tile.col}),
        }
        for member, tile in zip(members, tiles, strict=True)
    ]


def _notes(members: Sequence[Member], maps: JoinedMaps, laid: Mosaic | None) -> list[str]:
    notes = []
    if laid is not None and laid.in_steps:
        notes.append(
            "The scans have different steps or units, so that the collection's x and y count "
            "steps; scan_x and scan_y are those of each scan."
        )
    for name, scans in maps.scans.items():
        if len(scans) < len(members):
            missing = [member.name for member in members if member.name not in scans]
            notes.append(f"{name} is missing in {', '.join(missing)}.")
    notes += [
        f"{count:,} points of {scan} have no row in one of its maps."
        for scan, count in maps.unmatched.items()
    ]
    notes += [
        f"{name} counts anew in each scan: its numbers in {', '.join(added)} were raised, so that "
        "no two are one."
        for name, added in maps.numbered.items()
    ]
    return notes
