"""``grains``: connected points of one phase whose orientations are alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.orientations.grains import ANGLE, Grains, find_grains
from latentcore.analysis.orientations.rotations import to_euler
from latentcore.analysis.orientations.scan import Orientations, orientations_of
from latentcore.artifacts import RunFolder
from latentcore.containers import Roi, ScanMaps, quantities
from latentcore.containers.crystals import LAUE_GROUPS
from latentcore.inputs.maps import read_map
from latentcore.outputs.domains import write_domains
from latentcore.progress import Progress
from latentcore.requests.options import roi_option
from latentcore.requests.verbs import option, verb

__all__ = ["GrainsRequest", "run"]


@dataclass(frozen=True, kw_only=True)
class GrainsRequest:
    """Whose grains to find, and what tells them apart."""

    maps: str = option(
        help="phases and Euler angles (Bunge): a vendor's EBSD file, or a table with columns "
        "phi1, Phi, phi2 and phase; FILE@KEY=VALUE gives options to its reader, as scan=2",
        positional=True,
        kind="map",
        metavar="MAPS",
    )
    angle: float = option(
        ANGLE, help="neighbors of one grain differ by less, in degrees", convert=float, metavar="A"
    )
    min_size: int = option(
        1,
        help="grains of fewer points are absorbed by the most similar neighbor",
        convert=int,
        metavar="N",
    )
    laue: tuple[str, ...] = option(
        (),
        help=f"Laue group of a phase by its number or name, or of all: {', '.join(LAUE_GROUPS)}; "
        "where nothing is said of numbered phases they are taken as m-3m, and a note says so",
        repeat=True,
        metavar="[PHASE=]GROUP",
    )
    roi: tuple[float, ...] | None = roi_option()
    reader: str | None = option(
        None, help="name of a maps reader, instead of recognition by content", metavar="NAME"
    )


@verb("grains", "Find grains from the phases and Euler angles of an EBSD map.", GrainsRequest)
def run(request: GrainsRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Find grains.

    Writes what `latentcore.outputs.domains.write_domains` writes: distances are disorientations
    in degrees, a domain is a grain, and each grain has its phase and mean orientation.

    Returns
    -------
    dict
        What the report holds.
    """
    progress.step(0, 4, "reading maps")
    maps = _in_roi(read_map(request.maps, folder, request.reader), request.roi)
    scan = orientations_of(maps, request.laue)
    grains = find_grains(
        scan, maps.grid, angle=request.angle, min_size=request.min_size, progress=progress
    )
    progress.step(3, 4, "describing grains")
    values = {name: maps.get(name) for name in quantities(maps) if name not in scan.columns}
    return write_domains(
        folder,
        grains.domains,
        _report(request, scan, grains),
        values=values,
        columns=_columns(scan, grains),
        title=f"Disorientation of neighbors below {request.angle:g}°",
        called="grain",
    )


def _in_roi(maps: ScanMaps, bounds: tuple[float, ...] | None) -> ScanMaps:
    if bounds is None:
        return maps
    inside = Roi.from_bounds(bounds).mask(maps.grid)
    return replace(maps, values=maps.values[:, inside], grid=maps.grid.take(inside))


def _columns(scan: Orientations, grains: Grains) -> dict[str, NDArray[Any]]:
    """Return what the table says of grains beside what it says of all domains."""
    angles = np.degrees(to_euler(grains.orientations)).T
    names = np.array([scan.names[number] for number in grains.phase.tolist()], object)
    means = dict(zip(("phi1_deg", "Phi_deg", "phi2_deg"), angles, strict=True))
    return {"phase": grains.phase, "phase_name": names, **means}


def _report(request: GrainsRequest, scan: Orientations, grains: Grains) -> dict[str, Any]:
    phases = {
        str(number): {
            "name": scan.names[number],
            "laue": symmetry.laue,
            "hexagonal_x": symmetry.hexagonal_x,
            "n": int((scan.phase == number).sum()),
            "n_grains": int((grains.phase == number).sum()),
        }
        for number, symmetry in scan.symmetries.items()
    }
    return {
        "threshold": request.angle,
        "method": "disorientation",
        "min_size": request.min_size,
        "confidence": None,
        "unit": "°",
        "maps": request.maps,
        "roi": request.roi,
        "phases": phases,
        "n_not_indexed": int((~scan.indexed).sum()),
        "euler_convention": scan.convention,
        "notes": list(scan.notes),
    }
