"""``bandcontrast``: a map of pattern quality, and which points a threshold keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentcore.analysis.quality_map import Axis, histogram, line_at
from latentcore.artifacts import RunFolder
from latentcore.containers import Roi, ScanGrid
from latentcore.errors import RequestError
from latentcore.inputs.kept import Kept
from latentcore.inputs.maps import BAND_CONTRAST, read_one_map
from latentcore.progress import Progress
from latentcore.requests.options import (
    keep_above_option,
    keep_below_option,
    keep_between_option,
    keep_label_option,
    keep_xy_option,
    missing_color_option,
    samples_roi_option,
)
from latentcore.requests.verbs import option, verb

_MOST_SAID = (1, 5, 25, 50, 75, 95, 99)
_OTHER_COLUMNS = ("x", "y", "row", "column", "kept")
_SNIPPET = '''\
"""Compute the figures of report.json again from the table beside it."""

import numpy as np
import pandas as pd

table = pd.read_csv("bandcontrast.csv")  # in the run's folder
values = table.iloc[:, 4].astype("float32").dropna().astype("float64")
kept = table["kept"]
print("points", len(table), "with a value", len(values), "kept", kept.sum())
print("mean", values.mean(), "s.d.", values.std(ddof=1))
print("quantiles", np.percentile(values, [1, 5, 25, 50, 75, 95, 99]))
print("mean of the kept points", table.iloc[:, 4].astype("float32")[kept].astype("float64").mean())
'''


@dataclass(frozen=True)
class BandContrastRequest:
    """Which map, and which of its points are kept."""

    map: str = option(
        help="map of band contrast, or of any quantity: FILE or FILE:COLUMN", positional=True,
        kind="map",
    )  # fmt: skip
    above: float | None = option(
        None, help="keep points where the map is above this", convert=float, metavar="VALUE"
    )
    below: float | None = option(
        None, help="keep points where the map is below this", convert=float, metavar="VALUE"
    )
    roi: tuple[float, ...] | None = samples_roi_option()
    keep_above: tuple[str | float, ...] | None = keep_above_option()
    keep_below: tuple[str | float, ...] | None = keep_below_option()
    keep_between: tuple[str | float, ...] | None = keep_between_option()
    keep_label: tuple[str, ...] | None = keep_label_option()
    keep_xy: str | None = keep_xy_option()
    row: float | None = option(
        None, help="y of the row whose profile is drawn; the middle one if not given",
        convert=float, metavar="Y",
    )  # fmt: skip
    column: float | None = option(
        None, help="x of the column whose profile is drawn; the middle one if not given",
        convert=float, metavar="X",
    )  # fmt: skip
    missing_color: str = missing_color_option()


@verb("bandcontrast", "Draw band contrast, and keep points by it.", BandContrastRequest,
      pool="thread")  # fmt: skip
def run(request: BandContrastRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Draw a map of pattern quality in gray, count its values, and write the points that it keeps.

    Writes ``bandcontrast.csv`` (x, y, row, column, the map by its name, kept),
    ``bandcontrast.npy`` (rows × columns), ``mask.npy`` of the same shape, ``kept.csv`` (x, y) and
    ``kept.npy`` (m, 2) for ``--keep-xy``, ``histogram.csv``, ``row_profile.csv``,
    ``column_profile.csv``, a figure of each, and ``report.json``.

    Returns
    -------
    dict
        What the report holds.
    """
    maps = read_one_map(request.map, folder)
    name, values, grid = maps.names[0], maps.values[0], maps.grid
    if name in _OTHER_COLUMNS:
        name = f"{name}_map"
    kept = Kept.asked(request).mask(grid, request.map, folder) & _within(request, values, name)
    if not kept.any():
        message = (
            "No point meets all of these conditions at once. Choose other limits, or another ⟨roi⟩."
        )
        raise RequestError(message)
    shown = _Shown(request, name, maps.units[0], grid, values, kept)
    progress.step(0, 3, "drawing")
    shown.write_points(folder)
    shown.draw_maps(folder)
    progress.step(1, 3, "drawing")
    shown.write_histogram(folder)
    progress.step(2, 3, "drawing")
    profiles = {
        "row": shown.write_profile(folder, "row", "x", request.row),
        "column": shown.write_profile(folder, "column", "y", request.column),
    }
    progress.step(3, 3, "drawing")
    report = {
        "map": name,
        "unit": maps.units[0],
        "n": len(values),
        "n_finite": int(np.isfinite(values).sum()),
        "n_kept": int(kept.sum()),
        "share_kept": float(kept.mean()),
        "all": _described(values),
        "kept": _described(values[kept]),
        "above": request.above,
        "below": request.below,
        "roi": request.roi,
        "shape": grid.shape,
        **profiles,
        "snippet": _SNIPPET,
        "notes": list(maps.notes),
    }
    folder.write_json("report.json", report)
    return report


def _within(
    request: BandContrastRequest, values: NDArray[np.float32], name: str
) -> NDArray[np.bool_]:
    keep = np.isfinite(values)
    if request.above is not None:
        keep &= values > request.above
    if request.below is not None:
        keep &= values < request.below
    if not keep.any():
        message = (
            f"No point has {name} within these limits: its values run from {np.nanmin(values):g} "
            f"to {np.nanmax(values):g}. Choose other limits."
        )
        raise RequestError(message)
    return keep


def _described(values: NDArray[np.float32]) -> dict[str, Any]:
    finite = values[np.isfinite(values)].astype(np.float64)
    return {
        "mean": float(finite.mean()),
        "sd": float(finite.std(ddof=1)) if len(finite) > 1 else None,
        "min": float(finite.min()),
        "max": float(finite.max()),
        "percentiles": {
            str(share): float(np.percentile(finite, share)) for share in _MOST_SAID
        },
    }  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Shown:
    request: BandContrastRequest
    name: str
    unit: str
    grid: ScanGrid
    values: NDArray[np.float32]
    kept: NDArray[np.bool_]

    @property
    def label(self) -> str:
        title = "band contrast" if self.name == BAND_CONTRAST else self.name
        return f"{title} ({self.unit})" if self.unit else title

    @property
    def limits(self) -> tuple[float | None, float | None]:
        return self.request.above, self.request.below

    def write_points(self, folder: RunFolder) -> None:
        grid, kept = self.grid, self.kept
        x, y = grid.plain_coordinates()
        table = pd.DataFrame({"x": x, "y": y, "row": grid.row, "column": grid.col})
        folder.write_csv("bandcontrast.csv", table.assign(**{self.name: self.values, "kept": kept}))
        folder.write_csv("kept.csv", table.loc[kept, ["x", "y"]])
        np.save(folder.path("kept.npy"), np.column_stack([x, y])[kept])
        np.save(folder.path("bandcontrast.npy"), grid.to_map(self.values))
        mask = np.zeros(grid.shape, np.bool_)
        mask[grid.row[kept], grid.col[kept]] = True
        np.save(folder.path("mask.npy"), mask)

    def draw_maps(self, folder: RunFolder) -> None:
        from latentcore.analysis.latent_maps import robust_limits
        from latentcore.figures.maps import map_figure

        roi = None if self.request.roi is None else Roi.from_bounds(self.request.roi)
        kept = np.where(self.kept, self.values, np.float32(np.nan))
        for name, values, title, missing in (
            ("bandcontrast", self.values, "all points", "no value"),
            ("kept", kept, "kept points", "not kept"),
        ):
            figure = map_figure(
                self.grid, values, label=self.label, title=f"{self.label}, {title}", cmap="grey",
                limits=robust_limits(self.values), roi=roi, missing=self.request.missing_color,
                missing_label=missing,
            )  # fmt: skip
            folder.write_figure(f"{name}.png", figure)

    def write_histogram(self, folder: RunFolder) -> None:
        from latentcore.figures.quality_map import histogram_figure

        counts = histogram(self.values, self.kept)
        folder.write_csv("histogram.csv", counts)
        figure = histogram_figure(counts, label=self.label, limits=self.limits)
        folder.write_figure("histogram.png", figure)

    def write_profile(
        self, folder: RunFolder, line: str, axis: Axis, place: float | None
    ) -> dict[str, Any]:
        """Write the values along a line of the scan; return which line that is."""
        from latentcore.figures.quality_map import profile_figure

        points = line_at(self.grid, axis, place)
        x, y = (places[points] for places in self.grid.plain_coordinates())
        values, kept = self.values[points], self.kept[points]
        folder.write_csv(
            f"{line}_profile.csv", pd.DataFrame({"x": x, "y": y, self.name: values, "kept": kept})
        )
        across = "y" if axis == "x" else "x"
        at = float(getattr(self.grid, across)[points[0]])
        index = int((self.grid.row if axis == "x" else self.grid.col)[points[0]])
        figure = profile_figure(
            getattr(self.grid, axis)[points], values, kept, label=self.label, limits=self.limits,
            place_label=f"{axis} ({self.grid.unit or 'grid units'})",
            title=f"{line.capitalize()} {index}, {across} = {at:g}",
        )  # fmt: skip
        folder.write_figure(f"{line}_profile.png", figure)
        return {across: at, "index": index, "n": len(points), "n_kept": int(kept.sum())}
