"""Encoders of other programs, exported as TorchScript or by ``torch.export``.

They take prepared samples in [-1, 1] of shape (b, C, H, W) or (b, C, T, H, W), as the Cosmos
tokenizers do, and give feature maps, which are pooled to one vector per sample.

An exported program is code, and runs with the rights of whoever loads it. It is loaded only from
folders that the caller trusts: the command line trusts whom it serves, a server nothing but the
folder in which its operator put models.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from latentcore.encoders import ENCODERS
from latentcore.encoders._tiles import in_tiles
from latentcore.encoders._trial import Fit, features_of, try_program
from latentcore.encoders.checkpoints import Checkpoint
from latentcore.encoders.pooling import check_pooling, pooled, pooled_dim
from latentcore.encoders.programs import COMPILED, load_program
from latentcore.errors import CheckpointError, RequestError, UnsafeFileError
from latentcore.preparation import Preparation

Shape = tuple[int, ...]

_NAME = "exported"
_MOST_DIMENSIONS = 1 << 20


class ExportedEncoder:
    """A loaded program with a pooling. See `latentcore.encoders.Encoder`.

    Parameters
    ----------
    checkpoint : Checkpoint
        A trusted one.
    fit : Fit
        How samples go through it.
    run : callable
        The loaded program.
    pool : str
        ``"mean"``, ``"max"`` or ``"flatten"``.

    Attributes
    ----------
    feature_shape : tuple of int
        (C', h, w), (C', T', h, w) or (d,) of one sample before it is pooled.

    Raises
    ------
    RequestError
        If a vector would have more dimensions than anybody can use.
    """

    name = _NAME
    static_background: NDArray[np.float32] | None = None

    def __init__(
        self,
        checkpoint: Checkpoint,
        fit: Fit,
        run: Callable[[torch.Tensor], object],
        dtype: torch.dtype,
        device: torch.device,
        pool: str = "mean",
    ) -> None:
        self._checkpoint = checkpoint
        self._fit = fit
        self._run: Callable[[torch.Tensor], object] | None = run
        self._dtype = dtype
        self._device = device
        self._lock = threading.Lock()
        self.pool = check_pooling(pool)
        self.input_shape: Shape = fit.input_shape
        self.feature_shape = fit.feature_shape
        self.latent_dim = pooled_dim(fit.feature_shape, pool)
        if self.latent_dim > _MOST_DIMENSIONS:
            message = (
                f"Flattened, the features of shape {fit.feature_shape} have {self.latent_dim:,} "
                f"dimensions; at most {_MOST_DIMENSIONS:,} are kept. Pool them by mean or max, or "
                "lower the resolution."
            )
            raise RequestError(message)
        # Such encoders were trained on x / 127.5 - 1, not on each sample's own range.
        self.preparation: Preparation | None = Preparation(
            scale="type_range", channels=fit.input_shape[0]
        )
        self.device = str(device)
        self.tile = fit.tile
        identity = f"{checkpoint.sha256} {fit.input_shape} {pool}".encode()
        self.fingerprint = f"blake2b:{hashlib.blake2b(identity, digest_size=16).hexdigest()}"

    def pooled(self, method: str) -> Self:
        """Return the same program with another pooling; it is not loaded twice.

        Raises
        ------
        RequestError
            If there is no such pooling, or it keeps too many values.
        """
        run = self._ready()
        twin = type(self)(self._checkpoint, self._fit, run, self._dtype, self._device, method)
        twin._lock = self._lock  # one pass at a time, whatever the pooling
        return twin

    def encode(self, batch: NDArray[np.float32], *, tile: int | None = None) -> NDArray[np.float32]:
        """Encode prepared samples: float32 (b, C, H, W) or (b, C, T, H, W) → float32 (b, d)."""
        run = self._ready()
        with self._lock:
            return in_tiles(
                lambda x: pooled(features_of(run(self._as_input(x))), self.pool),
                batch,
                tile=self.tile if self._fit.fixed else tile or self.tile,
                out_shape=(self.latent_dim,),
                device=self._device,
            )

    def release(self) -> None:
        """Let the program go; it is loaded again when it is used."""
        with self._lock:
            self._run = None
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _as_input(self, x: torch.Tensor) -> torch.Tensor:
        return (x.unsqueeze(2) if self._fit.as_clip else x).to(self._dtype)

    def _ready(self) -> Callable[[torch.Tensor], object]:
        with self._lock:
            if self._run is None:
                checkpoint = self._checkpoint
                self._run = load_program(checkpoint.path, checkpoint.program, self._device).run
            return self._run


class ExportedFamily:
    """Loads TorchScript and ``torch.export`` files that may be trusted."""

    description = "An encoder exported as TorchScript or by torch.export, with pooled features."
    wants = "TorchScript or torch.export"

    def recognizes(self, checkpoint: Checkpoint) -> bool:
        """Tell whether it is a program."""
        return bool(checkpoint.program)

    def load(
        self, checkpoint: Checkpoint, device: torch.device, input_shape: Shape | None
    ) -> ExportedEncoder:
        """Load the program and try what it takes and gives.

        Raises
        ------
        UnsafeFileError
            If the file lies outside of the folders that are trusted.
        CheckpointError
            If it is damaged, or takes no such samples.
        """
        path = checkpoint.path
        if checkpoint.program == COMPILED:
            message = (
                f"{path.name!r} holds machine code (AOTInductor), which is never loaded. Export "
                "the encoder with torch.export.save."
            )
            raise UnsafeFileError(message)
        if not checkpoint.trusted:
            message = (
                f"{path.name!r} is an exported {checkpoint.program} program: loading it can run "
                "any code that it holds, so it is refused. Nothing was executed. On a server the "
                "operator puts such a model into LATENT_MODEL_FOLDER; in Python name a folder "
                "that you trust: open_checkpoint(…, trusted_roots=[folder])."
            )
            raise UnsafeFileError(message)
        program = load_program(path, checkpoint.program, device)
        fit = try_program(program, input_shape, device, path.name)
        if fit.input_shape[0] not in (1, 3):
            message = (
                f"The program {path.name!r} takes {fit.input_shape[0]} channels; samples are "
                "prepared to 1 or 3. Export an encoder of gray or color pictures."
            )
            raise CheckpointError(message)
        return ExportedEncoder(checkpoint, fit, program.run, program.dtype, device)


ENCODERS.register(_NAME)(ExportedFamily())
