"""What ``collect`` is asked."""

from __future__ import annotations

from dataclasses import dataclass

from latentcore.requests.options import reader_option
from latentcore.requests.verbs import option


@dataclass(frozen=True)
class CollectRequest:
    """Which latents of which scans, and by what maps."""

    latents: tuple[str, ...] = option(
        help="2 to 50 files of latents that one encoder made, in the order in which they are to "
        "lie",
        positional=True,
        nargs="+",
        kind="latents",
    )
    map: tuple[str, ...] = option(
        (),
        help="a map of each scan, in the order of the latents, '-' where one has none; may be "
        "given again for further maps. Maps of one name become one",
        kind="map",
        nargs="+",
        repeat=True,
    )
    scans: tuple[str, ...] | None = option(
        None, help="what the scans are called; default: by their files", nargs="+", metavar="NAME"
    )
    name: str = option(
        "collection", help="what the collection and its files are called", metavar="NAME"
    )
    reader: str | None = reader_option()
