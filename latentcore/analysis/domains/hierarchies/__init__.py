"""Ways to merge neighboring points, pair by pair, into ever larger parts; one file each.

A method is a frozen dataclass whose fields are its parameters, declared with
`latentcore.analysis.parameters.parameter`; ``merges`` does the work.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.domains.edges import ScanEdges
from latentcore.progress import Progress
from latentcore.registry import Registry


@dataclass(frozen=True, eq=False)
class Merges:
    """Which parts were merged at which distance.

    Attributes
    ----------
    a, b : ndarray of int32, shape (k,)
        A point in each of the two parts. In whatever order they are made, each joins two parts.
    height : ndarray of float64, shape (k,)
        The distance at which they merge, in the unit of the values.
    """

    a: NDArray[np.int32]
    b: NDArray[np.int32]
    height: NDArray[np.float64]


class HierarchyMethod(Protocol):
    """A frozen dataclass whose fields are the method's parameters.

    Attributes
    ----------
    title : str
        What a reader of a figure knows it as.
    """

    title: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def merges(self, values: NDArray[np.float32], edges: ScanEdges, progress: Progress) -> Merges:
        """Merge the points of `edges`, whose values are finite, (p, d); no closed edge merges."""
        ...


HIERARCHIES: Registry[type[HierarchyMethod]] = Registry(
    "method", "latentcore.analysis.domains.hierarchies"
)
