"""Fit an encoder on the scan itself, before it encodes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import SampleSource
from latentcore.encoding._blocks import prefetched, prepared_batches
from latentcore.preparation import Preparer
from latentcore.progress import Progress

if TYPE_CHECKING:
    from latentcore.encoders.pca import PcaEncoder, PcaRecipe


def fit_pca(
    recipe: PcaRecipe,
    parts: Sequence[tuple[SampleSource, NDArray[np.int64]]],
    preparer: Preparer,
    *,
    device: str = "auto",
    rotate: bool = False,
    progress: Progress | None = None,
) -> PcaEncoder:
    """Fit a PCA on the kept samples of one source or several together.

    Samples that are not finite are left out. Blocks are of fixed size and order, so that the
    same samples give the same PCA.

    Parameters
    ----------
    parts : sequence of (SampleSource, ndarray of int64)
        The sources and the rows of each that count, ascending.
    device : str
        Where the encoder will compute.
    rotate : bool
        Whether to turn the components by VARIMAX, for scores of samples all over the sources.
    progress : Progress, optional
        Steps are samples.

    Raises
    ------
    RequestError
        If there are fewer samples or pixels than components, or all samples are the same.
    Cancelled
        If the progress was cancelled.
    """
    from latentcore.encoders.device import resolve_device

    progress = progress or Progress()
    block_rows = recipe.block_rows(preparer.output_shape)

    def blocks(every: int, what: str) -> Iterator[NDArray[np.float32]]:
        done, some = 0, [(source, rows[::every]) for source, rows in parts]
        total = sum(len(rows) for _, rows in some)
        progress.step(0, total, what)
        for source, rows in some:
            with prefetched(prepared_batches(source, rows, preparer, block_rows)) as ready:
                for batch in ready:
                    yield batch.values if batch.finite.all() else batch.values[batch.finite]
                    done += len(batch.values)
                    progress.step(done, total, what)

    fitted = recipe.fit(
        blocks(1, "fitting the PCA"),
        input_shape=preparer.output_shape,
        preparation=preparer.preparation,
        device=resolve_device(device),
        static_background=preparer.static_background,
    )
    if not rotate:
        return fitted
    n = sum(len(rows) for _, rows in parts)
    every = -(-n // recipe.rotated_rows)
    scores = [fitted.encode(block) for block in blocks(every, "rotating the components")]
    return fitted.rotated(np.concatenate(scores))
