"""``demo``: write the demo scan with its maps and its truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from latentcore.artifacts import RunFolder
from latentcore.artifacts.scan_hdf5 import write_scan
from latentcore.demo import DemoScan, make_demo_scan
from latentcore.progress import Progress
from latentcore.requests.verbs import option, verb


@dataclass(frozen=True)
class DemoRequest:
    """Which demo scan to make."""

    seed: int = option(0, help="another seed gives another specimen", convert=int)
    size: int = option(64, help="rows of the scan; it has 5/4 as many columns", convert=int)
    pattern_size: int = option(60, help="pixels per side of a pattern", convert=int)


@verb("demo", "Make the demo scan, a polycrystal whose truth is known.", DemoRequest)
def demo(request: DemoRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Make the demo scan and write its patterns, band contrast, elements and truth."""
    progress.step(0, 2, "making patterns")
    scan = make_demo_scan(
        request.seed,
        columns=request.size * 5 // 4,
        rows=request.size,
        pattern_size=request.pattern_size,
    )
    progress.step(1, 2, "writing")
    write_scan(folder.path("demo.h5"), scan.images, scan.coords)
    for name, table in _tables(scan).items():
        folder.write_csv(f"demo_{name}.csv", table)
    progress.step(2, 2, "done")
    return {
        "n_samples": len(scan),
        "grid_shape": list(scan.shape),
        "n_grains": int(scan.grain_id.max()) + 1,
        "phase_shares": {
            name: float(np.mean(scan.phase_id == number))
            for number, name in enumerate(("pore", "fcc", "bcc"))
        },
    }


def _tables(scan: DemoScan) -> dict[str, pd.DataFrame]:
    places = {"x": scan.coords[:, 0], "y": scan.coords[:, 1]}
    angles = np.round(scan.euler_degrees, 3)
    truth = {
        "grain_id": scan.grain_id,
        "phase_id": scan.phase_id,
        "phi1_deg": angles[:, 0],
        "Phi_deg": angles[:, 1],
        "phi2_deg": angles[:, 2],
        "gb_distance_px": np.round(scan.gb_distance_px, 3),
    }
    return {
        "bandcontrast": pd.DataFrame({**places, "bandcontrast": scan.bandcontrast}),
        "elements": pd.DataFrame({**places, **scan.elements}),
        "truth": pd.DataFrame({**places, **truth}),
    }
