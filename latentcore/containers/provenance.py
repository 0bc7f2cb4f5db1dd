"""Where a result comes from, enough to compute it again."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata

from latentcore.version import __version__

_PACKAGES = (
    "torch", "numpy", "scipy", "scikit-learn", "umap-learn", "hdbscan", "h5py", "pandas",
    "matplotlib", "numba",
)  # fmt: skip


@dataclass(frozen=True)
class InputRecord:
    """One thing that was read.

    Attributes
    ----------
    role : str
        What it served as: ``"samples"``, ``"latents"``, ``"map"``, ``"checkpoint"``.
    """

    location: str
    reader: str
    fingerprint: str
    role: str = ""


@dataclass(frozen=True)
class Provenance:
    """Verb, request, inputs, seed, versions and time of one run.

    Attributes
    ----------
    request : Mapping
        The whole request, JSON-like.
    parents : tuple of str
        Ids of the runs that made the inputs.
    created : str
        UTC, ISO 8601.
    """

    verb: str
    request: Mapping[str, object]
    inputs: tuple[InputRecord, ...] = ()
    parents: tuple[str, ...] = ()
    seed: int | None = None
    versions: Mapping[str, str] = field(default_factory=lambda: software_versions())
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


def software_versions() -> dict[str, str]:
    """Return the versions of Python, of this package and of what computes the numbers."""
    versions = {"python": platform.python_version(), "latentcore": __version__}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
