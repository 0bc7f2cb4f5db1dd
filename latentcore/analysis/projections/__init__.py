"""Ways to draw many latent dimensions in two or three, one file each.

A projection is a frozen dataclass. Its fields are its parameters: those that the verb's request
has for all projections are plain, any other is declared with
`latentcore.analysis.parameters.parameter` and becomes an option of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.parameters import make_method
from latentcore.containers import Embedding, LatentSet
from latentcore.progress import Progress
from latentcore.registry import Registry

__all__ = ["PROJECTIONS", "Placing", "Projection", "make_projection"]


class Projection(Protocol):
    """A frozen dataclass whose fields are the method's parameters.

    Attributes
    ----------
    note : str
        What one should know before reading distances off the embedding; may be empty.
    """

    note: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    @property
    def metric(self) -> str:
        """The distance in latent space that the embedding tries to keep."""
        ...

    def embed(self, latents: LatentSet, progress: Progress) -> Embedding:
        """Return coordinates for each sample, NaN where there is no latent.

        Raises
        ------
        RequestError
            If a parameter makes no sense for these latents.
        """
        ...


@runtime_checkable
class Placing(Protocol):
    """A projection that can place new latents in an embedding it made before."""

    @property
    def engine(self) -> str:
        """Name and version of the library, where an embedding of another one means another."""
        ...

    def place(
        self,
        values: NDArray[np.float32],
        fitted: Mapping[str, NDArray[np.floating]],
        progress: Progress,
    ) -> NDArray[np.float32]:
        """Return coordinates (n, c) of finite latents (n, d).

        Parameters
        ----------
        fitted : Mapping of str to ndarray
            `Embedding.fitted`, as ``embed`` returned it.
        """
        ...


PROJECTIONS: Registry[type[Projection]] = Registry("projection", "latentcore.analysis.projections")


def make_projection(method: str, request: Mapping[str, object], own: set[str]) -> Projection:
    """Make a projection from the values of a request.

    Parameters
    ----------
    request : Mapping
        Parameter → value; None means the method's default.
    own : set of str
        Parameters of some methods only: one that this method lacks is refused, where others are
        passed over.

    Raises
    ------
    UnknownNameError
        If no projection has that name.
    RequestError
        If the method lacks a parameter that was given.
    """
    known = {field.name for field in dataclasses.fields(PROJECTIONS.get(method))}
    given = {name: value for name, value in request.items() if name in known | own}
    return make_method(PROJECTIONS, method, given)
