"""Principal components, fitted on the scan itself.

Up to 4,096 pixels the fit is exact: the covariance is summed up block by block in float64 and its
leading eigenvectors are computed. Beyond, where the covariance would not fit in memory, it is
scikit-learn's incremental PCA over blocks of fixed size. Both give the same numbers in every run.

The components can be turned among themselves, so that each sample lies along few of them (VARIMAX
of the scores): they look like patterns of the scan then, and their maps like its grains
(A. J. Wilkinson et al., *Ultramicroscopy* 196 (2019) 88). Distances between latents, and what all
of them explain together, stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from latentcore.encoders import ENCODERS
from latentcore.encoders._leading import leading_eigenpairs
from latentcore.encoders._tiles import in_tiles
from latentcore.encoders._varimax import varimax
from latentcore.encoders.checkpoints import Checkpoint, tensors_fingerprint
from latentcore.errors import CheckpointError, RequestError
from latentcore.preparation import Preparation

Shape = tuple[int, ...]

_NAME = "pca"
_PREFIX = "pca:"
# A float64 covariance of this many pixels takes 134 MB.
_LARGEST_EXACT = 4096
_EXACT_ROWS = 1024
_ROTATED_ROWS = 50_000
# Squares of a round of the rotation: it takes seconds at most.
_ROTATED_SQUARES = 500_000_000
ROTATIONS = ("varimax",)
_TENSORS = ("mean", "components", "explained_variance", "explained_variance_ratio")


class PcaEncoder:
    """A fitted PCA: latents are the scores. See `latentcore.encoders.Encoder`.

    Parameters
    ----------
    tensors : Mapping of str to ndarray
        ``mean`` (p,), ``components`` (d, p), ``explained_variance`` (d,) and
        ``explained_variance_ratio`` (d,), for p = C·H·W values of a prepared sample.
    input_shape : tuple of int
        (C, H, W).
    static_background : ndarray of float32, optional
    rotation : str, optional
        One of `ROTATIONS`, where the components were turned; empty where not.
    """

    name = _NAME
    tile = 256

    def __init__(
        self,
        tensors: Mapping[str, NDArray[np.float32]],
        *,
        input_shape: Shape,
        preparation: Preparation | None,
        device: torch.device,
        static_background: NDArray[np.float32] | None = None,
        rotation: str = "",
    ) -> None:
        self.rotation = rotation
        self._tensors = {name: np.asarray(tensors[name], np.float32) for name in _TENSORS}
        self._device = device
        self._on_device: tuple[torch.Tensor, torch.Tensor] | None = None
        self.latent_dim = len(self._tensors["components"])
        self.input_shape = input_shape
        self.preparation = preparation
        self.static_background = static_background
        self.device = str(device)
        self.fingerprint = tensors_fingerprint(self.architecture, self._tensors)

    def encode(self, batch: NDArray[np.float32], *, tile: int | None = None) -> NDArray[np.float32]:
        """Project prepared samples: float32 (b, C, H, W) → float32 (b, d)."""
        mean, components = self._ready()
        return in_tiles(
            lambda x: (x.flatten(1) - mean) @ components.T,
            batch,
            tile=tile or self.tile,
            out_shape=(self.latent_dim,),
            device=self._device,
        )

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rebuild samples from their scores: float32 (b, d) → float32 (b, C, H, W)."""
        mean, components = self._ready()
        return in_tiles(
            lambda z: (z @ components + mean).view(-1, *self.input_shape),
            latents,
            tile=self.tile,
            out_shape=self.input_shape,
            device=self._device,
        )

    def release(self) -> None:
        """Free the accelerator's memory."""
        self._on_device = None
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    @property
    def explained_variance_ratio(self) -> NDArray[np.float32]:
        """Share of the samples' variance that each dimension holds, shape (d,)."""
        return self._tensors["explained_variance_ratio"]

    @property
    def architecture(self) -> Mapping[str, object]:
        """What is needed besides the tensors: the number of dimensions, and a rotation's name."""
        turned = {"rotation": self.rotation} if self.rotation else {}
        return {"latent_dim": self.latent_dim, **turned}

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """Return mean, components and explained variances."""
        return dict(self._tensors)

    def rotated(self, scores: NDArray[np.float32]) -> PcaEncoder:
        """Return the same flat with axes that are simple for some scores, by `varimax`.

        Parameters
        ----------
        scores : ndarray of float32, shape (n, d)
            Latents of samples that it was fitted on.

        Returns
        -------
        PcaEncoder
            The widest dimension first, each turned so that its scores are skewed to the positive.
        """
        turn = varimax(scores)
        variance = self._tensors["explained_variance"].astype(np.float64)
        # Scores of the samples of the fit don't correlate.
        shares = np.square(turn).T @ variance
        turn = turn[:, np.argsort(-shares, kind="stable")]
        skew = (np.asarray(scores, np.float64) @ turn) ** 3
        turn *= np.where(skew.sum(axis=0) < 0, -1, 1)
        shares = np.square(turn).T @ variance
        total = variance.sum() / self._tensors["explained_variance_ratio"].astype(np.float64).sum()
        tensors = {
            "mean": self._tensors["mean"],
            "components": turn.T @ self._tensors["components"].astype(np.float64),
            "explained_variance": shares,
            "explained_variance_ratio": shares / total,
        }
        return PcaEncoder(
            {name: values.astype(np.float32) for name, values in tensors.items()},
            input_shape=self.input_shape,
            preparation=self.preparation,
            device=self._device,
            static_background=self.static_background,
            rotation=ROTATIONS[0],
        )

    def _ready(self) -> tuple[torch.Tensor, torch.Tensor]:
        ready = self._on_device  # read once: another thread may release it meanwhile
        if ready is None:
            # torch.tensor copies into memory aligned as torch likes it, always the same.
            mean, components = (
                torch.tensor(self._tensors[name], device=self._device)
                for name in ("mean", "components")
            )
            ready = self._on_device = (mean, components)
        return ready


class PcaFamily:
    """Loads a PCA that was fitted on another scan."""

    description = "Principal components, fitted on a scan (pca:N)."
    wants = "a model.safetensors of ours"

    def recognizes(self, checkpoint: Checkpoint) -> bool:
        """Tell that bare weights are never a PCA: only files with a record are."""
        del checkpoint
        return False

    def load(
        self, checkpoint: Checkpoint, device: torch.device, input_shape: Shape | None
    ) -> PcaEncoder:
        """Check the tensors against each other and the record."""
        del input_shape  # the record gives it
        shape = checkpoint.input_shape
        assert shape is not None
        pixels = int(np.prod(shape))
        components = checkpoint.tensors.get("components", torch.empty(0, 0))
        d = len(components)
        wanted = {"mean": (pixels,), "components": (d, pixels)}
        wanted |= dict.fromkeys(_TENSORS[2:], (d,))
        found = {name: tuple(tensor.shape) for name, tensor in checkpoint.tensors.items()}
        if found != wanted or d == 0:
            message = (
                f"The PCA {checkpoint.path.name!r} for samples of {shape} needs tensors of shapes "
                f"{wanted}, but holds {found}. Fit it again with pca:N."
            )
            raise CheckpointError(message)
        return PcaEncoder(
            {name: tensor.numpy() for name, tensor in checkpoint.tensors.items()},
            input_shape=shape,
            preparation=checkpoint.preparation,
            device=device,
            static_background=checkpoint.static_background,
            rotation=str(checkpoint.architecture.get("rotation", "")),
        )


ENCODERS.register(_NAME)(PcaFamily())


@dataclass(frozen=True)
class PcaRecipe:
    """A PCA that is still to be fitted: the checkpoint ``pca:N``."""

    n_components: int

    @classmethod
    def parse(cls, checkpoint: str) -> PcaRecipe:
        """Read ``pca:N``.

        Raises
        ------
        RequestError
            If it isn't that, or N is no whole number of at least 1.
        """
        text = checkpoint[len(_PREFIX) :]
        named = checkpoint.lower().startswith(_PREFIX) and re.fullmatch("[0-9]{1,9}", text)
        if not named or int(text) < 1:
            message = (
                f"{checkpoint!r} names no number of components. Write pca:N with N of at least 1, "
                "for example pca:30."
            )
            raise RequestError(message)
        return cls(int(text))

    @property
    def rotated_rows(self) -> int:
        """How many samples' scores a rotation needs: many times the components."""
        return max(
            20 * self.n_components, min(_ROTATED_ROWS, _ROTATED_SQUARES // self.n_components**2)
        )

    def block_rows(self, input_shape: Shape) -> int:
        """Return how many samples `fit` wants in a block."""
        if np.prod(input_shape) <= _LARGEST_EXACT:
            return _EXACT_ROWS
        return max(256, 2 * self.n_components)

    def fit(
        self,
        blocks: Iterable[NDArray[np.float32]],
        *,
        input_shape: Shape,
        preparation: Preparation,
        device: torch.device,
        static_background: NDArray[np.float32] | None = None,
    ) -> PcaEncoder:
        """Fit on prepared samples.

        Parameters
        ----------
        blocks : iterable of ndarray of float32, shape (b, C, H, W)
            All samples once, finite, in blocks of `block_rows` and in a fixed order.
        input_shape : tuple of int
            (C, H, W).
        preparation : Preparation
            What the samples were prepared with.
        device : torch.device
            Where the encoder will compute; the fit runs on the CPU.
        static_background : ndarray of float32, optional

        Raises
        ------
        RequestError
            If there are fewer samples or pixels than components, or all samples are the same.
        """
        pixels = int(np.prod(input_shape))
        if self.n_components > pixels:
            message = (
                f"pca:{self.n_components} asks for more components than a prepared sample has "
                f"values ({pixels}). Ask for at most {pixels}."
            )
            raise RequestError(message)
        flat = (block.reshape(len(block), pixels) for block in blocks)
        exact = pixels <= _LARGEST_EXACT
        mean, components, variance, total = (
            self._fit_exactly(flat, pixels) if exact else self._fit_incrementally(flat)
        )
        largest = np.abs(components).argmax(axis=1)
        components *= np.sign(components[np.arange(len(components)), largest])[:, None]
        tensors = {
            "mean": mean,
            "components": components,
            "explained_variance": variance,
            "explained_variance_ratio": variance / total,
        }
        return PcaEncoder(
            {name: values.astype(np.float32) for name, values in tensors.items()},
            input_shape=input_shape,
            preparation=preparation,
            device=device,
            static_background=static_background,
        )

    def _fit_exactly(self, blocks: Iterable[NDArray[np.float32]], pixels: int) -> _Fit:
        from scipy.linalg import blas

        # Sums are taken about the first block's mean: near enough to the true one that float64
        # loses nothing, and one pass over the file is enough.
        n, shift, total = 0, np.zeros(pixels), np.zeros(pixels)
        scatter = np.zeros((pixels, pixels), order="F")
        for block in blocks:
            if n == 0 and len(block):
                shift = block.mean(axis=0, dtype=np.float64)
            shifted = block - shift
            total += shifted.sum(axis=0)
            # The transpose of a C-ordered block is in BLAS's own order: nothing is copied.
            scatter = blas.dsyrk(1.0, shifted.T, beta=1.0, c=scatter, overwrite_c=True)
            n += len(block)
        self._check_count(n)
        scatter = blas.dsyr(-1.0 / n, total, a=scatter, overwrite_a=True)
        covariance = scatter / (n - 1)
        _check_spread(float(np.trace(covariance)), float(np.abs(shift).max()))
        trace = float(np.trace(covariance))
        values, vectors = leading_eigenpairs(covariance, self.n_components)
        variance = np.maximum(values[::-1], 0.0)
        return shift + total / n, np.ascontiguousarray(vectors[:, ::-1].T), variance, trace

    def _fit_incrementally(self, blocks: Iterable[NDArray[np.float32]]) -> _Fit:
        from sklearn.decomposition import IncrementalPCA

        model = IncrementalPCA(self.n_components)
        n = 0
        # A block of equal samples has a variance of 0, by which it divides; reported below.
        with np.errstate(invalid="ignore", divide="ignore"):
            for block in self._long_enough(blocks):
                n += len(block)
                self._check_count(n)
                model.partial_fit(block)
        self._check_count(n)
        total = float(np.sum(model.var_)) * n / (n - 1)
        _check_spread(total, float(np.abs(model.mean_).max()))
        return model.mean_, model.components_, model.explained_variance_, total

    def _long_enough(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Join blocks until each has as many samples as components, which a step needs."""
        waiting: NDArray[np.float32] | None = None
        for block in blocks:
            if waiting is None:
                waiting = block
            elif min(len(waiting), len(block)) < self.n_components:
                waiting = np.concatenate([waiting, block])
            else:
                yield waiting
                waiting = block
        if waiting is not None:
            yield waiting

    def _check_count(self, n: int) -> None:
        if n < max(2, self.n_components):
            advice = (
                f"Ask for at most {n} components, or keep more points."
                if n > 1
                else "A PCA needs at least 2 samples: keep more points, and look for NaN in them."
            )
            message = (
                f"pca:{self.n_components} was asked for, but only {n} finite samples were kept. "
                f"{advice}"
            )
            raise RequestError(message)


_Fit = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]


def _check_spread(variance: float, size: float) -> None:
    if variance <= 1e-12 * size * size or variance == 0:
        message = (
            "All kept samples are the same after preparation, so they have no principal "
            "components. Look at them: is the detector's signal there, or the scale or background "
            "removal wrong?"
        )
        raise RequestError(message)
