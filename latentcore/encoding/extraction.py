"""Samples → latents, in batches, resumable, to the same bits in every run.

A thread reads and prepares while the caller's thread encodes. The encoder works in tiles of fixed
size, counted from the first kept sample; the batch size only decides how much is read at once.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import SampleSource, damage_of, software_versions
from latentcore.encoders import Encoder
from latentcore.encoders.gpu_lease import leased
from latentcore.encoding._blocks import default_batch_size, prefetched, prepared_batches
from latentcore.encoding._partial import Counts, PartialLatents
from latentcore.errors import RequestError, ShapeError
from latentcore.preparation import Prepared, Preparer
from latentcore.progress import Progress


@dataclass(frozen=True, eq=False)
class Extraction:
    """What an extraction gave.

    Attributes
    ----------
    latents : ndarray of float32, shape (n, d)
        NaN rows where a sample was not kept, not finite or damaged.
    counts : Counts
        Of the kept samples.
    batch_size, tile : int
        Samples per read and per forward pass, as used in the end.
    halvings : int
        How often they were halved because memory ran out.
    resumed_rows : int
        Kept samples that an earlier, interrupted run had done.
    seconds : float
        Of this run.
    """

    latents: NDArray[np.float32]
    counts: Counts
    batch_size: int
    tile: int
    halvings: int
    resumed_rows: int
    seconds: float

    @property
    def rate(self) -> float:
        """Samples per second of this run."""
        return (self.counts.rows - self.resumed_rows) / max(self.seconds, 1e-9)


def extract(
    source: SampleSource,
    encoder: Encoder,
    preparer: Preparer,
    *,
    scratch: Path,
    keep: NDArray[np.bool_] | None = None,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Extraction:
    """Encode the kept samples of a source.

    Parameters
    ----------
    source : SampleSource
        Used by this extraction alone while it runs.
    scratch : Path
        A folder for work in progress. An extraction that finds its own question begun there goes
        on; its result is bit-identical to an uninterrupted one.
    keep : ndarray of bool, shape (n,), optional
        Which samples to encode; all if not given.
    batch_size : int, optional
        Samples read at once, rounded up to whole tiles; chosen from the free memory if not given.
        It can't change the result. Halved when memory runs out; then the tile is.
    progress : Progress, optional
        Steps are kept samples.

    Raises
    ------
    ShapeError
        If the prepared samples are not what the encoder takes, or `keep` is of another length.
    RequestError
        If no sample is kept, or `batch_size` is below 1.
    Cancelled
        If the progress was cancelled; what was done so far is kept in `scratch`.
    """
    from latentcore.encoders.device import is_out_of_memory

    check_fits(encoder, preparer, source)
    rows = _kept_rows(source, keep)
    if batch_size is not None and batch_size < 1:
        message = f"A batch of {batch_size} samples makes no progress. Give at least 1, or none."
        raise RequestError(message)
    job = _Job(source, encoder, preparer, rows, scratch, progress or Progress())
    tile = encoder.tile
    batch = _whole_tiles(batch_size or default_batch_size(source, preparer), tile)
    with leased(encoder.device, job.progress):
        started, halvings = time.perf_counter(), 0
        while True:
            try:
                partial, resumed = job.run(batch, tile)
                break
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error) or batch == 1:
                    raise
            halvings += 1
            if batch == tile:
                tile //= 2
            batch = _whole_tiles(batch // 2, tile)
    latents = np.full((len(source), encoder.latent_dim), np.nan, np.float32)
    latents[rows] = partial.read()
    seconds = time.perf_counter() - started
    return Extraction(latents, partial.counts, batch, tile, halvings, resumed, seconds)


def check_fits(encoder: Encoder, preparer: Preparer, source: SampleSource) -> None:
    """Check that an encoder takes what a preparer makes of a source.

    Raises
    ------
    ShapeError
        If not; the message says both sizes and how to change them.
    """
    check_same_shape(preparer, source)
    if encoder.input_shape == preparer.output_shape:
        return
    height, width = encoder.input_shape[-2:]
    advice = (
        f"Resize them with ⟨resolution⟩ {height} {width}, crop them with ⟨prepare⟩ crop=…, or use "
        "another checkpoint."
    )
    if len(encoder.input_shape) != len(preparer.output_shape):
        advice = "One of the two is about videos, the other about pictures. Use another checkpoint."
    elif encoder.input_shape[1:-2] != preparer.output_shape[1:-2]:
        advice = f"Read as many frames: ⟨reader⟩ video:frames={encoder.input_shape[1]}."
    message = (
        f"The {encoder.name} checkpoint takes samples of {_in_words(encoder.input_shape)}, but "
        f"{source.ref.location!r} holds {_in_words(source.sample_shape)}, prepared to "
        f"{_in_words(preparer.output_shape)}. {advice}"
    )
    raise ShapeError(message)


def _in_words(shape: Sequence[int]) -> str:
    channels, *frames, height, width = shape
    clip = f"{frames[0]} frames of " if frames else ""
    return f"{clip}{height} × {width} pixels and {channels} channel(s)"


def check_same_shape(preparer: Preparer, source: SampleSource) -> None:
    """Check that a source's samples are of the shape that a preparer was made for.

    Raises
    ------
    ShapeError
        If not.
    """
    if source.sample_shape != preparer.sample_shape:
        message = (
            f"The samples of {source.ref.location!r} have the shape {source.sample_shape} "
            f"(channels, height, width), but {preparer.sample_shape} was expected, as in the other "
            "inputs. Extract files of different shapes one by one."
        )
        raise ShapeError(message)


@dataclass(frozen=True)
class _Job:
    source: SampleSource
    encoder: Encoder
    preparer: Preparer
    rows: NDArray[np.int64]
    scratch: Path
    progress: Progress

    def run(self, batch_size: int, tile: int) -> tuple[PartialLatents, int]:
        """Encode what is missing; return the whole and how many rows were there already."""
        question = self._question(tile)
        with PartialLatents(self.scratch, question, self.encoder.latent_dim) as partial:
            # A run ends within a tile only when it ends altogether, so this is a whole number
            # of tiles, and the tiles to come are those of an uninterrupted run.
            resumed = partial.counts.rows
            self._step(resumed)
            left = self.rows[resumed:]
            batches = prepared_batches(self.source, left, self.preparer, batch_size)
            with prefetched(batches) as ready:
                for batch in ready:
                    for start in range(0, len(batch.values), tile):
                        self._encode(batch, slice(start, start + tile), tile, partial)
                        self._step(partial.counts.rows)
        return partial, resumed

    def _encode(self, batch: Prepared, which: slice, tile: int, partial: PartialLatents) -> None:
        finite = batch.finite[which]
        values = batch.values[which]
        if not finite.all():
            values = np.where(finite.reshape(-1, *[1] * (values.ndim - 1)), values, np.float32(0))
        latents = self.encoder.encode(values, tile=tile)
        latents[~finite] = np.nan
        damaged = self._damaged(partial.counts.rows, len(values))
        partial.append(
            latents,
            damaged=damaged,
            not_finite=int((~finite).sum()) - len(damaged),
            constant=int(batch.constant[which].sum()),
        )

    def _damaged(self, start: int, count: int) -> dict[str, str]:
        """Return what is wrong with the damaged ones among the samples that come next."""
        known = damage_of(self.source)
        rows = self.rows[start : start + count].tolist() if known else ()
        return {str(self.source.sample_ids[row]): known[row] for row in rows if row in known}

    def _step(self, done: int) -> None:
        self.progress.step(done, len(self.rows), "encoding")

    def _question(self, tile: int) -> str:
        background = self.preparer.static_background
        asked = {
            "source": self.source.fingerprint(),
            "encoder": self.encoder.fingerprint,
            "device": self.encoder.device,
            "tile": tile,
            "preparation": self.preparer.preparation.to_dict(),
            "background": None if background is None else _digest(background),
            "rows": _digest(self.rows),
            # Another library may round otherwise.
            "versions": software_versions(),
        }
        return hashlib.blake2b(json.dumps(asked).encode(), digest_size=16).hexdigest()


def _kept_rows(source: SampleSource, keep: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    if keep is None:
        rows = np.arange(len(source), dtype=np.int64)
    else:
        if keep.shape != (len(source),):
            message = (
                f"The mask of kept samples has shape {keep.shape}, but {source.ref.location!r} "
                f"holds {len(source)} samples."
            )
            raise ShapeError(message)
        rows = np.flatnonzero(keep).astype(np.int64)
    if len(rows) == 0:
        message = f"No sample of {source.ref.location!r} is kept, so there is nothing to encode."
        raise RequestError(message)
    return rows


def _whole_tiles(batch_size: int, tile: int) -> int:
    return max(1, -(-batch_size // tile)) * tile


def _digest(values: NDArray[np.generic]) -> str:
    return hashlib.blake2b(np.ascontiguousarray(values).data, digest_size=16).hexdigest()
