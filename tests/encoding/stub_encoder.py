"""An encoder of a few numpy lines."""

from __future__ import annotations

import numpy as np

from latentcore.preparation import Preparation

__all__ = ["StubEncoder"]


class StubEncoder:
    name = "stub"
    latent_dim = 3
    preparation: Preparation | None = None
    static_background = None
    fingerprint = "stub-1"
    device = "cpu"

    def __init__(self, input_shape=(1, 4, 5), tile: int = 8, memory_for: int | None = None) -> None:
        self.input_shape = input_shape
        self.tile = tile
        self.memory_for = memory_for
        self.passes: list[int] = []

    def encode(self, batch, *, tile=None):
        self.passes.append(tile or self.tile)
        if self.memory_for is not None and (tile or self.tile) > self.memory_for:
            raise MemoryError
        flat = batch.reshape(len(batch), -1)
        return np.stack([flat[:, 0], flat.mean(axis=1), flat.std(axis=1)], axis=1)

    def release(self) -> None:
        pass
