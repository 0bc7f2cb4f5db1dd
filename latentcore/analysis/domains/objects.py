"""Domains as objects: their borders, maps, neighbors, shapes and colors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.domains.edges import ScanEdges
from latentcore.containers import Partitions, ScanGrid
from latentcore.containers.neighborhoods import on_rim

if TYPE_CHECKING:
    import pandas as pd

# Axes this much alike make a circle, which has no direction.
_ROUND = 1e-9
_COLORS = 8


@dataclass(frozen=True, eq=False)
class Domains:
    """Connected parts of a scan, and how far apart neighbors are.

    Attributes
    ----------
    grid : ScanGrid
        Of the n points.
    edges : ScanEdges
    labels : ndarray of int32, shape (n,)
        0 … k−1, each in use; −1 where a point is in no domain.
    distance : ndarray of float32, shape (m,)
        Between the ends of each edge.
    deviation : ndarray of float32, shape (n,)
        Of each point from its domain's mean; NaN where it has none.
    unit : str
        Of distances: ``"°"``, or ``""`` for that of the latents.
    scans : Partitions or None
        The scan of each point, where the grid holds several side by side.
    """

    grid: ScanGrid
    edges: ScanEdges
    labels: NDArray[np.int32]
    distance: NDArray[np.float32]
    deviation: NDArray[np.float32]
    unit: str = ""
    scans: Partitions | None = None

    @property
    def count(self) -> int:
        """Number of domains."""
        return int(self.labels.max(initial=-1)) + 1

    @cached_property
    def same(self) -> NDArray[np.bool_]:
        """Which edges have both ends in one domain, shape (m,)."""
        same: NDArray[np.bool_] = (self._ends[0] == self._ends[1]) & (self._ends[0] >= 0)
        return same

    @cached_property
    def neighbor_distance(self) -> NDArray[np.float32]:
        """Mean distance to the neighbors in the same domain, shape (n,); NaN without any."""
        return self._mean_distance(self.same)

    @cached_property
    def border_contrast(self) -> NDArray[np.float32]:
        """Mean distance to the neighbors in other domains, shape (n,); NaN inside of a domain."""
        return self._mean_distance(~self.same & (self._ends[0] >= 0) & (self._ends[1] >= 0))

    @cached_property
    def borders(self) -> pd.DataFrame:
        """Return one row per pair of neighboring domains.

        ``a`` < ``b`` are the domains, ``length`` is that of the sides of cells between them, in
        the grid's unit, and ``contrast`` the mean distance across these sides, by length.
        """
        import pandas as pd

        one, other = self._ends
        apart = (one != other) & (one >= 0) & (other >= 0)
        low, high = np.minimum(one, other)[apart], np.maximum(one, other)[apart]
        keys, place = np.unique(low.astype(np.int64) * self.count + high, return_inverse=True)
        length = np.bincount(place, self.edges.length[apart])
        across = np.bincount(place, self.edges.length[apart] * self.distance[apart])
        return pd.DataFrame(
            {
                "a": (keys // max(self.count, 1)).astype(np.int32),
                "b": (keys % max(self.count, 1)).astype(np.int32),
                "length": length,
                "contrast": across / length,
            }
        )

    @cached_property
    def colors(self) -> NDArray[np.int32]:
        """A color, 0 … 7, for each domain, shape (k,): neighbors have different ones.

        In a planar map, as domains that share sides of cells are, one has at most five neighbors.
        They are taken away one by one, such a one each time, and colored in the reverse order, so
        that a color is always free (Matula and Beck, *J. ACM* 30 (1983) 417).
        """
        from latentcore.analysis.domains._loops import different_colors

        starts, beside = self._neighbors
        return different_colors(starts, beside, _COLORS)

    def table(self, values: Mapping[str, ArrayLike] | None = None) -> pd.DataFrame:
        """Describe each domain in a row; `docs/numbers.md` defines every column.

        Parameters
        ----------
        values : Mapping of str to array_like, shape (n,)
            Maps and latent dimensions, each of which gets a mean and a s.d. over its finite
            values.
        """
        import pandas as pd

        n = self._sizes
        area = n * self.edges.cell_area
        perimeter = n * self.edges.cell_perimeter - 2 * np.bincount(
            self._ends[0][self.same], self.edges.length[self.same], self.count
        )
        means = [self._mean(at)[0] for at in (self.grid.x, self.grid.y)]
        aspect, angle = self._ellipse(means[0], means[1])
        columns = {
            "domain": np.arange(self.count, dtype=np.int32),
            "n": n,
            "area": area,
            "equivalent_diameter": 2 * np.sqrt(area / np.pi),
            "centroid_x": means[0],
            "centroid_y": means[1],
            "perimeter": perimeter,
            "aspect_ratio": aspect,
            "angle_deg": angle,
            "n_neighbors": np.diff(self._neighbors[0]),
            "touches_border": self._touching,
            "n_inclusions": self._inclusions(perimeter),
            "mean_deviation": self._mean(self.deviation)[0],
            "mean_neighbor_distance": self._mean(self.neighbor_distance)[0],
        }
        if self.scans is not None:
            columns["partition"] = self._scan_of_each
        for name, given in (values or {}).items():
            columns[f"mean_{name}"], columns[f"sd_{name}"] = self._mean(given)
        return pd.DataFrame(columns)

    @cached_property
    def by_scan(self) -> pd.DataFrame | None:
        """Describe the domains of each scan in a row; None where the grid holds one scan.

        `docs/numbers.md` defines the columns.
        """
        import pandas as pd

        if self.scans is None:
            return None
        table = self.table().groupby("partition", sort=False)
        inside = self.scans.count(self.labels >= 0)
        none = pd.DataFrame(
            {
                "partition": self.scans.names,
                "n_points": self.scans.count(),
                "n_in_no_domain": self.scans.count() - inside,
            }
        )
        found = table.agg(
            n_domains=("domain", "size"),
            n_touching_border=("touches_border", "sum"),
            mean_area=("area", "mean"),
            sd_area=("area", lambda one: one.std(ddof=0)),
            mean_equivalent_diameter=("equivalent_diameter", "mean"),
            sd_equivalent_diameter=("equivalent_diameter", lambda one: one.std(ddof=0)),
        )
        whole = none.join(found, on="partition")
        counts = ["n_domains", "n_touching_border"]
        return whole.assign(**whole[counts].fillna(0).astype(np.int64))

    @cached_property
    def _scan_of_each(self) -> NDArray[np.str_]:
        """The scan that each domain lies in, shape (k,)."""
        assert self.scans is not None
        code = np.zeros(self.count, np.int32)
        code[self.labels[self._inside]] = self.scans.codes[self._inside]
        return np.array(self.scans.names, np.str_)[code]

    @cached_property
    def _ends(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The domains at both ends of each edge."""
        return self.labels[self.edges.i], self.labels[self.edges.j]

    @cached_property
    def _inside(self) -> NDArray[np.int64]:
        """The rows that are in a domain."""
        return np.flatnonzero(self.labels >= 0)

    @cached_property
    def _sizes(self) -> NDArray[np.int64]:
        return np.bincount(self.labels[self._inside], minlength=self.count)

    @cached_property
    def _neighbors(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Starts (k + 1,) and the neighbors of each domain."""
        one, other = self.borders["a"].to_numpy(), self.borders["b"].to_numpy()
        ends = np.concatenate([one, other])
        starts = np.zeros(self.count + 1, np.int64)
        np.cumsum(np.bincount(ends, minlength=self.count), out=starts[1:])
        return starts, np.concatenate([other, one])[np.argsort(ends, kind="stable")]

    @cached_property
    def _touching(self) -> NDArray[np.bool_]:
        """Which domains have a cell on the outermost rows or columns of their scan."""
        touching = np.zeros(self.count, np.bool_)
        rows = [np.arange(len(self.labels))]
        if self.scans is not None:
            rows = [np.flatnonzero(self.scans.mask([name])) for name in self.scans.names]
        for own in rows:
            rim = self.labels[own[on_rim(self.grid.take(own))]]
            touching[rim[rim >= 0]] = True
        return touching

    def _inclusions(self, perimeter: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return how many domains each one encloses: those with all of their border in it."""
        degree = np.diff(self._neighbors[0])
        length = np.zeros(self.count)
        around = np.full(self.count, -1, np.int32)
        for end, beside in (("a", "b"), ("b", "a")):
            length[self.borders[end]] = self.borders["length"]
            around[self.borders[end]] = self.borders[beside]
        enclosed = (degree == 1) & np.isclose(length, perimeter) & ~self._touching
        return np.bincount(around[enclosed], minlength=self.count)

    def _mean_distance(self, chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
        chosen = chosen & np.isfinite(self.distance)  # of other phases some have none
        total, number = np.zeros(len(self.labels)), np.zeros(len(self.labels))
        for ends in (self.edges.i[chosen], self.edges.j[chosen]):
            total += np.bincount(ends, self.distance[chosen], len(total))
            number += np.bincount(ends, minlength=len(total))
        with np.errstate(invalid="ignore"):
            return (total / number).astype(np.float32)

    def _mean(self, given: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and s.d. of the finite values in each domain, NaN where there is none."""
        values = np.asarray(given, np.float64).ravel()
        rows = self._inside[np.isfinite(values[self._inside])]
        labels = self.labels[rows]
        number = np.bincount(labels, minlength=self.count)
        with np.errstate(invalid="ignore"):
            mean = np.bincount(labels, values[rows], self.count) / number
            spread = (values[rows] - mean[labels]) ** 2
            return mean, np.sqrt(np.bincount(labels, spread, self.count) / number)

    def _ellipse(
        self, mean_x: NDArray[np.float64], mean_y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return axis ratio and direction of the ellipse with each domain's second moments."""
        rows, labels = self._inside, self.labels[self._inside]
        x, y = self.grid.x[rows] - mean_x[labels], self.grid.y[rows] - mean_y[labels]
        # A cell is no point: it has second moments of its own.
        dx, dy = self.grid.step
        own = (5 / 72 * dx * dx,) * 2 if self.grid.hexagonal else (dx * dx / 12, dy * dy / 12)
        xx = np.bincount(labels, x * x, self.count) / self._sizes + own[0]
        yy = np.bincount(labels, y * y, self.count) / self._sizes + own[1]
        xy = np.bincount(labels, x * y, self.count) / self._sizes
        half, root = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
        angle = np.degrees(np.arctan2(2 * xy, xx - yy) / 2) % 180
        return (
            np.sqrt((half + root) / (half - root)),
            np.where(root > _ROUND * half, angle, np.nan),
        )
