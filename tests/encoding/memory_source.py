"""A `SampleSource` over an array, which counts and delays its reads."""

from __future__ import annotations

import hashlib
import time

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import SourceRef, default_sample_ids

__all__ = ["MemorySource"]


class MemorySource:
    def __init__(
        self,
        samples: NDArray[np.generic],
        *,
        block_rows: int = 1,
        delay_s: float = 0.0,
        name: str = "memory",
    ) -> None:
        self.samples = samples
        self.ref = SourceRef(name, "memory")
        self.sample_shape = tuple(samples.shape[1:])
        self.dtype = samples.dtype
        self.sample_ids = default_sample_ids(len(samples))
        self.grid = None
        self.partition = None
        self.labels = None
        self.block_rows = block_rows
        self.delay_s = delay_s
        self.reads: list[NDArray[np.int64]] = []

    def __len__(self) -> int:
        return len(self.samples)

    def read(self, rows):
        numbers = np.arange(len(self))[rows]
        self.reads.append(numbers)
        time.sleep(self.delay_s)
        return self.samples[numbers]

    def fingerprint(self) -> str:
        return hashlib.sha256(np.ascontiguousarray(self.samples).data).hexdigest()

    def close(self) -> None:
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        self.close()
