"""Which samples of a file a verb works on: by partition, by row number, by place, by maps."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.containers import Resizable, SampleSource, Skipping, damage_of
from latentcore.encoding.denoised import denoised
from latentcore.errors import MalformedFileError, RequestError
from latentcore.inputs.kept import Kept
from latentcore.inputs.rows import rows_mask
from latentcore.preparation import Preparation
from latentcore.progress import Progress
from latentcore.readers import open_samples


@dataclass(frozen=True)
class Choice:
    """What was asked for.

    Attributes
    ----------
    partition : tuple of str
        Only samples of these; of all where empty.
    rows : str or None
        File of row numbers, which count within each partition, or of a mask.
    kept : Kept
        Which points of the scan.
    """

    partition: tuple[str, ...] = ()
    rows: str | None = None
    kept: Kept = field(default_factory=Kept)


@dataclass(frozen=True, eq=False)
class ChosenSamples:
    """An opened file and the choice among its n samples.

    Attributes
    ----------
    member : ndarray of bool, shape (n,)
        Whether a sample belongs to the result: its partition was chosen.
    keep : ndarray of bool, shape (n,)
        Whether it is worked on; at least one is.
    """

    location: str
    source: SampleSource
    member: NDArray[np.bool_]
    keep: NDArray[np.bool_]

    @property
    def rows(self) -> NDArray[np.int64]:
        """Numbers of the kept samples, ascending."""
        return np.flatnonzero(self.keep).astype(np.int64)

    def denoised(self, preparation: Preparation, progress: Progress) -> ChosenSamples:
        """Return the same choice of the samples that a preparation is applied to."""
        return replace(self, source=denoised(self.source, preparation, progress=progress))


def choose_samples(
    location: str,
    choice: Choice,
    folder: RunFolder,
    opened: ExitStack,
    *,
    reader: str | None = None,
    options: Mapping[str, object] | None = None,
    size: tuple[int, int] | None = None,
    skip_damaged: bool = False,
) -> ChosenSamples:
    """Open a file and apply a choice; what was read is noted in `folder`.

    `options` are handed to the reader; pictures and videos are read at (H, W) = `size`, and
    damaged ones are left out where `skip_damaged` says so.

    Raises
    ------
    InputError
        If the file, or what the choice refers to, can't be used.
    RequestError
        If no sample is left.
    """
    source = opened.enter_context(open_samples(location, reader, **(options or {})))
    if size is not None and isinstance(source, Resizable):
        source = opened.enter_context(source.at_resolution(size))
    if skip_damaged and isinstance(source, Skipping):
        source = opened.enter_context(source.skipping())
    elif damage := damage_of(source):
        raise MalformedFileError(next(iter(damage.values())))
    folder.add_input(location, source.ref.reader, source.fingerprint(), "samples")
    member = _members(source, choice.partition)
    keep = member.copy()
    if choice.rows is not None:
        keep &= rows_mask(choice.rows, _parts(source, choice.partition), len(source), folder)
    if choice.kept != Kept():
        keep &= choice.kept.mask(source.grid, location, folder)
    if not keep.any():
        message = (
            f"Of the {len(source)} samples of {location!r} none is left: ⟨partition⟩, ⟨rows⟩, "
            "⟨roi⟩ and the conditions on maps exclude each other's samples. Loosen one of them."
        )
        raise RequestError(message)
    return ChosenSamples(location, source, member, keep)


def _members(source: SampleSource, names: tuple[str, ...]) -> NDArray[np.bool_]:
    if not names:
        return np.ones(len(source), np.bool_)
    present = [] if source.partition is None else sorted(map(str, np.unique(source.partition)))
    missing = [name for name in names if name not in present]
    if missing or source.partition is None:
        has, advice = "no partitions", "Leave the option out."
        if present:
            has = f"the partitions {', '.join(present)}"
            advice = "Name one of these, or leave the option out."
        message = (
            f"⟨partition⟩ {missing[0]} was asked for, but {source.ref.location!r} has {has}. "
            f"{advice}"
        )
        raise RequestError(message)
    return np.isin(source.partition, names)


def _parts(source: SampleSource, names: tuple[str, ...]) -> list[NDArray[np.int64]]:
    """Return the rows of each partition of interest; those of the file where it has none."""
    if source.partition is None:
        return [np.arange(len(source))]
    chosen = names or tuple(dict.fromkeys(source.partition.tolist()))
    return [np.flatnonzero(source.partition == name) for name in chosen]
