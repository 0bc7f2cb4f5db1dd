"""The verb ``train``."""

from __future__ import annotations

from latentcore.workflows.train.verb import TrainRequest, train

__all__ = ["TrainRequest", "train"]
