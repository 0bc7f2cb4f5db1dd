"""Carry out tasks on this machine: one after the other, or several at once in processes."""

from __future__ import annotations

from latentcore.errors import RequestError
from latentcore.workflows.batch.executors import EXECUTORS, Executor
from latentcore.workflows.batch.executors._pipeline import Pipeline
from latentcore.workflows.batch.executors._processes import Processes

__all__ = ["local"]


@EXECUTORS.register("local")
def local(*, scheduler: str | None, workers: int | None) -> Executor:
    """Return a pipeline for one worker, processes for several.

    Raises
    ------
    RequestError
        If a scheduler is named, or the number of workers is below one.
    """
    if scheduler is not None:
        message = f"⟨scheduler⟩ {scheduler} needs ⟨executor⟩ dask; here the executor is local."
        raise RequestError(message)
    if workers is not None and workers < 1:
        message = f"⟨workers⟩ {workers}: at least one is needed."
        raise RequestError(message)
    return Pipeline() if workers in (None, 1) else Processes(workers)
