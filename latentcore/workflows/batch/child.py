"""The worker process of a batch: ``python -m latentcore.workflows.batch.child``.

A line is a task, and its answer the task's row.
"""

from __future__ import annotations

from latentcore.workers import serve
from latentcore.workflows.batch.tasks import run_task

__all__: list[str] = []

if __name__ == "__main__":
    serve(run_task)
